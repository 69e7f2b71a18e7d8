//! Metrics in; the same with tags and fields turned into other types, names and times out.

mod base64;
mod number;
mod plan;

use wheatstone_plugin::line_protocol;
use wheatstone_plugin::prelude::*;

use number::{to_bool, to_float, to_integer, to_unsigned};
use plan::{Plan, Target};

/// Converts tags and fields to other types.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ConverterConfig {
    /// Tags to convert: a tag becomes a field, the measurement's name or the time, and is gone. One that cannot be
    /// converted is dropped with an error, unless it was to become the time.
    tags: Option<ConversionConfig>,
    /// Fields to convert. One that cannot be converted is dropped with an error, unless it was to become the time.
    fields: Option<ConversionConfig>,
}

/// Which keys become what: lists of keys, which may contain `*`, `?` and `[...]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ConversionConfig {
    /// Becomes the measurement's name.
    measurement: Vec<String>,
    /// Becomes a tag. Only for fields.
    tag: Vec<String>,
    /// Becomes a string.
    string: Vec<String>,
    /// Becomes an integer; a fraction is rounded.
    integer: Vec<String>,
    /// Becomes an unsigned integer; a fraction is rounded, a negative number becomes 0.
    unsigned: Vec<String>,
    /// Becomes a truth value: numbers above 0 are true.
    boolean: Vec<String>,
    /// Becomes a float.
    float: Vec<String>,
    /// Becomes the metric's time.
    timestamp: Vec<String>,
    /// How such times are written: `unix`, `unix_ms`, `unix_us`, `unix_ns`, or a layout of Go, such as
    /// `2006-01-02T15:04:05Z07:00`.
    timestamp_format: String,
    /// Becomes a float, from its 32 bits in Base64. Only for fields.
    base64_ieee_float32: Vec<String>,
}

struct Converter {
    tags: Option<Plan>,
    fields: Option<Plan>,
    log: Log,
    /// Of the metric at hand: keys that are not only changed in place.
    moved: Vec<(Key, Target)>,
}

impl Plugin for Converter {
    type Config = ConverterConfig;

    fn new(config: ConverterConfig, cx: &Context) -> Result<Self> {
        if config.tags.is_none() && config.fields.is_none() {
            bail!("no filters found");
        }
        Ok(Converter {
            tags: config.tags.map(|c| Plan::for_tags(&c)).transpose()?,
            fields: config.fields.map(|c| Plan::for_fields(&c)).transpose()?,
            log: cx.log().clone(),
            moved: Vec::new(),
        })
    }
}

impl Processor for Converter {
    fn process(&mut self, metrics: &mut Vec<Metric>) {
        for m in metrics {
            self.convert_tags(m);
            self.convert_fields(m);
        }
    }
}

impl Converter {
    fn convert_tags(&mut self, m: &mut Metric) {
        let Converter {
            tags: Some(plan),
            log,
            moved,
            ..
        } = self
        else {
            return;
        };
        moved.clear();
        for (key, _) in m.tags() {
            let target = plan.target(key);
            if target != Target::Keep {
                moved.push((key.clone(), target));
            }
        }
        for (key, target) in moved.drain(..) {
            if target == Target::Timestamp {
                let time = m.tag(&key).map(|text| plan.time(&Value::from(text)));
                if take_time(m, time, "string", log) {
                    m.remove_tag(&key);
                }
                continue;
            }
            let Some(text) = m.remove_tag(&key) else { continue };
            if target == Target::Measurement {
                m.set_name(text);
                continue;
            }
            let mut value = Value::Str(text);
            if convert(&mut value, target, "boolean", log) {
                m.set_field(key, value);
            }
        }
    }

    fn convert_fields(&mut self, m: &mut Metric) {
        let Converter {
            fields: Some(plan),
            log,
            moved,
            ..
        } = self
        else {
            return;
        };
        moved.clear();
        m.for_each_field_mut(|key, value| match plan.target(key) {
            Target::Keep => {}
            target @ (Target::Measurement | Target::Tag | Target::Timestamp) => {
                moved.push((key.clone(), target))
            }
            target => {
                if !convert(value, target, "bool", log) {
                    moved.push((key.clone(), Target::Nothing));
                }
            }
        });
        for (key, target) in moved.drain(..) {
            if target == Target::Timestamp {
                let shown = m.field(&key).map_or("", go_type);
                let time = m.field(&key).map(|value| plan.time(value));
                if take_time(m, time, shown, log) {
                    m.remove_field(&key);
                }
                continue;
            }
            let Some(mut value) = m.remove_field(&key) else {
                continue;
            };
            match target {
                Target::Measurement if convert(&mut value, Target::String, "", log) => {
                    m.set_name(value.as_str().unwrap_or_default());
                }
                Target::Tag if convert(&mut value, Target::String, "", log) => {
                    m.set_tag(key, value.as_str().unwrap_or_default());
                }
                _ => {}
            }
        }
    }
}

/// Sets the time, or says why not.
fn take_time(m: &mut Metric, time: Option<Result<Timestamp, String>>, shown: &str, log: &Log) -> bool {
    match time {
        Some(Ok(time)) => {
            m.set_time(time);
            true
        }
        Some(Err(error)) => {
            error!(log, "Converting to timestamp [{shown}] failed: {error}");
            false
        }
        None => false,
    }
}

/// Turns a value into another type; where that fails it says so and the value is of no more use.
fn convert(value: &mut Value, target: Target, boolean: &str, log: &Log) -> bool {
    let (name, converted) = match target {
        Target::Integer => (
            "integer",
            to_integer(value).map(Value::Int).map_err(|e| e.to_string()),
        ),
        Target::Unsigned => (
            "unsigned",
            to_unsigned(value).map(Value::Uint).map_err(|e| e.to_string()),
        ),
        Target::Float => (
            "float",
            to_float(value).map(Value::Float).map_err(|e| e.to_string()),
        ),
        Target::Boolean => (
            boolean,
            to_bool(value).map(Value::Bool).map_err(|e| e.to_string()),
        ),
        Target::Base64 => ("base64_ieee_float32", base64_float(value)),
        Target::String => {
            if value.as_str().is_none() {
                *value = Value::Str(to_text(value));
            }
            return true;
        }
        _ => return true,
    };
    match converted {
        Ok(converted) => {
            *value = converted;
            true
        }
        Err(error) => {
            error!(log, "Converting to {name} [{}] failed: {error}", go_type(value));
            false
        }
    }
}

fn base64_float(value: &Value) -> Result<Value, String> {
    match value.as_str() {
        Some(text) => base64::float(text).map(Value::Float).map_err(|e| e.to_string()),
        None => Err(format!("type {:?} unsupported", go_type(value))),
    }
}

/// The value as text; floats have no exponent.
fn to_text(value: &Value) -> CompactString {
    match value {
        Value::Float(v) => {
            let mut out = Vec::new();
            line_protocol::push_float(*v, &mut out);
            CompactString::from_utf8_lossy(&out)
        }
        other => CompactString::from(other.to_string()),
    }
}

/// Go's name of the type: what Telegraf's users know from its log.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Float(_) => "float64",
        Value::Int(_) => "int64",
        Value::Uint(_) => "uint64",
        Value::Bool(_) => "bool",
        Value::Str(_) => "string",
    }
}

register!(processor "converter" = Converter);

#[cfg(test)]
mod tests;
