//! A Dropwizard metric registry as JSON in, a metric of each of its counters, meters, gauges, histograms and timers out.

mod series;

use std::collections::BTreeMap;

use wheatstone_gotime::TimeFormat;
use wheatstone_plugin::prelude::*;

use crate::gjson_path::{self, Found, Kind};
use crate::graphite::template::{Applied, Templates};
use crate::json::check::locate;
use crate::value::number::quote;

/// Options of `data_format = "dropwizard"`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DropwizardConfig {
    /// GJSON path to the registry, where it is not the whole document.
    pub dropwizard_metric_registry_path: String,
    /// GJSON path to the time of all metrics; without it theirs is that of arrival.
    pub dropwizard_time_path: String,
    /// How that time is written: a Go layout, RFC 3339 without it.
    pub dropwizard_time_format: String,
    /// GJSON path to an object of texts that become tags.
    pub dropwizard_tags_path: String,
    /// Tags and the GJSON paths to their values, where the path above leads to none.
    pub dropwizard_tag_paths_map: BTreeMap<String, String>,
    /// What joins the parts of a name that a template puts together.
    pub separator: String,
    /// Templates that say what the parts of a name are, as of the graphite parser. Without them names are read as line
    /// protocol has them: `measurement,tag=value`.
    pub templates: Vec<String>,
}

/// The parser of `data_format = "dropwizard"`.
pub struct Dropwizard {
    config: DropwizardConfig,
    time: TimeFormat,
    templates: Option<Templates>,
    keys: KeyCache,
    log: Log,
}

/// The sections of a registry with the value of the tag `metric_type`, in the order of the metrics.
const SECTIONS: [(&str, &str); 5] = [
    ("counters", "counter"),
    ("meters", "meter"),
    ("gauges", "gauge"),
    ("histograms", "histogram"),
    ("timers", "timer"),
];
const RFC3339: &str = "2006-01-02T15:04:05Z07:00";

impl Plugin for Dropwizard {
    type Config = DropwizardConfig;

    fn new(config: DropwizardConfig, cx: &Context) -> Result<Dropwizard> {
        let templates = match config.templates.as_slice() {
            [] => None,
            templates => Some(Templates::new(templates)?),
        };
        let time = match config.dropwizard_time_format.as_str() {
            "" => RFC3339,
            format => format,
        };
        Ok(Dropwizard {
            time: TimeFormat::new(time, "")?,
            templates,
            keys: KeyCache::default(),
            log: cx.log().clone(),
            config,
        })
    }
}

register!(parser "dropwizard" = Dropwizard);

impl Parser for Dropwizard {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let json = String::from_utf8_lossy(payload);
        let time = self.time(&json, now)?;
        let found;
        // A path and what it leads to live equally long.
        let path = self.config.dropwizard_metric_registry_path.clone();
        let registry = match path.as_str() {
            "" => &*json,
            path => {
                found = gjson_path::get(&json, path);
                if found.raw.is_empty() {
                    bail!("metric registry not found in JSON path {path}");
                }
                &*found.raw
            }
        };
        let root = object(registry).map_err(|error| {
            anyhow!("unable to parse dropwizard metric registry from JSON document, {error:#}")
        })?;
        let before = out.len();
        for (section, kind) in SECTIONS {
            if let Err(error) = self.section(&root.inside(section), kind, time, out) {
                out.truncate(before);
                return Err(error).with_context(|| format!("failed to apply template for type {kind}"));
            }
        }
        for (key, value) in self.tags(&json) {
            for metric in &mut out[before..] {
                if !metric.has_tag(&key) {
                    metric.set_tag(self.keys.get(&key), value.clone());
                }
            }
        }
        Ok(())
    }
}

/// Checks that a text is one JSON object; `null` is an empty one.
fn object(text: &str) -> Result<Found<'_>> {
    locate(text.as_bytes()).map_err(|error| anyhow!(escape_error(text, error.offset, error.to_string())))?;
    let root = Found::parse(text);
    if root.is_object() || root.kind == Kind::Null {
        return Ok(root);
    }
    let kind = match root.kind {
        Kind::String => "string",
        Kind::Number => "number",
        Kind::True | Kind::False => "bool",
        _ => "array",
    };
    bail!("json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}")
}

/// What Telegraf says here of a broken escape sequence differs from what it says elsewhere.
fn escape_error(text: &str, offset: usize, message: String) -> String {
    if !message.contains("escape") {
        return message;
    }
    let bytes = text.as_bytes();
    let begin = bytes
        .get(..offset)
        .and_then(|b| b.iter().rposition(|b| *b == b'\\'));
    let sequence = begin
        .and_then(|begin| bytes.get(begin..=offset))
        .unwrap_or_default();
    // `\\u` and four digits are the longest there is.
    let sequence = &sequence[..sequence.len().min(12)];
    format!(
        "invalid escape sequence {} in string",
        quote(&String::from_utf8_lossy(sequence))
    )
}

impl Dropwizard {
    fn time(&self, json: &str, now: Timestamp) -> Result<Timestamp> {
        let path = self.config.dropwizard_time_path.as_str();
        if path.is_empty() {
            return Ok(now);
        }
        let found = gjson_path::get(json, path);
        let text = found.string();
        if text.is_empty() {
            bail!("time not found in JSON path {path}");
        }
        let format = match self.config.dropwizard_time_format.as_str() {
            "" => RFC3339,
            format => format,
        };
        self.time.parse_str(&text).map_err(|error| {
            let shown: String = text.chars().take(80).collect();
            anyhow!("time {shown} cannot be parsed with format {format}, {error}")
        })
    }

    /// Makes metrics of the members of a section.
    fn section(
        &mut self,
        section: &Found<'_>,
        kind: &'static str,
        time: Timestamp,
        out: &mut Vec<Metric>,
    ) -> Result<()> {
        if !section.is_object() {
            return Ok(());
        }
        let mut wrong = None;
        section.for_each(|name, fields| {
            let Some(name) = name else {
                return true;
            };
            match self.metric(&name.string(), &fields, kind, time) {
                Ok(metric) => out.extend((metric.field_count() > 0).then_some(metric)),
                Err(error) => wrong = Some(error),
            }
            wrong.is_none()
        });
        wrong.map_or(Ok(()), Err)
    }

    fn metric(
        &mut self,
        name: &str,
        fields: &Found<'_>,
        kind: &'static str,
        time: Timestamp,
    ) -> Result<Metric> {
        let applied = match &self.templates {
            Some(templates) => templates.find(name).apply(name, &self.config.separator)?,
            None => Applied {
                measurement: name.to_owned(),
                ..Applied::default()
            },
        };
        let prefix = match applied.field.as_str() {
            "" => String::new(),
            field => format!("{field}{}", self.config.separator),
        };
        let keys = &mut self.keys;
        let series = series::parse(&applied.measurement).unwrap_or_else(|| series::Series {
            measurement: applied.measurement.clone(),
            tags: Vec::new(),
        });
        let mut metric = Metric::with_capacity(keys.get(&series.measurement), time, 16);
        for (key, value) in &series.tags {
            metric.set_tag(keys.get(key), value.as_str());
        }
        metric.set_tag(key!("metric_type"), kind);
        for (key, value) in &applied.tags {
            metric.set_tag(keys.get(key), value.as_str());
        }
        if fields.is_object() {
            fields.for_each(|key, value| {
                let key = key.map(Found::string).unwrap_or_default();
                let value_of = match value.kind {
                    Kind::Number => Value::Float(value.number()),
                    Kind::String => Value::from(&*value.string()),
                    Kind::True => Value::Bool(true),
                    Kind::False => Value::Bool(false),
                    Kind::Null | Kind::Json => return true,
                };
                metric.set_field(keys.get(&format!("{prefix}{key}")), value_of);
                true
            });
        }
        Ok(metric)
    }

    /// The tags of all metrics.
    fn tags(&self, json: &str) -> Vec<(String, CompactString)> {
        let path = self.config.dropwizard_tags_path.as_str();
        if !path.is_empty() {
            match texts(&gjson_path::get(json, path).raw) {
                Ok(tags) if !tags.is_empty() => return tags,
                Ok(_) => {}
                Err(error) => {
                    warn!(
                        self.log,
                        "Failed to parse tags from JSON path {}: {error:#}",
                        quote(path)
                    );
                }
            }
        }
        let paths = self.config.dropwizard_tag_paths_map.iter();
        paths
            .map(|(tag, path)| {
                (
                    tag.clone(),
                    CompactString::from(&*gjson_path::get(json, path).string()),
                )
            })
            .collect()
    }
}

/// An object whose values are all texts.
fn texts(json: &str) -> Result<Vec<(String, CompactString)>> {
    let root = object(json)?;
    let (mut tags, mut wrong) = (Vec::new(), None);
    root.for_each(|key, value| {
        let key = key.map(Found::string).unwrap_or_default();
        match value.kind {
            Kind::String | Kind::Null => tags.push((key.into_owned(), CompactString::from(&*value.string()))),
            _ => wrong = Some(key.into_owned()),
        }
        wrong.is_none()
    });
    match wrong {
        Some(key) => {
            let shown: String = key.chars().take(80).collect();
            bail!("the value of {} is no text", quote(&shown))
        }
        None => Ok(tags),
    }
}

#[cfg(test)]
mod tests;
