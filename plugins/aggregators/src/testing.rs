//! What the tests of this crate stand on: a place for a plugin, metrics in short.

use std::sync::Arc;

use wheatstone_plugin::conf::Table;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{AgentInfo, Kind};

pub(crate) fn context(name: &str) -> Context {
    let log = Log::new(format!("aggregators.{name}"), None, None);
    Context::new(
        Kind::Aggregator,
        name,
        "",
        Table::default(),
        log,
        Arc::new(AgentInfo::default()),
    )
}

/// Builds a plugin as the core does; the error is its text.
pub(crate) fn build<P: Plugin>(name: &str, config: P::Config) -> Result<P, String> {
    P::new(config, &context(name)).map_err(|e| format!("{e:#}"))
}

pub(crate) fn metric(name: &str, tags: &[(&str, &str)], fields: &[(&str, Value)], time: Timestamp) -> Metric {
    let mut m = Metric::new(name, time);
    tags.iter().for_each(|(k, v)| m.set_tag(*k, *v));
    fields.iter().for_each(|(k, v)| m.set_field(*k, v.clone()));
    m
}

/// Ends a period.
pub(crate) fn push(aggregator: &mut dyn Aggregator, now: Timestamp) -> Vec<Metric> {
    let mut out = Vec::new();
    aggregator.push(now, &mut out);
    out
}
