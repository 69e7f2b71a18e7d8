//! Numbers in Go's forms, times in units.

use wheatstone_plugin::prelude::*;

/// Appends a float as Go's `%v` has it: with an exponent from 1e6 on and below 1e-4.
pub(crate) fn push_short_float(value: f64, out: &mut Vec<u8>) {
    let size = value.abs();
    if !value.is_finite() || size == 0.0 || (1e-4..1e6).contains(&size) {
        return wheatstone_line_protocol::push_float(value, out);
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    out.extend_from_slice(format!("{digits}e{sign}{exponent:0>2}").as_bytes());
}

/// The same as a text of its own.
pub(crate) fn short_float(value: f64) -> String {
    let mut out = Vec::new();
    push_short_float(value, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Appends a field's value as text: floats without an exponent, `true`, `false`, texts as they are.
pub(crate) fn push_plain(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Float(v) => wheatstone_line_protocol::push_float(*v, out),
        Value::Int(v) => wheatstone_line_protocol::push_int(*v, out),
        Value::Uint(v) => wheatstone_line_protocol::push_uint(*v, out),
        Value::Bool(v) => out.extend_from_slice(if *v { b"true" } else { b"false" }),
        Value::Str(v) => out.extend_from_slice(v.as_bytes()),
    }
}

/// Whole seconds since 1970, times before it rounded down.
pub(crate) fn seconds(time: Timestamp) -> i64 {
    time.div_euclid(1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_have_gos_short_form() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (999999.5, "999999.5"),
            (1e6, "1e+06"),
            (-2643743.0, "-2.643743e+06"),
            (1e100, "1e+100"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(short_float(value), text);
        }
    }

    #[test]
    fn seconds_are_rounded_down() {
        assert_eq!((seconds(-1), seconds(1_999_999_999)), (-1, 1));
    }
}
