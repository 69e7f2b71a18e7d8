//! Unix times: decimal digits go in, nanoseconds come out, exactly.

use crate::{Nanos, TimeError};

/// What one counts in a unix time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnixUnit {
    /// `unix`
    Seconds,
    /// `unix_ms`
    Milliseconds,
    /// `unix_us`
    Microseconds,
    /// `unix_ns`
    Nanoseconds,
}

impl UnixUnit {
    /// The unit that the format names: `unix`, `unix_ms`, `unix_us` or `unix_ns`.
    pub fn from_name(format: &str) -> Option<UnixUnit> {
        match format {
            "unix" => Some(UnixUnit::Seconds),
            "unix_ms" => Some(UnixUnit::Milliseconds),
            "unix_us" => Some(UnixUnit::Microseconds),
            "unix_ns" => Some(UnixUnit::Nanoseconds),
            _ => None,
        }
    }

    /// Nanoseconds in one.
    pub fn nanos(self) -> i64 {
        10_i64.pow(self.power())
    }

    fn power(self) -> u32 {
        match self {
            UnixUnit::Seconds => 9,
            UnixUnit::Milliseconds => 6,
            UnixUnit::Microseconds => 3,
            UnixUnit::Nanoseconds => 0,
        }
    }
}

/// More digits than this do not change the result: 64 bits of nanoseconds have 19.
const MAX_DIGITS: u32 = 37;

/// Reads a decimal number such as `1568338208.5`, `-12` or `1.5683382085e9` as a unix time. What is finer than a
/// nanosecond is cut off towards the past.
///
/// # Errors
/// Not a decimal number, or a time before 1677 or after 2262.
pub fn parse_unix(text: &str, unit: UnixUnit) -> Result<Nanos, TimeError> {
    let bytes = text.as_bytes();
    // Almost every time is a plain row of digits that fits easily.
    if (1..=19).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit) {
        let count = bytes.iter().fold(0u64, |n, b| n * 10 + u64::from(b - b'0'));
        let ns = i64::try_from(count)
            .ok()
            .and_then(|count| count.checked_mul(unit.nanos()));
        return ns.ok_or(TimeError::OutOfRange);
    }
    parse_decimal(bytes, unit)
}

fn parse_decimal(bytes: &[u8], unit: UnixUnit) -> Result<Nanos, TimeError> {
    let (negative, mut rest) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, bytes),
    };
    let mut mantissa: i128 = 0;
    let mut digits = 0; // significant ones in the mantissa
    let mut power = i64::from(unit.power());
    let mut cut_off = false; // whether digits other than zero were left out
    let (mut seen, mut in_fraction) = (false, false);
    while let [b, tail @ ..] = rest {
        match b {
            b'0'..=b'9' => {
                seen = true;
                if digits < MAX_DIGITS {
                    mantissa = mantissa * 10 + i128::from(b - b'0');
                    digits += u32::from(mantissa != 0);
                    power -= i64::from(in_fraction);
                } else {
                    cut_off |= *b != b'0';
                    power += i64::from(!in_fraction);
                }
            }
            b'.' if !in_fraction => in_fraction = true,
            _ => break,
        }
        rest = tail;
    }
    if !seen {
        return Err(TimeError::InvalidNumber);
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        power = power.saturating_add(parse_exponent(exponent)?);
    } else if !rest.is_empty() {
        return Err(TimeError::InvalidNumber);
    }
    if mantissa == 0 {
        return Ok(0);
    }
    let signed = if negative { -mantissa } else { mantissa };
    let ns = if power >= 0 {
        let scale = u32::try_from(power).ok().and_then(|p| 10_i128.checked_pow(p));
        scale
            .and_then(|scale| signed.checked_mul(scale))
            .ok_or(TimeError::OutOfRange)?
    } else {
        let scale = u32::try_from(-power)
            .ok()
            .and_then(|p| 10_i128.checked_pow(p))
            .unwrap_or(i128::MAX);
        let floor = signed.div_euclid(scale);
        let exact = signed.rem_euclid(scale) == 0;
        if negative && exact && cut_off {
            floor - 1
        } else {
            floor
        }
    };
    i64::try_from(ns).map_err(|_| TimeError::OutOfRange)
}

/// Turns a float into nanoseconds as if by rational numbers: what it is exactly, cut off towards the past.
pub(crate) fn float_to_nanos(count: f64, unit: UnixUnit) -> Result<Nanos, TimeError> {
    if !count.is_finite() {
        return Err(TimeError::InvalidNumber);
    }
    // The float is mantissa * 2^exponent; 53 bits times 10^9 leave room in 128.
    let bits = count.abs().to_bits();
    let exponent = (bits >> 52) as i32;
    let fraction = i128::from(bits & ((1 << 52) - 1));
    let mantissa = if exponent == 0 {
        fraction
    } else {
        fraction | 1 << 52
    };
    let power = exponent.max(1) - 1075;
    let scaled = mantissa * i128::from(unit.nanos()) * if count < 0.0 { -1 } else { 1 };
    let ns = match u32::try_from(-power) {
        // Shifting to the right rounds down, negative numbers too.
        Ok(right) => scaled >> right.min(127),
        // Beyond 2^64 nothing fits.
        Err(_) if power < 12 => scaled << power,
        Err(_) => return Err(TimeError::OutOfRange),
    };
    i64::try_from(ns).map_err(|_| TimeError::OutOfRange)
}

fn parse_exponent(bytes: &[u8]) -> Result<i64, TimeError> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, bytes),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(TimeError::InvalidNumber);
    }
    let size = digits.iter().fold(0i64, |n, b| {
        n.saturating_mul(10).saturating_add(i64::from(b - b'0'))
    });
    // Far beyond any time, and far from overflowing what is added to it.
    let size = size.min(1_000_000_000_000);
    Ok(if negative { -size } else { size })
}

/// Turns the separators of people into those of numbers: spaces and the marks that are not decimal go, the first
/// decimal mark becomes a point.
pub(crate) fn sanitize(text: &str, decimal: &[&str]) -> String {
    let mut out = text.to_string();
    for mark in [" ", ",", "."] {
        if !decimal.contains(&mark) {
            out = out.replace(mark, "");
        }
    }
    match decimal.iter().find(|mark| out.contains(**mark)) {
        Some(mark) => out.replacen(mark, ".", 1),
        None => out,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use UnixUnit::{Microseconds, Milliseconds, Nanoseconds, Seconds};
    use proptest::prelude::*;

    #[test]
    fn digits_are_kept_to_the_last() {
        assert_eq!(
            parse_unix("1568338208.123456789", Seconds),
            Ok(1_568_338_208_123_456_789)
        );
        assert_eq!(
            parse_unix("1731931200123457789", Nanoseconds),
            Ok(1_731_931_200_123_457_789)
        );
        assert_eq!(
            parse_unix("1731931200123457.789", Microseconds),
            Ok(1_731_931_200_123_457_789)
        );
        assert_eq!(
            parse_unix("1731931200123", Milliseconds),
            Ok(1_731_931_200_123_000_000)
        );
        assert_eq!(
            parse_unix("1.568338208123456789e9", Seconds),
            Ok(1_568_338_208_123_456_789)
        );
        assert_eq!(
            parse_unix("1568338208123456789E-9", Seconds),
            Ok(1_568_338_208_123_456_789)
        );
        assert_eq!(parse_unix("0.1", Seconds), Ok(100_000_000));
    }

    #[test]
    fn finer_than_a_nanosecond_goes_towards_the_past() {
        assert_eq!(parse_unix("0.0000000019", Seconds), Ok(1));
        assert_eq!(parse_unix("-0.0000000019", Seconds), Ok(-2));
        assert_eq!(parse_unix("-1e-400", Seconds), Ok(-1));
        assert_eq!(parse_unix("1e-400", Seconds), Ok(0));
        assert_eq!(
            parse_unix(&format!("-1.{}1", "0".repeat(60)), Nanoseconds),
            Ok(-2)
        );
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        assert_eq!(parse_unix("9223372036.854775807", Seconds), Ok(i64::MAX));
        assert_eq!(parse_unix("-9223372036.854775808", Seconds), Ok(i64::MIN));
        for text in [
            "9223372036.854775808",
            "9223372037",
            "1e400",
            "1e99999999999999999999",
            "99999999999999999999",
        ] {
            assert_eq!(parse_unix(text, Seconds), Err(TimeError::OutOfRange), "{text}");
        }
        assert_eq!(
            parse_unix(&format!("1{}e-60", "0".repeat(60)), Seconds),
            Ok(1_000_000_000)
        );
        assert_eq!(parse_unix("0e99999999999999", Seconds), Ok(0));
    }

    #[test]
    fn no_number_is_an_error() {
        for text in [
            "", "-", ".", "e5", "1e", "1e+", "1.2.3", "12a", "0x10", "inf", "NaN", "1 2", "--1", "１",
        ] {
            assert_eq!(
                parse_unix(text, Seconds),
                Err(TimeError::InvalidNumber),
                "{text:?}"
            );
        }
        assert_eq!(parse_unix("5.", Nanoseconds), Ok(5));
        assert_eq!(parse_unix("+.5", Seconds), Ok(500_000_000));
    }

    #[test]
    fn floats_are_taken_for_what_they_are() {
        for (count, unit, ns) in [
            (1_536_002_769.123, Seconds, Ok(1_536_002_769_122_999_906)),
            (0.1, Seconds, Ok(100_000_000)),
            (-0.1, Seconds, Ok(-100_000_001)),
            (1e18, Nanoseconds, Ok(1_000_000_000_000_000_000)),
            (5e-324, Seconds, Ok(0)),
            (-5e-324, Seconds, Ok(-1)),
            (-0.0, Seconds, Ok(0)),
            (1e10, Seconds, Err(TimeError::OutOfRange)),
            (f64::MAX, Nanoseconds, Err(TimeError::OutOfRange)),
            (f64::NAN, Seconds, Err(TimeError::InvalidNumber)),
        ] {
            assert_eq!(float_to_nanos(count, unit), ns, "{count}");
        }
    }

    #[test]
    fn peoples_separators() {
        let both = [",", "."];
        assert_eq!(sanitize("1 568 338 208,5", &both), "1568338208.5");
        assert_eq!(sanitize("1568338208.5", &both), "1568338208.5");
        assert_eq!(sanitize("1.568.338.208,5", &[","]), "1568338208.5");
        assert_eq!(sanitize("1,568,338,208.5", &["."]), "1568338208.5");
        assert_eq!(sanitize("1,2,3", &both), "1.2,3");
    }

    proptest! {
        #[test]
        fn every_nanosecond_goes_through_seconds(ns in any::<i64>()) {
            let sign = if ns < 0 { "-" } else { "" };
            let size = ns.unsigned_abs();
            let text = format!("{sign}{}.{:09}", size / 1_000_000_000, size % 1_000_000_000);
            prop_assert_eq!(parse_unix(&text, Seconds), Ok(ns));
            prop_assert_eq!(parse_unix(&ns.to_string(), Nanoseconds), Ok(ns));
        }

        #[test]
        fn a_float_is_its_decimal_expansion(count in -9e9..9e9_f64) {
            prop_assert_eq!(float_to_nanos(count, Seconds), parse_unix(&format!("{count:.30}"), Seconds));
        }

        #[test]
        fn no_text_panics(text in "\\PC*", number in "[-+]?[0-9.]{0,50}(e[-+]?[0-9]{0,30})?") {
            let _ = parse_unix(&text, Seconds);
            let _ = parse_unix(&number, Milliseconds);
        }
    }
}
