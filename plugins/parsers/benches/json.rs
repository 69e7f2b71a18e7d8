//! How long a JSON payload takes to become a metric: `cargo bench -p wheatstone-parsers --bench json`.

use std::sync::Arc;

use divan::{Bencher, counter::BytesCount};
use wheatstone_parsers::json::{Json, JsonConfig};
use wheatstone_plugin::conf::Table;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{AgentInfo, Kind};

fn main() {
    divan::main();
}

fn parser() -> Json {
    let config = JsonConfig {
        tag_keys: vec!["sensor_id".to_owned()],
        json_time_key: "ts".to_owned(),
        json_time_format: "unix_ms".to_owned(),
        ..JsonConfig::default()
    };
    let log = Log::new("parsers.json::bench", None, None);
    let cx = Context::new(
        Kind::Parser,
        "json",
        "",
        Table::default(),
        log,
        Arc::new(AgentInfo::default()),
    );
    Json::new(config, &cx).expect("valid options")
}

fn run(bencher: Bencher<'_, '_>, payload: &str) {
    let mut parser = parser();
    let mut out = Vec::with_capacity(16);
    bencher.counter(BytesCount::of_str(payload)).bench_local(|| {
        out.clear();
        parser.parse(divan::black_box(payload.as_bytes()), 1, &mut out)
    });
}

/// What a sensor sends.
#[divan::bench]
fn small(bencher: Bencher<'_, '_>) {
    run(bencher, r#"{"sensor_id":"s1","value":21.5,"ts":1731931200123}"#);
}

/// Some numbers in objects and arrays.
#[divan::bench]
fn nested(bencher: Bencher<'_, '_>) {
    run(
        bencher,
        r#"{"sensor_id":"s1","ts":1731931200123,"state":{"power":12.25,"ok":true,"phases":[{"u":230.1,"i":1.25},{"u":229.8,"i":0.75}]},"fw":"1.2.3"}"#,
    );
}

/// Two hundred fields.
#[divan::bench]
fn wide(bencher: Bencher<'_, '_>) {
    let fields: Vec<String> = (0..200).map(|i| format!("\"channel_{i}\":{}.5", i * 7)).collect();
    run(
        bencher,
        &format!(
            "{{\"sensor_id\":\"s1\",\"ts\":1731931200123,{}}}",
            fields.join(",")
        ),
    );
}
