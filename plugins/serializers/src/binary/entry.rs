//! One part of the message: a value of the metric in, its bytes out.

use wheatstone_plugin::prelude::*;

/// One part of the message.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EntryConfig {
    /// What is written: `field`, the default, `tag`, `time` or `name`.
    pub read_from: String,
    /// Name of the field or tag.
    pub name: String,
    /// How it is written: `int8` to `int64`, `uint8` to `uint64`, `float32`, `float64` or `string`. Names are always texts.
    pub data_format: String,
    /// What fills up a text: `null`, the default, or a byte in hexadecimal digits such as `0x20`. One stands behind every text.
    pub string_terminator: String,
    /// Length of a text in bytes, what fills it up included; longer texts are cut.
    pub string_length: u64,
    /// What a time counts: `unix` (seconds, the default), `unix_ms`, `unix_us` or `unix_ns`.
    pub time_format: String,
}

/// An entry, checked.
#[derive(Debug)]
pub(super) struct Entry {
    from: From,
    form: Form,
}

#[derive(Debug)]
enum From {
    Field(String),
    Tag(String),
    /// In units of so many nanoseconds.
    Time(i64),
    Name,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    /// So many bytes.
    Int(usize),
    Uint(usize),
    Float32,
    Float64,
    Text {
        length: usize,
        fill: u8,
    },
}

/// No text is longer: the option is a mistake then.
const LONGEST: u64 = 1 << 24;

impl Entry {
    pub(super) fn new(config: &EntryConfig) -> Result<Entry> {
        let named = || match config.name.as_str() {
            "" => Err(anyhow!("missing name")),
            name => Ok(name.to_owned()),
        };
        let mut data_format = config.data_format.as_str();
        let from = match config.read_from.to_lowercase().as_str() {
            "" | "field" => From::Field(named()?),
            "tag" => From::Tag(named()?),
            "time" => From::Time(match config.time_format.as_str() {
                "" | "unix" => 1_000_000_000,
                "unix_ms" => 1_000_000,
                "unix_us" => 1_000,
                "unix_ns" => 1,
                _ => bail!("invalid time format"),
            }),
            "name" => {
                match data_format {
                    "" => data_format = "string",
                    "string" => {}
                    _ => bail!("name data format has to be string"),
                }
                From::Name
            }
            other => bail!("unknown assignment {other:?}"),
        };
        let form = match data_format {
            "" => bail!("missing data format"),
            "int8" => Form::Int(1),
            "int16" => Form::Int(2),
            "int32" => Form::Int(4),
            "int64" => Form::Int(8),
            "uint8" => Form::Uint(1),
            "uint16" => Form::Uint(2),
            "uint32" => Form::Uint(4),
            "uint64" => Form::Uint(8),
            "float32" => Form::Float32,
            "float64" => Form::Float64,
            "string" => Form::Text {
                fill: terminator(&config.string_terminator, &config.name)?,
                length: match config.string_length {
                    0 => bail!("string length must be at least 1"),
                    length @ 1..=LONGEST => length as usize,
                    length => bail!("string length {length} is above {LONGEST}"),
                },
            },
            other => bail!("invalid data format {other:?} for field {:?}", config.name),
        };
        Ok(Entry { from, form })
    }

    /// Appends the bytes of this part.
    pub(super) fn write(&self, metric: &Metric, little: bool, out: &mut Vec<u8>) -> Result<()> {
        match &self.from {
            From::Field(name) => match metric.field(name) {
                Some(value) => self
                    .form
                    .write(value, little, out)
                    .with_context(|| format!("field {name}")),
                None => bail!("field {name} not found"),
            },
            From::Tag(name) => match metric.tag(name) {
                Some(text) => {
                    let value = Value::Str(text.into());
                    self.form
                        .write(&value, little, out)
                        .with_context(|| format!("tag {name}"))
                }
                None => bail!("tag {name} not found"),
            },
            From::Time(unit) => {
                let count = Value::Int(metric.time().div_euclid(*unit));
                self.form.write(&count, little, out).context("time")
            }
            From::Name => self
                .form
                .write(&Value::Str(metric.name().as_str().into()), little, out),
        }
    }
}

/// What fills up a text.
fn terminator(text: &str, name: &str) -> Result<u8> {
    let digits = match text {
        "" | "null" => return Ok(0),
        text => text.strip_prefix("0x").unwrap_or(text),
    };
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        bail!("decoding terminator failed for {name:?}: {digits:?} are no pairs of hexadecimal digits");
    }
    match (digits.len(), u8::from_str_radix(digits, 16)) {
        (2, Ok(byte)) => Ok(byte),
        _ => bail!("terminator must be a single byte, got {digits:?}"),
    }
}

impl Form {
    fn write(self, value: &Value, little: bool, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Form::Int(width) => {
                let limit = i64::MAX >> (64 - width * 8);
                let number = int(value)?;
                if !(-limit - 1..=limit).contains(&number) {
                    bail!("value out of range");
                }
                bytes(number as u64, width, little, out);
            }
            Form::Uint(width) => {
                let number = uint(value)?;
                if number > u64::MAX >> (64 - width * 8) {
                    bail!("value out of range");
                }
                bytes(number, width, little, out);
            }
            Form::Float32 => {
                let number = float(value)?;
                if number.abs() > f64::from(f32::MAX) {
                    bail!("value out of range");
                }
                bytes(u64::from((number as f32).to_bits()), 4, little, out);
            }
            Form::Float64 => bytes(float(value)?.to_bits(), 8, little, out),
            Form::Text { length, fill } => {
                let number;
                let text = match value {
                    Value::Str(text) => text.as_bytes(),
                    value => {
                        number = value.to_string();
                        number.as_bytes()
                    }
                };
                let end = out.len() + length;
                out.extend_from_slice(&text[..text.len().min(length - 1)]);
                out.resize(end, fill);
            }
        }
        Ok(())
    }
}

/// Appends the lowest bytes of a number.
fn bytes(number: u64, width: usize, little: bool, out: &mut Vec<u8>) {
    if little {
        out.extend_from_slice(&number.to_le_bytes()[..width]);
    } else {
        out.extend_from_slice(&number.to_be_bytes()[8 - width..]);
    }
}

/// A text as a whole number: decimal, or hexadecimal behind `0x`.
fn digits<T>(text: &str, parse: fn(&str, u32) -> Result<T, std::num::ParseIntError>) -> Result<T> {
    let read = match text.strip_prefix("0x") {
        Some(digits) => parse(digits, 16),
        None => parse(text, 10),
    };
    read.map_err(|error| {
        let shown: String = text.chars().take(80).collect();
        anyhow!("{shown:?} is no whole number: {error}")
    })
}

fn int(value: &Value) -> Result<i64> {
    Ok(match value {
        Value::Int(n) => *n,
        Value::Uint(n) => i64::try_from(*n).map_err(|_| anyhow!("value out of range"))?,
        // The float behind the largest i64 is one too large.
        Value::Float(x) if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(x) => {
            *x as i64
        }
        Value::Float(_) => bail!("value out of range"),
        Value::Bool(b) => i64::from(*b),
        Value::Str(text) => digits(text, i64::from_str_radix)?,
    })
}

fn uint(value: &Value) -> Result<u64> {
    Ok(match value {
        Value::Int(n) => u64::try_from(*n).map_err(|_| anyhow!("value out of range"))?,
        Value::Uint(n) => *n,
        Value::Float(x) if (0.0..18_446_744_073_709_551_616.0).contains(x) => *x as u64,
        Value::Float(_) => bail!("value out of range"),
        Value::Bool(b) => u64::from(*b),
        Value::Str(text) => digits(text, u64::from_str_radix)?,
    })
}

fn float(value: &Value) -> Result<f64> {
    match value {
        Value::Bool(b) => Ok(f64::from(u8::from(*b))),
        Value::Str(text) => text.parse().map_err(|_| {
            let shown: String = text.chars().take(80).collect();
            anyhow!("{shown:?} is no number")
        }),
        value => Ok(value.as_f64().unwrap_or_default()),
    }
}
