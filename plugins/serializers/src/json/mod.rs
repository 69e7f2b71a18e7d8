//! Metrics in, JSON objects out: one a line, or a batch in one object under `metrics`.

mod transform;
pub(crate) mod write;

use std::io::Write as _;

use wheatstone_gotime::{Layout, Zone};
use wheatstone_plugin::prelude::*;

use transform::Transformation;

/// Options of `data_format = "json"`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct JsonConfig {
    /// What timestamps count: `1s`, `1ms`, `1us` or `1ns`; other lengths are cut down to a power of ten nanoseconds.
    pub json_timestamp_units: Duration,
    /// A Go layout such as `2006-01-02T15:04:05Z07:00`, to write timestamps as UTC texts rather than count them.
    pub json_timestamp_format: String,
    /// A JSONata expression that turns the object of a metric, or that of a batch where the output writes batches, into
    /// the JSON to write.
    pub json_transformation: String,
    /// Fields whose texts are JSON and written as such, glob patterns allowed. Without this and without
    /// `json_nested_fields_exclude` texts stay texts.
    pub json_nested_fields_include: Vec<String>,
    /// Fields to leave out of those, glob patterns allowed; alone it means all others.
    pub json_nested_fields_exclude: Vec<String>,
}

impl Default for JsonConfig {
    fn default() -> JsonConfig {
        JsonConfig {
            json_timestamp_units: Duration::from_secs(1),
            json_timestamp_format: String::new(),
            json_transformation: String::new(),
            json_nested_fields_include: Vec::new(),
            json_nested_fields_exclude: Vec::new(),
        }
    }
}

/// How a timestamp is written.
enum Time {
    /// Counted in units of so many nanoseconds.
    Count(i64),
    Text(Layout),
}

/// Which fields may hold JSON.
struct Nested {
    include: Option<Glob>,
    exclude: Option<Glob>,
}

impl Nested {
    fn has(&self, key: &str) -> bool {
        self.include.as_ref().is_none_or(|list| list.matches(key))
            && !self.exclude.as_ref().is_some_and(|list| list.matches(key))
    }
}

/// The serializer of `data_format = "json"`.
pub struct Json {
    time: Time,
    nested: Option<Nested>,
    transformation: Option<Transformation>,
    /// What a transformation reads.
    plain: Vec<u8>,
    /// The time as text.
    text: String,
}

impl Plugin for Json {
    type Config = JsonConfig;

    fn new(config: JsonConfig, _: &Context) -> Result<Json> {
        let time = match config.json_timestamp_format.as_str() {
            "" => Time::Count(power_of_ten(config.json_timestamp_units.nanos())),
            layout => Time::Text(Layout::new(layout)),
        };
        let glob = |entries: &[String]| Glob::new(entries, "").map_err(|e| anyhow!(e));
        let nested = Nested {
            include: glob(&config.json_nested_fields_include)?,
            exclude: glob(&config.json_nested_fields_exclude)?,
        };
        let transformation = match config.json_transformation.as_str() {
            "" => None,
            source => Some(Transformation::new(source)?),
        };
        Ok(Json {
            time,
            nested: (nested.include.is_some() || nested.exclude.is_some()).then_some(nested),
            transformation,
            plain: Vec::new(),
            text: String::new(),
        })
    }
}

register!(serializer "json" = Json);

/// The largest power of ten that is not above `nanos`; a second where that is none.
fn power_of_ten(nanos: i64) -> i64 {
    if nanos <= 0 {
        1_000_000_000
    } else {
        10_i64.pow(nanos.ilog10())
    }
}

impl Serializer for Json {
    fn serialize(&mut self, metric: &Metric, out: &mut Vec<u8>) -> Result<()> {
        self.write(out, "maybe configured for batch mode?", |json, out| {
            json.object(metric, out)
        })
    }

    fn serialize_batch(&mut self, metrics: &[&Metric], out: &mut Vec<u8>) -> Result<()> {
        self.write(out, "maybe configured for non-batch mode?", |json, out| {
            out.extend_from_slice(b"{\"metrics\":[");
            for (at, metric) in metrics.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                json.object(metric, out);
            }
            out.extend_from_slice(b"]}");
        })
    }
}

impl Json {
    /// Writes a line, by way of the transformation where there is one.
    fn write(
        &mut self,
        out: &mut Vec<u8>,
        hint: &str,
        object: impl FnOnce(&mut Json, &mut Vec<u8>),
    ) -> Result<()> {
        let before = out.len();
        if self.transformation.is_none() {
            object(self, out);
        } else {
            let mut plain = std::mem::take(&mut self.plain);
            plain.clear();
            object(self, &mut plain);
            let made = self.transformation.iter().try_for_each(|t| t.apply(&plain, out));
            self.plain = plain;
            if let Err(error) = made {
                out.truncate(before);
                let undefined = error.to_string() == "no results found";
                return Err(if undefined {
                    anyhow!("{error} ({hint})")
                } else {
                    error
                });
            }
        }
        out.push(b'\n');
        Ok(())
    }

    fn object(&mut self, metric: &Metric, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"fields\":");
        let mut fields: Vec<(&Key, &Value)> = metric
            .fields()
            .filter(|(_, v)| !matches!(v, Value::Float(v) if !v.is_finite()))
            .collect();
        fields.sort_unstable_by_key(|(key, _)| key.as_str());
        let members = fields.into_iter().map(|(key, value)| (key, (key, value)));
        write::object(members, out, |(key, value), out| {
            match self.nested_value(key, value) {
                Some(nested) => write::document(&nested, out),
                None => write::value(value, out),
            }
        });
        out.extend_from_slice(b",\"name\":");
        write::string(metric.name(), out);
        out.extend_from_slice(b",\"tags\":");
        write::object(metric.tags(), out, write::string);
        out.extend_from_slice(b",\"timestamp\":");
        match &self.time {
            Time::Count(unit) => {
                // Writing to memory cannot fail.
                let _ = write!(out, "{}", metric.time() / unit);
            }
            Time::Text(layout) => {
                self.text.clear();
                layout.format_to(&mut self.text, metric.time(), &Zone::UTC);
                write::string(&self.text, out);
            }
        }
        out.push(b'}');
    }

    fn nested_value(&self, key: &str, value: &Value) -> Option<serde_json::Value> {
        let nested = self.nested.as_ref()?;
        let text = value.as_str()?;
        if nested.has(key) {
            serde_json::from_str(text).ok()
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests;
