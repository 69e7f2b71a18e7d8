//! Bits of a payload in, one value of the metric out: a number, a text, a truth value, a time.

use wheatstone_gotime::{TimeFormat, Zone};
use wheatstone_plugin::prelude::*;

use super::bits::extract;
use super::text::hex;
use crate::value::number::quote;

/// One part of the payload. The parts follow one another without gaps.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EntryConfig {
    /// Name of the field or tag.
    pub name: String,
    /// `int8` to `int64`, `uint8` to `uint64`, `float32`, `float64`, `bool` or `string`; of a time `unix`, `unix_ms`, `unix_us`,
    /// `unix_ns` or a Go layout. Without it tags and names are texts and times `unix`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Length in bits, where it is not that of the type.
    pub bits: u64,
    /// Whether this part is skipped; then its length is all that matters.
    pub omit: bool,
    /// How a text ends: `fixed` after its bits, `null` with a zero byte, or with bytes in hexadecimal digits such as `0x0d0a`.
    pub terminator: String,
    /// Time zone of a time, such as `Europe/Berlin`, `local` or `utc`, the default.
    pub timezone: String,
    /// What becomes of the value: `field`, the default, `tag`, `time` or `measurement`.
    pub assignment: String,
}

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Assignment {
    Omit,
    Measurement,
    Time,
    Tag,
    Field,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum Kind {
    Int(usize),
    Uint(usize),
    Float32,
    Float64,
    Bool,
    Text,
    /// A count of so many nanoseconds.
    Unix(i64),
    Layout(Box<TimeFormat>),
}

/// How long a value is.
#[derive(Debug)]
enum Length {
    Bits(u64),
    /// It ends with these bytes.
    Until(Vec<u8>),
}

/// An entry, checked.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) key: Key,
    pub(super) assignment: Assignment,
    kind: Kind,
    length: Length,
}

/// A value that was read.
#[derive(Debug, PartialEq)]
pub(super) enum Read {
    Value(Value),
    /// Tags show it with as few digits as 32 bits need.
    Float32(f32),
    Time(Timestamp),
}

impl Read {
    pub(super) fn into_value(self) -> Value {
        match self {
            Read::Value(value) => value,
            Read::Float32(x) => Value::Float(f64::from(x)),
            Read::Time(time) => Value::Int(time),
        }
    }
    pub(super) fn into_text(self) -> CompactString {
        match self {
            Read::Value(Value::Str(text)) => text,
            Read::Value(Value::Float(x)) => plain(x.is_finite(), &x.to_string()),
            Read::Value(value) => value.to_string().into(),
            Read::Float32(x) => plain(x.is_finite(), &x.to_string()),
            Read::Time(time) => time.to_string().into(),
        }
    }
}

/// A float's digits as Go has them.
fn plain(finite: bool, text: &str) -> CompactString {
    match text {
        "inf" => "+Inf".into(),
        "-inf" => "-Inf".into(),
        text if finite => text.into(),
        _ => "NaN".into(),
    }
}

/// Numbers and their bits.
fn number(kind: &str) -> Option<(Kind, u64)> {
    Some(match kind {
        "int8" => (Kind::Int(1), 8),
        "int16" => (Kind::Int(2), 16),
        "int32" => (Kind::Int(4), 32),
        "int64" => (Kind::Int(8), 64),
        "uint8" => (Kind::Uint(1), 8),
        "uint16" => (Kind::Uint(2), 16),
        "uint32" => (Kind::Uint(4), 32),
        "uint64" => (Kind::Uint(8), 64),
        "float32" => (Kind::Float32, 32),
        "float64" => (Kind::Float64, 64),
        _ => return None,
    })
}

impl Entry {
    pub(super) fn new(config: &EntryConfig) -> Result<Entry> {
        let assignment = match config.assignment.to_lowercase().as_str() {
            _ if config.omit => Assignment::Omit,
            "measurement" => Assignment::Measurement,
            "time" => Assignment::Time,
            "tag" => Assignment::Tag,
            "" | "field" => Assignment::Field,
            _ if config.name.is_empty() => bail!("missing name"),
            _ => bail!("no assignment for {}", quote(&config.name)),
        };
        let name = match assignment {
            Assignment::Measurement => "measurement",
            Assignment::Time => "time",
            _ => config.name.as_str(),
        };
        let lower = config.kind.to_lowercase();
        let (kind, length) = match assignment {
            Assignment::Omit => (Kind::Bool, omitted(&lower, config.bits)?),
            _ if name.is_empty() => bail!("missing name"),
            Assignment::Time => time(config)?,
            Assignment::Measurement if !matches!(lower.as_str(), "" | "string") => {
                bail!("'measurement' type has to be 'string'")
            }
            Assignment::Field if lower.is_empty() => bail!("no type for {}", quote(name)),
            _ => value(name, &lower, config)?,
        };
        Ok(Entry {
            name: name.to_owned(),
            key: Key::new(name),
            assignment,
            kind,
            length,
        })
    }

    /// Puts this part of the payload into `part`, and says how many bits it takes.
    pub(super) fn extract(&self, payload: &[u8], offset: u64, part: &mut Vec<u8>) -> Result<u64> {
        let end = match &self.length {
            Length::Bits(bits) => {
                extract(payload, offset, *bits, part)?;
                return Ok(*bits);
            }
            Length::Until(end) => end,
        };
        let rest = (payload.len() as u64 * 8).saturating_sub(offset) / 8;
        extract(payload, offset, rest * 8, part)?;
        // The bytes of the end need not be neighbours: Telegraf counts those that it has seen.
        let mut seen = 0;
        for at in 0..part.len() {
            if part[at] == end[seen] {
                seen += 1;
            }
            if seen == end.len() {
                part.truncate(at + 1 - end.len());
                return Ok((at as u64 + 1) * 8);
            }
        }
        bail!("terminator not found for {}", quote(&self.name))
    }

    /// Reads the value in `part`.
    pub(super) fn read(&self, part: &[u8], little: bool) -> Result<Read> {
        Ok(match &self.kind {
            Kind::Int(width) => {
                let shift = 64 - width * 8;
                Read::Value(Value::Int(
                    (padded(part, *width, little)? << shift) as i64 >> shift,
                ))
            }
            Kind::Uint(width) => Read::Value(Value::Uint(padded(part, *width, little)?)),
            Kind::Float32 => Read::Float32(f32::from_bits(padded(part, 4, little)? as u32)),
            Kind::Float64 => Read::Value(Value::Float(f64::from_bits(padded(part, 8, little)?))),
            Kind::Bool => Read::Value(Value::Bool(part.iter().any(|byte| *byte != 0))),
            Kind::Text => Read::Value(Value::Str(CompactString::from_utf8_lossy(part))),
            Kind::Unix(unit) => Read::Time((padded(part, 8, little)? as i64).wrapping_mul(*unit)),
            Kind::Layout(format) => Read::Time(format.parse_str(&String::from_utf8_lossy(part))?),
        })
    }
}

/// A number whose bytes are fewer than its type has: zeros stand in front, whatever the order of the bytes.
fn padded(part: &[u8], width: usize, little: bool) -> Result<u64> {
    let part = match part {
        // Bits that lie in one byte more than they need.
        [0, rest @ ..] if part.len() > width => rest,
        part => part,
    };
    if part.len() > width {
        bail!("too many bytes {} vs {width}", part.len());
    }
    let mut bytes = [0; 8];
    if little {
        bytes[width - part.len()..width].copy_from_slice(part);
        Ok(u64::from_le_bytes(bytes))
    } else {
        bytes[8 - part.len()..].copy_from_slice(part);
        Ok(u64::from_be_bytes(bytes))
    }
}

fn omitted(kind: &str, bits: u64) -> Result<Length> {
    match (bits, kind) {
        (0, "") => bail!("neither type nor bits given"),
        (0, kind) => match number(kind) {
            Some((_, bits)) => Ok(Length::Bits(bits)),
            None => bail!("cannot determine length for type {}", quote(kind)),
        },
        (bits, _) => Ok(Length::Bits(bits)),
    }
}

fn time(config: &EntryConfig) -> Result<(Kind, Length)> {
    let zone = match config.timezone.as_str() {
        "" | "utc" => Zone::UTC,
        "local" => Zone::local(),
        name => Zone::load(name)?,
    };
    let layout = config.kind.as_str();
    let (kind, bits) = match layout {
        "" | "unix" => (Kind::Unix(1_000_000_000), 64),
        "unix_ms" => (Kind::Unix(1_000_000), 64),
        "unix_us" => (Kind::Unix(1_000), 64),
        "unix_ns" => (Kind::Unix(1), 64),
        layout => {
            let format = TimeFormat::with_zone(layout, zone);
            (Kind::Layout(Box::new(format)), layout.len() as u64 * 8)
        }
    };
    Ok((
        kind,
        Length::Bits(if config.bits == 0 { bits } else { config.bits }),
    ))
}

fn value(name: &str, kind: &str, config: &EntryConfig) -> Result<(Kind, Length)> {
    if let Some((kind, bits)) = number(kind) {
        if config.bits > bits {
            bail!("type overflow for {}", quote(name));
        }
        let bits = if config.bits == 0 { bits } else { config.bits };
        return Ok((kind, Length::Bits(bits)));
    }
    match kind {
        "bool" => Ok((Kind::Bool, Length::Bits(config.bits.max(1)))),
        "string" | "" => Ok((Kind::Text, text_length(name, kind, config)?)),
        _ => bail!("unknown type for {}", quote(name)),
    }
}

fn text_length(name: &str, kind: &str, config: &EntryConfig) -> Result<Length> {
    let name = quote(name);
    match config.terminator.to_lowercase().as_str() {
        "" | "fixed" if config.bits == 0 => bail!("require 'bits' for fixed-length string for {name}"),
        // Where the type is only assumed, Telegraf lets texts end anywhere.
        "" | "fixed" if kind.is_empty() || config.bits.is_multiple_of(8) => Ok(Length::Bits(config.bits)),
        "" | "fixed" => bail!("non-byte length for string field {name}"),
        "null" if config.bits != 0 => bail!("cannot use 'bits' and 'null' terminator together for {name}"),
        "null" => Ok(Length::Until(vec![0])),
        _ if config.bits != 0 => bail!("cannot use 'bits' and terminator together for {name}"),
        digits => {
            let digits = digits.strip_prefix("0x").unwrap_or(digits);
            let end =
                hex(digits.as_bytes()).with_context(|| format!("decoding terminator failed for {name}"))?;
            if end.is_empty() {
                bail!("decoding terminator failed for {name}: it is empty");
            }
            Ok(Length::Until(end))
        }
    }
}
