//! Prometheus' text format in, families of samples out, with the rules and the error texts of Prometheus' own reader.

use std::collections::{BTreeMap, HashMap};

use wheatstone_plugin::prelude::*;

use super::line::{Cursor, quote_char};
use crate::value::number::{parse_float, parse_int, quote};

/// What kind of values a family has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FamilyKind {
    Counter,
    Gauge,
    Summary,
    Untyped,
    Histogram,
    GaugeHistogram,
}

impl FamilyKind {
    fn from_name(name: &str) -> Option<FamilyKind> {
        Some(match name.to_uppercase().as_str() {
            "COUNTER" => FamilyKind::Counter,
            "GAUGE" => FamilyKind::Gauge,
            "SUMMARY" => FamilyKind::Summary,
            "UNTYPED" => FamilyKind::Untyped,
            "HISTOGRAM" => FamilyKind::Histogram,
            "GAUGE_HISTOGRAM" => FamilyKind::GaugeHistogram,
            _ => return None,
        })
    }

    /// The label that tells the parts of a sample apart, where it has parts.
    fn part_label(self) -> Option<&'static str> {
        match self {
            FamilyKind::Summary => Some("quantile"),
            FamilyKind::Histogram => Some("le"),
            _ => None,
        }
    }
}

/// All samples of one name.
#[derive(Debug, Default)]
pub(super) struct Family {
    pub(super) name: String,
    pub(super) kind: Option<FamilyKind>,
    has_help: bool,
    pub(super) samples: Vec<Sample>,
}

/// One sample; of a summary or histogram all its lines together.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    pub(super) labels: Vec<(String, String)>,
    /// The value of a family without parts.
    pub(super) value: f64,
    pub(super) count: u64,
    pub(super) sum: f64,
    /// Quantiles with their values, or upper bounds with their counts.
    pub(super) parts: Vec<(f64, f64)>,
    /// Milliseconds since 1970.
    pub(super) time: Option<i64>,
}

/// What a line of a summary or histogram says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Part,
    Count,
    Sum,
}

/// Reads a payload.
pub(super) fn read(payload: &str) -> Result<Vec<Family>> {
    let mut text = Text::default();
    for (number, line) in payload.split_inclusive('\n').enumerate() {
        let read = match line.strip_suffix('\n') {
            Some(line) => text.line(line),
            None if line.trim_matches([' ', '\t']).is_empty() => Ok(()),
            None => Err(anyhow!("unexpected end of input stream")),
        };
        read.map_err(|error| anyhow!("text format parsing error in line {}: {error}", number + 1))?;
    }
    text.families.retain(|family| !family.samples.is_empty());
    Ok(text.families)
}

#[derive(Default)]
struct Text {
    families: Vec<Family>,
    by_name: HashMap<String, usize>,
    /// The samples with parts, by family and labels.
    composed: HashMap<(usize, BTreeMap<String, String>), usize>,
}

impl Text {
    fn line(&mut self, line: &str) -> Result<()> {
        let mut cursor = Cursor::new(line);
        cursor.skip_blanks();
        match cursor.peek() {
            None => Ok(()),
            Some('#') => self.comment(cursor),
            Some(_) => self.sample(cursor),
        }
    }

    fn comment(&mut self, mut cursor: Cursor<'_>) -> Result<()> {
        cursor.next();
        cursor.skip_blanks();
        let keyword = cursor.word();
        if cursor.is_done() || !matches!(keyword, "HELP" | "TYPE") {
            return Ok(());
        }
        cursor.skip_blanks();
        let name = cursor.name(true)?;
        match cursor.peek() {
            None => return Ok(()),
            Some(' ' | '\t') => cursor.skip_blanks(),
            Some(_) => bail!("invalid metric name in comment"),
        }
        let (place, _) = self.family(&name);
        let family = &mut self.families[place];
        match (keyword, cursor.rest()) {
            (_, "") => {}
            ("HELP", _) if family.has_help => {
                bail!("second HELP line for metric name {}", quote(&family.name));
            }
            ("HELP", help) => {
                family.has_help = true;
                check_help(help)?;
            }
            _ if family.kind.is_some() => bail!(
                "second TYPE line for metric name {}, or TYPE reported after samples",
                quote(&family.name)
            ),
            (_, kind) => {
                let kind = FamilyKind::from_name(kind)
                    .ok_or_else(|| anyhow!("unknown metric type {}", quote(kind)))?;
                family.kind = Some(kind);
            }
        }
        Ok(())
    }

    /// The family that a name belongs to; `x_count` and `x_sum` belong to the summary or histogram `x`.
    fn family(&mut self, name: &str) -> (usize, Line) {
        if let Some(place) = self.by_name.get(name) {
            return (*place, Line::Part);
        }
        let endings = [
            ("_count", Line::Count),
            ("_sum", Line::Sum),
            ("_bucket", Line::Part),
        ];
        for (ending, line) in endings {
            let base = name.strip_suffix(ending).filter(|base| !base.is_empty());
            if let Some(place) = base.and_then(|base| self.by_name.get(base)) {
                match self.families[*place].kind {
                    Some(FamilyKind::Histogram) => return (*place, line),
                    Some(FamilyKind::Summary) if ending != "_bucket" => return (*place, line),
                    _ => {}
                }
            }
        }
        self.families.push(Family {
            name: name.to_owned(),
            ..Family::default()
        });
        let place = self.families.len() - 1;
        self.by_name.insert(name.to_owned(), place);
        (place, Line::Part)
    }

    fn sample(&mut self, mut cursor: Cursor<'_>) -> Result<()> {
        let mut head = None;
        if cursor.peek() != Some('{') {
            let name = cursor.name(true)?;
            if name.is_empty() {
                bail!("invalid metric name");
            }
            head = Some(self.family(&name));
            cursor.skip_blanks();
        }
        let mut labels = Vec::new();
        if cursor.take('{') {
            self.labels(&mut cursor, &mut head, &mut labels)?;
            cursor.skip_blanks();
        }
        let Some((place, line)) = head else {
            bail!("invalid metric name");
        };
        let kind = *self.families[place].kind.get_or_insert(FamilyKind::Untyped);
        let part = take_part(kind, &mut labels)?;
        let word = cursor.word();
        let value = float(word).ok_or_else(|| anyhow!("expected float as value, got {}", quote(word)))?;
        let at = self.place(place, kind, labels);
        let sample = &mut self.families[place].samples[at];
        match (kind, line) {
            (FamilyKind::GaugeHistogram, _) => {
                bail!(
                    "unexpected type for metric name {}",
                    quote(&self.families[place].name)
                );
            }
            (FamilyKind::Summary | FamilyKind::Histogram, Line::Count) => sample.count = value as u64,
            (FamilyKind::Summary | FamilyKind::Histogram, Line::Sum) => sample.sum = value,
            (FamilyKind::Summary, Line::Part) => sample.parts.extend(part.map(|part| (part, value))),
            (FamilyKind::Histogram, Line::Part) => {
                sample.parts.extend(part.map(|part| (part, value as u64 as f64)));
            }
            _ => sample.value = value,
        }
        if cursor.is_done() {
            return Ok(());
        }
        cursor.skip_blanks();
        let word = cursor.word();
        let time = parse_int(word, "ParseInt")
            .map_err(|_| anyhow!("expected integer as timestamp, got {}", quote(word)))?;
        sample.time = Some(time);
        if !cursor.is_done() {
            bail!("spurious string after timestamp: {}", quote(cursor.rest()));
        }
        Ok(())
    }

    /// Where the sample with these labels stands; a new one unless its parts come line by line.
    fn place(&mut self, family: usize, kind: FamilyKind, labels: Vec<(String, String)>) -> usize {
        let samples = &mut self.families[family].samples;
        let new = samples.len();
        if kind.part_label().is_some() {
            let signature = labels.iter().cloned().collect();
            let place = *self.composed.entry((family, signature)).or_insert(new);
            if place < new {
                return place;
            }
        }
        samples.push(Sample {
            labels,
            ..Sample::default()
        });
        new
    }

    /// Reads labels up to the closing brace. Where the name stands inside the braces it is put into `head`.
    fn labels(
        &mut self,
        cursor: &mut Cursor<'_>,
        head: &mut Option<(usize, Line)>,
        labels: &mut Vec<(String, String)>,
    ) -> Result<()> {
        let name_inside = head.is_none();
        loop {
            cursor.skip_blanks();
            if cursor.take('}') {
                return Ok(());
            }
            let family = |head: &Option<(usize, Line)>, text: &Text| {
                quote(head.map_or("", |(place, _)| text.families[place].name.as_str()))
            };
            let label = cursor.name(false)?;
            if label.is_empty() {
                bail!("invalid label name for metric {}", family(head, self));
            }
            cursor.skip_blanks();
            if !cursor.take('=') {
                if !name_inside {
                    bail!(
                        "expected '=' after label name, found {}",
                        quote_char(cursor.peek())
                    );
                }
                *head = Some(self.family(&label));
                match cursor.next() {
                    Some(',') => continue,
                    Some('}') => return Ok(()),
                    other => bail!("unexpected end of metric value {}", quote_char(other)),
                }
            }
            if label == "__name__" {
                bail!("label name \"__name__\" is reserved");
            }
            if labels.iter().any(|(before, _)| *before == label) {
                bail!("duplicate label names for metric {}", family(head, self));
            }
            cursor.skip_blanks();
            if cursor.peek() != Some('"') {
                bail!(
                    "expected '\"' at start of label value, found {}",
                    quote_char(cursor.peek())
                );
            }
            let value = cursor.quoted("label value")?;
            cursor.skip_blanks();
            labels.push((label, value));
            match cursor.next() {
                Some(',') => {}
                Some('}') => return Ok(()),
                _ => bail!(
                    "unexpected end of label value {}",
                    quote(labels.last().map_or("", |(_, value)| value))
                ),
            }
        }
    }
}

/// Takes the label that names a part out of the others.
fn take_part(kind: FamilyKind, labels: &mut Vec<(String, String)>) -> Result<Option<f64>> {
    let Some(label) = kind.part_label() else {
        return Ok(None);
    };
    let Some(at) = labels.iter().position(|(name, _)| name == label) else {
        return Ok(None);
    };
    let (_, value) = labels.remove(at);
    let part = float(&value).ok_or_else(|| {
        anyhow!(
            "expected float as value for '{label}' label, got {}",
            quote(&value)
        )
    })?;
    Ok(Some(part).filter(|part| !part.is_nan()))
}

/// A float as Prometheus' formats have it: as in Go, but without hexadecimals and grouped digits.
pub(crate) fn float(text: &str) -> Option<f64> {
    if text.contains(['p', 'P', '_']) {
        return None;
    }
    parse_float(text).ok()
}

fn check_help(help: &str) -> Result<()> {
    let mut chars = help.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            match chars.next() {
                Some('\\' | 'n' | '"') => {}
                other => bail!("invalid escape sequence '\\{}'", other.unwrap_or('\n')),
            }
        }
    }
    Ok(())
}
