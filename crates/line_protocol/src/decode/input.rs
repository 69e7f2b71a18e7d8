//! The payload being read, and what a decoder remembers from one payload to the next.

use std::borrow::Cow;

use wheatstone_metric::{CompactString, KeyCache};

/// A payload. Its UTF-8 is checked once, so that taking a token costs nothing more.
pub(super) struct Input<'a> {
    pub bytes: &'a [u8],
    text: Option<&'a str>,
}

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Input<'a> {
        Input {
            bytes,
            text: std::str::from_utf8(bytes).ok(),
        }
    }

    #[inline(always)]
    pub fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    #[inline(always)]
    pub fn slice(&self, from: usize, to: usize) -> &'a [u8] {
        self.bytes.get(from..to).unwrap_or_default()
    }

    /// A token as text, where the whole payload is UTF-8.
    #[inline(always)]
    pub fn text(&self, from: usize, to: usize) -> Option<&'a str> {
        self.text.and_then(|text| text.get(from..to))
    }

    /// A token as text whatever it holds.
    pub fn any_text(&self, from: usize, to: usize) -> Cow<'a, str> {
        match self.text(from, to) {
            Some(text) => Cow::Borrowed(text),
            None => String::from_utf8_lossy(self.slice(from, to)),
        }
    }
}

/// A piece of the payload, and whether it holds escapes.
pub(super) struct Token {
    pub from: usize,
    pub to: usize,
    pub escaped: bool,
}

/// What a decoder keeps between lines and payloads.
#[derive(Default)]
pub(super) struct Memory {
    pub keys: KeyCache,
    /// How many tags and fields the line before had: room for the next metric.
    pub entries: usize,
}

/// Text without the backslashes before those characters for which `replace` gives what they stand for.
#[cold]
pub(super) fn unescape(text: &str, replace: impl Fn(u8) -> Option<char>) -> CompactString {
    let bytes = text.as_bytes();
    let mut plain = CompactString::with_capacity(text.len());
    let (mut from, mut at) = (0, 0);
    while at + 1 < bytes.len() {
        if bytes[at] == b'\\'
            && let Some(c) = replace(bytes[at + 1])
        {
            plain.push_str(text.get(from..at).unwrap_or_default());
            plain.push(c);
            at += 2;
            from = at;
        } else {
            at += 1;
        }
    }
    plain.push_str(text.get(from..).unwrap_or_default());
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_escapes_lose_their_backslash() {
        let comma = |b| (b == b',').then_some(',');
        assert_eq!(unescape("a\\,b\\c\\\\,d\\", comma), "a,b\\c\\,d\\");
        assert_eq!(unescape("ü\\,☺\\☺", comma), "ü,☺\\☺");
        assert_eq!(unescape("", comma), "");
    }
}
