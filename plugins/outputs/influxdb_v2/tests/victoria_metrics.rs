//! The output against a real server of another make. A missing server fails this test; run it with `--ignored`.
#![allow(clippy::unwrap_used)]

use wheatstone_output_influxdb_v2::{Config, InfluxDbV2};
use wheatstone_plugin::Kind;
use wheatstone_plugin::conf::Table;
use wheatstone_plugin::prelude::*;
use wheatstone_testkit::VictoriaMetrics;
use wheatstone_testkit::plugin::context;

#[tokio::test]
#[ignore = "needs victoria-metrics"]
async fn what_is_written_can_be_read() {
    let server = VictoriaMetrics::start().unwrap();
    let cx = context(Kind::Output, "influxdb_v2", Table::default());
    let config = Config {
        urls: vec![server.url()],
        concurrent_writes: 2,
        ..Config::default()
    };
    let mut output = InfluxDbV2::new(config, &cx).unwrap();
    output.connect().await.map_err(|e| e.error).unwrap();
    let metrics: Vec<Metric> = (0..100)
        .map(|i| {
            let mut m = Metric::new("cpu", 1_700_000_000_000_000_000 + i * 1_000_000_000);
            m.set_field("usage", i as f64);
            m
        })
        .collect();
    output.write(&metrics.iter().collect::<Vec<_>>()).await.unwrap();
    let series = server.export("{__name__=\"cpu_usage\"}").unwrap();
    let points: usize = series
        .iter()
        .filter_map(|s| s["values"].as_array())
        .map(Vec::len)
        .sum();
    assert_eq!(points, 100);
}
