//! Texts in, numbers and truth values out, with the forms and the error texts of Go's strconv.

use std::num::IntErrorKind;

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

/// The float as Go's `%v` prints it: with an exponent from 1e21 on and below 1e-4.
pub(crate) fn show_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let size = value.abs();
    if size == 0.0 || (1e-4..1e21).contains(&size) {
        return value.to_string();
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent
        .strip_prefix('-')
        .map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// Quotes as Go's strconv does.
pub(crate) fn quote(text: &str) -> String {
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
            (1e20, "100000000000000000000"),
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
