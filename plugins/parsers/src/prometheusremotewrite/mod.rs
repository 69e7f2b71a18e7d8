//! Prometheus' remote write requests in, metrics out, in either of Telegraf's two shapes.

mod histogram;
mod read;
#[cfg(test)]
mod tests;

use wheatstone_plugin::prelude::*;

use crate::value::number::show_float;
use histogram::Histogram;
use read::TimeSeries;

/// Options of `data_format = "prometheusremotewrite"`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PrometheusRemoteWriteConfig {
    /// The shape of the metrics: 2, the default, names all of them `prometheus_remote_write` with fields named by the
    /// series; 1 names them by the series and keeps a native histogram in one metric.
    pub prometheus_metric_version: i64,
}

/// The parser of `data_format = "prometheusremotewrite"`.
pub struct PrometheusRemoteWrite {
    version: i64,
    keys: KeyCache,
}

impl Plugin for PrometheusRemoteWrite {
    type Config = PrometheusRemoteWriteConfig;

    fn new(config: PrometheusRemoteWriteConfig, _: &Context) -> Result<PrometheusRemoteWrite> {
        Ok(PrometheusRemoteWrite {
            version: config.prometheus_metric_version,
            keys: KeyCache::default(),
        })
    }
}

register!(parser "prometheusremotewrite" = PrometheusRemoteWrite);

impl Parser for PrometheusRemoteWrite {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let all = read::request(payload).context("unable to unmarshal request body")?;
        if !all.is_empty() && !matches!(self.version, 0..=2) {
            bail!("unknown prometheus metric version {}", self.version);
        }
        let before = out.len();
        for series in &all {
            if let Err(error) = self.series(series, now, out) {
                out.truncate(before);
                return Err(error);
            }
        }
        Ok(())
    }
}

impl PrometheusRemoteWrite {
    fn series(&mut self, series: &TimeSeries, now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let mut whole = Metric::with_capacity("", now, series.labels.len() + 2);
        for (label, value) in &series.labels {
            whole.set_tag(self.keys.get(label), value.as_str());
        }
        let name = whole.remove_tag("__name__").filter(|name| !name.is_empty());
        let Some(name) = name else {
            bail!("metric name \"__name__\" not found in tag-set or empty");
        };
        let by_name = self.version == 1;
        let series_name = self.keys.get(&name);
        whole.set_name(if by_name {
            series_name.clone()
        } else {
            key!("prometheus_remote_write")
        });
        // What has no time has that of the sample before it.
        for (value, millis) in series.samples.iter().filter(|(value, _)| !value.is_nan()) {
            set_time(&mut whole, *millis);
            let mut metric = whole.clone();
            let field = if by_name {
                key!("value")
            } else {
                series_name.clone()
            };
            metric.push_field(field, Value::Float(*value));
            out.push(metric);
        }
        for histogram in &series.histograms {
            set_time(&mut whole, histogram.millis);
            if by_name {
                out.push(self.native(whole.clone(), histogram));
            } else {
                self.flat(&whole, &name, histogram, out);
            }
        }
        Ok(())
    }

    /// Version 1: the histogram with all that it is made of, so that it can be written again.
    fn native(&mut self, mut metric: Metric, histogram: &Histogram) -> Metric {
        metric.set_kind(ValueType::Histogram);
        metric.set_field(key!("counter_reset_hint"), histogram.reset_hint);
        metric.set_field(key!("schema"), i64::from(histogram.schema));
        metric.set_field(key!("zero_threshold"), histogram.zero_threshold);
        metric.set_field(key!("zero_count"), histogram.zero_count);
        metric.set_field(key!("count"), histogram.count);
        metric.set_field(key!("sum"), histogram.sum);
        let mut count = 0.0;
        for (upper, in_bucket) in histogram.buckets() {
            count += in_bucket;
            metric.set_field(self.keys.get(&show_float(upper)), count);
        }
        for (side, name) in [
            (&histogram.positive, "positive"),
            (&histogram.negative, "negative"),
        ] {
            for (at, span) in side.spans.iter().enumerate() {
                let offset = self.keys.get(&format!("{name}_span_{at}_offset"));
                metric.set_field(offset, i64::from(span.offset));
                let length = self.keys.get(&format!("{name}_span_{at}_length"));
                metric.set_field(length, u64::from(span.length));
            }
        }
        for (side, name) in [
            (&histogram.positive, "positive"),
            (&histogram.negative, "negative"),
        ] {
            for (at, bucket) in side.counts.iter().enumerate() {
                metric.set_field(self.keys.get(&format!("{name}_bucket_{at}")), *bucket);
            }
        }
        metric
    }

    /// Version 2: a metric for the sum, one for the count, and one for each bucket with what lies in it and below.
    fn flat(&mut self, whole: &Metric, name: &str, histogram: &Histogram, out: &mut Vec<Metric>) {
        let mut push = |mut metric: Metric, field: Key, value: f64| {
            metric.push_field(field, Value::Float(value));
            out.push(metric);
        };
        push(
            whole.clone(),
            self.keys.get(&format!("{name}_sum")),
            histogram.sum,
        );
        push(
            whole.clone(),
            self.keys.get(&format!("{name}_count")),
            histogram.count,
        );
        let (field, tag) = (self.keys.get(name), self.keys.get(&format!("{name}_le")));
        let mut count = 0.0;
        for (upper, in_bucket) in histogram.buckets() {
            count += in_bucket;
            let mut metric = whole.clone();
            if !metric.has_tag(&tag) {
                metric.set_tag(tag.clone(), show_float(upper));
            }
            push(metric, field.clone(), count);
        }
    }
}

fn set_time(metric: &mut Metric, millis: i64) {
    if millis > 0 {
        metric.set_time(millis.saturating_mul(1_000_000));
    }
}
