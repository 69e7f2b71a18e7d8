//! Texts in, numbers and truth values out, with the forms and the error texts of Go's strconv.

use std::num::IntErrorKind;

use wheatstone_plugin::excerpt;

/// Why a text is no value of the type asked for; its text is Go's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NumError {
    function: &'static str,
    text: String,
    out_of_range: bool,
}

impl std::fmt::Display for NumError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = if self.out_of_range {
            "value out of range"
        } else {
            "invalid syntax"
        };
        write!(
            f,
            "strconv.{}: parsing {}: {what}",
            self.function,
            quote(&self.text)
        )
    }
}
impl std::error::Error for NumError {}

/// A decimal integer. `function` is the name in the error text: `Atoi` or `ParseInt`.
pub(crate) fn parse_int(text: &str, function: &'static str) -> Result<i64, NumError> {
    text.parse().map_err(|error: std::num::ParseIntError| NumError {
        function,
        text: text.to_owned(),
        out_of_range: matches!(
            error.kind(),
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow
        ),
    })
}

/// A decimal integer without a sign.
pub(crate) fn parse_uint(text: &str) -> Result<u64, NumError> {
    // Rust takes "+5", Go does not.
    let out_of_range = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let parsed = if out_of_range { text.parse().ok() } else { None };
    parsed.ok_or_else(|| NumError {
        function: "ParseUint",
        text: text.to_owned(),
        out_of_range,
    })
}

/// An integer as Go's source has it: `0x1f`, `0b11`, `0o17` and `017` too, digits may be grouped by `_`.
#[cfg_attr(
    not(any(feature = "full", test)),
    expect(dead_code, reason = "grok reads such")
)]
pub(crate) fn parse_int_literal(text: &str) -> Result<i64, NumError> {
    let error = |out_of_range| NumError {
        function: "ParseInt",
        text: text.to_owned(),
        out_of_range,
    };
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (radix, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (16, &unsigned[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &unsigned[2..]),
        [b'0', b'b' | b'B', _, ..] => (2, &unsigned[2..]),
        [b'0', _, ..] => (8, &unsigned[1..]),
        _ => (10, unsigned),
    };
    // The prefix counts as a digit.
    let body = if radix == 10 {
        digits
    } else {
        digits.strip_prefix('_').unwrap_or(digits)
    };
    let grouped = body.split('_').all(|group| group.bytes().next().is_some());
    if !grouped || body.starts_with(['-', '+']) {
        return Err(error(false));
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    i64::from_str_radix(&format!("{sign}{}", body.replace('_', "")), radix).map_err(|e| {
        error(matches!(
            e.kind(),
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow
        ))
    })
}

/// A decimal float, `inf` and `nan` too; digits may be grouped by `_`.
pub(crate) fn parse_float(text: &str) -> Result<f64, NumError> {
    let error = |out_of_range| NumError {
        function: "ParseFloat",
        text: text.to_owned(),
        out_of_range,
    };
    // Rust takes "-nan", Go does not.
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned.len() < text.len() && unsigned.eq_ignore_ascii_case("nan") {
        return Err(error(false));
    }
    let value: f64 = if text.contains('_') && groups_digits(text) {
        text.replace('_', "").parse().map_err(|_| error(false))?
    } else {
        text.parse().map_err(|_| error(false))?
    };
    if value.is_infinite() && !unsigned.starts_with(['i', 'I']) {
        return Err(error(true));
    }
    Ok(value)
}

/// Whether every underscore stands between two digits.
fn groups_digits(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    bytes
        .iter()
        .enumerate()
        .all(|(at, b)| *b != b'_' || digit(at.checked_sub(1)) && digit(Some(at + 1)))
}

/// A truth value: `1`, `t`, `true`, `0`, `f`, `false` and their forms in capitals.
pub(crate) fn parse_bool(text: &str) -> Result<bool, NumError> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(NumError {
            function: "ParseBool",
            text: text.to_owned(),
            out_of_range: false,
        }),
    }
}

/// The float as Go's `%v` prints it: with an exponent from 1e6 on and below 1e-4.
pub(crate) fn show_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let size = value.abs();
    if size == 0.0 || (1e-4..1e6).contains(&size) {
        return value.to_string();
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent
        .strip_prefix('-')
        .map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// Quotes for an error as Go's strconv does; of a long text only an excerpt.
pub(crate) fn quote(text: &str) -> String {
    let text = excerpt(text);
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' | '\u{7f}' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if c.is_control() || (c.is_whitespace() && c != ' ') => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        assert_eq!(parse_int("+55", "Atoi"), Ok(55));
        assert_eq!(parse_int("-9223372036854775808", "Atoi"), Ok(i64::MIN));
        let message = |text| parse_int(text, "Atoi").map_err(|e| e.to_string());
        assert_eq!(
            message("55.0"),
            Err(r#"strconv.Atoi: parsing "55.0": invalid syntax"#.to_owned())
        );
        assert_eq!(
            message(""),
            Err(r#"strconv.Atoi: parsing "": invalid syntax"#.to_owned())
        );
        let big = "9223372036854775808";
        assert_eq!(
            message(big),
            Err(format!("strconv.Atoi: parsing {big:?}: value out of range"))
        );
    }

    #[test]
    fn unsigned_integers() {
        assert_eq!(parse_uint("18446744073709551615"), Ok(u64::MAX));
        let message = |text| parse_uint(text).map_err(|e| e.to_string());
        for text in ["", "-1", "+1", "1.0"] {
            let want = format!("strconv.ParseUint: parsing {text:?}: invalid syntax");
            assert_eq!(message(text), Err(want));
        }
        let big = "18446744073709551616";
        assert_eq!(
            message(big),
            Err(format!("strconv.ParseUint: parsing {big:?}: value out of range"))
        );
    }

    #[test]
    fn integer_literals() {
        for (text, value) in [
            ("0", 0),
            ("-12", -12),
            ("+0x1F", 31),
            ("017", 15),
            ("0o17", 15),
            ("0b11", 3),
            ("1_000", 1000),
            ("0x_f", 15),
            ("-0x8000000000000000", i64::MIN),
        ] {
            assert_eq!(parse_int_literal(text), Ok(value), "{text}");
        }
        for text in ["", "x", "08", "1__0", "_1", "1_", "0x", "--1", "1.5", "+-1"] {
            let want = format!("strconv.ParseInt: parsing {text:?}: invalid syntax");
            assert_eq!(parse_int_literal(text).map_err(|e| e.to_string()), Err(want));
        }
        let big = parse_int_literal("9223372036854775808").map_err(|e| e.to_string());
        assert!(big.is_err_and(|e| e.ends_with("value out of range")));
    }

    #[test]
    fn floats() {
        for (text, value) in [
            ("5.", 5.0),
            (".5", 0.5),
            ("1e3", 1000.0),
            ("-1_000.5", -1000.5),
            ("+Inf", f64::INFINITY),
        ] {
            assert_eq!(parse_float(text), Ok(value), "{text}");
        }
        assert!(parse_float("nan").is_ok_and(f64::is_nan));
        for wrong in ["", ".", "-nan", " 5", "1__0", "_1", "1_", "1_.5", "five", "0x10"] {
            assert!(parse_float(wrong).is_err(), "{wrong}");
        }
        let message = parse_float("-1e400").map_err(|e| e.to_string());
        assert_eq!(
            message,
            Err(r#"strconv.ParseFloat: parsing "-1e400": value out of range"#.to_owned())
        );
    }

    #[test]
    fn truth_values() {
        assert_eq!((parse_bool("T"), parse_bool("False")), (Ok(true), Ok(false)));
        let message = parse_bool("tRUE").map_err(|e| e.to_string());
        assert_eq!(
            message,
            Err(r#"strconv.ParseBool: parsing "tRUE": invalid syntax"#.to_owned())
        );
    }

    #[test]
    fn texts() {
        assert_eq!(quote("é\u{1}\"\\\n\u{2028}"), r#""é\x01\"\\\n\u2028""#);
        for (value, text) in [
            (123456.5, "123456.5"),
            (2643743.0, "2.643743e+06"),
            (1e21, "1e+21"),
            (1.5e-5, "1.5e-05"),
            (0.0001, "0.0001"),
        ] {
            assert_eq!(show_float(value), text);
        }
        assert_eq!(
            (show_float(-0.0).as_str(), show_float(f64::NEG_INFINITY).as_str()),
            ("-0", "-Inf")
        );
    }
}
