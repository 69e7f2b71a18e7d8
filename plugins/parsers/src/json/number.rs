//! Numbers of JSON: digits in, the nearest float out, and the integer where it is one.

use super::scan::Malformed;

/// A number, and what it was written with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number<'a> {
    pub(super) value: f64,
    pub(super) text: &'a [u8],
    /// Its digits without the point.
    mantissa: u64,
    negative: bool,
    /// It has neither point nor exponent, and its digits fit.
    whole: bool,
}

impl<'a> Number<'a> {
    /// The number that a text begins with.
    #[inline(always)]
    pub(super) fn at_front(bytes: &'a [u8]) -> Result<Number<'a>, Malformed> {
        let negative = bytes.first() == Some(&b'-');
        let digits = bytes.get(usize::from(negative)..).unwrap_or_default();
        let (mut mantissa, whole) = run(digits, 0);
        let (mut fraction, mut len) = (0, usize::from(negative) + whole);
        if let Some([b'.', tail @ ..]) = digits.get(whole..) {
            (mantissa, fraction) = run(tail, mantissa);
            len += 1 + fraction;
            if fraction == 0 {
                return Err(Malformed);
            }
        }
        if whole == 0 || whole > 1 && digits.first() == Some(&b'0') {
            return Err(Malformed);
        }
        let exponent = exponent(bytes.get(len..).unwrap_or_default())?;
        let text = bytes.get(..len + exponent).ok_or(Malformed)?;
        let fits = exponent == 0 && whole + fraction <= 19;
        // Up to 2^53 and 10^22 floats hold both exactly, so that one division rounds once: the result is the nearest.
        let value = match POWERS.get(fraction) {
            Some(power) if fits && (fraction == 0 || mantissa <= 1 << 53) => {
                let value = mantissa as f64;
                let value = if fraction > 0 { value / power } else { value };
                if negative { -value } else { value }
            }
            _ => far_float(text)?,
        };
        Ok(Number {
            value,
            text,
            mantissa,
            negative,
            whole: fits && fraction == 0,
        })
    }

    /// The digits that it was written with.
    pub(super) fn text(&self) -> &'a str {
        std::str::from_utf8(self.text).unwrap_or_default()
    }

    /// What it counts, where it is written as an integer of 64 bits.
    pub(super) fn integer(&self) -> Option<i64> {
        let size = i64::try_from(self.mantissa).ok().filter(|_| self.whole)?;
        Some(if self.negative { -size } else { size })
    }
}

/// The digits at the front, joined to `value`, and how many they are. What does not fit wraps; then their number tells.
#[inline(always)]
fn run(bytes: &[u8], mut value: u64) -> (u64, usize) {
    let mut n = 0;
    while let Some(chunk) = bytes.get(n..).and_then(|rest| rest.first_chunk::<8>()) {
        let (digits, count) = eight(u64::from_le_bytes(*chunk));
        value = value.wrapping_mul(TENS[count]).wrapping_add(digits);
        n += count;
        if count < 8 {
            return (value, n);
        }
    }
    while let Some(digit) = bytes
        .get(n)
        .map(|byte| byte.wrapping_sub(b'0'))
        .filter(|digit| *digit < 10)
    {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        n += 1;
    }
    (value, n)
}

const TENS: [u64; 9] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
];

/// Of eight characters, the first one lowest, the digits at the front as a number, and how many they are: all at once, for a
/// loop over three or five digits costs a wrongly foreseen jump.
#[inline(always)]
fn eight(chunk: u64) -> (u64, usize) {
    const ONES: u64 = u64::MAX / 255;
    // Digits become 0 to 9; in all other bytes a sum or the byte itself reaches the highest bit.
    let x = chunk ^ (ONES * u64::from(b'0'));
    let sums = (x & (ONES * 0x7f)) + ONES * (0x80 - 10);
    let others = (sums | x) & (ONES * 0x80);
    let count = (others.trailing_zeros() / 8) as usize;
    // What is no digit goes, and zeros come to the front.
    let x = x.checked_shl(64 - 8 * count as u32).unwrap_or(0);
    // Pairs, then fours, then all eight.
    let pairs = x.wrapping_mul(10).wrapping_add(x >> 8);
    let high = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(100 + (1_000_000 << 32));
    let low = ((pairs >> 16) & 0x0000_00ff_0000_00ff).wrapping_mul(1 + (10_000 << 32));
    (high.wrapping_add(low) >> 32, count)
}

/// How long the exponent at the front is; 0 where there is none.
#[inline(always)]
fn exponent(bytes: &[u8]) -> Result<usize, Malformed> {
    match bytes {
        [b'e' | b'E', tail @ ..] => far_exponent(tail),
        _ => Ok(0),
    }
}

#[cold]
fn far_exponent(tail: &[u8]) -> Result<usize, Malformed> {
    let sign = usize::from(matches!(tail, [b'+' | b'-', ..]));
    let digits = tail[sign..].iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return Err(Malformed);
    }
    Ok(1 + sign + digits)
}

const POWERS: [f64; 20] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19,
];

/// A number that needs more than one division.
#[cold]
fn far_float(text: &[u8]) -> Result<f64, Malformed> {
    let value: f64 = fast_float2::parse(text).map_err(|_| Malformed)?;
    if value.is_infinite() {
        Err(Malformed)
    } else {
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_follow_the_grammar() {
        for broken in ["-", "01", "1.", ".5", "1e", "1e+", "-01", "+1", "1e400"] {
            assert!(Number::at_front(broken.as_bytes()).is_err(), "{broken}");
        }
        let zero = Number::at_front(b"-0,").expect("a number");
        assert!(zero.value == 0.0 && zero.value.is_sign_negative() && zero.text() == "-0");
    }

    #[test]
    fn eight_characters_are_read_at_once() {
        let read = |text: &[u8; 8]| eight(u64::from_le_bytes(*text));
        assert_eq!(read(b"12345678"), (12_345_678, 8));
        assert_eq!(read(b"00000090"), (90, 8));
        for other in 0..=u8::MAX {
            let mut text = *b"12345678";
            for count in 0..8 {
                text[count] = other;
                let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
                let number = text[..digits]
                    .iter()
                    .fold(0, |n, digit| n * 10 + u64::from(digit - b'0'));
                assert_eq!(read(&text), (number, digits), "{text:?}");
                text[count] = b'9';
            }
        }
    }

    proptest! {
        #[test]
        fn numbers_are_the_nearest_floats(text in "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,24})?([eE][-+]?[0-9]{1,2})?") {
            let number = Number::at_front(text.as_bytes()).expect("a number");
            prop_assert_eq!(number.value.to_bits(), text.parse::<f64>().expect("a float").to_bits());
            prop_assert_eq!(number.text(), &text);
            // Of the smallest of all only the digits are known.
            let integer = text.parse::<i64>().ok().filter(|n| *n > i64::MIN);
            prop_assert_eq!(number.integer(), integer);
        }
    }
}
