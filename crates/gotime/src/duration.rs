//! Durations as Go writes them: `1h30m` goes in, nanoseconds come out, and back.

use std::fmt::Write;

use crate::TimeError;
use crate::error::quote;

const SECOND: u64 = 1_000_000_000;

/// Reads a duration option as Telegraf does, into nanoseconds: a plain number counts seconds (`10`, `0.5`), otherwise a
/// Go duration (`1h30m`), where `d` is 24 hours too. An empty text is 0.
///
/// # Errors
/// The text is none of these, or beyond 292 years.
pub fn parse_duration(text: &str) -> Result<i64, TimeError> {
    if text.is_empty() {
        return Ok(0);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        if let Ok(seconds) = text.parse::<i64>() {
            return seconds
                .checked_mul(SECOND as i64)
                .ok_or_else(|| invalid("invalid duration", text));
        }
        if let Ok(seconds) = text.parse::<f64>() {
            let ns = seconds * SECOND as f64;
            // 2^63 is the first float that does not fit.
            if ns.abs() >= 9_223_372_036_854_775_808.0 {
                return Err(invalid("invalid duration", text));
            }
            return Ok(ns as i64);
        }
    }
    parse(text, true)
}

/// Reads a duration as Go's own `ParseDuration` does: numbers with units `ns`, `us`, `ms`, `s`, `m`, `h`.
///
/// # Errors
/// The text is no duration, or beyond 292 years.
pub fn parse_go_duration(text: &str) -> Result<i64, TimeError> {
    parse(text, false)
}

fn parse(text: &str, with_days: bool) -> Result<i64, TimeError> {
    let none = || invalid("invalid duration", text);
    let (negative, mut rest) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(none());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let whole = digits(rest);
        rest = &rest[whole.len()..];
        let mut fraction = "";
        if let Some(after) = rest.strip_prefix('.') {
            fraction = digits(after);
            rest = &after[fraction.len()..];
        }
        if whole.is_empty() && fraction.is_empty() {
            return Err(none());
        }
        let unit_len = rest
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(rest.len());
        let unit = &rest[..unit_len];
        rest = &rest[unit_len..];
        let scale = match unit {
            "" => return Err(invalid("missing unit in duration", text)),
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => SECOND,
            "m" => 60 * SECOND,
            "h" => 3_600 * SECOND,
            "d" if with_days => 86_400 * SECOND,
            _ => {
                let what = format!("unknown unit {} in duration", quote(unit.as_bytes()));
                return Err(invalid(&what, text));
            }
        };
        let count: u64 = if whole.is_empty() {
            0
        } else {
            whole.parse().map_err(|_| none())?
        };
        let part = count
            .checked_mul(scale)
            .and_then(|n| n.checked_add(fraction_of(fraction, scale)));
        total = part
            .and_then(|part| total.checked_add(part))
            .filter(|n| *n <= 1 << 63)
            .ok_or_else(none)?;
    }
    match (negative, i64::try_from(total)) {
        (false, Ok(ns)) => Ok(ns),
        (true, Ok(ns)) => Ok(-ns),
        (true, Err(_)) => Ok(i64::MIN),
        (false, Err(_)) => Err(none()),
    }
}

fn digits(text: &str) -> &str {
    &text[..text.bytes().take_while(u8::is_ascii_digit).count()]
}

/// `0.fraction` of a unit, cut off at the nanosecond.
fn fraction_of(fraction: &str, unit: u64) -> u64 {
    // Eighteen digits are finer than a nanosecond in every unit.
    let fraction = &fraction[..fraction.len().min(18)];
    let numerator: u128 = fraction.bytes().fold(0, |n, b| n * 10 + u128::from(b - b'0'));
    (numerator * u128::from(unit) / 10_u128.pow(fraction.len() as u32)) as u64
}

fn invalid(what: &str, text: &str) -> TimeError {
    TimeError::Duration(format!("time: {what} {}", quote(text.as_bytes())))
}

/// Writes nanoseconds as Go does: `1h30m0s`, `1.5ms`, `0s`.
pub fn format_duration(ns: i64) -> String {
    let size = ns.unsigned_abs();
    let mut out = String::new();
    if ns < 0 {
        out.push('-');
    }
    // Writing to a String cannot fail.
    let _ = match size {
        0 => write!(out, "0s"),
        1..1_000 => write!(out, "{size}ns"),
        1_000..1_000_000 => write_decimal(&mut out, size, 1_000, "µs"),
        1_000_000..SECOND => write_decimal(&mut out, size, 1_000_000, "ms"),
        _ => {
            let minutes = size / (60 * SECOND);
            if minutes >= 60 {
                let _ = write!(out, "{}h", minutes / 60);
            }
            if minutes > 0 {
                let _ = write!(out, "{}m", minutes % 60);
            }
            write_decimal(&mut out, size % (60 * SECOND), SECOND, "s")
        }
    };
    out
}

fn write_decimal(out: &mut String, size: u64, unit: u64, name: &str) -> std::fmt::Result {
    write!(out, "{}", size / unit)?;
    if !size.is_multiple_of(unit) {
        let width = unit.ilog10() as usize;
        let fraction = format!("{:0width$}", size % unit);
        write!(out, ".{}", fraction.trim_end_matches('0'))?;
    }
    out.write_str(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn gos_durations() {
        for (text, ns) in [
            ("0", 0),
            ("5s", 5_000_000_000),
            ("-1.5h", -5_400_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1h15m30.918273645s", 4_530_918_273_645),
            ("100us", 100_000),
            ("3µs", 3_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("0.000000000000001h", 0),
            ("-9223372036854775808ns", i64::MIN),
        ] {
            assert_eq!(parse_go_duration(text), Ok(ns), "{text}");
        }
    }

    #[test]
    fn go_says_what_is_wrong() {
        for (text, message) in [
            ("", "time: invalid duration \"\""),
            ("3", "time: missing unit in duration \"3\""),
            ("3x", "time: unknown unit \"x\" in duration \"3x\""),
            ("1d", "time: unknown unit \"d\" in duration \"1d\""),
            (".s", "time: invalid duration \".s\""),
            ("a", "time: invalid duration \"a\""),
            (
                "9223372036854775808ns",
                "time: invalid duration \"9223372036854775808ns\"",
            ),
            (
                "99999999999999999999h",
                "time: invalid duration \"99999999999999999999h\"",
            ),
        ] {
            assert_eq!(
                parse_go_duration(text).expect_err("not valid").to_string(),
                message
            );
        }
    }

    #[test]
    fn telegrafs_options_take_numbers_and_days() {
        assert_eq!(parse_duration("10"), Ok(10_000_000_000));
        assert_eq!(parse_duration("0.25"), Ok(250_000_000));
        assert_eq!(parse_duration("-3"), Ok(-3_000_000_000));
        assert_eq!(parse_duration("1d12h"), Ok(129_600_000_000_000));
        assert_eq!(parse_duration("1.5d"), Ok(129_600_000_000_000));
        assert_eq!(parse_duration(""), Ok(0));
        assert!(parse_duration("1e300").is_err());
        assert!(parse_duration("inf").is_err());
        assert!(parse_duration("10 s").is_err());
    }

    #[test]
    fn written_as_go_does() {
        for (ns, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (60_000_000_000, "1m0s"),
            (3_600_000_000_000, "1h0m0s"),
            (-5_400_000_000_001, "-1h30m0.000000001s"),
        ] {
            assert_eq!(format_duration(ns), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(ns in any::<i64>()) {
            prop_assert_eq!(parse_go_duration(&format_duration(ns)), Ok(ns));
        }
        #[test]
        fn no_text_panics(text in "\\PC*", almost in "[-+]?([0-9.]{0,25}(ns|us|ms|s|m|h|d|x)){0,4}") {
            let _ = parse_duration(&text);
            let _ = parse_duration(&almost);
        }
    }
}
