//! OpenMetrics' text format in, families out: samples are put together that belong to one point.

use wheatstone_plugin::prelude::*;

use super::family::{Family, FamilyKind, Point, Series};
use super::line::{Line, Reader, Sample};
use crate::prometheus::text::float;

/// Reads a payload.
pub(super) fn read(payload: &[u8]) -> Result<Vec<Family>> {
    // A payload may begin with a line break and go without the last.
    let payload = payload.strip_prefix(b"\n").unwrap_or(payload);
    let mut reader = Reader::new(payload);
    let mut text = Text::default();
    while let Some(line) = reader.next()? {
        match line {
            Line::Type(name, kind) => {
                text.begin(name);
                text.family.kind = kind;
            }
            Line::Help(name) => text.begin(name),
            Line::Unit(name, unit) => {
                text.begin(name);
                text.family.unit = unit;
            }
            Line::Sample(sample) => text.sample(sample),
        }
    }
    text.end();
    Ok(text.families)
}

#[derive(Default)]
struct Text {
    families: Vec<Family>,
    /// The family whose lines come.
    family: Family,
}

impl Text {
    /// Begins a family, unless its lines come already.
    fn begin(&mut self, name: String) {
        if self.family.name != name {
            self.end();
            self.family.name = name;
        }
    }

    fn end(&mut self) {
        let family = std::mem::take(&mut self.family);
        if !family.name.is_empty() {
            self.families.push(family);
        }
    }

    /// The part of a name behind that of the running family; none where the sample is of another one.
    fn ending<'n>(&self, name: &'n str) -> Option<&'n str> {
        let rest = name.strip_prefix(self.family.name.as_str())?;
        let Some(ending) = rest.strip_prefix('_') else {
            return rest.is_empty().then_some(rest);
        };
        self.family.kind.takes(ending).then_some(ending)
    }

    fn sample(&mut self, sample: Sample) {
        let ending = if self.family.name.is_empty() {
            None
        } else {
            self.ending(&sample.name)
        };
        let Some(ending) = ending.map(str::to_owned) else {
            // A sample that no line announced is a family by itself.
            self.begin(sample.name.clone());
            return self.add(sample, "");
        };
        self.add(sample, &ending);
    }

    fn add(&mut self, mut sample: Sample, ending: &str) {
        let family = &mut self.family;
        let part = family
            .kind
            .part_label()
            .or((family.kind == FamilyKind::StateSet).then_some(family.name.as_str()));
        let part = part.and_then(|label| {
            let at = sample.labels.iter().position(|(name, _)| name == label)?;
            Some(sample.labels.swap_remove(at).1)
        });
        sample.labels.sort();
        let time = sample.millis.map(|millis| millis.saturating_mul(1_000_000));
        if family
            .metrics
            .last()
            .is_none_or(|series| series.labels != sample.labels)
        {
            family.metrics.push(Series {
                labels: sample.labels,
                points: Vec::new(),
            });
        }
        let Some(series) = family.metrics.last_mut() else {
            return;
        };
        if series.points.last().is_none_or(|point| point.time != time) {
            series.points.push(Point {
                time,
                ..Point::default()
            });
        }
        if let Some(point) = series.points.last_mut() {
            point.set(family.kind, ending, sample.value, part);
        }
    }
}

impl Point {
    /// Takes what a sample says.
    fn set(&mut self, kind: FamilyKind, ending: &str, value: f64, part: Option<String>) {
        let nanos = (value * 1e9) as i64;
        match (kind, ending) {
            (FamilyKind::Unknown | FamilyKind::Gauge, _) | (FamilyKind::Counter, "total") => {
                self.value = Some(value);
            }
            (FamilyKind::StateSet, _) => self.states.push((part.unwrap_or_default(), value > 0.0)),
            (FamilyKind::Info | FamilyKind::Counter, _) => {}
            (_, "created") => {
                self.created = Some((nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000)));
            }
            (_, "sum" | "gsum") => self.sum = Some(value),
            (_, "count" | "gcount") => self.count = value as u64,
            (FamilyKind::Summary, _) => self.parts.push((bound(part), value)),
            (_, "bucket") => self.parts.push((bound(part), value as u64 as f64)),
            _ => {}
        }
    }
}

/// A bound or quantile; what is no number is NaN.
fn bound(part: Option<String>) -> f64 {
    part.and_then(|part| float(&part)).unwrap_or(f64::NAN)
}
