//! The parser of InfluxDB's own library, as Telegraf uses it with `influx_parser_type = "upstream"`.

mod token;
mod value;

use wheatstone_metric::{CompactString, Key, Metric, Value};

use super::DecodeError;
use super::input::{Input, Memory};
use super::number::{NumberError, parse_int};
use crate::decode::error::quote_token;
use crate::quote::quote_char;
use crate::scan::find;
use token::{in_key, in_name, in_string};
use value::{boolean, number};

pub(super) fn decode(
    input: &Input<'_>,
    memory: &mut Memory,
    precision: i64,
    now: i64,
    out: &mut Vec<Metric>,
) -> Result<(), DecodeError> {
    let mut entries = Entries {
        input,
        memory,
        at: 0,
        line: 1,
        start: 0,
    };
    while entries.skip_to_entry() {
        out.push(entries.entry(precision, now)?);
    }
    Ok(())
}

struct Entries<'a, 'm> {
    input: &'a Input<'a>,
    memory: &'m mut Memory,
    at: usize,
    /// The line that `at` is in.
    line: usize,
    /// Where the entry starts: its columns are counted from here, without the blanks before it.
    start: usize,
}

/// What follows a field.
enum Next {
    Field,
    Time,
    End,
}

impl Entries<'_, '_> {
    fn byte(&self) -> Option<u8> {
        self.input.byte(self.at)
    }

    /// Skips empty lines and comments; whether something is left. What is wrong there is left for the name to refuse.
    fn skip_to_entry(&mut self) -> bool {
        loop {
            let from = self.at;
            self.skip_spaces();
            match self.byte() {
                Some(b'#') => {
                    while self.byte().is_some_and(|b| b >= b' ' && b != 0x7F) {
                        self.at += 1;
                    }
                    if !self.end_line() {
                        self.at = from;
                        return true;
                    }
                }
                Some(b'\n') => {
                    self.end_line();
                }
                Some(b'\r') => {
                    if !self.end_line() {
                        return true;
                    }
                }
                Some(_) => return true,
                None => return false,
            }
        }
    }

    #[inline(always)]
    fn entry(&mut self, precision: i64, now: i64) -> Result<Metric, DecodeError> {
        self.start = self.at;
        let name = self.name()?;
        let mut metric = Metric::with_capacity(name, now, self.memory.entries);
        self.tags(&mut metric)?;
        loop {
            let (key, value, next) = self.field()?;
            metric.set_field(key, value);
            match next {
                Next::Field => {}
                Next::End => break,
                Next::Time => {
                    if let Some(time) = self.time(precision)? {
                        metric.set_time(time);
                    }
                    break;
                }
            }
        }
        self.memory.entries = metric.tag_count() + metric.field_count();
        Ok(metric)
    }

    #[inline(always)]
    fn name(&mut self) -> Result<Key, DecodeError> {
        let token = self.token::<true, 3>([b',', b'\\', 0x7F], in_name)?;
        if token.from == token.to {
            let found = self.found();
            return Err(self.error(
                token.from,
                format!("invalid character {found} found at start of measurement name"),
            ));
        }
        if self.input.byte(token.from) == Some(b'#') {
            return Err(self.error(token.from, "invalid character found in comment line".into()));
        }
        let name = self.key(&token, in_name);
        self.tag_comma()?;
        Ok(name)
    }

    /// A comma after the name or a tag promises another tag.
    #[inline(always)]
    fn tag_comma(&mut self) -> Result<(), DecodeError> {
        if self.byte() != Some(b',') {
            return Ok(());
        }
        self.at += 1;
        match self.byte() {
            None => Err(self.error(self.at, "expected tag key after comma; got end of input".into())),
            Some(b' ' | b'\r' | b'\n') => Err(self.error(
                self.at,
                "expected tag key after comma; got white space instead".into(),
            )),
            Some(_) => Ok(()),
        }
    }

    /// `key=value` until the spaces before the fields, or the end.
    #[inline(always)]
    fn tags(&mut self, metric: &mut Metric) -> Result<(), DecodeError> {
        while self.byte() != Some(b' ') {
            let key = self.token::<true, 4>([b',', b'=', b'\\', 0x7F], in_key)?;
            if key.from == key.to || self.byte() != Some(b'=') {
                let found = self.found();
                let what = match self.byte() {
                    None => "empty tag name".into(),
                    Some(_) if key.from < key.to => {
                        let key = self.quoted(&key, in_key);
                        format!("expected '=' after tag key {key}, but got {found} instead")
                    }
                    Some(_) => format!("expected tag key or field but found {found} instead"),
                };
                return Err(self.error(key.from, what));
            }
            self.at += 1;
            let value = self.token::<true, 4>([b',', b'=', b'\\', 0x7F], in_key)?;
            if value.from == value.to {
                let key = self.quoted(&key, in_key);
                return Err(self.error(
                    value.from,
                    format!("expected tag value after tag key {key}, but none found"),
                ));
            }
            let value = self.plain(&value, in_key);
            let key = self.key(&key, in_key);
            metric.set_tag(key, value);
            if self.byte().is_none() {
                return Ok(());
            }
            self.tag_comma()?;
        }
        self.skip_spaces();
        Ok(())
    }

    #[inline(always)]
    fn field(&mut self) -> Result<(Key, Value, Next), DecodeError> {
        let key = self.token::<true, 4>([b',', b'=', b'\\', 0x7F], in_key)?;
        if key.from == key.to || self.byte() != Some(b'=') {
            let found = self.found();
            return Err(match self.byte() {
                None if key.from == key.to => {
                    self.error(key.from, "expected field key but none found".into())
                }
                Some(_) if key.from == key.to => self.error(
                    key.from,
                    format!("invalid character {found} found at start of field key"),
                ),
                at_end => {
                    let key = self.quoted(&key, in_key);
                    let found = at_end.map_or("end of input".into(), |_| found);
                    self.error(self.at, format!("want '=' after field key {key}, found {found}"))
                }
            });
        }
        self.at += 1;
        let from = self.at;
        let value = match self.byte() {
            None => return Err(self.error(self.at, "expected field value, found end of input".into())),
            Some(b'"') => Ok(Value::Str(self.string()?)),
            Some(b't' | b'T' | b'f' | b'F') => boolean(self.word()),
            Some(b'-' | b'.' | b'0'..=b'9') => number(self.word()),
            Some(_) => return Err(self.error(self.at, "field value has unrecognized type".into())),
        };
        let next = self.after_field()?;
        match value {
            Ok(value) => Ok((self.key(&key, in_key), value, next)),
            Err(why) => {
                let key = self.quoted(&key, in_key);
                Err(self.error(from, format!("cannot parse value for field key {key}: {why}")))
            }
        }
    }

    #[inline(always)]
    fn string(&mut self) -> Result<CompactString, DecodeError> {
        self.at += 1;
        let from = self.at;
        let token = self.token::<false, 2>([b'"', b'\\'], in_string)?;
        if self.byte().is_none() {
            return Err(self.error(
                from - 1,
                "expected closing quote for string field value, found end of input".into(),
            ));
        }
        self.at += 1;
        Ok(self.plain(&token, in_string))
    }

    /// Everything until a comma, a space or a line break.
    #[inline(always)]
    fn word(&mut self) -> &[u8] {
        let from = self.at;
        self.at = find::<false, 4>(self.input.bytes, from, [b',', b' ', b'\n', b'\r']);
        self.input.slice(from, self.at)
    }

    #[inline(always)]
    fn after_field(&mut self) -> Result<Next, DecodeError> {
        match self.byte() {
            None => return Ok(Next::End),
            Some(b',') => {
                self.at += 1;
                return Ok(Next::Field);
            }
            Some(b' ' | b'\n' | b'\r') => {}
            Some(_) => {
                let found = self.found();
                return Err(self.error(self.at, format!("unexpected character {found} after field")));
            }
        }
        self.skip_spaces();
        Ok(if self.end_line() { Next::End } else { Next::Time })
    }

    #[inline(always)]
    fn time(&mut self, precision: i64) -> Result<Option<i64>, DecodeError> {
        let from = self.at;
        while self.byte().is_some_and(|b| b == b'-' || b.is_ascii_digit()) {
            self.at += 1;
        }
        let digits = self.input.slice(from, self.at);
        if !matches!(self.byte(), None | Some(b' ' | b'\n' | b'\r')) {
            self.skip_to_line_end();
            let text = quote_token(self.input.slice(from, self.at));
            return Err(self.error(from, format!("invalid timestamp ({text})")));
        }
        self.skip_spaces();
        if !self.end_line() {
            let from = self.at;
            self.skip_to_line_end();
            let text = quote_token(self.input.slice(from, self.at));
            return Err(self.error(from, format!("unexpected text after timestamp ({text})")));
        }
        if digits.is_empty() {
            return Ok(None);
        }
        parse_int(digits)
            .and_then(|count| count.checked_mul(precision).ok_or(NumberError::OutOfRange))
            .map(Some)
            .map_err(|why| {
                DecodeError::without_place(format!("invalid timestamp: {}", why.text("invalid syntax")))
            })
    }

    #[inline(always)]
    fn skip_spaces(&mut self) {
        while self.byte() == Some(b' ') {
            self.at += 1;
        }
    }

    fn skip_to_line_end(&mut self) {
        self.at = find::<false, 2>(self.input.bytes, self.at, [b'\n', b'\r']);
    }

    /// Reads a line break, or the end; nothing where something else stands there.
    #[inline(always)]
    fn end_line(&mut self) -> bool {
        let broken = match (self.byte(), self.input.byte(self.at + 1)) {
            (None, _) => return true,
            (Some(b'\n'), _) => 1,
            (Some(b'\r'), Some(b'\n')) => 2,
            (Some(b'\r'), None) => {
                self.at += 1;
                return true;
            }
            _ => return false,
        };
        self.at += broken;
        self.line += 1;
        true
    }

    /// The byte at `at` as errors show it.
    #[cold]
    fn found(&self) -> String {
        quote_char(char::from(self.byte().unwrap_or(0)))
    }

    /// An error at byte `at`, which is not behind what was read so far.
    #[cold]
    fn error(&self, at: usize, what: String) -> DecodeError {
        let is_break = |b: &u8| *b == b'\n';
        let entry = self.input.slice(self.start, at);
        let column = entry.len() - entry.iter().rposition(is_break).map_or(0, |i| i + 1) + 1;
        let line = self.line
            - self
                .input
                .slice(at, self.at)
                .iter()
                .filter(|b| is_break(b))
                .count();
        let mut breaks = self
            .input
            .bytes
            .iter()
            .enumerate()
            .filter(|(_, b)| is_break(b))
            .map(|(i, _)| i + 1);
        let line_start = if line > 1 {
            breaks.nth(line - 2).unwrap_or(0)
        } else {
            0
        };
        // The library's column counts from the entry, Telegraf takes it as one of the payload.
        let spot = (column - 1).checked_sub(line_start);
        DecodeError::at(what, (line, column), self.input.bytes, line_start, spot)
    }
}
