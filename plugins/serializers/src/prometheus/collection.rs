//! A batch of metrics in, families of samples out: what belongs to one sample is put together, and of two at one place the
//! later one stays.

use std::collections::HashMap;

use wheatstone_plugin::prelude::*;

use super::Settings;
use super::convert::{
    metric_name, parse_float, sample_count, sample_sum, sample_value, sanitize_label_name,
    sanitize_metric_name,
};

/// Names with values.
pub(super) type Labels = Vec<(String, String)>;

/// All samples of one name and type.
pub(super) struct Family {
    pub(super) name: String,
    pub(super) kind: ValueType,
    pub(super) samples: Vec<Sample>,
    by_labels: HashMap<Labels, usize>,
}

/// One sample; of a summary or histogram all parts together.
pub(super) struct Sample {
    pub(super) labels: Labels,
    pub(super) time: Timestamp,
    pub(super) content: Content,
}

pub(super) enum Content {
    Number(f64),
    /// Quantiles with their values, or upper bounds with their counts.
    Distribution {
        parts: Vec<(f64, f64)>,
        count: u64,
        sum: f64,
    },
}

/// What a field says of a sample.
enum Part {
    Number(f64),
    /// A quantile with its value, or an upper bound with its count.
    Bound(f64, f64),
    Count(u64),
    Sum(f64),
}

#[derive(Default)]
pub(super) struct Collection {
    families: Vec<Family>,
    by_name: HashMap<(String, ValueType), usize>,
}

impl Collection {
    pub(super) fn add(&mut self, metric: &Metric, settings: &Settings) {
        let labels = labels(metric, settings);
        for (field, value) in metric.fields() {
            let Some(name) = sanitize_metric_name(&metric_name(metric, field), settings.names) else {
                continue;
            };
            let kind = kind(&name, metric, settings);
            let Some(part) = part(metric, field, value) else {
                continue;
            };
            let fits =
                matches!(kind, ValueType::Histogram | ValueType::Summary) != matches!(part, Part::Number(_));
            // A histogram cannot be a gauge because a filter says so.
            if fits {
                self.family(name, kind).add(&labels, metric.time(), part);
            }
        }
    }

    fn family(&mut self, name: String, kind: ValueType) -> &mut Family {
        let new = self.families.len();
        let at = *self.by_name.entry((name.clone(), kind)).or_insert(new);
        if at == new {
            self.families.push(Family {
                name,
                kind,
                samples: Vec::new(),
                by_labels: HashMap::new(),
            });
        }
        &mut self.families[at]
    }

    pub(super) fn families(self, sort: bool) -> Vec<Family> {
        let mut families = self.families;
        if sort {
            families.sort_by(|a, b| a.name.cmp(&b.name).then((a.kind as u8).cmp(&(b.kind as u8))));
            for family in &mut families {
                let key = |sample: &Sample| (sample.labels.len(), sample.labels.clone());
                family.samples.sort_by_cached_key(key);
            }
        }
        families
    }
}

impl Family {
    fn add(&mut self, labels: &Labels, time: Timestamp, part: Part) {
        let Some(at) = self.by_labels.get(labels).copied() else {
            self.by_labels.insert(labels.clone(), self.samples.len());
            let mut content = match part {
                Part::Number(value) => Content::Number(value),
                _ => Content::Distribution {
                    parts: Vec::new(),
                    count: 0,
                    sum: 0.0,
                },
            };
            content.take(part);
            return self.samples.push(Sample {
                labels: labels.clone(),
                time,
                content,
            });
        };
        let sample = &mut self.samples[at];
        if time >= sample.time {
            sample.time = time;
            sample.content.take(part);
        }
    }
}

impl Content {
    fn take(&mut self, part: Part) {
        match (self, part) {
            (Content::Number(value), Part::Number(new)) => *value = new,
            (Content::Distribution { parts, .. }, Part::Bound(bound, value)) => {
                match parts.iter_mut().find(|(other, _)| *other == bound) {
                    Some(part) => part.1 = value,
                    None => parts.push((bound, value)),
                }
            }
            (Content::Distribution { count, .. }, Part::Count(new)) => *count = new,
            (Content::Distribution { sum, .. }, Part::Sum(new)) => *sum = new,
            _ => {}
        }
    }
}

fn kind(name: &str, metric: &Metric, settings: &Settings) -> ValueType {
    let is = |filter: &Option<Glob>| filter.as_ref().is_some_and(|filter| filter.matches(name));
    if is(&settings.gauges) {
        ValueType::Gauge
    } else if is(&settings.counters) {
        ValueType::Counter
    } else {
        metric.kind()
    }
}

/// The labels of a metric, those that tell the parts of a sample apart left out.
fn labels(metric: &Metric, settings: &Settings) -> Labels {
    let part = part_label(metric.kind());
    let mut labels: Labels = metric
        .tags()
        .filter(|(key, _)| Some(key.as_str()) != part)
        .filter_map(|(key, value)| Some((sanitize_label_name(key, settings.names)?, value.to_owned())))
        .collect();
    if settings.string_as_label {
        let tags = labels.len();
        for (key, value) in metric.fields() {
            // A tag goes before a field of its name.
            if let Value::Str(text) = value
                && let Some(name) = sanitize_label_name(key, settings.names)
                && !labels.iter().any(|(other, _)| *other == name)
            {
                labels.push((name, text.to_string()));
            }
        }
        if labels.len() > tags {
            labels.sort_by(|a, b| a.0.cmp(&b.0));
        }
    }
    labels
}

/// The label that tells the parts of a sample apart.
pub(super) fn part_label(kind: ValueType) -> Option<&'static str> {
    match kind {
        ValueType::Histogram => Some("le"),
        ValueType::Summary => Some("quantile"),
        _ => None,
    }
}

fn part(metric: &Metric, field: &str, value: &Value) -> Option<Part> {
    let bound = |label| metric.tag(label).and_then(parse_float);
    match metric.kind() {
        ValueType::Counter | ValueType::Gauge | ValueType::Untyped => sample_value(value).map(Part::Number),
        _ if field.ends_with("_sum") => sample_sum(value).map(Part::Sum),
        _ if field.ends_with("_count") => sample_count(value).map(Part::Count),
        ValueType::Histogram if field.ends_with("_bucket") => {
            Some(Part::Bound(bound("le")?, sample_count(value)? as f64))
        }
        ValueType::Histogram => None,
        ValueType::Summary => Some(Part::Bound(bound("quantile")?, sample_value(value)?)),
    }
}
