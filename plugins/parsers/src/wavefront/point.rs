//! One line in, its point out, with the rules and the error texts of Telegraf's reader.

use wheatstone_plugin::prelude::*;

use crate::value::number::{parse_float, parse_int, quote};

/// What a line says.
#[derive(Debug, Default)]
pub(super) struct Point {
    pub(super) name: String,
    pub(super) value: f64,
    /// Since 1970; nothing where the line has no time.
    pub(super) seconds: Option<i64>,
    pub(super) tags: Vec<(String, String)>,
}

/// Reads a line character by character; behind its last one stands a line feed.
pub(super) struct PointReader {
    chars: Vec<char>,
    at: usize,
}

/// What a name or tag without quotes consists of.
fn is_literal(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_./\\,".contains(c) || is_delta(c)
}

/// Begins the names of counters that are differences.
fn is_delta(c: char) -> bool {
    matches!(c, '\u{2206}' | '\u{394}')
}

impl PointReader {
    pub(super) fn new(line: &str) -> PointReader {
        PointReader {
            chars: line.chars().chain(['\n']).collect(),
            at: 0,
        }
    }

    /// The next character; nothing at the end, where one may go on asking. As in Telegraf, a NUL looks like the end.
    fn next(&mut self) -> Option<char> {
        let c = self.chars.get(self.at).copied();
        self.at += 1;
        c.filter(|c| *c != '\0')
    }

    /// Takes so many characters back.
    fn back(&mut self, count: usize) {
        self.at = self.at.saturating_sub(count);
    }

    /// Takes what is wanted, and leaves what comes behind it.
    fn take(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let mut text = String::new();
        while let Some(c) = self.next().filter(|c| wanted(*c)) {
            text.push(c);
        }
        self.back(1);
        text
    }

    /// Skips white space; whether something stands behind it.
    fn skip(&mut self) -> bool {
        self.take(|c| matches!(c, ' ' | '\t' | '\n'));
        let more = self.next().is_some();
        if more {
            self.back(1);
        }
        more
    }

    pub(super) fn read(mut self) -> Result<Point> {
        let mut point = Point {
            name: self.literal()?,
            ..Point::default()
        };
        if !self.skip() {
            bail!("EOF");
        }
        point.value = self.value()?;
        self.skip();
        point.seconds = self.seconds()?;
        self.skip();
        loop {
            self.tag(&mut point)?;
            if !self.skip() {
                return Ok(point);
            }
        }
    }

    fn value(&mut self) -> Result<f64> {
        let text = self.take(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
        parse_float(&text).map_err(|_| anyhow!("invalid metric value {text}"))
    }

    /// The time; the number of its digits tells the unit.
    fn seconds(&mut self) -> Result<Option<i64>> {
        let digits = self.take(|c| c.is_ascii_digit());
        if digits.is_empty() {
            // As in Telegraf, what stands before is read again: a space, or the last character of the value.
            self.back(1);
            return Ok(None);
        }
        let count = parse_int(&digits, "ParseInt")?;
        Ok(Some(match digits.len() {
            19 => count / 1_000_000_000,
            16 => count / 1_000_000,
            13 => count / 1_000,
            10 => count,
            _ if count == 0 => return Ok(None),
            _ => bail!("invalid timestamp"),
        }))
    }

    fn tag(&mut self, point: &mut Point) -> Result<()> {
        // As in Telegraf, a key that cannot be read is passed over.
        let Ok(key) = self.literal() else {
            return Ok(());
        };
        match self.next() {
            Some('=') => {}
            other => {
                let other = other.map_or_else(String::new, String::from);
                bail!("found {}, expected equals", quote(&other));
            }
        }
        let value = self.literal()?;
        point.tags.push((key, value));
        Ok(())
    }

    /// A name, or the text between quotes. Escapes are kept as they are written.
    fn literal(&mut self) -> Result<String> {
        let mut text = String::new();
        let mut c = match self.next() {
            None => bail!("found \"\", expected literal"),
            Some('"') => return self.quoted(),
            c => c,
        };
        while let Some(part) = c.filter(|c| is_literal(*c)) {
            text.push(part);
            c = self.next();
            if c.is_some_and(is_delta) {
                bail!("found delta inside metric name");
            }
        }
        if c == Some('"') {
            bail!("found quote inside unquoted literal");
        }
        self.back(1);
        Ok(text)
    }

    fn quoted(&mut self) -> Result<String> {
        let (mut text, mut escaped) = (String::new(), false);
        while let Some(c) = self.next() {
            if c == '"' && !escaped {
                return Ok(text);
            }
            escaped = c == '\\';
            text.push(c);
        }
        bail!("found \"\", expected quotes");
    }
}
