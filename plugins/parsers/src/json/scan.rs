//! Bytes of JSON in, tokens out: a cursor that steps over values without building anything.

use std::borrow::Cow;

use super::number::Number;

/// The text is no JSON, or nested too deeply; [`check`](super::check::check) says why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A place in a text: what comes behind it.
#[derive(Clone)]
pub(super) struct Scanner<'a> {
    rest: &'a [u8],
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
    pub(super) fn new(text: &'a [u8]) -> Scanner<'a> {
        Scanner { rest: text }
    }

    /// Steps over one byte.
    #[inline(always)]
    pub(super) fn bump(&mut self) {
        self.skip(1);
    }

    /// What comes next, blanks too.
    #[inline(always)]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Steps over so many bytes of [`Scanner::rest`].
    #[inline(always)]
    pub(super) fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// The next byte that is no blank, not stepped over.
    #[inline(always)]
    pub(super) fn peek(&mut self) -> Result<u8, Malformed> {
        if let Some(&byte) = self.rest.first()
            && byte > b' '
        {
            return Ok(byte);
        }
        self.rest = behind_blanks(self.rest);
        self.rest.first().copied().ok_or(Malformed)
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
        self.bump();
        Ok(())
    }

    /// A string; the cursor stands on its quote. One that is no UTF-8 is malformed.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<RawStr<'a>, Malformed> {
        let inner = self.rest.get(1..).unwrap_or_default();
        let mut end = find_stop(inner, 0);
        let escaped = inner.get(end) != Some(&b'"');
        if escaped {
            end = end_of_escaped(inner, end)?;
        }
        let (text, rest) = inner.split_at_checked(end).ok_or(Malformed)?;
        self.rest = rest.get(1..).unwrap_or_default();
        let text = std::str::from_utf8(text).map_err(|_| Malformed)?;
        Ok(RawStr { text, escaped })
    }

    /// A number; the cursor stands on its first byte.
    #[inline(always)]
    pub(super) fn number(&mut self) -> Result<Number<'a>, Malformed> {
        let number = Number::at_front(self.rest)?;
        self.skip(number.text.len());
        Ok(number)
    }

    /// `true`, `false` or `null`; the cursor stands on its first byte.
    #[inline]
    pub(super) fn literal(&mut self) -> Result<Option<bool>, Malformed> {
        let (value, len) = match self.rest {
            [b't', b'r', b'u', b'e', ..] => (Some(true), 4),
            [b'f', b'a', b'l', b's', b'e', ..] => (Some(false), 5),
            [b'n', b'u', b'l', b'l', ..] => (None, 4),
            _ => return Err(Malformed),
        };
        self.skip(len);
        Ok(value)
    }
}

/// What comes behind the blanks at the front.
#[cold]
fn behind_blanks(bytes: &[u8]) -> &[u8] {
    let blanks = bytes
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\n' | b'\r' | b'\t'))
        .count();
    &bytes[blanks..]
}

/// Where the quote is that ends a string; `at` is its first byte that is not plain.
#[cold]
fn end_of_escaped(bytes: &[u8], mut at: usize) -> Result<usize, Malformed> {
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok(at),
            Some(b'\\') => {
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
        at = find_stop(bytes, at);
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

    fn unescaped(json: &str) -> String {
        Scanner::new(json.as_bytes())
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
        assert!(Scanner::new(b"\"\xff\"").string().is_err());
        for broken in [r#""\x""#, r#""\u12g4""#, "\"\n\"", r#""open"#, r#""\"#] {
            assert!(Scanner::new(broken.as_bytes()).string().is_err(), "{broken}");
        }
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
}
