//! Prometheus' text or binary format in, metrics out, in either of Telegraf's two shapes.

pub(crate) mod binary;
mod line;
pub(crate) mod text;

use wheatstone_plugin::prelude::*;

use crate::value::number::show_float;
use text::{Family, FamilyKind, Sample};

/// Options of `data_format = "prometheus"`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PrometheusConfig {
    /// Whether the times of samples are ignored; then theirs is that of arrival.
    pub prometheus_ignore_timestamp: bool,
    /// The shape of the metrics: 2, the default, names all of them `prometheus` with fields named by the samples;
    /// 1 names them by the samples.
    pub prometheus_metric_version: i64,
}

/// The parser of `data_format = "prometheus"`.
pub struct Prometheus {
    ignore_times: bool,
    version: i64,
    keys: KeyCache,
}

impl Plugin for Prometheus {
    type Config = PrometheusConfig;

    fn new(config: PrometheusConfig, _: &Context) -> Result<Prometheus> {
        Ok(Prometheus {
            ignore_times: config.prometheus_ignore_timestamp,
            version: config.prometheus_metric_version,
            keys: KeyCache::default(),
        })
    }
}

register!(parser "prometheus" = Prometheus);

impl Parser for Prometheus {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let families = if binary::is_binary(payload) {
            binary::read(payload)
        } else {
            text::read(&String::from_utf8_lossy(payload))
        };
        let families = families.context("decoding response failed")?;
        if !families.is_empty() && !matches!(self.version, 0..=2) {
            bail!("unknown prometheus metric version {}", self.version);
        }
        for family in &families {
            let shape = Shape::new(family, &mut self.keys);
            for sample in &family.samples {
                let time = match sample.time {
                    Some(millis) if millis > 0 && !self.ignore_times => millis.wrapping_mul(1_000_000),
                    _ => now,
                };
                let row = Row {
                    shape: &shape,
                    sample,
                    time,
                    keys: &mut self.keys,
                };
                if self.version == 1 {
                    row.by_name(out);
                } else {
                    row.by_field(out);
                }
            }
        }
        Ok(())
    }
}

/// What the metrics of a family have in common.
struct Shape {
    kind: ValueType,
    family: FamilyKind,
    name: Key,
    count: Key,
    sum: Key,
    bucket: Key,
}

impl Shape {
    fn new(family: &Family, keys: &mut KeyCache) -> Shape {
        let mut joined = |ending: &str| keys.get(&format!("{}{ending}", family.name));
        let (name, count) = (joined(""), joined("_count"));
        let (sum, bucket) = (joined("_sum"), joined("_bucket"));
        let kind = family.kind.unwrap_or(FamilyKind::Untyped);
        Shape {
            kind: match kind {
                FamilyKind::Counter => ValueType::Counter,
                FamilyKind::Gauge => ValueType::Gauge,
                FamilyKind::Summary => ValueType::Summary,
                FamilyKind::Histogram => ValueType::Histogram,
                FamilyKind::Untyped | FamilyKind::GaugeHistogram => ValueType::Untyped,
            },
            family: kind,
            name,
            count,
            sum,
            bucket,
        }
    }
}

/// A sample on its way.
struct Row<'a> {
    shape: &'a Shape,
    sample: &'a Sample,
    time: Timestamp,
    keys: &'a mut KeyCache,
}

impl Row<'_> {
    fn metric(&mut self, name: Key) -> Metric {
        let mut metric = Metric::with_capacity(name, self.time, self.sample.labels.len() + 3);
        metric.set_kind(self.shape.kind);
        for (label, value) in &self.sample.labels {
            if !value.is_empty() {
                metric.set_tag(self.keys.get(label), value.as_str());
            }
        }
        metric
    }

    /// Version 1: one metric with all parts as fields.
    fn by_name(mut self, out: &mut Vec<Metric>) {
        let sample = self.sample;
        let mut metric = self.metric(self.shape.name.clone());
        let field = match self.shape.family {
            FamilyKind::Gauge => key!("gauge"),
            FamilyKind::Counter => key!("counter"),
            FamilyKind::Summary | FamilyKind::Histogram => {
                metric.set_field(key!("count"), sample.count as f64);
                metric.set_field(key!("sum"), sample.sum);
                for (part, value) in &sample.parts {
                    if !value.is_nan() {
                        metric.set_field(self.keys.get(&show_float(*part)), *value);
                    }
                }
                return out.push(metric);
            }
            FamilyKind::Untyped | FamilyKind::GaugeHistogram => key!("value"),
        };
        if !sample.value.is_nan() {
            metric.push_field(field, Value::Float(sample.value));
            out.push(metric);
        }
    }

    /// Version 2: a metric for each part.
    fn by_field(mut self, out: &mut Vec<Metric>) {
        let (shape, sample) = (self.shape, self.sample);
        let whole = self.metric(key!("prometheus"));
        let (label, field) = match shape.family {
            FamilyKind::Summary => (key!("quantile"), &shape.name),
            FamilyKind::Histogram => (key!("le"), &shape.bucket),
            _ => {
                if !sample.value.is_nan() {
                    let mut metric = whole;
                    metric.push_field(shape.name.clone(), Value::Float(sample.value));
                    out.push(metric);
                }
                return;
            }
        };
        let mut overall = whole.clone();
        overall.set_field(shape.count.clone(), sample.count as f64);
        overall.set_field(shape.sum.clone(), sample.sum);
        out.push(overall);
        let mut part = |bound: &str, value: f64| {
            let mut metric = whole.clone();
            metric.set_tag(label.clone(), bound);
            metric.push_field(field.clone(), Value::Float(value));
            out.push(metric);
        };
        for (bound, value) in &sample.parts {
            part(&show_float(*bound), *value);
        }
        // A histogram always has the bucket that holds everything.
        let has_all = sample.parts.iter().any(|(bound, _)| *bound == f64::INFINITY);
        if shape.family == FamilyKind::Histogram && !has_all {
            part("+Inf", sample.count as f64);
        }
    }
}

#[cfg(test)]
mod tests;
