//! Texts and numbers in, numbers of another type out, as Go converts them.

use wheatstone_plugin::Value;
use wheatstone_plugin::line_protocol::quote;

/// Why a text is no value of the type asked for; its text is that of Go's strconv.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NumError {
    Syntax(&'static str, String),
    Range(&'static str, String),
    BigInt,
}

impl std::fmt::Display for NumError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (function, text, what) = match self {
            NumError::Syntax(function, text) => (function, text, "invalid syntax"),
            NumError::Range(function, text) => (function, text, "value out of range"),
            NumError::BigInt => return f.write_str("unable to parse string to big int"),
        };
        write!(
            f,
            "strconv.{function}: parsing {}: {what}",
            quote(text.as_bytes())
        )
    }
}

/// A truth value, a number rounded half away from zero, or a text that is a number; what is too large for an integer
/// becomes the largest.
pub(super) fn to_integer(value: &Value) -> Result<i64, NumError> {
    match value {
        Value::Int(v) => Ok(*v),
        Value::Bool(v) => Ok(i64::from(*v)),
        Value::Float(v) => Ok(round_to_i64(*v)),
        Value::Uint(v) => Ok(i64::try_from(*v).unwrap_or_else(|_| round_to_i64(*v as f64))),
        Value::Str(text) => {
            let (digits, radix) = text
                .strip_prefix("0x")
                .map_or((text.as_str(), 10), |digits| (digits, 16));
            match i64::from_str_radix(digits, radix) {
                Ok(v) => Ok(v),
                Err(_) => parse_float(text).map(round_to_i64),
            }
        }
    }
}

/// The same for an unsigned integer; what is negative becomes 0.
pub(super) fn to_unsigned(value: &Value) -> Result<u64, NumError> {
    match value {
        Value::Uint(v) => Ok(*v),
        Value::Bool(v) => Ok(u64::from(*v)),
        Value::Float(v) => Ok(round_to_u64(*v)),
        Value::Int(v) => Ok(u64::try_from(*v).unwrap_or(0)),
        Value::Str(text) => {
            let (digits, radix) = text
                .strip_prefix("0x")
                .map_or((text.as_str(), 10), |digits| (digits, 16));
            match u64::from_str_radix(digits, radix) {
                // Go takes no sign for these, not even a plus.
                Ok(v) if !digits.starts_with('+') => Ok(v),
                _ => parse_float(text).map(round_to_u64),
            }
        }
    }
}

/// A number, a truth value as 1 or 0, or a text that is a number; `0x…` is a whole number of any size.
pub(super) fn to_float(value: &Value) -> Result<f64, NumError> {
    match value {
        Value::Float(v) => Ok(*v),
        Value::Int(v) => Ok(*v as f64),
        Value::Uint(v) => Ok(*v as f64),
        Value::Bool(v) => Ok(f64::from(u8::from(*v))),
        Value::Str(text) => match text.strip_prefix("0x") {
            Some(digits) => big_integer(digits).ok_or(NumError::BigInt),
            None => parse_float(text),
        },
    }
}

/// Whether a number is above 0; a text is one of Go's truth values.
pub(super) fn to_bool(value: &Value) -> Result<bool, NumError> {
    match value {
        Value::Bool(v) => Ok(*v),
        Value::Int(v) => Ok(*v > 0),
        Value::Uint(v) => Ok(*v > 0),
        Value::Float(v) => Ok(*v > 0.0),
        Value::Str(text) => match text.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
            _ => Err(NumError::Syntax("ParseBool", text.to_string())),
        },
    }
}

fn round_to_i64(v: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if v > LIMIT {
        i64::MAX
    } else if v == LIMIT || v.is_nan() {
        // What Telegraf gives on x86-64, where neither fits.
        i64::MIN
    } else {
        v.round() as i64
    }
}

fn round_to_u64(v: f64) -> u64 {
    const LIMIT: f64 = 18_446_744_073_709_551_616.0;
    if v == LIMIT || v.is_nan() {
        1 << 63
    } else {
        v.round() as u64
    }
}

/// A decimal or hexadecimal float as Go writes them; digits may be grouped by `_`.
pub(super) fn parse_float(text: &str) -> Result<f64, NumError> {
    let syntax = || NumError::Syntax("ParseFloat", text.to_owned());
    let range = || NumError::Range("ParseFloat", text.to_owned());
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is = |name: &str| unsigned.eq_ignore_ascii_case(name);
    if is("inf") || is("infinity") || (is("nan") && unsigned.len() == text.len()) {
        return text.parse().map_err(|_| syntax());
    }
    if let Some(digits) = unsigned
        .strip_prefix("0x")
        .or_else(|| unsigned.strip_prefix("0X"))
    {
        let size = hex_float(digits).ok_or_else(syntax)?;
        let v = if text.starts_with('-') { -size } else { size };
        return if v.is_infinite() { Err(range()) } else { Ok(v) };
    }
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Err(syntax());
    }
    let v: f64 = if text.contains('_') {
        if !groups_digits(unsigned, |b| b.is_ascii_digit()) {
            return Err(syntax());
        }
        text.replace('_', "").parse().map_err(|_| syntax())?
    } else {
        text.parse().map_err(|_| syntax())?
    };
    if v.is_infinite() { Err(range()) } else { Ok(v) }
}

/// Whether every underscore stands between two digits.
fn groups_digits(text: &str, digit: impl Fn(&u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(&digit);
    bytes
        .iter()
        .enumerate()
        .all(|(at, b)| *b != b'_' || digit(at.checked_sub(1)) && digit(Some(at + 1)))
}

/// What stands behind `0x` in a float: digits, perhaps a point, and a power of two.
fn hex_float(text: &str) -> Option<f64> {
    let (digits, exponent) = text.split_once(['p', 'P'])?;
    // The prefix counts as a digit.
    if !groups_digits(&format!("0{digits}"), u8::is_ascii_hexdigit) {
        return None;
    }
    let unsigned = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Beyond this every number is 0 or infinite, whatever its digits.
    let size = unsigned
        .bytes()
        .fold(0i64, |n, b| (n * 10 + i64::from(b - b'0')).min(1 << 40));
    let power = if exponent.starts_with('-') { -size } else { size };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut sum = Binary::default();
    let (mut any, mut places) = (false, 0i64);
    for (text, fractional) in [(whole, false), (fraction, true)] {
        for c in text.chars().filter(|c| *c != '_') {
            sum.push(c.to_digit(16)?);
            any = true;
            places += i64::from(fractional);
        }
    }
    any.then(|| sum.scaled(power - 4 * places))
}

/// What stands behind `0x` in a whole number.
fn big_integer(digits: &str) -> Option<f64> {
    if !groups_digits(&format!("0{digits}"), u8::is_ascii_hexdigit) {
        return None;
    }
    let mut sum = Binary::default();
    let mut any = false;
    for c in digits.chars().filter(|c| *c != '_') {
        sum.push(c.to_digit(16)?);
        any = true;
    }
    any.then(|| sum.scaled(0))
}

/// The leading bits of a number of any length.
#[derive(Default)]
struct Binary {
    bits: u64,
    /// Bits that no longer fit.
    shift: i64,
    /// Whether one of those was set.
    rest: bool,
}

impl Binary {
    fn push(&mut self, digit: u32) {
        if self.bits >> 60 == 0 {
            self.bits = self.bits << 4 | u64::from(digit);
        } else {
            self.shift += 4;
            self.rest |= digit != 0;
        }
    }

    /// The number times two to the power of `power`, rounded once, halves to even.
    fn scaled(&self, power: i64) -> f64 {
        if self.bits == 0 {
            return 0.0;
        }
        let zeros = self.bits.leading_zeros();
        // The top bit is set; what was cut off only has to break ties.
        let bits = self.bits << zeros | u64::from(self.rest);
        let lowest = self.shift + power - i64::from(zeros);
        let highest = lowest + 63;
        if highest > 1023 {
            return f64::INFINITY;
        }
        // 53 bits, fewer below the normal numbers.
        let drop = (-1074 - lowest).max(11);
        if drop > 64 {
            return 0.0;
        }
        let wide = u128::from(bits);
        let (kept, cut, half) = (wide >> drop, wide & ((1 << drop) - 1), 1u128 << (drop - 1));
        let up = cut > half || (cut == half && kept & 1 == 1);
        let kept = (kept + u128::from(up)) as f64;
        let exponent = lowest + drop;
        let unit = if exponent >= -1022 {
            f64::from_bits(((exponent + 1023) as u64) << 52)
        } else {
            f64::from_bits(1 << (exponent + 1074))
        };
        kept * unit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(text: &str) -> Result<f64, String> {
        to_float(&Value::from(text)).map_err(|e| e.to_string())
    }

    #[test]
    fn integers() {
        for (value, want) in [
            (Value::Float(-9.5), -10),
            (Value::Float(1e300), i64::MAX),
            (Value::Float(-1e300), i64::MIN),
            (Value::Float(9_223_372_036_854_775_808.0), i64::MIN),
            (Value::Uint(u64::MAX), i64::MAX),
            (Value::Uint(1 << 63), i64::MIN),
            (Value::Bool(true), 1),
            ("9223372036854775808".into(), i64::MIN),
            ("42.5".into(), 43),
            ("1_000".into(), 1000),
            ("0x1p3".into(), 8),
            ("0x2A".into(), 42),
            ("0x-5".into(), -5),
            ("+5".into(), 5),
            ("inf".into(), i64::MAX),
            ("nan".into(), i64::MIN),
        ] {
            assert_eq!(to_integer(&value), Ok(want), "{value:?}");
        }
        let error = |text: &str| to_integer(&text.into()).map_err(|e| e.to_string());
        assert_eq!(
            error(" 5"),
            Err(r#"strconv.ParseFloat: parsing " 5": invalid syntax"#.to_owned())
        );
        assert_eq!(
            error("1e400"),
            Err(r#"strconv.ParseFloat: parsing "1e400": value out of range"#.to_owned())
        );
    }

    #[test]
    fn unsigned_integers() {
        for (value, want) in [
            (Value::Float(18_446_744_073_709_551_616.0), 1 << 63),
            (Value::Float(9_223_372_036_854_775_808.0), 1 << 63),
            (Value::Float(1e30), u64::MAX),
            (Value::Float(-3.0), 0),
            (Value::Float(0.5), 1),
            (Value::Int(-1), 0),
            ("-1".into(), 0),
            ("+5".into(), 5),
            ("nan".into(), 1 << 63),
        ] {
            assert_eq!(to_unsigned(&value), Ok(want), "{value:?}");
        }
        assert!(to_unsigned(&"0x+5".into()).is_err());
        assert!(to_unsigned(&"0X1F".into()).is_err());
    }

    #[test]
    fn floats() {
        for (text, want) in [
            ("0x1_0", 16.0),
            ("0x_1", 1.0),
            ("0xFFFFFFFFFFFFFFFFFFFFFF", 309_485_009_821_345_068_724_781_055.0),
            ("0x8000000000000400", 9_223_372_036_854_775_808.0),
            ("0x8000000000000401", 9_223_372_036_854_777_856.0),
            (
                "0x80000000000004000000000000000001",
                9_223_372_036_854_777_856.0 * 18_446_744_073_709_551_616.0,
            ),
            ("1_000.5", 1000.5),
            ("0X1.8p1", 3.0),
            ("-0X_1p1", -2.0),
            ("0X1P-1074", 5e-324),
            ("0X1P-1075", 0.0),
            ("0X1.8P-1075", 5e-324),
            ("0X1.FFFFFFFFFFFFFP1023", f64::MAX),
            ("5.", 5.0),
            ("-.5e1", -5.0),
            ("Infinity", f64::INFINITY),
        ] {
            assert_eq!(float(text), Ok(want), "{text}");
        }
        assert_eq!(float(&format!("0x1{}", "0".repeat(300))), Ok(f64::INFINITY));
        for wrong in [
            "", ".", "1e", "1_.5", "_1", "-nan", "+Nan", "infin", "-0x10", "0X1F", "0Xp1", "0X1p", "0X1p1_0",
        ] {
            assert_eq!(
                float(wrong),
                Err(format!("strconv.ParseFloat: parsing {wrong:?}: invalid syntax")),
                "{wrong}"
            );
        }
        for wrong in ["0x", "0xg", "0x-5", "0x1_", "0x1.8p1"] {
            assert_eq!(
                float(wrong),
                Err("unable to parse string to big int".to_owned()),
                "{wrong}"
            );
        }
        assert!(float("0X1p1024").is_err_and(|e| e.ends_with("value out of range")));
        assert!(float("nan").is_ok_and(f64::is_nan));
    }

    #[test]
    fn truth_values() {
        assert_eq!(
            (to_bool(&"T".into()), to_bool(&Value::Float(0.5))),
            (Ok(true), Ok(true))
        );
        assert_eq!(
            (to_bool(&Value::Int(-1)), to_bool(&Value::Uint(0))),
            (Ok(false), Ok(false))
        );
        assert_eq!(
            to_bool(&"yes".into()).map_err(|e| e.to_string()),
            Err(r#"strconv.ParseBool: parsing "yes": invalid syntax"#.to_owned())
        );
    }
}
