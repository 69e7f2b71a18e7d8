//! Bytes of JSON in, tokens out: a cursor that steps over values without building anything.

use std::borrow::Cow;

/// The text is no JSON, or nested too deeply; [`check`](super::check::check) says why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A place in a text.
#[derive(Clone)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// What stands between two quotes, not yet unescaped.
#[derive(Clone, Copy)]
pub(super) struct RawStr<'a> {
    pub(super) text: &'a str,
    pub(super) escaped: bool,
}

impl<'a> RawStr<'a> {
    /// The text that is meant.
    #[inline]
    pub(super) fn unescape(self) -> Cow<'a, str> {
        if !self.escaped {
            return Cow::Borrowed(self.text);
        }
        let mut out = String::with_capacity(self.text.len());
        unescape_to(self.text, &mut out);
        Cow::Owned(out)
    }

    /// Appends the text that is meant.
    #[inline]
    pub(super) fn unescape_to(self, out: &mut String) {
        if self.escaped {
            unescape_to(self.text, out)
        } else {
            out.push_str(self.text)
        }
    }
}

/// A number, and what it was written with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number<'a> {
    pub(super) value: f64,
    text: &'a [u8],
    /// Its digits without the point.
    mantissa: u64,
    negative: bool,
    /// It has neither point nor exponent, and its digits fit.
    whole: bool,
}

impl<'a> Number<'a> {
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

/// The first byte at or after `at` that ends the quick run through a string: a quote, a backslash, a control character.
#[inline(always)]
fn find_stop(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::MAX / 255;
    // Marks the bytes that are less than `n`, which is at most 128; above the first one marked others may be wrongly.
    let less = |x: u64, n: u64| x.wrapping_sub(ONES * n) & !x & (ONES << 7);
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let x = u64::from_le_bytes(*chunk);
        let hits =
            less(x, 0x20) | less(x ^ (ONES * u64::from(b'"')), 1) | less(x ^ (ONES * u64::from(b'\\')), 1);
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes
        .get(at)
        .is_some_and(|byte| !matches!(byte, 0..0x20 | b'"' | b'\\'))
    {
        at += 1;
    }
    at
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Scanner<'a> {
        Scanner { text, at: 0 }
    }

    /// Steps over one byte, which must be ASCII.
    #[inline]
    pub(super) fn bump(&mut self) {
        self.at += 1;
    }

    /// What comes next, blanks too.
    #[inline]
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Steps over so many bytes of [`Scanner::rest`], which must end between two characters.
    #[inline]
    pub(super) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// The next byte that is no blank, not stepped over.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<u8, Malformed> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(Malformed),
            }
        }
    }

    /// Whether only blanks are left.
    pub(super) fn is_done(&mut self) -> bool {
        self.peek().is_err()
    }

    /// Steps over the next byte, which must be this one, blanks before it too.
    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.peek()? != byte {
            return Err(Malformed);
        }
        self.at += 1;
        Ok(())
    }

    /// A string; the cursor stands on its quote.
    #[inline]
    pub(super) fn string(&mut self) -> Result<RawStr<'a>, Malformed> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            at = find_stop(bytes, at);
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    at += match bytes.get(at + 1) {
                        Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => 2,
                        Some(b'u') => match bytes.get(at + 2..at + 6) {
                            Some(hex) if hex.iter().all(u8::is_ascii_hexdigit) => 6,
                            _ => return Err(Malformed),
                        },
                        _ => return Err(Malformed),
                    };
                }
                _ => return Err(Malformed),
            }
        }
        self.at = at + 1;
        // Both ends are next to quotes, so they are borders between characters.
        let text = self.text.get(start..at).ok_or(Malformed)?;
        Ok(RawStr { text, escaped })
    }

    /// A number; the cursor stands on its first byte.
    #[inline]
    pub(super) fn number(&mut self) -> Result<Number<'a>, Malformed> {
        let bytes = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let (negative, mut rest) = match bytes {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, bytes),
        };
        // Digits without point, wrapped where there are too many; then the length decides.
        let mut mantissa: u64 = 0;
        let mut run = |rest: &mut &[u8]| {
            let from = rest.len();
            while let [digit @ b'0'..=b'9', tail @ ..] = *rest {
                mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
                *rest = tail;
            }
            from - rest.len()
        };
        let leading_zero = rest.first() == Some(&b'0');
        let whole = run(&mut rest);
        if whole == 0 || leading_zero && whole > 1 {
            return Err(Malformed);
        }
        let mut fraction = 0;
        if let [b'.', tail @ ..] = rest {
            rest = tail;
            fraction = run(&mut rest);
            if fraction == 0 {
                return Err(Malformed);
            }
        }
        let mut exponent = false;
        if let [b'e' | b'E', tail @ ..] = rest {
            exponent = true;
            rest = match tail {
                [b'+' | b'-', tail @ ..] => tail,
                tail => tail,
            };
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 {
                return Err(Malformed);
            }
            rest = &rest[digits..];
        }
        let text = &bytes[..bytes.len() - rest.len()];
        self.at += text.len();
        let fits = !exponent && whole + fraction <= 19;
        // Up to 2^53 and 10^22 floats hold both exactly, so that one division rounds once: the result is the nearest.
        let value = match POWERS.get(fraction) {
            Some(power) if fits && mantissa <= 1 << 53 => {
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

    /// `true`, `false` or `null`; the cursor stands on its first byte.
    #[inline]
    pub(super) fn literal(&mut self) -> Result<Option<bool>, Malformed> {
        let rest = &self.text.as_bytes()[self.at..];
        let (value, len) = match rest {
            [b't', b'r', b'u', b'e', ..] => (Some(true), 4),
            [b'f', b'a', b'l', b's', b'e', ..] => (Some(false), 5),
            [b'n', b'u', b'l', b'l', ..] => (None, 4),
            _ => return Err(Malformed),
        };
        self.at += len;
        Ok(value)
    }
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

/// Resolves the escapes of a string that was scanned; half a surrogate pair becomes U+FFFD, as in Go.
#[cold]
fn unescape_to(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = rest.as_bytes().get(at + 1).copied().unwrap_or_default();
        let mut len = 2;
        match escape {
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => {
                let first = hex(rest, at + 2);
                len = 6;
                let pair = match first {
                    0xd800..=0xdbff if rest.get(at + 6..at + 8) == Some("\\u") => Some(hex(rest, at + 8)),
                    _ => None,
                };
                match pair {
                    Some(second @ 0xdc00..=0xdfff) => {
                        len = 12;
                        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                        out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    _ => out.push(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER)),
                }
            }
            other => out.push(char::from(other)),
        }
        rest = rest.get(at + len..).unwrap_or_default();
    }
    out.push_str(rest);
}

fn hex(text: &str, at: usize) -> u32 {
    text.get(at..at + 4)
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .unwrap_or(0xfffd)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unescaped(json: &str) -> String {
        Scanner::new(json)
            .string()
            .expect("a string")
            .unescape()
            .into_owned()
    }

    #[test]
    fn strings_are_unescaped() {
        assert_eq!(unescaped(r#""plain""#), "plain");
        assert_eq!(unescaped(r#""\"\\\/\b\f\n\r\t""#), "\"\\/\u{8}\u{c}\n\r\t");
        assert_eq!(unescaped(r#""\u00e9\ud83d\ude00!""#), "é😀!");
        assert_eq!(unescaped(r#""\ud800\u0041\udc00""#), "\u{fffd}A\u{fffd}");
        for broken in [r#""\x""#, r#""\u12g4""#, "\"\n\"", r#""open"#, r#""\"#] {
            assert!(Scanner::new(broken).string().is_err(), "{broken}");
        }
    }

    #[test]
    fn numbers_follow_the_grammar() {
        for broken in ["-", "01", "1.", ".5", "1e", "1e+", "-01", "+1", "1e400"] {
            let mut scanner = Scanner::new(broken);
            assert!(scanner.number().is_err(), "{broken}");
        }
        let zero = Scanner::new("-0,").number().expect("a number");
        assert!(zero.value == 0.0 && zero.value.is_sign_negative() && zero.text() == "-0");
    }

    #[test]
    fn a_stop_is_found_wherever_it_lies() {
        for lead in 0..20 {
            for tail in 0..20 {
                for stop in [b'"', b'\\', 0, b'\n', 0x1f] {
                    let mut text = vec![0xc3; lead];
                    text.push(stop);
                    text.extend(vec![b'!'; tail]);
                    assert_eq!(find_stop(&text, 0), lead, "{stop}");
                }
            }
        }
        let none = [b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0x9f, 0xa2, 0xdc, 0xff];
        assert_eq!(find_stop(&none, 0), none.len());
    }

    proptest! {
        #[test]
        fn numbers_are_the_nearest_floats(text in "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,24})?([eE][-+]?[0-9]{1,2})?") {
            let number = Scanner::new(&text).number().expect("a number");
            prop_assert_eq!(number.value.to_bits(), text.parse::<f64>().expect("a float").to_bits());
            prop_assert_eq!(number.text(), &text);
            // Of the smallest of all only the digits are known.
            let integer = text.parse::<i64>().ok().filter(|n| *n > i64::MIN);
            prop_assert_eq!(number.integer(), integer);
        }
    }
}
