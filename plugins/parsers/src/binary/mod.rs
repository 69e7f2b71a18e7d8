//! Binary messages in, metrics out: a configuration says which bits of the payload are which field, tag, name and time.

mod bits;
mod entry;
mod filter;
mod text;

use std::collections::HashSet;

use wheatstone_plugin::prelude::*;

pub use entry::EntryConfig;
pub use filter::{FilterConfig, SelectionConfig};

use crate::value::number::quote;
use entry::{Assignment, Entry, Read};
use filter::Filter;

/// Options of `data_format = "binary"`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BinaryConfig {
    /// Whether a payload that no configuration is for is left out rather than an error.
    pub allow_no_match: bool,
    /// The order of the bytes in numbers: `big` or `be`, `little` or `le`, or `host`, this machine's.
    pub endianness: String,
    /// How payloads are written: `none` for bytes as they are, `hex` or `base64`.
    pub binary_encoding: String,
    /// Descriptions of messages; each that is for a payload makes a metric of it.
    pub binary: Vec<MessageConfig>,
}

/// A description of a message.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MessageConfig {
    /// Name of the metric, where no entry holds it; without it the name of the input.
    pub metric_name: String,
    /// Which payloads it is for; all without it.
    pub filter: Option<FilterConfig>,
    /// The parts of the message, one after the other.
    pub entries: Vec<EntryConfig>,
}

/// The parser of `data_format = "binary"`.
pub struct Binary {
    allow_no_match: bool,
    little: bool,
    encoding: Encoding,
    messages: Vec<Message>,
    /// The bits at work, right-aligned.
    part: Vec<u8>,
    log: Log,
}

#[derive(Clone, Copy, Debug)]
enum Encoding {
    None,
    Hex,
    Base64,
}

#[derive(Debug)]
struct Message {
    name: Key,
    filter: Option<Filter>,
    entries: Vec<Entry>,
}

impl Plugin for Binary {
    type Config = BinaryConfig;

    fn new(config: BinaryConfig, cx: &Context) -> Result<Binary> {
        let little = match config.endianness.as_str() {
            "little" | "le" => true,
            "big" | "be" => false,
            "" | "host" => cfg!(target_endian = "little"),
            other => bail!("unknown endianness {}", quote(other)),
        };
        let encoding = match config.binary_encoding.as_str() {
            "" | "none" => Encoding::None,
            "hex" => Encoding::Hex,
            "base64" => Encoding::Base64,
            other => bail!("unknown encoding {}", quote(other)),
        };
        if config.binary.is_empty() {
            bail!("no configuration given");
        }
        let message = |(at, message): (usize, &MessageConfig)| {
            Message::new(message, cx.metric_name()).with_context(|| format!("config {at} invalid"))
        };
        Ok(Binary {
            allow_no_match: config.allow_no_match,
            little,
            encoding,
            messages: config
                .binary
                .iter()
                .enumerate()
                .map(message)
                .collect::<Result<_>>()?,
            part: Vec::new(),
            log: cx.log().clone(),
        })
    }
}

register!(parser "binary" = Binary);

impl Message {
    fn new(config: &MessageConfig, default_name: &Key) -> Result<Message> {
        let filter = config.filter.as_ref().map(Filter::new).transpose()?;
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        for (at, entry) in config.entries.iter().enumerate() {
            let read = Entry::new(entry).with_context(|| {
                // Names that Telegraf gives are the ones it tells.
                let name = match entry.assignment.to_lowercase().as_str() {
                    name @ ("measurement" | "time") if !entry.omit => name.to_owned(),
                    _ => entry.name.clone(),
                };
                format!("entry {} ({at})", quote(&name))
            })?;
            let omitted = read.assignment == Assignment::Omit;
            if !omitted && !seen.insert((read.assignment, read.name.clone())) {
                bail!("multiple definitions of {}", quote(&read.name));
            }
            entries.push(read);
        }
        let has = |wanted| entries.iter().any(|entry| entry.assignment == wanted);
        let name = match config.metric_name.as_str() {
            "" if default_name.is_empty() && !has(Assignment::Measurement) => bail!("no metric name given"),
            "" => default_name.clone(),
            name => Key::new(name),
        };
        if !has(Assignment::Field) {
            bail!("no field defined");
        }
        Ok(Message {
            name,
            filter,
            entries,
        })
    }

    fn metric(&self, payload: &[u8], little: bool, now: Timestamp, part: &mut Vec<u8>) -> Result<Metric> {
        let mut metric = Metric::with_capacity(self.name.clone(), now, self.entries.len());
        let mut offset = 0u64;
        for entry in &self.entries {
            let bits = entry.extract(payload, offset, part)?;
            // It lies within the payload.
            offset += bits;
            let read = |part: &[u8], what: &str| {
                entry.read(part, little).with_context(|| match what {
                    "time" => "time failed".to_owned(),
                    what => format!("{what} {} failed", quote(&entry.name)),
                })
            };
            match entry.assignment {
                Assignment::Omit => {}
                Assignment::Measurement => metric.set_name(&*String::from_utf8_lossy(part)),
                Assignment::Tag => metric.set_tag(entry.key.clone(), read(part, "tag")?.into_text()),
                Assignment::Field => metric.set_field(entry.key.clone(), read(part, "field")?.into_value()),
                Assignment::Time => {
                    if let Read::Time(time) = read(part, "time")? {
                        metric.set_time(time);
                    }
                }
            }
        }
        Ok(metric)
    }
}

impl Parser for Binary {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let decoded;
        let payload = match self.encoding {
            Encoding::None => payload,
            Encoding::Hex => {
                decoded = text::hex_payload(payload)?;
                &decoded
            }
            Encoding::Base64 => {
                decoded = text::base64_payload(payload)?;
                &decoded
            }
        };
        let before = out.len();
        let mut matched = false;
        for (at, message) in self.messages.iter().enumerate() {
            let fits = message
                .filter
                .as_ref()
                .is_none_or(|filter| filter.matches(payload, &mut self.part));
            if !fits {
                debug!(self.log, "ignoring data in config {at}");
                continue;
            }
            matched = true;
            match message.metric(payload, self.little, now, &mut self.part) {
                Ok(metric) => out.push(metric),
                Err(error) => {
                    out.truncate(before);
                    return Err(error);
                }
            }
        }
        if !matched && !self.allow_no_match {
            bail!("no matching configuration");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
