//! OpenMetrics' text format in, its lines out. The format is strict: one blank here, none there, and an end that is marked.

use std::borrow::Cow;

use wheatstone_plugin::prelude::*;

use super::family::FamilyKind;
use crate::prometheus::text::float;
use crate::value::number::quote;

/// A line that matters.
#[derive(Debug)]
pub(super) enum Line {
    Type(String, FamilyKind),
    Help(String),
    Unit(String, String),
    Sample(Sample),
}

/// A sample. An exemplar is checked and left out, as there is no place for it in a metric.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: Vec<(String, String)>,
    pub(super) value: f64,
    /// Milliseconds since 1970.
    pub(super) millis: Option<i64>,
}

/// A place in a payload.
pub(super) struct Reader<'a> {
    payload: &'a [u8],
    at: usize,
    /// Where the line began.
    start: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(payload: &'a [u8]) -> Reader<'a> {
        Reader {
            payload,
            at: 0,
            start: 0,
        }
    }

    /// The next line; none at the end, which must be marked.
    pub(super) fn next(&mut self) -> Result<Option<Line>> {
        self.start = self.at;
        match self.peek() {
            None => bail!("data does not end with # EOF"),
            Some(b'#') => self.comment(),
            Some(_) => self.sample().map(|sample| Some(Line::Sample(sample))),
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.payload.get(self.at..).unwrap_or_default()
    }
    fn peek(&self) -> Option<u8> {
        self.payload.get(self.at).copied()
    }
    fn take(&mut self, text: &str) -> bool {
        let is = self.rest().starts_with(text.as_bytes());
        self.at += if is { text.len() } else { 0 };
        is
    }
    fn take_while(&mut self, mut part: impl FnMut(usize, u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let end = rest.iter().enumerate().position(|(n, b)| !part(n, *b));
        let taken = &rest[..end.unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }
    /// The end of a line; that of the payload counts too.
    fn line_end(&mut self) -> bool {
        self.take("\n") || self.peek().is_none()
    }

    /// The error at this place, with a piece of the line.
    fn wrong<T>(&self, expected: &str) -> Result<T> {
        let line = self.payload.get(self.start..).unwrap_or_default();
        let line = line.split(|b| *b == b'\n').next().unwrap_or_default();
        let got = match self.peek() {
            Some(b) => quote(&String::from_utf8_lossy(&[b])),
            None => "the end".to_owned(),
        };
        let piece = quote(&String::from_utf8_lossy(&line[..line.len().min(80)]));
        bail!("{expected}, got {got} at byte {} while parsing: {piece}", self.at)
    }

    fn comment(&mut self) -> Result<Option<Line>> {
        let word = ["# HELP ", "# TYPE ", "# UNIT ", "# EOF"]
            .into_iter()
            .find(|word| self.take(word));
        let Some(word) = word else {
            return self.wrong("expected a valid start token");
        };
        if word == "# EOF" {
            self.take("\n");
            if self.peek().is_some() {
                bail!("unexpected data after # EOF");
            }
            return Ok(None);
        }
        let word = &word[2..6];
        let name = if self.peek() == Some(b'"') {
            self.quoted(true)?
        } else {
            self.word(true)
        };
        if name.is_empty() {
            return self.wrong(&format!("expected metric name after {word}"));
        }
        if !self.take(" ") {
            bail!("expected text in {word}");
        }
        let text = self.take_while(|_, b| b != b'\n');
        self.take("\n");
        let text = String::from_utf8_lossy(text);
        Ok(Some(match word {
            "TYPE" => match FamilyKind::from_name(&text) {
                Some(kind) => Line::Type(name, kind),
                None => bail!("invalid metric type {}", quote(&text)),
            },
            "UNIT" => {
                let whole = name.strip_suffix(&*text).is_some_and(|base| base.ends_with('_'));
                if !text.is_empty() && !whole {
                    bail!("unit {} not a suffix of metric {}", quote(&text), quote(&name));
                }
                Line::Unit(name, text.into_owned())
            }
            _ if matches!(text, Cow::Owned(_)) => {
                bail!("help text {} is not a valid utf8 string", quote(&text));
            }
            _ => Line::Help(name),
        }))
    }

    fn sample(&mut self) -> Result<Sample> {
        let mut name = self.word(true);
        let mut labels = Vec::new();
        if name.is_empty() && self.peek() != Some(b'{') {
            return self.wrong("expected a valid start token");
        }
        if self.take("{") {
            labels = self.labels(Some(&mut name))?;
        }
        if name.is_empty() {
            return self.wrong("metric name not set");
        }
        let value = self.number("expected value after metric")?;
        let mut millis = None;
        if self.peek() == Some(b' ') && !self.rest().starts_with(b" # {") {
            let time = self.number("expected timestamp")?;
            if !time.is_finite() {
                bail!("invalid timestamp {time}");
            }
            millis = Some((time * 1000.0) as i64);
        }
        if self.take(" # {") {
            self.exemplar()?;
        }
        if !self.line_end() {
            return self.wrong("expected next entry after the sample");
        }
        Ok(Sample {
            name,
            labels,
            value,
            millis,
        })
    }

    fn exemplar(&mut self) -> Result<()> {
        self.labels(None)?;
        self.number("expected value after exemplar labels")?;
        if self.peek() == Some(b' ') {
            let time = self.number("expected exemplar timestamp")?;
            if !time.is_finite() {
                bail!("invalid exemplar timestamp {time}");
            }
        }
        Ok(())
    }

    /// A blank and the number behind it.
    fn number(&mut self, expected: &str) -> Result<f64> {
        if !self.take(" ") {
            return self.wrong(expected);
        }
        let word = self.take_while(|_, b| b != b' ' && b != b'\n');
        match std::str::from_utf8(word).ok().and_then(float) {
            Some(number) => Ok(number),
            None => self.wrong(&format!("{expected}: no number")),
        }
    }

    /// The name of a metric, which may have colons, or of a label. Empty where none begins.
    fn word(&mut self, of_metric: bool) -> String {
        let word = self.take_while(|n, b| {
            b == b'_' || b.is_ascii_alphabetic() || (of_metric && b == b':') || (n > 0 && b.is_ascii_digit())
        });
        String::from_utf8_lossy(word).into_owned()
    }

    /// Labels behind the opening brace up to the closing one. A name in quotes among them is the metric's and goes into
    /// `metric`; an exemplar has none.
    fn labels(&mut self, mut metric: Option<&mut String>) -> Result<Vec<(String, String)>> {
        let mut labels = Vec::new();
        loop {
            if self.take("}") {
                return Ok(labels);
            }
            let quoted = self.peek() == Some(b'"');
            let name = if quoted {
                self.quoted(true)?
            } else {
                self.word(false)
            };
            if name.is_empty() && !quoted {
                return self.wrong("expected label name");
            }
            if quoted && matches!(self.peek(), Some(b',' | b'}')) {
                match metric.as_deref_mut() {
                    Some(metric) if metric.is_empty() => *metric = name,
                    Some(_) => return self.wrong("metric name already set"),
                    None => return self.wrong("expected label name"),
                }
                self.take(",");
                continue;
            }
            if !self.take("=") {
                return self.wrong("expected equal");
            }
            if self.peek() != Some(b'"') {
                return self.wrong("expected label value");
            }
            let value = self.quoted(false)?;
            if name != "__name__" {
                labels.push((name, value));
            }
            if !self.take(",") && self.peek() != Some(b'}') {
                return self.wrong("expected comma or brace close");
            }
        }
    }

    /// The text in the quotes that open here; only names may hold line breaks.
    fn quoted(&mut self, name: bool) -> Result<String> {
        let opening = self.at;
        self.at += 1;
        let mut text = Vec::new();
        loop {
            let byte = self.peek();
            self.at += 1;
            match byte {
                Some(b'"') => break,
                Some(b'\\') => {
                    match self.peek() {
                        Some(b'n') => text.push(b'\n'),
                        Some(b @ (b'"' | b'\\')) => text.push(b),
                        Some(b) if b != b'\n' || name => text.extend([b'\\', b]),
                        _ => return self.wrong("unexpected end of a quoted text"),
                    }
                    self.at += 1;
                }
                Some(b) if b != b'\n' || name => text.push(b),
                _ => {
                    self.at = opening;
                    return self.wrong("text in quotes without an end");
                }
            }
        }
        let Ok(text) = String::from_utf8(text) else {
            self.at = opening;
            return self.wrong("invalid UTF-8 in quotes");
        };
        Ok(text)
    }
}
