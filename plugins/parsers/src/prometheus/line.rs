//! One line in, its tokens out.

use wheatstone_plugin::prelude::*;

use crate::value::number::quote;

/// A place in a line.
pub(super) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(line: &'a str) -> Cursor<'a> {
        Cursor { rest: line }
    }
    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }
    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }
    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }
    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }
    pub(super) fn take(&mut self, c: char) -> bool {
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
    pub(super) fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    /// What stands before the next blank.
    pub(super) fn word(&mut self) -> &'a str {
        let end = self.rest.find([' ', '\t']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// The name of a metric, which may have colons, or of a label; in quotes it may be any text. Empty where none begins.
    pub(super) fn name(&mut self, of_metric: bool) -> Result<String> {
        let what = if of_metric { "metric name" } else { "label name" };
        if self.peek() == Some('"') {
            return self.quoted(what);
        }
        let part = |c: char| c == '_' || c.is_ascii_alphanumeric() || (of_metric && c == ':');
        if self.peek().is_none_or(|c| c.is_ascii_digit()) {
            return Ok(String::new());
        }
        let end = self.rest.find(|c| !part(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(name.to_owned())
    }

    /// The text in the quotes that open here; `what` is for the error.
    pub(super) fn quoted(&mut self, what: &str) -> Result<String> {
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') => match self.next() {
                    Some(c @ ('\\' | '"')) => text.push(c),
                    Some('n') => text.push('\n'),
                    other => bail!("invalid escape sequence '\\{}'", other.unwrap_or('\n')),
                },
                Some(c) => text.push(c),
                None => bail!("{what} {} contains unescaped new-line", quote(&text)),
            }
        }
    }
}

/// A character as Go quotes it; the end of the line is its line feed.
pub(super) fn quote_char(c: Option<char>) -> String {
    match c {
        None => "'\\n'".to_owned(),
        Some('\'') => "'\\''".to_owned(),
        Some('"') => "'\"'".to_owned(),
        Some(c) => {
            let quoted = quote(c.encode_utf8(&mut [0; 4]));
            format!("'{}'", quoted.trim_matches('"'))
        }
    }
}
