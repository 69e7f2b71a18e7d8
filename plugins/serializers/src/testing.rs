//! What the tests of the serializers share: a place in the agent, and what was written as text.

use std::sync::Arc;

use wheatstone_plugin::conf::Table;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{AgentInfo, Kind};

/// Builds a serializer.
pub(crate) fn build<P: Plugin>(config: P::Config) -> Result<P, String> {
    let log = Log::new("serializers.test::test", None, None);
    let agent = Arc::new(AgentInfo::default());
    let cx = Context::new(Kind::Serializer, "test", "", Table::default(), log, agent);
    P::new(config, &cx).map_err(|error| format!("{error:#}"))
}

/// Writes one metric.
pub(crate) fn one<P: Plugin + Serializer>(config: P::Config, metric: &Metric) -> Result<String, String> {
    let mut out = Vec::new();
    let written = build::<P>(config)?.serialize(metric, &mut out);
    written.map_err(|error| format!("{error:#}"))?;
    String::from_utf8(out).map_err(|error| error.to_string())
}

/// Writes a batch.
pub(crate) fn batch<P: Plugin + Serializer>(
    config: P::Config,
    metrics: &[&Metric],
) -> Result<String, String> {
    let mut out = Vec::new();
    let written = build::<P>(config)?.serialize_batch(metrics, &mut out);
    written.map_err(|error| format!("{error:#}"))?;
    String::from_utf8(out).map_err(|error| error.to_string())
}

/// A text that was written.
pub(crate) fn text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// A metric with tags and fields.
pub(crate) fn metric(name: &str, tags: &[(&str, &str)], fields: &[(&str, Value)], time: Timestamp) -> Metric {
    let mut metric = Metric::new(name, time);
    tags.iter().for_each(|(key, value)| metric.set_tag(*key, *value));
    for (key, value) in fields {
        metric.set_field(*key, value.clone());
    }
    metric
}
