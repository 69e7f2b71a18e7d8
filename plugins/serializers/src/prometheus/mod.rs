//! Metrics in, Prometheus' text format out.

mod collection;
pub(crate) mod convert;
#[cfg(test)]
mod tests;
mod write;

use wheatstone_plugin::prelude::*;

use collection::Collection;
use convert::Sanitization;

/// Options of `data_format = "prometheus"`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PrometheusConfig {
    /// Whether samples have their times, in milliseconds.
    pub prometheus_export_timestamp: bool,
    /// Whether families and samples are sorted; else they come in the order of the metrics.
    pub prometheus_sort_metrics: bool,
    /// Whether fields that are texts become labels; otherwise they are left out.
    pub prometheus_string_as_label: bool,
    /// Whether the lines `# HELP` are left out.
    pub prometheus_compact_encoding: bool,
    /// How names become those of the text format, which has letters, digits, `_` and `:` only. `legacy` replaces others by `_`, leaves a
    /// wrong first character out, and no `_` at the ends; `utf8` replaces others by `_` and nothing else.
    pub prometheus_name_sanitization: String,
    /// Types for metrics that have none, or another.
    pub prometheus_metric_types: MetricTypes,
}

/// Types for metrics, by their names in Prometheus.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MetricTypes {
    /// Metrics that are counters, glob patterns allowed.
    pub counter: Vec<String>,
    /// Metrics that are gauges, glob patterns allowed; this goes before `counter`.
    pub gauge: Vec<String>,
}

impl Default for PrometheusConfig {
    fn default() -> PrometheusConfig {
        PrometheusConfig {
            prometheus_export_timestamp: false,
            prometheus_sort_metrics: false,
            prometheus_string_as_label: false,
            prometheus_compact_encoding: false,
            prometheus_name_sanitization: "legacy".to_owned(),
            prometheus_metric_types: MetricTypes::default(),
        }
    }
}

/// The options as they are used.
struct Settings {
    times: bool,
    sort: bool,
    string_as_label: bool,
    compact: bool,
    names: Sanitization,
    counters: Option<Glob>,
    gauges: Option<Glob>,
}

/// The serializer of `data_format = "prometheus"`.
pub struct Prometheus(Settings);

impl Plugin for Prometheus {
    type Config = PrometheusConfig;

    fn new(config: PrometheusConfig, _: &Context) -> Result<Prometheus> {
        let names = match config.prometheus_name_sanitization.as_str() {
            "" | "legacy" => Sanitization::Legacy,
            "utf8" => Sanitization::Utf8,
            other => bail!("invalid prometheus_name_sanitization {other:?}: must be \"legacy\" or \"utf8\""),
        };
        let glob = |entries: &[String], what: &str| {
            Glob::new(entries, "").map_err(|e| anyhow!("creating {what} filter failed: {e}"))
        };
        Ok(Prometheus(Settings {
            times: config.prometheus_export_timestamp,
            sort: config.prometheus_sort_metrics,
            string_as_label: config.prometheus_string_as_label,
            compact: config.prometheus_compact_encoding,
            names,
            counters: glob(&config.prometheus_metric_types.counter, "counter")?,
            gauges: glob(&config.prometheus_metric_types.gauge, "gauge")?,
        }))
    }
}

register!(serializer "prometheus" = Prometheus);

impl Serializer for Prometheus {
    fn serialize(&mut self, metric: &Metric, out: &mut Vec<u8>) -> Result<()> {
        self.serialize_batch(&[metric], out)
    }

    fn serialize_batch(&mut self, metrics: &[&Metric], out: &mut Vec<u8>) -> Result<()> {
        let mut collection = Collection::default();
        for metric in metrics {
            collection.add(metric, &self.0);
        }
        for family in collection.families(self.0.sort) {
            write::family(&family, &self.0, out);
        }
        Ok(())
    }
}
