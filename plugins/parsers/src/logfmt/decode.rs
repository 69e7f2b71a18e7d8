//! A line in, its keys and values out, with the rules and the error texts of github.com/go-logfmt.

use std::borrow::Cow;

/// Why a line is no logfmt.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// The byte at which it was noticed.
    pub(super) position: usize,
    pub(super) what: String,
}

/// The pairs of a line. A key without a value has an empty one.
pub(super) struct Line<'a> {
    bytes: &'a [u8],
    at: usize,
    failed: bool,
}

type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

impl<'a> Line<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Line<'a> {
        Line {
            bytes,
            at: 0,
            failed: false,
        }
    }

    /// What stands before the first byte that `ends` the part; goes there.
    fn take(&mut self, ends: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        let len = rest.iter().position(|b| ends(*b)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn error(&self, what: impl Into<String>) -> SyntaxError {
        SyntaxError {
            position: self.at,
            what: what.into(),
        }
    }

    fn unexpected(&self, byte: u8) -> SyntaxError {
        self.error(format!("unexpected '{}'", char::from(byte)))
    }

    fn pair(&mut self) -> Result<Pair<'a>, SyntaxError> {
        let key = self.take(|b| b <= b' ' || b == b'=' || b == b'"');
        match self.peek() {
            Some(b'"') => return Err(self.unexpected(b'"')),
            Some(b'=') if key.is_empty() => return Err(self.unexpected(b'=')),
            _ => {}
        }
        let key = match std::str::from_utf8(key) {
            Ok(key) if !key.contains(char::REPLACEMENT_CHARACTER) => key,
            _ => return Err(self.error("invalid key")),
        };
        if self.peek() != Some(b'=') {
            return Ok((key.into(), "".into()));
        }
        self.at += 1;
        if self.peek() == Some(b'"') {
            return Ok((key.into(), self.quoted()?));
        }
        let value = self.take(|b| b <= b' ' || b == b'=' || b == b'"');
        match self.peek() {
            Some(byte @ (b'=' | b'"')) => Err(self.unexpected(byte)),
            _ => Ok((key.into(), String::from_utf8_lossy(value))),
        }
    }

    fn quoted(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        let start = self.at + 1;
        let (mut end, mut escaped) = (start, false);
        loop {
            match self.bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    end += 2;
                }
                Some(_) => end += 1,
                None => {
                    self.at = self.bytes.len();
                    return Err(self.error("unterminated quoted value"));
                }
            }
        }
        self.at = end + 1;
        let inner = String::from_utf8_lossy(&self.bytes[start..end]);
        if !escaped {
            return Ok(inner);
        }
        unquote(&inner)
            .map(Cow::Owned)
            .ok_or_else(|| self.error("invalid quoted value"))
    }
}

impl<'a> Iterator for Line<'a> {
    type Item = Result<Pair<'a>, SyntaxError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        self.take(|b| b > b' ');
        self.peek()?;
        let pair = self.pair();
        self.failed = pair.is_err();
        Some(pair)
    }
}

/// Resolves the escapes of a JSON string, and `\'`.
fn unquote(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c < ' ' {
            return None;
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        out.push(match chars.next()? {
            c @ ('"' | '\\' | '/' | '\'') => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let high = hex(&mut chars)?;
                let mut ahead = chars.clone();
                let low = (ahead.next() == Some('\\') && ahead.next() == Some('u'))
                    .then(|| hex(&mut ahead))
                    .flatten();
                match (high, low) {
                    (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
                        chars = ahead;
                        let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
                    }
                    _ => char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER),
                }
            }
            _ => return None,
        });
    }
    Some(out)
}

fn hex(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    (0..4).try_fold(0, |code, _| Some(code * 16 + chars.next()?.to_digit(16)?))
}
