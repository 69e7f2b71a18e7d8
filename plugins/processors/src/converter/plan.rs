//! Keys in, what they are converted to out.

use wheatstone_gotime::{TimeFormat, UnixUnit};
use wheatstone_plugin::prelude::*;

use super::ConversionConfig;
use crate::by_key::ByKey;

/// What becomes of a tag or field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Keep,
    Nothing,
    Measurement,
    Tag,
    Float,
    Integer,
    Unsigned,
    Boolean,
    String,
    Timestamp,
    Base64,
}

/// The conversions of all tags or of all fields.
pub(super) struct Plan {
    /// The first that matches counts.
    globs: Vec<(Target, Glob)>,
    known: ByKey<Target>,
    unit: Option<UnixUnit>,
    format: TimeFormat,
}

impl Plan {
    pub(super) fn for_tags(c: &ConversionConfig) -> Result<Plan> {
        let order = [
            (Target::Measurement, &c.measurement),
            (Target::String, &c.string),
            (Target::Integer, &c.integer),
            (Target::Unsigned, &c.unsigned),
            (Target::Boolean, &c.boolean),
            (Target::Float, &c.float),
            (Target::Timestamp, &c.timestamp),
        ];
        Plan::new(&order, &c.timestamp_format)
    }

    pub(super) fn for_fields(c: &ConversionConfig) -> Result<Plan> {
        let order = [
            (Target::Measurement, &c.measurement),
            (Target::Tag, &c.tag),
            (Target::Float, &c.float),
            (Target::Integer, &c.integer),
            (Target::Unsigned, &c.unsigned),
            (Target::Boolean, &c.boolean),
            (Target::String, &c.string),
            (Target::Timestamp, &c.timestamp),
            (Target::Base64, &c.base64_ieee_float32),
        ];
        Plan::new(&order, &c.timestamp_format)
    }

    fn new(order: &[(Target, &Vec<String>)], timestamp_format: &str) -> Result<Plan> {
        let mut globs = Vec::new();
        for (target, keys) in order {
            if let Some(glob) = Glob::new(keys, "").map_err(|e| anyhow!(e))? {
                globs.push((*target, glob));
            }
        }
        Ok(Plan {
            globs,
            known: ByKey::default(),
            unit: UnixUnit::from_name(timestamp_format),
            format: TimeFormat::new(timestamp_format, "")?,
        })
    }

    #[inline]
    pub(super) fn target(&mut self, key: &Key) -> Target {
        let globs = &self.globs;
        *self.known.get(key, |key| {
            globs
                .iter()
                .find(|(_, glob)| glob.matches(key))
                .map_or(Target::Keep, |(target, _)| *target)
        })
    }

    /// The value as a time.
    pub(super) fn time(&self, value: &Value) -> Result<Timestamp, String> {
        let time = match (value, self.unit) {
            (Value::Str(text), _) => self.format.parse_str(text),
            // A count that is too large wraps around, as in Telegraf.
            (Value::Int(count), Some(unit)) => Ok(count.wrapping_mul(unit.nanos())),
            (Value::Uint(count), Some(unit)) => match i64::try_from(*count) {
                Ok(count) => Ok(count.wrapping_mul(unit.nanos())),
                Err(_) => return Err("value out of range".to_owned()),
            },
            (Value::Float(count), _) => self.format.parse_float(*count),
            _ => return Err("unsupported type".to_owned()),
        };
        time.map_err(|e| e.to_string())
    }
}
