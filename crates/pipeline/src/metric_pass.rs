//! `metricpass`: whether a metric passes by a CEL expression. The language is behind the feature `metricpass`, since it is large.

use anyhow::Result;
use wheatstone_config::FilterConfig;
use wheatstone_plugin::conf::ConfigError;
use wheatstone_plugin::{Log, Metric};

/// A compiled expression and who hears of its errors.
#[derive(Debug)]
pub(crate) struct MetricPass {
    #[cfg(feature = "metricpass")]
    expression: wheatstone_cel_filter::MetricPass,
    #[cfg(feature = "metricpass")]
    log: Log,
}

fn refuse(config: &FilterConfig, message: String) -> anyhow::Error {
    ConfigError {
        message,
        span: config.metricpass_span,
    }
    .into()
}

#[cfg(feature = "metricpass")]
impl MetricPass {
    /// Compiles the option; none where it is not set.
    pub(crate) fn new(config: &FilterConfig, log: &Log) -> Result<Option<MetricPass>> {
        if config.metricpass.is_empty() {
            return Ok(None);
        }
        let expression =
            wheatstone_cel_filter::MetricPass::compile(&config.metricpass).map_err(|e| refuse(config, e))?;
        Ok(Some(MetricPass {
            expression,
            log: log.clone(),
        }))
    }

    /// Where that cannot be told, the error is logged and the metric passes.
    pub(crate) fn passes(&self, metric: &Metric) -> bool {
        self.expression.passes(metric).unwrap_or_else(|e| {
            wheatstone_plugin::error!(self.log, "filtering failed: {e}");
            true
        })
    }
}

#[cfg(not(feature = "metricpass"))]
impl MetricPass {
    pub(crate) fn new(config: &FilterConfig, _: &Log) -> Result<Option<MetricPass>> {
        match config.metricpass.as_str() {
            "" => Ok(None),
            _ => Err(refuse(
                config,
                "metricpass is not in this build: build with the feature `metricpass`".to_owned(),
            )),
        }
    }
    pub(crate) fn passes(&self, _: &Metric) -> bool {
        true
    }
}
