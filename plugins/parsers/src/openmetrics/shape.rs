//! Points in, metrics out, in either of Telegraf's two shapes.

use wheatstone_plugin::prelude::*;

use super::family::{Family, FamilyKind, Point};
use crate::value::number::show_float;

/// Makes the metrics of a family.
pub(super) struct Shaper<'a> {
    family: &'a Family,
    keys: &'a mut KeyCache,
    out: &'a mut Vec<Metric>,
}

impl<'a> Shaper<'a> {
    pub(super) fn new(family: &'a Family, keys: &'a mut KeyCache, out: &'a mut Vec<Metric>) -> Shaper<'a> {
        Shaper { family, keys, out }
    }

    /// The family's name with an ending.
    fn joined(&mut self, ending: &str) -> Key {
        if ending.is_empty() {
            return self.keys.get(&self.family.name);
        }
        self.keys.get(&format!("{}{ending}", self.family.name))
    }

    fn metric(&mut self, name: Key, labels: &[(String, String)], time: Timestamp) -> Metric {
        let mut metric = Metric::with_capacity(name, time, labels.len() + 4);
        metric.set_kind(match self.family.kind {
            FamilyKind::Gauge => ValueType::Gauge,
            FamilyKind::Counter => ValueType::Counter,
            FamilyKind::Histogram | FamilyKind::GaugeHistogram => ValueType::Histogram,
            FamilyKind::Summary => ValueType::Summary,
            FamilyKind::Unknown | FamilyKind::StateSet | FamilyKind::Info => ValueType::Untyped,
        });
        for (label, value) in labels.iter().filter(|(_, value)| !value.is_empty()) {
            metric.set_tag(self.keys.get(label), value.as_str());
        }
        if !self.family.unit.is_empty() {
            metric.set_tag(key!("unit"), self.family.unit.as_str());
        }
        metric
    }

    /// Version 1: a metric with all parts as fields.
    pub(super) fn by_name(&mut self, labels: &[(String, String)], point: &Point, time: Timestamp) {
        let name = self.joined("");
        let mut metric = self.metric(name, labels, time);
        let field = match self.family.kind {
            FamilyKind::Unknown => key!("value"),
            FamilyKind::Gauge => key!("gauge"),
            FamilyKind::Counter => key!("counter"),
            FamilyKind::StateSet => {
                for (state, enabled) in &point.states {
                    metric.set_field(self.keys.get(&state.replace(' ', "_")), *enabled);
                }
                return self.out.push(metric);
            }
            FamilyKind::Info => {
                self.add_info(&mut metric, point);
                metric.set_field(key!("info"), 1u64);
                return self.out.push(metric);
            }
            kind => {
                metric.set_field(key!("count"), point.count as f64);
                if let Some(sum) = point.sum {
                    metric.set_field(key!("sum"), sum);
                }
                if let Some((seconds, nanos)) = point.created {
                    let created = if kind == FamilyKind::Summary {
                        seconds as f64 + nanos as f64 / 1e9
                    } else {
                        odd_seconds(seconds, nanos)
                    };
                    metric.set_field(key!("created"), created);
                }
                for (bound, value) in &point.parts {
                    if kind != FamilyKind::Summary || !value.is_nan() {
                        metric.set_field(self.keys.get(&show_float(*bound)), *value);
                    }
                }
                return self.out.push(metric);
            }
        };
        if let Some(value) = point.value.filter(|value| !value.is_nan()) {
            metric.set_field(field, value);
            self.out.push(metric);
        }
    }

    /// Version 2: a metric for each part.
    pub(super) fn by_field(&mut self, labels: &[(String, String)], point: &Point, time: Timestamp) {
        let kind = self.family.kind;
        let mut whole = self.metric(key!("openmetric"), labels, time);
        let (label, ending) = match kind {
            FamilyKind::Unknown | FamilyKind::Gauge | FamilyKind::Counter => {
                if let Some(value) = point.value.filter(|value| !value.is_nan()) {
                    whole.set_field(self.joined(""), value);
                    self.out.push(whole);
                }
                return;
            }
            FamilyKind::StateSet => {
                for (state, enabled) in &point.states {
                    let mut metric = whole.clone();
                    metric.set_field(self.joined(&format!("_{}", state.replace(' ', "_"))), *enabled);
                    self.out.push(metric);
                }
                return;
            }
            FamilyKind::Info => {
                self.add_info(&mut whole, point);
                whole.set_field(self.joined("_info"), 1u64);
                return self.out.push(whole);
            }
            FamilyKind::Histogram | FamilyKind::GaugeHistogram => (key!("le"), "_bucket"),
            FamilyKind::Summary => (key!("quantile"), ""),
        };
        let mut overall = whole.clone();
        overall.set_field(self.joined("_count"), point.count as f64);
        if let Some(sum) = point.sum {
            overall.set_field(self.joined("_sum"), sum);
        }
        if let Some((seconds, nanos)) = point.created {
            overall.set_field(self.joined("_created"), odd_seconds(seconds, nanos));
        }
        self.out.push(overall);
        let field = self.joined(ending);
        let part = |bound: &str, value: f64| {
            let mut metric = whole.clone();
            metric.set_tag(label.clone(), bound);
            metric.set_field(field.clone(), value);
            metric
        };
        for (bound, value) in &point.parts {
            self.out.push(part(&show_float(*bound), *value));
        }
        // A histogram always has the bucket that holds everything.
        let has_all = point.parts.iter().any(|(bound, _)| *bound == f64::INFINITY);
        if kind != FamilyKind::Summary && !has_all {
            self.out.push(part("+Inf", point.count as f64));
        }
    }

    /// The labels that the point itself has are put over those of its series.
    fn add_info(&mut self, metric: &mut Metric, point: &Point) {
        for (label, value) in &point.info {
            metric.set_tag(self.keys.get(label), value.as_str());
        }
    }
}

/// The time when counting began as Telegraf writes it: it adds the nanoseconds to the seconds.
fn odd_seconds(seconds: i64, nanos: i64) -> f64 {
    seconds as f64 + nanos as f64
}
