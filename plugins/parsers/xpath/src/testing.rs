//! What the tests share: a parser built from options, and metrics as short texts.

use std::collections::BTreeMap;
use std::sync::Arc;

use wheatstone_plugin::conf::Table;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{AgentInfo, Kind};

use crate::tree::Document;
use crate::{Section, Xpath, XpathConfig};

/// The time of arrival in tests.
pub(crate) const NOW: Timestamp = 42;

/// A table with these fields.
pub(crate) fn fields(fields: &[(&str, &str)]) -> Section {
    Section {
        fields: pairs(fields),
        ..Section::default()
    }
}

/// Names and queries.
pub(crate) fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

/// Builds the parser of a format.
pub(crate) fn build(format: &str, config: XpathConfig) -> Result<Xpath, String> {
    let log = Log::new("parsers.xpath::test", None, None);
    let agent = Arc::new(AgentInfo::default());
    // Metrics are named after the input; here that is the format too.
    let cx = Context::new(Kind::Parser, format, "", Table::default(), log, agent);
    Xpath::new(config, &cx).map_err(|error| format!("{error:#}"))
}

/// Parses one payload and shows its metrics.
pub(crate) fn feed(parser: &mut Xpath, payload: &[u8]) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    parser
        .parse(payload, NOW, &mut out)
        .map_err(|error| format!("{error:#}"))?;
    Ok(out.iter().map(show).collect())
}

/// Parses one payload by one table, values in their own types where `native` is set.
pub(crate) fn parse(
    format: &str,
    section: Section,
    native: bool,
    payload: &[u8],
) -> Result<Vec<String>, String> {
    let config = XpathConfig {
        xpath: vec![section],
        xpath_native_types: native,
        ..XpathConfig::default()
    };
    feed(&mut build(format, config)?, payload)
}

/// Reads a payload into a document.
pub(crate) fn document(format: &str, payload: &[u8]) -> Result<Document, String> {
    let mut doc = Document::default();
    let read = match format {
        "xml" => crate::xml::read,
        "xpath_json" => crate::xpath_json::read,
        "xpath_msgpack" => crate::xpath_msgpack::read,
        _ => crate::xpath_cbor::read,
    };
    read(payload, &mut doc).map_err(|error| format!("{error:#}"))?;
    Ok(doc)
}

/// A metric as `name,tag=value field=Int(1) time`; the time of arrival is left out.
fn show(metric: &Metric) -> String {
    let mut text = metric.name().to_string();
    metric.tags().for_each(|(k, v)| text += &format!(",{k}={v}"));
    let fields: Vec<_> = metric.fields().map(|(k, v)| format!("{k}={v:?}")).collect();
    text += &format!(" {}", fields.join(","));
    if metric.time() != NOW {
        text += &format!(" {}", metric.time());
    }
    text
}
