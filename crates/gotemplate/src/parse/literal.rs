//! Constants as Go writes them: quoted texts, characters and numbers.

use crate::ast::Number;
use crate::lex::Kind;

/// Takes the quotes and escapes off a text.
pub(super) fn unquote(quoted: &str) -> Result<String, &'static str> {
    if let Some(raw) = quoted.strip_prefix('`') {
        return Ok(raw.trim_end_matches('`').replace('\r', ""));
    }
    let inside = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    let mut bytes = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while !rest.is_empty() {
        let (unit, after) = unit(rest, '"').ok_or("invalid syntax")?;
        match unit {
            Unit::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Unit::Byte(b) => bytes.push(b),
        }
        rest = after;
    }
    Ok(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

enum Unit {
    Char(char),
    Byte(u8),
}

/// Reads one character or escape.
fn unit(text: &str, quote: char) -> Option<(Unit, &str)> {
    let mut chars = text.chars();
    let c = chars.next()?;
    if c != '\\' {
        return (c != quote && c != '\n').then_some((Unit::Char(c), chars.as_str()));
    }
    let escape = chars.next()?;
    let rest = chars.as_str();
    let digits = |count: usize, base: u32| -> Option<(u32, &str)> {
        // Octal digits begin with the escape itself.
        let from = if base == 8 { &text[1..] } else { rest };
        let code =
            u32::from_str_radix(from.get(..count).filter(|d| !d.starts_with(['+', '-']))?, base).ok()?;
        Some((code, &from[count..]))
    };
    let plain = |c: char| Some((Unit::Char(c), rest));
    match escape {
        'a' => plain('\x07'),
        'b' => plain('\x08'),
        'f' => plain('\x0c'),
        'n' => plain('\n'),
        'r' => plain('\r'),
        't' => plain('\t'),
        'v' => plain('\x0b'),
        '\\' => plain('\\'),
        '"' | '\'' if escape == quote => plain(escape),
        'x' => digits(2, 16).map(|(code, rest)| (Unit::Byte(code as u8), rest)),
        '0'..='7' => {
            let (code, rest) = digits(3, 8)?;
            Some((Unit::Byte(u8::try_from(code).ok()?), rest))
        }
        'u' => digits(4, 16).and_then(|(code, rest)| Some((Unit::Char(char::from_u32(code)?), rest))),
        'U' => digits(8, 16).and_then(|(code, rest)| Some((Unit::Char(char::from_u32(code)?), rest))),
        _ => None,
    }
}

/// Reads a number or a character.
pub(super) fn number(text: &str, kind: Kind) -> Result<Number, String> {
    let quoted = || crate::format::quote(text);
    let mut number = Number {
        text: text.to_owned(),
        int: None,
        uint: None,
        float: None,
    };
    match kind {
        Kind::CharConstant => {
            let code = match unit(&text[1..], '\'') {
                Some((Unit::Char(c), "'")) => u32::from(c),
                Some((Unit::Byte(b), "'")) => u32::from(b),
                Some(_) => return Err(format!("malformed character constant: {text}")),
                None => return Err("invalid syntax".into()),
            };
            number.int = Some(i64::from(code));
            number.uint = Some(u64::from(code));
            number.float = Some(f64::from(code));
            return Ok(number);
        }
        Kind::Complex => return Err(format!("complex numbers are not supported: {}", quoted())),
        _ if text.ends_with('i') => {
            return Err(format!("complex numbers are not supported: {}", quoted()));
        }
        _ => {}
    }
    match integer(text) {
        Some(Ok((negative, size))) => {
            number.int = if negative {
                0i64.checked_sub_unsigned(size)
            } else {
                i64::try_from(size).ok()
            };
            number.uint = (!negative || size == 0).then_some(size);
            number.float = match (number.int, number.uint) {
                (Some(n), _) => Some(n as f64),
                (None, Some(n)) => Some(n as f64),
                _ => return Err(format!("integer overflow: {}", quoted())),
            };
        }
        Some(Err(())) => return Err(format!("integer overflow: {}", quoted())),
        None if !text.contains(['.', 'e', 'E', 'p', 'P']) => {
            let plain = text.trim_start_matches(['+', '-']);
            let digits = plain.bytes().all(|b| b.is_ascii_digit());
            let what = if digits && !plain.is_empty() {
                "integer overflow"
            } else {
                "illegal number syntax"
            };
            return Err(format!("{what}: {}", quoted()));
        }
        None => {
            let float = float(text).ok_or_else(|| format!("illegal number syntax: {}", quoted()))?;
            number.float = Some(float);
            // 2^63 and 2^64 are the first that do not fit.
            if float.fract() == 0.0 && (-(2f64.powi(63))..2f64.powi(63)).contains(&float) {
                number.int = Some(float as i64);
            }
            if float.fract() == 0.0 && (0.0..2f64.powi(64)).contains(&float) {
                number.uint = Some(float as u64);
            }
        }
    }
    Ok(number)
}

/// An integer in Go's forms (`0x1f`, `0b1`, `0o7`, `017`, `1_000`) as (negative, size); an inner error is an overflow.
pub(crate) fn integer(text: &str) -> Option<Result<(bool, u64), ()>> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, body) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    let plain: String = body.chars().filter(|c| *c != '_').collect();
    let well_formed = !plain.is_empty()
        && plain.chars().all(|c| c.is_digit(base))
        && !body.ends_with('_')
        && !body.contains("__")
        && (base != 10 || !body.starts_with('_'));
    well_formed.then(|| {
        u64::from_str_radix(&plain, base)
            .map(|size| (negative, size))
            .map_err(|_| ())
    })
}

/// A float in Go's forms, hexadecimal ones included.
pub(crate) fn float(text: &str) -> Option<f64> {
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_hexdigit());
    let separates = |(at, _): (usize, &str)| {
        digit(text[..at].chars().next_back()) && digit(text[at + 1..].chars().next())
    };
    if !text.match_indices('_').all(separates) {
        return None;
    }
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let unsigned = plain.trim_start_matches(['+', '-']);
    if let Some(hex) = unsigned
        .strip_prefix("0x")
        .or_else(|| unsigned.strip_prefix("0X"))
    {
        let (mantissa, exponent) = hex.split_once(['p', 'P'])?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut value = 0.0;
        for digit in whole.chars() {
            value = value * 16.0 + f64::from(digit.to_digit(16)?);
        }
        let mut scale = 1.0 / 16.0;
        for digit in fraction.chars() {
            value += f64::from(digit.to_digit(16)?) * scale;
            scale /= 16.0;
        }
        let value = value * 2f64.powi(exponent.parse::<i32>().ok()?);
        return Some(if plain.starts_with('-') { -value } else { value });
    }
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    plain.parse().ok().filter(|x: &f64| x.is_finite())
}
