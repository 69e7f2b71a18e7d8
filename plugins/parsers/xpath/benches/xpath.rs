//! How long a payload takes to become metrics: `cargo bench -p wheatstone-parser-xpath`.

use std::collections::BTreeMap;
use std::sync::Arc;

use divan::{Bencher, counter::BytesCount};
use wheatstone_parser_xpath::{Section, Xpath, XpathConfig};
use wheatstone_plugin::conf::Table;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{AgentInfo, Kind};

fn main() {
    divan::main();
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

fn run(bencher: Bencher<'_, '_>, format: &str, native: bool, section: Section, payload: &str) {
    let config = XpathConfig {
        xpath: vec![section],
        xpath_native_types: native,
        ..XpathConfig::default()
    };
    let log = Log::new("parsers.xpath::bench", None, None);
    let agent = Arc::new(AgentInfo::default());
    let cx = Context::new(Kind::Parser, format, "", Table::default(), log, agent);
    let mut parser = Xpath::new(config, &cx).expect("valid options");
    let mut out = Vec::with_capacity(128);
    bencher.counter(BytesCount::of_str(payload)).bench_local(|| {
        out.clear();
        parser
            .parse(divan::black_box(payload.as_bytes()), 1, &mut out)
            .expect("a good payload");
    });
}

fn small() -> Section {
    Section {
        metric_name: "'sensor'".to_owned(),
        timestamp: "ts".to_owned(),
        timestamp_format: "unix_ms".to_owned(),
        tags: pairs(&[("id", "id")]),
        fields: pairs(&[("value", "number(value)")]),
        ..Section::default()
    }
}

/// What a sensor sends.
#[divan::bench]
fn json_small(bencher: Bencher<'_, '_>) {
    let payload = r#"{"id":"s1","value":21.5,"ts":"1731931200123"}"#;
    run(bencher, "xpath_json", false, small(), payload);
}

/// A hundred sensors, each a metric with two selected fields.
#[divan::bench]
fn json_list(bencher: Bencher<'_, '_>) {
    let sensors: Vec<String> = (0..100)
        .map(|i| format!(r#"{{"id":"s{i}","values":{{"temp":{i}.5,"ok":true}}}}"#))
        .collect();
    let section = Section {
        metric_selection: "/sensors/*".to_owned(),
        tags: pairs(&[("id", "id")]),
        field_selection: "values/*".to_owned(),
        ..Section::default()
    };
    let payload = format!(r#"{{"sensors":[{}]}}"#, sensors.join(","));
    run(bencher, "xpath_json", true, section, &payload);
}

/// All leaves of a document, named by their places.
#[divan::bench]
fn json_leaves(bencher: Bencher<'_, '_>) {
    let rooms: Vec<String> = (0..20)
        .map(|i| format!(r#""room_{i}":{{"temp":{i}.5,"co2":[400,{i}],"door":{{"open":false}}}}"#))
        .collect();
    let section = Section {
        field_selection: "descendant::*[not(*)]".to_owned(),
        field_name_expansion: true,
        ..Section::default()
    };
    run(
        bencher,
        "xpath_json",
        true,
        section,
        &format!("{{{}}}", rooms.join(",")),
    );
}

#[divan::bench]
fn xml_small(bencher: Bencher<'_, '_>) {
    let section = Section {
        metric_selection: "/sensor".to_owned(),
        ..small()
    };
    let payload =
        r#"<?xml version="1.0"?><sensor><id>s1</id><value>21.5</value><ts>1731931200123</ts></sensor>"#;
    run(bencher, "xml", false, section, payload);
}

/// A hundred elements with attributes, each a metric.
#[divan::bench]
fn xml_list(bencher: Bencher<'_, '_>) {
    let sensors: Vec<String> = (0..100)
        .map(|i| {
            format!(
                "  <sensor id=\"s{i}\" unit=\"C\">\n    <temp>{i}.5</temp>\n    <ok>1</ok>\n  </sensor>\n"
            )
        })
        .collect();
    let section = Section {
        metric_selection: "/bus/sensor".to_owned(),
        tags: pairs(&[("id", "@id"), ("unit", "@unit")]),
        fields: pairs(&[("temp", "number(temp)"), ("ok", "ok = 1")]),
        ..Section::default()
    };
    run(
        bencher,
        "xml",
        false,
        section,
        &format!("<bus>\n{}</bus>", sensors.concat()),
    );
}
