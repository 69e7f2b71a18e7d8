//! Truth values and numbers. InfluxDB's library takes everything up to the next separator and then looks what it is.

use wheatstone_metric::Value;

use crate::decode::error::quote_token;
use crate::decode::number::{Number, NumberError, parse_float, parse_int, parse_uint};

pub(super) fn boolean(word: &[u8]) -> Result<Value, String> {
    match word {
        b"t" | b"T" | b"true" | b"True" | b"TRUE" => Ok(Value::Bool(true)),
        b"f" | b"F" | b"false" | b"False" | b"FALSE" => Ok(Value::Bool(false)),
        _ => Err(format!("invalid bool value {}", quote_token(word))),
    }
}

#[inline(always)]
pub(super) fn number(word: &[u8]) -> Result<Value, String> {
    let number = Number::scan(word, 0);
    match (word.get(number.end..), number.has_digits()) {
        (Some(b""), true) => {
            if let Ok(value) = number.float(word, word.len()) {
                return Ok(value);
            }
        }
        (Some(b"i"), true) if number.is_integer(word) => {
            if let Ok(value) = number.int() {
                return Ok(value);
            }
        }
        _ => {}
    }
    unusual_number(word)
}

#[cold]
fn unusual_number(word: &[u8]) -> Result<Value, String> {
    match word {
        [digits @ .., b'i'] => parse_int(digits)
            .map(Value::Int)
            .map_err(|why| why.text("invalid integer value syntax").into()),
        [digits @ .., b'u'] => parse_uint(digits)
            .map(Value::Uint)
            .map_err(|why| why.text("invalid unsigned integer value syntax").into()),
        _ => match without_underscores(word).and_then(|digits| parse_float(&digits)) {
            Ok(v) if v.is_finite() => Ok(Value::Float(v)),
            Ok(_) => Err(format!(
                "non-number {} cannot be represented as a line-protocol field value",
                quote_token(word)
            )),
            Err(why) => Err(why.text("invalid float value syntax").into()),
        },
    }
}

/// Go lets underscores stand between the digits of a float, though not of an integer.
fn without_underscores(word: &[u8]) -> Result<Vec<u8>, NumberError> {
    let between_digits = |at: usize| {
        let is_digit = |at: Option<usize>| at.and_then(|at| word.get(at)).is_some_and(u8::is_ascii_digit);
        is_digit(at.checked_sub(1)) && is_digit(at.checked_add(1))
    };
    if word
        .iter()
        .enumerate()
        .any(|(at, &b)| b == b'_' && !between_digits(at))
    {
        return Err(NumberError::Syntax);
    }
    Ok(word.iter().copied().filter(|&b| b != b'_').collect())
}
