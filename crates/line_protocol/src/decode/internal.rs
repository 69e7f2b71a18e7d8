//! Telegraf's default parser: the grammar is that of its state machine, and each state has its own error.

mod value;

use wheatstone_metric::{Key, Metric};

use super::DecodeError;
use super::input::{Input, Memory, Token};
use super::number::scan_timestamp;
use crate::scan::find;
use value::{in_key, in_name};

/// What is wrong at a byte.
struct Fault(&'static str, usize);

const NAME: &str = "expected measurement name";
const TAG: &str = "expected tag";
const FIELD: &str = "expected field";
const TIMESTAMP: &str = "expected timestamp";
const PARSE: &str = "parse error";
const RANGE: &str = "value out of range";

pub(super) fn decode(
    input: &Input<'_>,
    memory: &mut Memory,
    precision: i64,
    now: i64,
    out: &mut Vec<Metric>,
) -> Result<(), DecodeError> {
    let mut lines = Lines {
        input,
        memory,
        at: 0,
        line: 1,
        line_start: 0,
    };
    loop {
        match lines.metric(precision, now) {
            Ok(Some(metric)) => out.push(metric),
            Ok(None) => return Ok(()),
            Err(Fault(what, at)) => {
                let (line, start) = (lines.line, lines.line_start);
                let spot = at - start;
                return Err(DecodeError::at(
                    what.into(),
                    (line, spot + 1),
                    input.bytes,
                    start,
                    Some(spot),
                ));
            }
        }
    }
}

fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | 0x0B | 0x0C)
}

struct Lines<'a, 'm> {
    input: &'a Input<'a>,
    memory: &'m mut Memory,
    at: usize,
    line: usize,
    line_start: usize,
}

impl Lines<'_, '_> {
    /// The next metric, or nothing at the end.
    #[inline(always)]
    fn metric(&mut self, precision: i64, now: i64) -> Result<Option<Metric>, Fault> {
        if !self.skip_to_metric()? {
            return Ok(None);
        }
        let Some(name) = self.name()? else { return Ok(None) };
        let mut metric = Metric::with_capacity(name, now, self.memory.entries);
        self.tags(&mut metric)?;
        self.fields(&mut metric)?;
        if let Some(time) = self.timestamp()? {
            metric.set_time(time.wrapping_mul(precision));
        }
        self.memory.entries = metric.tag_count() + metric.field_count();
        Ok(Some(metric))
    }

    fn byte(&self) -> Option<u8> {
        self.input.byte(self.at)
    }

    fn fault<T>(&self, what: &'static str) -> Result<T, Fault> {
        Err(Fault(what, self.at))
    }

    /// The byte at `at` is a line break, and read.
    #[inline(always)]
    fn next_line(&mut self) {
        self.at += 1;
        self.line += 1;
        self.line_start = self.at;
    }

    fn skip_blanks(&mut self) {
        while self.byte().is_some_and(is_blank) {
            self.at += 1;
        }
    }

    /// Skips empty lines and comments; whether something is left.
    #[inline(always)]
    fn skip_to_metric(&mut self) -> Result<bool, Fault> {
        loop {
            match self.byte() {
                None => return Ok(false),
                Some(b'\n') => self.next_line(),
                Some(b'\r') => {
                    self.at += 1;
                    match self.byte() {
                        None => return Ok(false),
                        Some(b'\n') => self.next_line(),
                        Some(_) => return self.fault(PARSE),
                    }
                }
                Some(b'#') => {
                    self.at = find::<false, 1>(self.input.bytes, self.at, [b'\n']);
                    // A comment without a line break is the end of the payload.
                    if self.byte().is_some() {
                        self.next_line();
                    }
                }
                Some(b) if is_blank(b) => self.at += 1,
                Some(_) => return Ok(true),
            }
        }
    }

    /// The measurement's name. A payload that breaks off behind a backslash in it ends there, without an error.
    #[inline(always)]
    fn name(&mut self) -> Result<Option<Key>, Fault> {
        let (from, mut escaped) = (self.at, false);
        loop {
            self.at = find::<true, 2>(self.input.bytes, self.at, [b',', b'\\']);
            match self.byte() {
                Some(b',' | b' ' | b'\t'..=b'\r') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 1;
                    match self.byte() {
                        None => return Ok(None),
                        Some(b'\t'..=b'\r') => return self.fault(PARSE),
                        Some(_) => self.at += 1,
                    }
                }
                Some(_) => self.at += 1,
                None => return self.fault(TAG),
            }
        }
        if self.at == from {
            return self.fault(NAME);
        }
        let name = Token {
            from,
            to: self.at,
            escaped,
        };
        Ok(Some(self.key(name, in_name)))
    }

    /// `,key=value` until the space before the fields.
    #[inline(always)]
    fn tags(&mut self, metric: &mut Metric) -> Result<(), Fault> {
        while self.byte() == Some(b',') {
            self.at += 1;
            let key = self.tag_token()?;
            if self.byte() != Some(b'=') {
                return self.fault(TAG);
            }
            self.at += 1;
            let value = self.tag_token()?;
            if !self.byte().is_some_and(|b| b == b',' || is_blank(b)) {
                return self.fault(TAG);
            }
            let value = self.plain(value, in_key);
            let key = self.key(key, in_key);
            metric.set_tag(key, value);
        }
        if !self.byte().is_some_and(is_blank) {
            return self.fault(TAG);
        }
        self.at += 1;
        self.skip_blanks();
        Ok(())
    }

    /// A tag's key or value, which must not be empty.
    #[inline(always)]
    fn tag_token(&mut self) -> Result<Token, Fault> {
        let (from, mut escaped) = (self.at, false);
        loop {
            self.at = find::<true, 3>(self.input.bytes, self.at, [b',', b'=', b'\\']);
            match self.byte() {
                Some(b',' | b'=' | b' ' | b'\t'..=b'\r') | None => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 1;
                    match self.byte() {
                        None | Some(b'\t'..=b'\r') => return self.fault(TAG),
                        // The second backslash may escape what follows it, unlike in a field's key.
                        Some(b'\\') => {}
                        Some(_) => self.at += 1,
                    }
                }
                Some(_) => self.at += 1,
            }
        }
        if self.at == from {
            return self.fault(TAG);
        }
        Ok(Token {
            from,
            to: self.at,
            escaped,
        })
    }

    /// `key=value`, with commas between, until what follows the last value.
    #[inline(always)]
    fn fields(&mut self, metric: &mut Metric) -> Result<(), Fault> {
        loop {
            let key = self.field_key()?;
            let value = self.value()?;
            let key = self.key(key, in_key);
            metric.set_field(key, value);
            if self.byte() != Some(b',') {
                return Ok(());
            }
            self.at += 1;
        }
    }

    /// A field's key and the equals sign behind it.
    #[inline(always)]
    fn field_key(&mut self) -> Result<Token, Fault> {
        let (from, mut escaped) = (self.at, false);
        loop {
            self.at = find::<true, 3>(self.input.bytes, self.at, [b',', b'=', b'\\']);
            match self.byte() {
                Some(b'=') if self.at > from => break,
                Some(b',' | b'=' | b' ' | b'\t'..=b'\r') | None => return self.fault(FIELD),
                Some(b'\\') => {
                    escaped = true;
                    self.at += 1;
                    if matches!(self.byte(), None | Some(b'\t'..=b'\r')) {
                        return self.fault(FIELD);
                    }
                    self.at += 1;
                }
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        Ok(Token {
            from,
            to: self.at - 1,
            escaped,
        })
    }

    /// What may follow the fields: blanks, a timestamp, blanks, the line's end.
    #[inline(always)]
    fn timestamp(&mut self) -> Result<Option<i64>, Fault> {
        self.skip_blanks();
        let negative = match self.byte() {
            Some(b'-') => true,
            Some(b'0'..=b'9') => false,
            Some(b'\n' | b'\r') | None => return self.line_end().map(|()| None),
            Some(_) => return self.fault(TIMESTAMP),
        };
        let from = self.at + usize::from(negative);
        let (digits, to) = scan_timestamp(self.input.bytes, from);
        self.at = to;
        if to == from
            || !self
                .byte()
                .is_none_or(|b| is_blank(b) || b == b'\n' || b == b'\r')
        {
            return self.fault(TIMESTAMP);
        }
        let time = if negative {
            0i64.checked_sub_unsigned(digits)
        } else {
            digits.try_into().ok()
        };
        if time.is_none() {
            return self.fault(RANGE);
        }
        self.skip_blanks();
        self.line_end()?;
        Ok(time)
    }

    #[inline(always)]
    fn line_end(&mut self) -> Result<(), Fault> {
        if self.byte() == Some(b'\r') {
            self.at += 1;
        }
        match self.byte() {
            None => Ok(()),
            Some(b'\n') => {
                self.next_line();
                Ok(())
            }
            Some(_) => self.fault(PARSE),
        }
    }
}
