//! The values of fields and the texts of tokens, as the default parser reads them.

use wheatstone_metric::{CompactString, Key, Value};

use super::{FIELD, Fault, Lines, RANGE};
use crate::decode::input::{Token, unescape};
use crate::decode::number::Number;
use crate::scan::find;

const SYNTAX: &str = "invalid syntax";

impl Lines<'_, '_> {
    #[inline(always)]
    pub(super) fn value(&mut self) -> Result<Value, Fault> {
        let value = match self.byte() {
            Some(b'"') => Ok(Value::Str(self.string()?)),
            Some(b'-' | b'.' | b'0'..=b'9') => self.number()?,
            Some(b't' | b'T') => self.boolean(true, [b"true", b"True", b"TRUE"]),
            Some(b'f' | b'F') => self.boolean(false, [b"false", b"False", b"FALSE"]),
            _ => return self.fault(FIELD),
        };
        match self.byte() {
            None | Some(b',' | b' ' | b'\t'..=b'\r') => value.or_else(|what| self.fault(what)),
            Some(_) => self.fault(FIELD),
        }
    }

    #[inline(always)]
    fn number(&mut self) -> Result<Result<Value, &'static str>, Fault> {
        let bytes = self.input.bytes;
        let number = Number::scan(bytes, self.at);
        self.at = number.end;
        if !number.has_digits() {
            // A lone point is complete neither with what follows it nor without.
            return self.fault(FIELD);
        }
        let value = match self.byte() {
            Some(b'i') if number.is_integer(bytes) => {
                self.at += 1;
                number.int()
            }
            Some(b'u') if number.is_integer(bytes) && !number.is_negative() => {
                self.at += 1;
                number.uint(bytes)
            }
            Some(b'e' | b'E') => {
                self.at += 1;
                let sign = self.byte();
                if matches!(sign, Some(b'-' | b'+' | b'"')) {
                    self.at += 1;
                }
                let digits = self.at;
                while self.byte().is_some_and(|b| b.is_ascii_digit()) {
                    self.at += 1;
                }
                if self.at == digits {
                    return self.fault(FIELD);
                }
                if sign == Some(b'"') {
                    // The grammar lets the quote pass as a sign, and reading the number then fails.
                    return Ok(Err(SYNTAX));
                }
                number.float(bytes, self.at)
            }
            _ => number.float(bytes, self.at),
        };
        Ok(value.map_err(|_| RANGE))
    }

    /// Reads as much as fits one of the `forms` or their first letter; what is wrong behind it, the caller sees.
    #[inline(always)]
    fn boolean<const N: usize>(&mut self, truth: bool, forms: [&[u8; N]; 3]) -> Result<Value, &'static str> {
        let rest = &self.input.bytes[self.at..];
        let same = |form: &[u8; N]| form.iter().zip(rest).take_while(|(a, b)| a == b).count();
        let longest = forms.map(same).into_iter().max().unwrap_or(1);
        self.at += longest;
        if longest == 1 || longest == N {
            Ok(Value::Bool(truth))
        } else {
            Err(FIELD)
        }
    }

    #[inline(always)]
    fn string(&mut self) -> Result<CompactString, Fault> {
        self.at += 1;
        let (from, mut escaped) = (self.at, false);
        loop {
            self.at = find::<false, 3>(self.input.bytes, self.at, [b'"', b'\\', b'\n']);
            match self.byte() {
                Some(b'\n') => self.next_line(),
                Some(b'\\') => {
                    escaped = true;
                    self.at += 1;
                    if !matches!(self.byte(), Some(b'\\' | b'"')) {
                        return self.fault(FIELD);
                    }
                    self.at += 1;
                }
                Some(_) => break,
                None => return self.fault(FIELD),
            }
        }
        self.at += 1;
        let token = Token {
            from,
            to: self.at - 1,
            escaped,
        };
        Ok(self.plain(token, in_string))
    }

    #[inline(always)]
    pub(super) fn key(&mut self, token: Token, escapes: Escapes) -> Key {
        match self.input.text(token.from, token.to) {
            Some(text) if !token.escaped => self.memory.keys.get(text),
            _ => self.memory.keys.get(&self.plain(token, escapes)),
        }
    }

    /// The token's text without its escapes.
    #[inline(always)]
    pub(super) fn plain(&self, token: Token, escapes: Escapes) -> CompactString {
        match self.input.text(token.from, token.to) {
            Some(text) if !token.escaped => CompactString::new(text),
            _ => self.unescaped(token, escapes),
        }
    }

    #[cold]
    fn unescaped(&self, token: Token, escapes: Escapes) -> CompactString {
        let text = self.input.any_text(token.from, token.to);
        unescape(&text, |b| escapes(&text, b).then_some(char::from(b)))
    }
}

/// Whether a byte of a text loses the backslash before it.
pub(super) type Escapes = fn(&str, u8) -> bool;

pub(super) fn in_name(_: &str, b: u8) -> bool {
    matches!(b, b',' | b' ')
}

/// In tags and in fields' keys. A quote does so only where something else in the text had to be escaped.
pub(super) fn in_key(text: &str, b: u8) -> bool {
    matches!(b, b',' | b' ' | b'=') || (b == b'"' && text.contains([',', ' ', '=']))
}

fn in_string(_: &str, b: u8) -> bool {
    matches!(b, b'"' | b'\\')
}
