//! A JSON text in, its tokens out. Where it is none, the sentence is that of Go's encoding/json.

use super::number_text;
use crate::tree::{Content, Document, Span};

/// Nesting beyond this is refused.
const MAX_DEPTH: usize = 10_000;

/// A piece of JSON. Texts are in the document's buffer.
pub(super) enum Token {
    /// A member's name; its value follows.
    Name(Span),
    /// A plain value, and its text.
    Value(Content, Span),
    /// `{` where true, else `[`.
    Open(bool),
    Close,
    End,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    /// The first of an array, or its end.
    FirstElement,
    /// The first of an object, or its end.
    FirstName,
    /// Another member of an object.
    Name,
    Colon,
    /// A comma, or the end of what is open.
    Comma,
    End,
}

pub(super) struct Scanner<'a> {
    payload: &'a [u8],
    at: usize,
    next: Next,
    /// Of each that is open, whether it is an object.
    open: Vec<bool>,
    /// The first number that no float holds; it matters only where the syntax is right.
    too_large: Option<String>,
}

type Scanned<T> = Result<T, String>;

impl<'a> Scanner<'a> {
    pub(super) fn new(payload: &'a [u8]) -> Scanner<'a> {
        Scanner {
            payload,
            at: 0,
            next: Next::Value,
            open: Vec::new(),
            too_large: None,
        }
    }

    /// After the last token: whether all numbers fit.
    pub(super) fn finish(self) -> Scanned<()> {
        match self.too_large {
            Some(number) => Err(format!(
                "json: cannot unmarshal number {number} into Go value of type float64"
            )),
            None => Ok(()),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.payload.get(self.at).copied()
    }

    fn skip_space(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
        self.peek()
    }

    fn wrong<T>(&self, byte: u8, context: &str) -> Scanned<T> {
        Err(format!("invalid character {} {context}", quote(byte)))
    }

    /// The byte that is not what it should be. The end of the text counts as a blank there, as in Go.
    fn wrong_here<T>(&self, context: &str) -> Scanned<T> {
        self.wrong(self.peek().unwrap_or(b' '), context)
    }

    fn after_value(&mut self) {
        self.next = if self.open.is_empty() {
            Next::End
        } else {
            Next::Comma
        };
    }

    fn close(&mut self) -> Token {
        self.at += 1;
        self.open.pop();
        self.after_value();
        Token::Close
    }

    /// The next token.
    pub(super) fn next(&mut self, doc: &mut Document) -> Scanned<Token> {
        loop {
            let Some(byte) = self.skip_space() else {
                return match self.next {
                    Next::End => Ok(Token::End),
                    _ => Err("unexpected end of JSON input".to_owned()),
                };
            };
            let in_object = self.open.last() == Some(&true);
            match (self.next, byte) {
                (Next::FirstElement, b']') | (Next::FirstName, b'}') => return Ok(self.close()),
                (Next::FirstElement | Next::Value, _) => return self.value(byte, doc),
                (Next::FirstName | Next::Name, b'"') => {
                    let name = self.string(doc)?;
                    self.next = Next::Colon;
                    return Ok(Token::Name(name));
                }
                (Next::FirstName | Next::Name, _) => {
                    return self.wrong(byte, "looking for beginning of object key string");
                }
                (Next::Colon, b':') => {
                    self.at += 1;
                    return match self.skip_space() {
                        Some(byte) => self.value(byte, doc),
                        None => Err("unexpected end of JSON input".to_owned()),
                    };
                }
                (Next::Colon, _) => return self.wrong(byte, "after object key"),
                (Next::Comma, b',') => {
                    self.at += 1;
                    self.next = if in_object { Next::Name } else { Next::Value };
                }
                (Next::Comma, b'}') if in_object => return Ok(self.close()),
                (Next::Comma, b']') if !in_object => return Ok(self.close()),
                (Next::Comma, _) if in_object => return self.wrong(byte, "after object key:value pair"),
                (Next::Comma, _) => return self.wrong(byte, "after array element"),
                (Next::End, _) => return self.wrong(byte, "after top-level value"),
            }
        }
    }

    fn value(&mut self, byte: u8, doc: &mut Document) -> Scanned<Token> {
        let (content, text) = match byte {
            b'{' | b'[' => {
                self.at += 1;
                self.open.push(byte == b'{');
                if self.open.len() > MAX_DEPTH {
                    return Err("exceeded max depth".to_owned());
                }
                self.next = if byte == b'{' {
                    Next::FirstName
                } else {
                    Next::FirstElement
                };
                return Ok(Token::Open(byte == b'{'));
            }
            b'"' => {
                let text = self.string(doc)?;
                (Content::Text(text), text)
            }
            b't' => self.literal("true", Content::Bool(true), "true", doc)?,
            b'f' => self.literal("false", Content::Bool(false), "false", doc)?,
            b'n' => self.literal("null", Content::Null, "<nil>", doc)?,
            b'-' | b'0'..=b'9' => self.number(doc)?,
            _ => return self.wrong(byte, "looking for beginning of value"),
        };
        self.after_value();
        Ok(Token::Value(content, text))
    }

    fn literal(
        &mut self,
        word: &str,
        content: Content,
        text: &str,
        doc: &mut Document,
    ) -> Scanned<(Content, Span)> {
        for expected in word.bytes() {
            if self.peek() != Some(expected) {
                let expected = char::from(expected);
                return self.wrong_here(&format!("in literal {word} (expecting '{expected}')"));
            }
            self.at += 1;
        }
        Ok((content, doc.keep(text)))
    }

    fn digits(&mut self, context: &str) -> Scanned<()> {
        let from = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        if from == self.at {
            return self.wrong_here(context);
        }
        Ok(())
    }

    fn number(&mut self, doc: &mut Document) -> Scanned<(Content, Span)> {
        let from = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits("in exponent of numeric literal")?;
        }
        let digits = std::str::from_utf8(&self.payload[from..self.at]).unwrap_or_default();
        let number: f64 = digits.parse().unwrap_or_default();
        if number.is_infinite() && self.too_large.is_none() {
            self.too_large = Some(digits.chars().take(80).collect());
        }
        Ok((Content::Float(number), number_text(number, doc)))
    }

    /// Reads a string into the document's buffer.
    fn string(&mut self, doc: &mut Document) -> Scanned<Span> {
        let out = doc.buffer();
        let from = out.len();
        self.at += 1;
        loop {
            let rest = self.payload.get(self.at..).unwrap_or_default();
            let plain = rest
                .iter()
                .position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f))
                .unwrap_or(rest.len());
            keep_text(&rest[..plain], out);
            self.at += plain;
            match self.peek() {
                None => return Err("unexpected end of JSON input".to_owned()),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(doc.span_from(from));
                }
                Some(b'\\') => {
                    self.at += 1;
                    let c = self.escape()?;
                    out.push(c);
                }
                Some(byte) => return self.wrong(byte, "in string literal"),
            }
        }
    }

    fn escape(&mut self) -> Scanned<char> {
        let c = match self.peek() {
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(c @ (b'\\' | b'/' | b'"')) => char::from(c),
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return self.wrong_here("in string escape code"),
        };
        self.at += 1;
        Ok(c)
    }

    fn hex(&mut self) -> Scanned<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|b| char::from(b).to_digit(16)) else {
                return self.wrong_here("in \\u hexadecimal character escape");
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    /// `\uXXXX`, or two of them that make one character; half of such a pair becomes U+FFFD.
    fn unicode(&mut self) -> Scanned<char> {
        let code = self.hex()?;
        if (0xd800..0xdc00).contains(&code)
            && self.payload.get(self.at..).is_some_and(|p| p.starts_with(b"\\u"))
        {
            let before = self.at;
            self.at += 2;
            let low = self.hex()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = before;
        }
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

/// Bytes as text; each that is none becomes U+FFFD.
fn keep_text(bytes: &[u8], out: &mut String) {
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
}

/// The byte as Go quotes it: taken for the character with that number.
fn quote(byte: u8) -> String {
    match byte {
        b'\'' => "'\\''".to_owned(),
        0x07 => "'\\a'".to_owned(),
        0x08 => "'\\b'".to_owned(),
        0x0b => "'\\v'".to_owned(),
        0x0c => "'\\f'".to_owned(),
        b'\\' | b'\t' | b'\n' | b'\r' => format!("'{}'", char::from(byte).escape_default()),
        0..=0x1f | 0x7f => format!("'\\x{byte:02x}'"),
        0x80..=0xa0 | 0xad => format!("'\\u{byte:04x}'"),
        _ => format!("'{}'", char::from(byte)),
    }
}
