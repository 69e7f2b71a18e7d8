//! Bytes in, whether they are one JSON value out: objects in arrays in objects without recursion, up to a depth.

/// Nesting beyond this is refused, since what walks through values afterwards calls itself.
const MAX_DEPTH: usize = 256;

/// Whether a text is one JSON value, not too deeply nested.
pub(crate) fn valid(json: &str) -> bool {
    let mut text = Text {
        bytes: json.as_bytes(),
        at: 0,
    };
    text.value().is_some() && {
        text.blanks();
        text.at == text.bytes.len()
    }
}

struct Text<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// What closes the objects and arrays that are open.
struct Open {
    brackets: [u8; MAX_DEPTH],
    depth: usize,
}

impl Open {
    fn push(&mut self, bracket: u8) -> Option<()> {
        *self.brackets.get_mut(self.depth)? = bracket;
        self.depth += 1;
        Some(())
    }
    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }
    fn last(&self) -> Option<u8> {
        self.brackets.get(self.depth.checked_sub(1)?).copied()
    }
}

impl Text<'_> {
    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    /// The next byte behind blanks.
    fn next(&mut self) -> Option<u8> {
        self.blanks();
        self.at += 1;
        self.bytes.get(self.at - 1).copied()
    }

    fn take(&mut self, text: &[u8]) -> Option<()> {
        self.bytes[self.at..]
            .starts_with(text)
            .then(|| self.at += text.len())
    }

    fn value(&mut self) -> Option<()> {
        let mut open = Open {
            brackets: [0; MAX_DEPTH],
            depth: 0,
        };
        loop {
            match self.next()? {
                b'{' => {
                    open.push(b'}')?;
                    match self.next()? {
                        b'"' => {
                            self.key()?;
                            continue;
                        }
                        b'}' => {
                            open.pop();
                        }
                        _ => return None,
                    }
                }
                b'[' => {
                    open.push(b']')?;
                    self.blanks();
                    if self.bytes.get(self.at) != Some(&b']') {
                        continue;
                    }
                    self.at += 1;
                    open.pop();
                }
                b'"' => self.string()?,
                b't' => self.take(b"rue")?,
                b'f' => self.take(b"alse")?,
                b'n' => self.take(b"ull")?,
                b'-' | b'0'..=b'9' => self.number()?,
                _ => return None,
            }
            // Behind a value: close what ends here, or go on with the next one.
            loop {
                let Some(close) = open.last() else {
                    return Some(());
                };
                match self.next()? {
                    b',' if close == b'}' => {
                        if self.next()? != b'"' {
                            return None;
                        }
                        self.key()?;
                        break;
                    }
                    b',' => break,
                    byte if byte == close => {
                        open.pop();
                    }
                    _ => return None,
                }
            }
        }
    }

    fn key(&mut self) -> Option<()> {
        self.string()?;
        (self.next()? == b':').then_some(())
    }

    fn string(&mut self) -> Option<()> {
        loop {
            match *self.bytes.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.escape()?,
                0..b' ' => return None,
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        match self.bytes.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
            b'u' => {
                let hex = self.bytes.get(self.at + 2..self.at + 6)?;
                if !hex.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                self.at += 6;
            }
            _ => return None,
        }
        Some(())
    }

    fn digits(&mut self) -> usize {
        let rest = &self.bytes[self.at..];
        let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn number(&mut self) -> Option<()> {
        self.at -= usize::from(self.bytes[self.at - 1] != b'-');
        if self.bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else if self.digits() == 0 {
            return None;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return None;
            }
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return None;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_what_is_none() {
        for json in [
            "1",
            " -0.5e+3 ",
            "\"a\\u00e9\\\\\"",
            "[]",
            "{}",
            r#"{"a":[1,{"b":null}],"c":true}"#,
            "[[],[false]]",
        ] {
            assert!(valid(json), "{json}");
        }
        for json in [
            "",
            " ",
            "01",
            "-",
            "1.",
            "1e",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\"}",
            "{1:2}",
            "[1}",
            "[1",
            "\"a",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\n\"",
            "tru",
            "1 2",
            "]",
            "\"\\u12\"",
            "\"a\\",
        ] {
            assert!(!valid(json), "{json}");
        }
        assert!(valid(&format!("{}{}", "[".repeat(256), "]".repeat(256))));
        assert!(!valid(&"[".repeat(100_000)));
        assert!(!valid(&format!("{}{}", "[".repeat(257), "]".repeat(257))));
    }
}
