//! What the tests of this crate stand on: a place for a plugin, metrics out of text.

use std::sync::Arc;

use wheatstone_plugin::conf::Table;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{AgentInfo, Kind};

pub(crate) fn context(name: &str) -> Context {
    let log = Log::new(format!("processors.{name}"), None, None);
    Context::new(
        Kind::Processor,
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

/// A metric of tags `k=v`, fields `k=v` and a time.
pub(crate) fn metric(name: &str, tags: &[(&str, &str)], fields: &[(&str, Value)], time: Timestamp) -> Metric {
    let mut m = Metric::new(name, time);
    tags.iter().for_each(|(k, v)| m.set_tag(*k, *v));
    fields.iter().for_each(|(k, v)| m.set_field(*k, v.clone()));
    m
}

/// What a processor makes of one metric.
pub(crate) fn process(processor: &mut dyn Processor, metric: Metric) -> Vec<Metric> {
    let mut metrics = vec![metric];
    processor.process(&mut metrics);
    metrics
}
