//! Avro messages in, metrics out: one for a record, or one for each record of an array.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod binary;
mod config;
mod datum;
mod json;
mod registry;
mod schema;

use std::sync::Arc;

use wheatstone_gotime::TimeFormat;
use wheatstone_plugin::prelude::*;

pub use config::AvroConfig;

use binary::Reader;
use datum::{Datum, UnionMode};
use registry::Registry;
use schema::Schema;

/// The parser of `data_format = "avro"`.
pub struct Avro {
    source: Source,
    json: bool,
    records: Records,
    log: Log,
}

/// Where schemas come from.
enum Source {
    Options(Arc<Schema>),
    /// The message names its schema.
    Registry(Box<Registry>),
}

/// Makes metrics of records.
struct Records {
    config: AvroConfig,
    metric_name: String,
    time: TimeFormat,
    /// What a count of that time is, in nanoseconds.
    unit: i64,
    mode: UnionMode,
    keys: KeyCache,
    log: Log,
    name: String,
}

impl Plugin for Avro {
    type Config = AvroConfig;

    fn new(config: AvroConfig, cx: &Context) -> Result<Avro> {
        let json = match config.avro_format.as_str() {
            "" | "binary" => false,
            "json" => true,
            other => bail!("unknown 'avro_format' {other:?}"),
        };
        let mode = match config.avro_union_mode.as_str() {
            "" | "flatten" => UnionMode::Flatten,
            "nullable" | "any" => UnionMode::Plain,
            other => bail!("unknown avro_union_mode {other:?}"),
        };
        if config.avro_schema.is_empty() == config.avro_schema_registry.is_empty() {
            bail!("exactly one of 'schema_registry' or 'schema' must be specified");
        }
        let (time, unit) = match config.avro_timestamp_format.as_str() {
            "" | "unix" => ("unix", 1_000_000_000),
            "unix_ms" => ("unix_ms", 1_000_000),
            "unix_us" => ("unix_us", 1_000),
            "unix_ns" => ("unix_ns", 1),
            other => bail!("invalid timestamp format '{other}'"),
        };
        let time = TimeFormat::new(time, "")?;
        let source = match config.avro_schema_registry.as_str() {
            "" => Source::Options(Arc::new(Schema::parse(&config.avro_schema)?)),
            address => {
                let registry = Registry::new(address, &config.avro_schema_registry_cert);
                Source::Registry(Box::new(
                    registry.context("error connecting to the schema registry")?,
                ))
            }
        };
        let metric_name = match config.metric_name.as_str() {
            "" => cx.metric_name().to_string(),
            name => name.to_owned(),
        };
        Ok(Avro {
            source,
            json,
            records: Records {
                config,
                metric_name,
                time,
                unit,
                mode,
                keys: KeyCache::default(),
                log: cx.log().clone(),
                name: String::new(),
            },
            log: cx.log().clone(),
        })
    }
}

register!(parser "avro" = Avro);

impl Parser for Avro {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let (schema, message) = match &mut self.source {
            Source::Options(schema) => (schema.clone(), payload),
            Source::Registry(registry) => {
                let Some(([magic, id @ ..], message)) = payload.split_first_chunk::<5>() else {
                    bail!("{} bytes are too few for Confluent Wire Protocol", payload.len());
                };
                if *magic != 0 {
                    bail!("first byte is not 0: not Confluent Wire Protocol");
                }
                (registry.schema(u32::from_be_bytes(*id))?, message)
            }
        };
        if self.json {
            let json = json::parse(message)?;
            let datum = json::read(&schema, &json)?;
            return self.metrics(&schema, &datum, now, out);
        }
        let bare = matches!(self.source, Source::Options(_));
        let datum = read_binary(&schema, message, bare)?;
        self.metrics(&schema, &datum, now, out)
    }
}

/// Reads a message. One of its own may be a "single object": two magic bytes and the schema's fingerprint stand before it then,
/// unless it begins with these bytes by chance.
fn read_binary<'a>(schema: &'a Schema, message: &'a [u8], bare: bool) -> Result<Datum<'a>> {
    let mut reader = Reader::new(schema, message);
    let plain = reader.read();
    match message {
        [0xc3, 0x01, rest @ ..] if bare && rest.len() >= 8 && !(plain.is_ok() && reader.is_done()) => {
            Reader::new(schema, &rest[8..]).read()
        }
        _ => plain,
    }
}

impl Avro {
    fn metrics(
        &mut self,
        schema: &Schema,
        datum: &Datum<'_>,
        now: Timestamp,
        out: &mut Vec<Metric>,
    ) -> Result<()> {
        match datum.inner() {
            Datum::Map(_) => out.push(self.records.metric(schema, datum.inner(), now)?),
            Datum::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    if !matches!(item, Datum::Map(_)) {
                        warn!(self.log, "Skipping non-record array element at index {at}");
                        continue;
                    }
                    match self.records.metric(schema, item, now) {
                        Ok(metric) => out.push(metric),
                        Err(error) => warn!(
                            self.log,
                            "Skipping array element at index {at} due to error during metric creation: {error:#}"
                        ),
                    }
                }
            }
            _ => bail!("the message is neither a record nor an array of records"),
        }
        Ok(())
    }
}

impl Records {
    fn metric(&mut self, schema: &Schema, record: &Datum<'_>, now: Timestamp) -> Result<Metric> {
        let Records {
            config,
            keys,
            log,
            name,
            mode,
            ..
        } = self;
        let separator = config.avro_field_separator.as_str();
        let mut metric = Metric::new(key!("avro"), now);
        for tag in &config.avro_tags {
            name.clone_from(tag);
            let value = record.get(tag).unwrap_or(&Datum::Null);
            value.flatten(name, separator, *mode, &mut |name, part| match part.text() {
                Some(text) => metric.set_tag(keys.get(name), text),
                None => warn!(log, "Could not convert {part:?} to string for tag {tag:?}"),
            });
        }
        // A field without a value counts, as in Telegraf; it is only left out.
        let mut fields = 0usize;
        let mut field = |metric: &mut Metric, field: &str, value: &Datum<'_>| {
            name.clear();
            name.push_str(field);
            value.flatten(name, separator, *mode, &mut |name, part| {
                fields += 1;
                if let Some(value) = part.value() {
                    metric.set_field(keys.get(name), value);
                }
            });
        };
        if !config.avro_fields.is_empty() {
            for wanted in &config.avro_fields {
                field(&mut metric, wanted, record.get(wanted).unwrap_or(&Datum::Null));
            }
        } else if let Datum::Map(members) = record {
            for (key, value) in members {
                if !metric.has_tag(key) {
                    field(&mut metric, key, value);
                }
            }
        }
        if fields == 0 {
            bail!("number of fields is 0; unable to create metric");
        }
        let time = self.time(record)?;
        metric.set_name(self.measurement(schema, record)?.as_str());
        metric.set_time(time.unwrap_or(now));
        Ok(metric)
    }

    /// The metric's name: that of a field, of the options, or of the schema.
    fn measurement(&self, schema: &Schema, record: &Datum<'_>) -> Result<CompactString> {
        let field = self.config.avro_measurement_field.as_str();
        if !field.is_empty() {
            match record.get(field).unwrap_or(&Datum::Null).text() {
                Some(name) if !name.is_empty() => return Ok(name),
                Some(_) => {}
                None => warn!(
                    self.log,
                    "Could not convert the value of {field:?} to string for metric name"
                ),
            }
        }
        let names = [self.config.avro_measurement.as_str(), "", &self.metric_name];
        for (at, name) in names.into_iter().enumerate() {
            let name = if at == 1 { schema.name()? } else { name };
            if !name.is_empty() {
                return Ok(name.into());
            }
        }
        bail!("could not determine measurement name")
    }

    fn time(&self, record: &Datum<'_>) -> Result<Option<Timestamp>> {
        let field = self.config.avro_timestamp.as_str();
        if field.is_empty() {
            return Ok(None);
        }
        let raw = record.get(field).unwrap_or(&Datum::Null);
        let read = match raw.inner() {
            // Counts of another unit than the format's wrap around, as in Telegraf: the metric is worth more than its time.
            Datum::Int(count) => Some(count.wrapping_mul(self.unit)),
            Datum::Float(count) => self.time.parse_float(f64::from(*count)).ok(),
            Datum::Double(count) => self.time.parse_float(*count).ok(),
            Datum::Text(text) => self.time.parse_str(text).ok(),
            _ => None,
        };
        if read.is_none() {
            let format = match self.config.avro_timestamp_format.as_str() {
                "" => "unix",
                format => format,
            };
            let shown = match raw.inner() {
                Datum::Null => "<nil>".into(),
                raw => raw.text().unwrap_or_default(),
            };
            let shown: String = shown.chars().take(80).collect();
            bail!("could not parse '{shown}' to '{format}'");
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
