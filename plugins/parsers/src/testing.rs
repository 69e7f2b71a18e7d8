//! What the tests of the parsers share: a place in the agent, and metrics as short texts.

use std::sync::Arc;

use wheatstone_plugin::conf::Table;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{AgentInfo, Kind};

/// The time of arrival in tests.
pub(crate) const NOW: Timestamp = 42;

/// Builds a parser whose metrics are called `m` where nothing else names them.
pub(crate) fn build<P: Plugin>(config: P::Config) -> Result<P, String> {
    let log = Log::new("parsers.test::test", None, None);
    let agent = Arc::new(AgentInfo::default());
    let cx = Context::new(Kind::Parser, "m", "", Table::default(), log, agent);
    P::new(config, &cx).map_err(|error| format!("{error:#}"))
}

/// Parses one payload and shows its metrics.
pub(crate) fn feed(parser: &mut impl Parser, payload: &[u8]) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    parser
        .parse(payload, NOW, &mut out)
        .map_err(|error| format!("{error:#}"))?;
    Ok(out.iter().map(show).collect())
}

/// Builds a parser and parses one payload.
pub(crate) fn parse<P: Plugin + Parser>(config: P::Config, payload: &str) -> Result<Vec<String>, String> {
    feed(&mut build::<P>(config)?, payload.as_bytes())
}

/// What a parser should give.
pub(crate) fn lines(lines: &[&str]) -> Result<Vec<String>, String> {
    Ok(lines.iter().map(|line| (*line).to_owned()).collect())
}

/// A metric as `name,tag=value field=Int(1) time`; the time of arrival is left out.
pub(crate) fn show(metric: &Metric) -> String {
    let mut text = metric.name().to_string();
    metric.tags().for_each(|(k, v)| text += &format!(",{k}={v}"));
    let fields: Vec<_> = metric.fields().map(|(k, v)| format!("{k}={v:?}")).collect();
    text += &format!(" {}", fields.join(","));
    if metric.time() != NOW {
        text += &format!(" {}", metric.time());
    }
    text
}
