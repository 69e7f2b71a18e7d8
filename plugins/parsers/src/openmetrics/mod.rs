//! OpenMetrics in, text or binary; metrics out, in either of Telegraf's two shapes.

mod binary;
mod family;
mod line;
mod shape;
mod text;

use wheatstone_plugin::prelude::*;

use shape::Shaper;

/// Options of `data_format = "openmetrics"`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OpenMetricsConfig {
    /// Whether the times of samples are ignored; then theirs is that of arrival.
    pub openmetrics_ignore_timestamp: bool,
    /// The shape of the metrics: 2, the default, names all of them `openmetric` with fields named by the samples; 1 names
    /// them by the samples.
    pub openmetrics_metric_version: i64,
}

/// The parser of `data_format = "openmetrics"`.
pub struct OpenMetrics {
    ignore_times: bool,
    version: i64,
    keys: KeyCache,
}

impl Plugin for OpenMetrics {
    type Config = OpenMetricsConfig;

    fn new(config: OpenMetricsConfig, _: &Context) -> Result<OpenMetrics> {
        Ok(OpenMetrics {
            ignore_times: config.openmetrics_ignore_timestamp,
            version: config.openmetrics_metric_version,
            keys: KeyCache::default(),
        })
    }
}

register!(parser "openmetrics" = OpenMetrics);

impl Parser for OpenMetrics {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        // A `MetricSet` begins with a line feed, as a text may; a text is no message throughout.
        let binary = if payload.starts_with(b"\n") {
            binary::read(payload).ok()
        } else {
            None
        };
        let families = match binary {
            Some(families) => families,
            None => text::read(payload)
                .map_err(|e| anyhow!("parsing text format failed: parsing failed: {e:#}"))?,
        };
        if !families.is_empty() && !matches!(self.version, 0..=2) {
            bail!("unknown metric version {}", self.version);
        }
        for family in &families {
            let mut shaper = Shaper::new(family, &mut self.keys, out);
            for series in &family.metrics {
                // A point without a time has that of the one before it.
                let mut time = now;
                for point in &series.points {
                    time = point.time.filter(|_| !self.ignore_times).unwrap_or(time);
                    if self.version == 1 {
                        shaper.by_name(&series.labels, point, time);
                    } else {
                        shaper.by_field(&series.labels, point, time);
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
