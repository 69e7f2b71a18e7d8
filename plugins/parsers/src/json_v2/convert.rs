//! A JSON value and the type asked for in, the value of a field out.

use std::borrow::Cow;

use wheatstone_plugin::prelude::*;

use crate::gjson_path::{Found, Kind};
use crate::value::number;

/// The text that a value is as a tag.
pub(super) fn text<'f>(value: &'f Found<'_>) -> Cow<'f, str> {
    match value.kind {
        Kind::Number => number::show_float(value.number()).into(),
        Kind::Json => value.raw.as_ref().into(),
        _ => value.string(),
    }
}

/// The field that a text, number or truth value is, or an object or array as text. `name` is for the error.
pub(super) fn field(value: &Found<'_>, kind: &str, name: &str) -> Result<Value> {
    let wrong = || format!("unable to convert field {} to type {kind}", number::quote(name));
    Ok(match (value.kind, kind) {
        (Kind::Json, _) => Value::from(text(value).as_ref()),
        (Kind::Null, _) => bail!("unknown format '<nil>' for field  {}", number::quote(name)),
        (Kind::String, "uint") => Value::Uint(number::parse_uint(&value.string()).with_context(wrong)?),
        (Kind::String, "int") => {
            Value::Int(number::parse_int(&value.string(), "ParseInt").with_context(wrong)?)
        }
        (Kind::String, "float") => Value::Float(number::parse_float(&value.string()).with_context(wrong)?),
        (Kind::String, "bool") => Value::Bool(number::parse_bool(&value.string()).with_context(wrong)?),
        (Kind::String, _) => Value::from(value.string().as_ref()),
        (Kind::True | Kind::False, "string") => Value::from(value.string().as_ref()),
        (Kind::True | Kind::False, "int") => Value::Int(i64::from(value.kind == Kind::True)),
        (Kind::True | Kind::False, "uint") => Value::Uint(u64::from(value.kind == Kind::True)),
        (Kind::True | Kind::False, _) => Value::Bool(value.kind == Kind::True),
        (Kind::Number, "string") => Value::from(text(value).as_ref()),
        (Kind::Number, "int") => Value::Int(int(value)),
        (Kind::Number, "uint") => Value::Uint(uint(value)),
        (Kind::Number, "bool") => match value.number() {
            0.0 => Value::Bool(false),
            1.0 => Value::Bool(true),
            _ => bail!(wrong()),
        },
        (Kind::Number, _) => Value::Float(value.number()),
    })
}

/// Up to here every integer is a float.
const SAFE: f64 = 9_007_199_254_740_991.0;

/// The number without its fraction. Large ones are read by their digits and, as in Telegraf, wrap around.
fn int(value: &Found<'_>) -> i64 {
    let number = value.number();
    if (-SAFE..=SAFE).contains(&number) {
        return number as i64;
    }
    match value.raw.strip_prefix('-') {
        Some(digits) => wrapped(digits).map(|n| (n as i64).wrapping_neg()),
        None => wrapped(&value.raw).map(|n| n as i64),
    }
    .unwrap_or_else(|| truncate(number))
}

fn uint(value: &Found<'_>) -> u64 {
    let number = value.number();
    if (0.0..=SAFE).contains(&number) {
        return number as u64;
    }
    wrapped(&value.raw).unwrap_or(match number {
        n if n < 9_223_372_036_854_775_808.0 => truncate(n) as u64,
        n if n < 18_446_744_073_709_551_616.0 => n as u64,
        _ => 1 << 63,
    })
}

fn wrapped(digits: &str) -> Option<u64> {
    let digit = |b: u8| b.is_ascii_digit().then(|| u64::from(b - b'0'));
    digits
        .bytes()
        .try_fold(0u64, |n, b| Some(n.wrapping_mul(10).wrapping_add(digit(b)?)))
}

/// The cast of x86-64: what does not fit is the smallest integer.
fn truncate(number: f64) -> i64 {
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number) {
        number as i64
    } else {
        i64::MIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(json: &str, kind: &str) -> Result<Value, String> {
        field(&Found::parse(json), kind, "f").map_err(|e| format!("{e:#}"))
    }

    #[test]
    fn every_type_to_every_other() {
        for (json, kind, want) in [
            ("1.9", "", Value::Float(1.9)),
            ("1.9", "int", Value::Int(1)),
            ("-1", "uint", Value::Uint(u64::MAX)),
            ("9223372036854775807", "int", Value::Int(i64::MAX)),
            ("-9223372036854775808", "int", Value::Int(i64::MIN)),
            ("18446744073709551615", "uint", Value::Uint(u64::MAX)),
            ("1e30", "int", Value::Int(i64::MIN)),
            ("1e19", "uint", Value::Uint(10_000_000_000_000_000_000)),
            ("1e21", "uint", Value::Uint(1 << 63)),
            ("1e21", "string", Value::from("1e+21")),
            ("1", "bool", Value::Bool(true)),
            ("true", "int", Value::Int(1)),
            ("false", "uint", Value::Uint(0)),
            ("true", "string", Value::from("true")),
            ("true", "float", Value::Bool(true)),
            (r#""7""#, "int", Value::Int(7)),
            (r#""7""#, "uint", Value::Uint(7)),
            (r#""7.5""#, "float", Value::Float(7.5)),
            (r#""T""#, "bool", Value::Bool(true)),
            (r#""7""#, "", Value::from("7")),
            ("[1, 2]", "string", Value::from("[1, 2]")),
        ] {
            assert_eq!(convert(json, kind), Ok(want), "{json} {kind}");
        }
        let message =
            r#"unable to convert field "f" to type int: strconv.ParseInt: parsing "x": invalid syntax"#;
        assert_eq!(convert(r#""x""#, "int"), Err(message.to_owned()));
        assert_eq!(
            convert("2", "bool"),
            Err(r#"unable to convert field "f" to type bool"#.to_owned())
        );
    }
}
