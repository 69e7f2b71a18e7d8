//! The option `document`: keys, and where each value comes from.

use std::borrow::Cow;
use std::fmt;

use mongodb::bson::raw::CString;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use wheatstone_plugin::prelude::{Result, anyhow, bail};

/// Keys and sources as the configuration has them, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form(pub Vec<(String, String)>);

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The time as a date.
    Date,
    /// The time as a number.
    Number(Unit),
    /// The measurement.
    Name,
    /// All tags.
    Tags,
    /// All fields.
    Fields,
    /// One tag.
    Tag(String),
    /// One field.
    Field(String),
    /// A text.
    Literal(String),
}

/// What is counted since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    /// How many there are in so many nanoseconds, rounded down.
    pub fn count(self, nanos: i64) -> i64 {
        nanos.div_euclid(match self {
            Unit::Seconds => 1_000_000_000,
            Unit::Millis => 1_000_000,
            Unit::Micros => 1_000,
            Unit::Nanos => 1,
        })
    }
}

impl Source {
    /// Reads a source as the configuration writes it.
    pub fn parse(text: &str) -> Result<Source> {
        Ok(match text.split_once(':') {
            _ if text.starts_with('=') => Source::Literal(text[1..].to_owned()),
            None => match text {
                "time" => Source::Date,
                "name" => Source::Name,
                "tags" => Source::Tags,
                "fields" => Source::Fields,
                _ => bail!(
                    "unknown source {text:?}: use \"time\", \"name\", \"tags\", \"fields\", \"tag:KEY\", \"field:KEY\" or \"=text\""
                ),
            },
            Some(("tag" | "field", "")) => bail!("source {text:?} names no key"),
            Some(("tag", key)) => Source::Tag(key.to_owned()),
            Some(("field", key)) => Source::Field(key.to_owned()),
            Some(("time", unit)) => Source::Number(match unit {
                "s" => Unit::Seconds,
                "ms" => Unit::Millis,
                "us" => Unit::Micros,
                "ns" => Unit::Nanos,
                _ => bail!("unknown unit in {text:?}: use \"s\", \"ms\", \"us\" or \"ns\""),
            }),
            Some(_) => bail!("unknown source {text:?}: begin a fixed text with \"=\""),
        })
    }
}

impl Form {
    /// Reads all sources.
    pub fn sources(&self) -> Result<Vec<(CString, Source)>> {
        let read = |(key, source): &(String, String)| {
            let name =
                CString::try_from(key.clone()).map_err(|_| anyhow!("key {key:?} holds a zero byte"))?;
            let source =
                Source::parse(source).map_err(|e| anyhow!("option \"document\", key {key:?}: {e}"))?;
            Ok((name, source))
        };
        self.0.iter().map(read).collect()
    }
}

impl<'de> Deserialize<'de> for Form {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Form, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Form;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of keys and sources, such as value = \"field:value\"")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Form, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Form(entries))
            }
        }
        d.deserialize_map(V)
    }
}
impl Serialize for Form {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(self.0.len()))?;
        for (key, source) in &self.0 {
            map.serialize_entry(key, source)?;
        }
        map.end()
    }
}
impl JsonSchema for Form {
    fn schema_name() -> Cow<'static, str> {
        "Form".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": { "type": "string" } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read() -> Result<()> {
        for (text, source) in [
            ("time", Source::Date),
            ("time:ns", Source::Number(Unit::Nanos)),
            ("name", Source::Name),
            ("tag:sensor_id", Source::Tag("sensor_id".into())),
            ("tag:a:b", Source::Tag("a:b".into())),
            ("field:value", Source::Field("value".into())),
            ("=tag:x", Source::Literal("tag:x".into())),
            ("=", Source::Literal(String::new())),
        ] {
            assert_eq!(Source::parse(text)?, source);
        }
        for wrong in ["", "value", "tag:", "field:", "time:h", "labels:x"] {
            assert!(Source::parse(wrong).is_err(), "{wrong}");
        }
        Ok(())
    }

    #[test]
    fn times_are_rounded_down() {
        assert_eq!(Unit::Seconds.count(1_999_999_999), 1);
        assert_eq!(Unit::Millis.count(-1), -1);
        assert_eq!(Unit::Nanos.count(7), 7);
    }
}
