//! Numbers to the decimal text of line protocol.

/// Appends a float as Go's `strconv.FormatFloat(v, 'f', -1, 64)` does: the shortest decimal that reads back as the
/// same float, never with an exponent. Line protocol has no text for NaN and the infinities; they are written as
/// `NaN`, `+Inf` and `-Inf`, and it is the caller's part to leave them out where they are not wanted.
#[inline]
pub fn push_float(v: f64, out: &mut Vec<u8>) {
    let whole = v as i64;
    if whole as f64 == v && whole.unsigned_abs() < 1 << 53 {
        if whole == 0 && v.is_sign_negative() {
            out.push(b'-');
        }
        return push_int(whole, out);
    }
    if !push_decimals(v, out) {
        push_shortest(v, out);
    }
}

/// Appends a float with at most four decimals, which is what sensors send.
///
/// Of up to 15 digits a double tells every decimal apart, so if one with at most four decimals reads back as `v`,
/// it is the shortest that does.
#[inline]
fn push_decimals(v: f64, out: &mut Vec<u8>) -> bool {
    let size = v.abs();
    let scaled = (size * 1e4 + 0.5) as u64;
    if scaled >= 1_000_000_000_000_000 || scaled as f64 / 1e4 != size {
        return false;
    }
    if v < 0.0 {
        out.push(b'-');
    }
    push_uint(scaled / 10_000, out);
    let decimals = (scaled % 10_000) as u16;
    let digit = |unit: u16| b'0' + (decimals / unit % 10) as u8;
    let text = [b'.', digit(1000), digit(100), digit(10), digit(1)];
    let zeros = text.iter().rev().take_while(|&&d| d == b'0').count();
    out.extend_from_slice(&text[..text.len() - zeros]);
    true
}

#[cold]
fn push_not_finite(v: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(match v {
        v if v.is_nan() => b"NaN",
        v if v > 0.0 => b"+Inf",
        _ => b"-Inf",
    });
}

fn push_shortest(v: f64, out: &mut Vec<u8>) {
    if !v.is_finite() {
        return push_not_finite(v, out);
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(v);
    match text.split_once('e') {
        None => out.extend_from_slice(text.strip_suffix(".0").unwrap_or(text).as_bytes()),
        Some((digits, exponent)) => push_expanded(digits, exponent.parse().unwrap_or(0), out),
    }
}

/// Appends `digits` times ten to the power of `exponent`, where digits is `d` or `d.ddd`, perhaps with a minus.
#[cold]
fn push_expanded(digits: &str, exponent: i32, out: &mut Vec<u8>) {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", digits),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    out.extend_from_slice(sign.as_bytes());
    let zeros = |n: usize| std::iter::repeat_n(b'0', n);
    if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.extend(zeros(
            (exponent.unsigned_abs() as usize).saturating_sub(whole.len()),
        ));
        out.extend_from_slice(whole.as_bytes());
        out.extend_from_slice(fraction.as_bytes());
        return;
    }
    let shift = exponent.unsigned_abs() as usize;
    out.extend_from_slice(whole.as_bytes());
    let (moved, rest) = fraction.split_at_checked(shift).unwrap_or((fraction, ""));
    out.extend_from_slice(moved.as_bytes());
    out.extend(zeros(shift - moved.len()));
    if !rest.is_empty() {
        out.push(b'.');
        out.extend_from_slice(rest.as_bytes());
    }
}

/// Appends an integer in decimal, without line protocol's `i`.
#[inline]
pub fn push_int(v: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(v).as_bytes());
}

/// Appends an unsigned integer in decimal, without line protocol's `u`.
#[inline]
pub fn push_uint(v: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(v).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(v: f64) -> String {
        let mut out = Vec::new();
        push_float(v, &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn floats_have_no_exponent_and_no_needless_digit() {
        for (v, want) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-42.0, "-42"),
            (21.5, "21.5"),
            (-0.25, "-0.25"),
            (0.0001, "0.0001"),
            (0.1 + 0.2, "0.30000000000000004"),
            (99.999_999, "99.999999"),
            (1e-7, "0.0000001"),
            (-1.5e-7, "-0.00000015"),
            (1e21, "1000000000000000000000"),
            (1.2345e22, "12345000000000000000000"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (1e15, "1000000000000000"),
            // Ties, as Go 1.26 prints them.
            (f64::from_bits(4_834_508_127_563_880_313), "1662331755677150.2"),
            (f64::from_bits(4_834_508_127_563_880_319), "1662331755677151.8"),
            (123_456_789_012_345.67, "123456789012345.67"),
            (18_446_744_073_709_551_615.0, "18446744073709552000"),
            (5e-324, &format!("0.{}5", "0".repeat(323))),
        ] {
            assert_eq!(text(v), want);
        }
        assert_eq!(text(f64::MAX), format!("17976931348623157{}", "0".repeat(292)));
        assert_eq!(
            (text(f64::NAN), text(f64::INFINITY), text(f64::NEG_INFINITY)),
            ("NaN".into(), "+Inf".into(), "-Inf".into())
        );
    }

    proptest! {
        /// The standard library prints the shortest form without an exponent too, only more slowly.
        #[test]
        fn floats_are_as_short_as_can_be(bits: u64) {
            let v = f64::from_bits(bits);
            prop_assume!(v.is_finite());
            let (ours, std) = (text(v), v.to_string());
            if ours != std {
                // Two shortest texts are equally near: Go takes the even digit, the standard library the upper one.
                let exact = format!("{v:.40}");
                let tail = exact.strip_prefix(&ours).unwrap_or_default();
                prop_assert_eq!(tail.trim_end_matches('0'), "5", "{} is no tie of {} and {}", exact, ours, std);
                prop_assert_eq!(ours.len(), std.len());
                prop_assert!(ours.ends_with(['0', '2', '4', '6', '8']), "{}", ours);
                prop_assert_eq!(ours.parse::<f64>(), Ok(v));
            }
        }

        #[test]
        fn decimals_too(n in -10_000_000_000i64..10_000_000_000, places in 0u32..8) {
            let v = n as f64 / 10f64.powi(places as i32);
            prop_assert_eq!(text(v), v.to_string());
        }
    }
}
