//! Metrics in, a request of Prometheus' remote write protocol out: series of samples in protobuf, packed by snappy.

mod native;
mod series;
#[cfg(test)]
mod tests;

use wheatstone_plugin::anyhow;
use wheatstone_plugin::prelude::*;

use crate::number::short_float;
use crate::prometheus::convert::{
    Sanitization, metric_name, parse_float, sample_count, sample_sum, sample_value, sanitize_label_name,
    sanitize_metric_name,
};
use crate::protobuf::Draft;
use series::{Labels, SeriesList};

/// Options of `data_format = "prometheusremotewrite"`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PrometheusRemoteWriteConfig {
    /// Whether series are sorted; else they come in the order of the metrics.
    pub prometheus_sort_metrics: bool,
    /// Whether fields that are texts become labels; otherwise they are left out.
    pub prometheus_string_as_label: bool,
}

/// The serializer of `data_format = "prometheusremotewrite"`.
pub struct PrometheusRemoteWrite {
    config: PrometheusRemoteWriteConfig,
    log: Log,
}

impl Plugin for PrometheusRemoteWrite {
    type Config = PrometheusRemoteWriteConfig;

    fn new(config: PrometheusRemoteWriteConfig, cx: &Context) -> Result<PrometheusRemoteWrite> {
        Ok(PrometheusRemoteWrite {
            config,
            log: cx.log().clone(),
        })
    }
}

register!(serializer "prometheusremotewrite" = PrometheusRemoteWrite);

impl Serializer for PrometheusRemoteWrite {
    fn serialize(&mut self, metric: &Metric, out: &mut Vec<u8>) -> Result<()> {
        self.serialize_batch(&[metric], out)
    }

    fn serialize_batch(&mut self, metrics: &[&Metric], out: &mut Vec<u8>) -> Result<()> {
        let mut list = SeriesList::default();
        let mut last_error = None;
        for metric in metrics {
            self.add(metric, &mut list, &mut |error| {
                trace!(self.log, "{error}");
                last_error = Some(error);
            });
        }
        if let Some(error) = last_error {
            // One is enough to act on; the others would be too many.
            warn!(
                self.log,
                "some series were dropped, {} series left to send; last recorded error: {error}",
                list.len()
            );
        }
        let mut request = Draft::default();
        list.write(self.config.prometheus_sort_metrics, &mut request);
        let packed = snap::raw::Encoder::new().compress_vec(request.bytes());
        out.extend_from_slice(&packed.context("unable to pack the request")?);
        Ok(())
    }
}

impl PrometheusRemoteWrite {
    fn add(&self, metric: &Metric, list: &mut SeriesList, failed: &mut impl FnMut(anyhow::Error)) {
        let labels = self.labels(metric);
        let millis = metric.time() / 1_000_000;
        if let Some(histogram) = native::Histogram::of(metric) {
            let added = list.add_histogram(labels.named(metric.name(), None), histogram, millis);
            return added.unwrap_or_else(|e| {
                failed(anyhow!(
                    "dropping histogram of metric {:?} with timestamp {millis}: {e}",
                    metric.name()
                ));
            });
        }
        for (field, value) in metric.fields() {
            let raw = metric_name(metric, field);
            let Some(name) = sanitize_metric_name(&raw, Sanitization::Legacy) else {
                failed(anyhow!("failed to parse metric name {raw:?}"));
                continue;
            };
            if let Err(error) = self.add_field(metric, &labels, &name, (field, value), list) {
                failed(anyhow!("failed to parse {name:?}: {error}"));
            }
        }
    }

    fn add_field(
        &self,
        metric: &Metric,
        labels: &Labels,
        name: &str,
        (field, value): (&str, &Value),
        list: &mut SeriesList,
    ) -> Result<()> {
        let millis = metric.time() / 1_000_000;
        let bad = || anyhow!("bad sample value {value:?}");
        let part = |label: &'static str| {
            let text = metric
                .tag(label)
                .ok_or_else(|| anyhow!("can't find `{label}` label"))?;
            let number = parse_float(text).ok_or_else(|| anyhow!("can't parse {text:?} value"))?;
            Ok::<_, anyhow::Error>((label, short_float(number)))
        };
        let all = || Some(("le", "+Inf".to_owned()));
        let named = |ending: &str, part| labels.named(&format!("{name}{ending}"), part);
        match metric.kind() {
            ValueType::Counter | ValueType::Gauge | ValueType::Untyped => {
                list.add_sample(named("", None), sample_value(value).ok_or_else(bad)?, millis)
            }
            ValueType::Histogram if field.ends_with("_bucket") => {
                // Prometheus wants all parts of a histogram, so those that do not come are 0.
                list.ensure(named("_sum", None), millis);
                list.ensure(named("_count", None), millis);
                list.ensure(named("_bucket", all()), millis);
                let part = part("le")?;
                let count = sample_count(value).ok_or_else(bad)?;
                list.add_sample(named("_bucket", Some(part)), count as f64, millis)
            }
            ValueType::Histogram | ValueType::Summary if field.ends_with("_sum") => {
                list.add_sample(named("_sum", None), sample_sum(value).ok_or_else(bad)?, millis)
            }
            kind @ (ValueType::Histogram | ValueType::Summary) if field.ends_with("_count") => {
                let count = sample_count(value).ok_or_else(bad)? as f64;
                let in_all = if kind == ValueType::Histogram {
                    list.add_sample(named("_bucket", all()), count, millis)
                } else {
                    Ok(())
                };
                list.add_sample(named("_count", None), count, millis).and(in_all)
            }
            ValueType::Histogram => {
                bail!("series {field:?} should have `_count`, `_sum` or `_bucket` suffix")
            }
            ValueType::Summary => {
                let part = part("quantile")?;
                list.add_sample(
                    named("", Some(part)),
                    sample_value(value).ok_or_else(bad)?,
                    millis,
                )
            }
        }
    }

    /// The labels of a metric, those that tell the parts of a sample apart and empty ones left out.
    fn labels(&self, metric: &Metric) -> Labels {
        let part = match metric.kind() {
            ValueType::Histogram => Some("le"),
            ValueType::Summary => Some("quantile"),
            _ => None,
        };
        let name = |key: &str| sanitize_label_name(key, Sanitization::Legacy);
        let tags = metric
            .tags()
            .filter(|(key, value)| Some(key.as_str()) != part && !value.is_empty());
        let mut labels: Vec<(String, String)> = tags
            .filter_map(|(key, value)| Some((name(key)?, value.to_owned())))
            .collect();
        if self.config.prometheus_string_as_label {
            for (key, value) in metric.fields() {
                // A tag goes before a field of its name.
                if let Value::Str(text) = value
                    && let Some(name) = name(key)
                    && !labels.iter().any(|(other, _)| *other == name)
                {
                    labels.push((name, text.to_string()));
                }
            }
        }
        Labels(labels)
    }
}
