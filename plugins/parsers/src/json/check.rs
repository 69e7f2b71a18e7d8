//! Why a payload is no JSON: its bytes go in, the sentence that Telegraf's user would read comes out.
//!
//! The scanner of the hot path only knows that something is wrong. This one walks again, byte by byte, with the states of
//! Go's encoding/json, so that the message is the same.

use wheatstone_plugin::{ParseError, excerpt};

/// Nesting beyond this is refused, as Go does.
pub(super) const MAX_DEPTH: usize = 10_000;

/// What may come next.
#[derive(Clone, Copy)]
enum State {
    Value,
    ValueOrEnd,
    KeyOrEnd,
    Key,
    AfterKey,
    AfterValue,
    InString { key: bool },
    InEscape { key: bool },
    InHex { key: bool, left: u8 },
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
    Literal { word: &'static str, at: usize },
    Done,
}

/// The first error of the syntax with its place, else the first number that does not fit into a float.
pub(crate) fn locate(payload: &[u8]) -> Result<(), ParseError> {
    let mut walk = Walk {
        state: State::Value,
        open: Vec::new(),
        number: 0,
        too_large: None,
    };
    for (at, &byte) in payload.iter().enumerate() {
        walk.step(byte, at, payload).map_err(|e| located(e, at))?;
    }
    let end = payload.len();
    if !matches!(walk.state, State::Done) {
        // Go ends the text with a blank, which finishes a number and breaks a word.
        walk.step(b' ', end, payload).map_err(|e| located(e, end))?;
    }
    if !matches!(walk.state, State::Done) {
        return Err(located("unexpected end of JSON input".to_owned(), end));
    }
    match walk.too_large {
        Some((number, at)) => Err(located(
            format!(
                "json: cannot unmarshal number {} into Go value of type float64",
                excerpt(&number)
            ),
            at,
        )),
        None => Ok(()),
    }
}

fn located(message: String, offset: usize) -> ParseError {
    ParseError { message, offset }
}

struct Walk {
    state: State,
    /// `{` or `[` of everything that is open.
    open: Vec<u8>,
    /// Where the number began that is being read.
    number: usize,
    too_large: Option<(String, usize)>,
}

impl Walk {
    fn step(&mut self, byte: u8, at: usize, payload: &[u8]) -> Result<(), String> {
        let blank = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        self.state = match (self.state, byte) {
            (State::Value | State::ValueOrEnd | State::KeyOrEnd | State::Key | State::AfterKey, _)
                if blank =>
            {
                return Ok(());
            }
            (State::AfterValue | State::Done, _) if blank => return Ok(()),
            (State::ValueOrEnd, b']') | (State::KeyOrEnd, b'}') => self.close(),
            (State::Value | State::ValueOrEnd, _) => return self.begin_value(byte, at),
            (State::KeyOrEnd | State::Key, b'"') => State::InString { key: true },
            (State::KeyOrEnd | State::Key, _) => {
                return wrong(byte, "looking for beginning of object key string");
            }
            (State::AfterKey, b':') => State::Value,
            (State::AfterKey, _) => return wrong(byte, "after object key"),
            (State::AfterValue, _) => match (self.open.last(), byte) {
                (Some(b'{'), b',') => State::Key,
                (Some(b'{'), b'}') | (Some(b'['), b']') => self.close(),
                (Some(b'{'), _) => return wrong(byte, "after object key:value pair"),
                (_, b',') => State::Value,
                _ => return wrong(byte, "after array element"),
            },
            (State::InString { key }, b'"') => {
                if key {
                    State::AfterKey
                } else {
                    self.after_value()
                }
            }
            (State::InString { key }, b'\\') => State::InEscape { key },
            (State::InString { .. }, 0..=0x1f) => return wrong(byte, "in string literal"),
            (State::InString { .. }, _) => return Ok(()),
            (State::InEscape { key }, b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => {
                State::InString { key }
            }
            (State::InEscape { key }, b'u') => State::InHex { key, left: 4 },
            (State::InEscape { .. }, _) => return wrong(byte, "in string escape code"),
            (State::InHex { key, left }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => match left {
                1 => State::InString { key },
                _ => State::InHex { key, left: left - 1 },
            },
            (State::InHex { .. }, _) => return wrong(byte, "in \\u hexadecimal character escape"),
            (State::Minus, b'0') => State::Zero,
            (State::Minus, b'1'..=b'9') | (State::Integer, b'0'..=b'9') => State::Integer,
            (State::Minus, _) => return wrong(byte, "in numeric literal"),
            (State::Zero | State::Integer, b'.') => State::Point,
            (State::Point | State::Fraction, b'0'..=b'9') => State::Fraction,
            (State::Point, _) => return wrong(byte, "after decimal point in numeric literal"),
            (State::Zero | State::Integer | State::Fraction, b'e' | b'E') => State::Exponent,
            (State::Exponent, b'+' | b'-') => State::ExponentSign,
            (State::Exponent | State::ExponentSign | State::ExponentDigits, b'0'..=b'9') => {
                State::ExponentDigits
            }
            (State::Exponent | State::ExponentSign, _) => {
                return wrong(byte, "in exponent of numeric literal");
            }
            (State::Zero | State::Integer | State::Fraction | State::ExponentDigits, _) => {
                self.note_number(&payload[self.number..at]);
                self.state = self.after_value();
                return self.step(byte, at, payload);
            }
            (State::Literal { word, at }, _) => match word.as_bytes().get(at) {
                Some(expected) if *expected == byte && at + 1 == word.len() => self.after_value(),
                Some(expected) if *expected == byte => State::Literal { word, at: at + 1 },
                expected => {
                    let expected = char::from(expected.copied().unwrap_or(b' '));
                    return wrong(byte, &format!("in literal {word} (expecting '{expected}')"));
                }
            },
            (State::Done, _) => return wrong(byte, "after top-level value"),
        };
        Ok(())
    }

    fn begin_value(&mut self, byte: u8, at: usize) -> Result<(), String> {
        self.number = at;
        self.state = match byte {
            b'{' | b'[' => {
                self.open.push(byte);
                if self.open.len() > MAX_DEPTH {
                    return Err("exceeded max depth".to_owned());
                }
                if byte == b'{' {
                    State::KeyOrEnd
                } else {
                    State::ValueOrEnd
                }
            }
            b'"' => State::InString { key: false },
            b'-' => State::Minus,
            b'0' => State::Zero,
            b'1'..=b'9' => State::Integer,
            b't' => State::Literal { word: "true", at: 1 },
            b'f' => State::Literal { word: "false", at: 1 },
            b'n' => State::Literal { word: "null", at: 1 },
            _ => return wrong(byte, "looking for beginning of value"),
        };
        Ok(())
    }

    fn close(&mut self) -> State {
        self.open.pop();
        self.after_value()
    }

    fn after_value(&self) -> State {
        if self.open.is_empty() {
            State::Done
        } else {
            State::AfterValue
        }
    }

    fn note_number(&mut self, digits: &[u8]) {
        let digits = std::str::from_utf8(digits).unwrap_or_default();
        if self.too_large.is_none() && digits.parse::<f64>().is_ok_and(f64::is_infinite) {
            self.too_large = Some((digits.to_owned(), self.number));
        }
    }
}

fn wrong(byte: u8, context: &str) -> Result<(), String> {
    Err(format!("invalid character {} {context}", quote(byte)))
}

/// The byte as Go quotes it: taken for the character with that number.
fn quote(byte: u8) -> String {
    match byte {
        b'\'' => "'\\''".to_owned(),
        b'\\' => "'\\\\'".to_owned(),
        0x07 => "'\\a'".to_owned(),
        0x08 => "'\\b'".to_owned(),
        b'\t' => "'\\t'".to_owned(),
        b'\n' => "'\\n'".to_owned(),
        0x0b => "'\\v'".to_owned(),
        0x0c => "'\\f'".to_owned(),
        b'\r' => "'\\r'".to_owned(),
        0..=0x1f | 0x7f => format!("'\\x{byte:02x}'"),
        0x80..=0xa0 | 0xad => format!("'\\u{byte:04x}'"),
        _ => format!("'{}'", char::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_are_gos() {
        for (payload, message) in [
            (
                &b"\x80"[..],
                r"invalid character '\u0080' looking for beginning of value",
            ),
            (
                "é".as_bytes(),
                "invalid character 'Ã' looking for beginning of value",
            ),
            (br#"{"a" 5}"#, "invalid character '5' after object key"),
            (
                br#"{"a":01}"#,
                "invalid character '1' after object key:value pair",
            ),
            (br#"{"a":-}"#, "invalid character '}' in numeric literal"),
            (
                br#"{"a":1.}"#,
                "invalid character '}' after decimal point in numeric literal",
            ),
            (
                br#"{"a":1e}"#,
                "invalid character '}' in exponent of numeric literal",
            ),
            (
                br#"{"a":trux}"#,
                "invalid character 'x' in literal true (expecting 'e')",
            ),
            (br#"{"a":"\q"}"#, "invalid character 'q' in string escape code"),
            (
                br#"{"a":"\u12g"}"#,
                r"invalid character 'g' in \u hexadecimal character escape",
            ),
            (b"{\"a\":\"\n\"}", r"invalid character '\n' in string literal"),
            (b"[1 2]", "invalid character '2' after array element"),
            (b"{} x", "invalid character 'x' after top-level value"),
            (
                b"{,",
                "invalid character ',' looking for beginning of object key string",
            ),
            (
                br#"{"a":1,}"#,
                "invalid character '}' looking for beginning of object key string",
            ),
            (b"[1,]", "invalid character ']' looking for beginning of value"),
            (br#"{"a"#, "unexpected end of JSON input"),
            (b"", "unexpected end of JSON input"),
            (b"nul", "invalid character ' ' in literal null (expecting 'l')"),
            (b"'", r"invalid character '\'' looking for beginning of value"),
            (
                b"\x00",
                r"invalid character '\x00' looking for beginning of value",
            ),
            (
                b"[1e400]",
                "json: cannot unmarshal number 1e400 into Go value of type float64",
            ),
            (
                b"[1e400, x",
                "invalid character 'x' looking for beginning of value",
            ),
        ] {
            assert_eq!(
                check(payload),
                Err(message.to_owned()),
                "{}",
                String::from_utf8_lossy(payload)
            );
        }
    }

    fn check(payload: &[u8]) -> Result<(), String> {
        locate(payload).map_err(|e| e.message)
    }

    #[test]
    fn errors_know_their_place() {
        for (payload, offset) in [
            (&b"{\"a\":1,}"[..], 7),
            (b"{\"a\":1", 6),
            (b"{\"a\" 1}", 5),
            (b"[1, 1e999, 2]", 4),
            (b"nul", 3),
        ] {
            let error = locate(payload).unwrap_err();
            assert_eq!(
                error.offset,
                offset,
                "{}: {error}",
                String::from_utf8_lossy(payload)
            );
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert_eq!(check(&nested(MAX_DEPTH)), Ok(()));
        assert_eq!(
            check(&nested(MAX_DEPTH + 1)),
            Err("exceeded max depth".to_owned())
        );
    }
}
