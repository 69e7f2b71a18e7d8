//! A query's value in; a name, a time, a tag or a field out.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wheatstone_gotime::{TimeError, TimeFormat};
use wheatstone_plugin::{excerpt, prelude::*};

use crate::shown::{Native, general};

/// How the bytes of fields are written; without a form they are taken for text.
pub(super) struct Bytes {
    pub(super) hex: Option<Glob>,
    pub(super) base64: Option<Glob>,
}

/// Names are texts; else the type is the error.
pub(super) fn name_of<'a>(value: &'a Native<'_>) -> Result<&'a str, &'static str> {
    match value {
        Native::Str(text) => Ok(text),
        other => Err(other.type_name()),
    }
}

/// The time, where there is one.
pub(super) fn time(value: &Native<'_>, format: &TimeFormat) -> Result<Option<Timestamp>> {
    let read = match value {
        Native::Null => return Ok(None),
        Native::Str(text) => format.parse_str(text),
        Native::Float(count) => format.parse_float(*count),
        Native::Float32(count) => format.parse_float(f64::from(*count)),
        Native::Int(count) => format.parse_int(*count),
        Native::Int32(count) => format.parse_int(i64::from(*count)),
        Native::Uint32(count) => format.parse_int(i64::from(*count)),
        Native::Uint(count) => match i64::try_from(*count) {
            Ok(count) => format.parse_int(count),
            Err(_) => Err(TimeError::OutOfRange),
        },
        _ => Err(TimeError::UnsupportedType),
    };
    Ok(Some(read?))
}

/// A tag of a query: texts, booleans and floats are tags, nothing is none, the type of all else is the error.
pub(super) fn tag<'a>(value: &'a Native<'_>) -> Result<Option<Cow<'a, str>>, &'static str> {
    Ok(Some(match value {
        Native::Null => return Ok(None),
        Native::Str(text) => Cow::Borrowed(text),
        Native::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
        Native::Float(value) => Cow::Owned(general(*value, 'E')),
        other => return Err(other.type_name()),
    }))
}

/// A tag of a selected node: everything that Go has a text for.
pub(super) fn tag_from_selection<'a>(value: &'a Native<'_>) -> Option<Cow<'a, str>> {
    Some(match value {
        Native::Null => Cow::Borrowed(""),
        Native::Str(text) => Cow::Borrowed(text),
        Native::Bytes(bytes) => String::from_utf8_lossy(bytes),
        Native::Float(value) => Cow::Owned(plain_float(*value)),
        Native::Float32(value) => Cow::Owned(plain_float(*value)),
        Native::Bool(_) | Native::Int(_) | Native::Int32(_) | Native::Uint(_) | Native::Uint32(_) => {
            Cow::Owned(value.to_string())
        }
        Native::Other("time.Time", text) => Cow::Borrowed(text),
        Native::Enum(_) | Native::Shown(..) | Native::Other(..) => return None,
    })
}

/// A float without an exponent.
fn plain_float<F: Into<f64> + std::fmt::Display + Copy>(value: F) -> String {
    let wide: f64 = value.into();
    if wide.is_infinite() {
        return if wide > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    value.to_string()
}

/// A field; `None` is what no field can hold.
pub(super) fn field(value: Native<'_>, name: &str, bytes: &Bytes) -> Option<Value> {
    Some(match value {
        Native::Bool(value) => Value::Bool(value),
        Native::Int(value) => Value::Int(value),
        Native::Int32(value) => Value::Int(i64::from(value)),
        Native::Uint(value) => Value::Uint(value),
        Native::Uint32(value) => Value::Uint(u64::from(value)),
        Native::Float(value) => Value::Float(value),
        Native::Float32(value) => Value::Float(f64::from(value)),
        Native::Str(text) => Value::from(&*text),
        Native::Shown(_, text) => Value::from(text),
        Native::Bytes(raw) => {
            let wants = |form: &Option<Glob>| form.as_ref().is_some_and(|form| form.matches(name));
            if wants(&bytes.base64) {
                Value::from(STANDARD.encode(raw))
            } else if wants(&bytes.hex) {
                Value::from(hex(raw))
            } else {
                Value::from(&*String::from_utf8_lossy(raw))
            }
        }
        Native::Null | Native::Enum(_) | Native::Other(..) => return None,
    })
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 0xf)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

/// An integer field; floats are cut. Nothing is no field.
pub(super) fn integer(value: &Native<'_>, name: &str) -> Result<Option<i64>> {
    Ok(Some(match value {
        Native::Null => return Ok(None),
        Native::Bool(value) => i64::from(*value),
        Native::Float(value) => cut(*value),
        Native::Str(text) => parse_int(text)
            .map_err(|what| anyhow!("strconv.ParseInt: parsing {:?}: {what}", excerpt(text)))
            .with_context(|| format!("failed to parse field (int) {name:?}"))?,
        other => bail!("unknown format '{}' for field (int) {name:?}", other.type_name()),
    }))
}

/// As Go cuts floats on the usual machines: what does not fit is the least integer.
fn cut(value: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&value) {
        value as i64
    } else {
        i64::MIN
    }
}

/// Telegraf reads integers of 54 bits here.
fn parse_int(text: &str) -> Result<i64, &'static str> {
    const LIMIT: i64 = 1 << 53;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err("invalid syntax");
    }
    match text.parse::<i64>() {
        Ok(value) if (-LIMIT..LIMIT).contains(&value) => Ok(value),
        _ => Err("value out of range"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_54_bits() {
        let text = |text: &'static str| integer(&Native::Str(text.into()), "a").map_err(|e| format!("{e:#}"));
        assert_eq!(text("9007199254740991"), Ok(Some(9_007_199_254_740_991)));
        assert_eq!(text("-9007199254740992"), Ok(Some(-9_007_199_254_740_992)));
        assert_eq!(text("+7"), Ok(Some(7)));
        let error = |what| {
            Err(format!(
                "failed to parse field (int) \"a\": strconv.ParseInt: parsing {what}"
            ))
        };
        assert_eq!(
            text("9007199254740992"),
            error("\"9007199254740992\": value out of range")
        );
        assert_eq!(text("1.5"), error("\"1.5\": invalid syntax"));
        assert_eq!(text(""), error("\"\": invalid syntax"));
        assert_eq!(integer(&Native::Float(f64::NAN), "a").unwrap(), Some(i64::MIN));
        assert_eq!(integer(&Native::Float(-2.9), "a").unwrap(), Some(-2));
        assert_eq!(integer(&Native::Bool(true), "a").unwrap(), Some(1));
        assert_eq!(integer(&Native::Null, "a").unwrap(), None);
        assert!(integer(&Native::Uint(1), "a").is_err());
    }

    #[test]
    fn floats_as_tags() {
        assert_eq!(tag(&Native::Float(1_234_567.0)), Ok(Some("1.234567E+06".into())));
        assert_eq!(tag(&Native::Float(20.0)), Ok(Some("20".into())));
        assert_eq!(
            tag_from_selection(&Native::Float(1_234_567.0)),
            Some("1234567".into())
        );
        assert_eq!(tag(&Native::Uint(1)), Err("uint64"));
    }

    #[test]
    fn bytes_take_the_form_of_their_name() {
        let glob = |pattern: &str| Glob::new(&[pattern.to_owned()], "").unwrap();
        let bytes = Bytes {
            hex: glob("h*"),
            base64: glob("b*"),
        };
        let field = |name| field(Native::Bytes(b"\x01\xab"), name, &bytes);
        assert_eq!(field("h"), Some(Value::from("01ab")));
        assert_eq!(field("b"), Some(Value::from("Aas=")));
        assert_eq!(field("t"), Some(Value::from("\u{1}\u{fffd}")));
    }
}
