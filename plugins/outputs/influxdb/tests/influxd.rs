//! The output against a real InfluxDB 1. A missing server fails these tests; run them with `--ignored`.
#![allow(clippy::unwrap_used)]

use serde_json::json;
use wheatstone_output_influxdb::{Config, InfluxDb};
use wheatstone_plugin::Kind;
use wheatstone_plugin::conf::Table;
use wheatstone_plugin::prelude::*;
use wheatstone_testkit::Influxd;
use wheatstone_testkit::plugin::context;

async fn output(server: &Influxd) -> InfluxDb {
    let cx = context(Kind::Output, "influxdb", Table::default());
    let config = Config {
        urls: vec![server.url()],
        database: "db".into(),
        ..Config::default()
    };
    let mut output = InfluxDb::new(config, &cx).unwrap();
    output.connect().await.map_err(|e| e.error).unwrap();
    output
}

fn metric(name: &str, value: impl Into<Value>, time: i64) -> Metric {
    let mut m = Metric::new(name, time);
    m.set_field("v", value);
    m
}

async fn write(output: &mut InfluxDb, metrics: &[Metric]) -> (Vec<usize>, Vec<usize>) {
    match output.write(&metrics.iter().collect::<Vec<_>>()).await {
        Ok(()) => ((0..metrics.len()).collect(), Vec::new()),
        Err(error) => {
            let mut rejected: Vec<usize> = error.rejected.iter().map(|r| r.index).collect();
            rejected.sort_unstable();
            let mut accepted = error.accepted;
            accepted.sort_unstable();
            (accepted, rejected)
        }
    }
}

const NOW: i64 = 1_700_000_000_000_000_000;

#[tokio::test]
#[ignore = "needs influxd"]
async fn only_the_points_that_the_server_refuses_are_rejected() {
    let server = Influxd::start().unwrap();
    let mut output = output(&server).await;
    let ask = server.ask();

    assert_eq!(
        write(&mut output, &[metric("cpu", 1.5, NOW)]).await,
        (vec![0], vec![])
    );

    // A field whose type conflicts, between good ones of two measurements.
    let batch = [
        metric("cpu", 2.5, NOW + 1),
        metric("cpu", "x", NOW + 2),
        metric("mem", "y", NOW + 3),
    ];
    assert_eq!(write(&mut output, &batch).await, (vec![0, 2], vec![1]));
    assert_eq!(
        (
            ask.count("db", "cpu", "v").unwrap(),
            ask.count("db", "mem", "v").unwrap()
        ),
        (2, 1)
    );

    // Two kinds of conflict in one batch.
    let batch = [
        metric("cpu", "x", NOW + 4),
        metric("mem", 1i64, NOW + 5),
        metric("cpu", 4.5, NOW + 6),
    ];
    assert_eq!(write(&mut output, &batch).await, (vec![2], vec![0, 1]));

    // A time that the server cannot hold, among good ones, and alone.
    let batch = [
        metric("disk", 1.0, NOW),
        metric("disk", 1.0, i64::MIN),
        metric("disk", 2.0, NOW + 1),
    ];
    assert_eq!(write(&mut output, &batch).await, (vec![0, 2], vec![1]));
    assert_eq!(write(&mut output, &batch[1..2]).await, (vec![], vec![0]));
    assert_eq!(ask.count("db", "disk", "v").unwrap(), 2);

    // Points that are older than the policy keeps.
    ask.query(
        "db",
        "CREATE RETENTION POLICY short ON db DURATION 1h REPLICATION 1 DEFAULT",
    )
    .unwrap();
    let now = wheatstone_plugin::time::now();
    let batch = [
        metric("old", 1.0, now),
        metric("old", 1.0, NOW),
        metric("old", 2.0, now + 1),
    ];
    assert_eq!(write(&mut output, &batch).await, (vec![0, 2], vec![1]));
    assert_eq!(ask.count("db", "old", "v").unwrap(), 2);
}

#[tokio::test]
#[ignore = "needs influxd"]
async fn what_is_written_can_be_read_and_a_lost_database_comes_back() {
    let mut server = Influxd::start().unwrap();
    let mut output = output(&server).await;
    let mut odd = metric("odd, name", "two\nlines \"and\" \\", NOW);
    odd.set_tag("a key", "a=b, c");
    odd.set_field("i", i64::MIN);
    assert_eq!(write(&mut output, &[odd]).await.0, [0]);
    let points = server.ask().points("db", "odd, name").unwrap();
    assert_eq!(points.len(), 1);
    assert_eq!(points[0]["v"], json!("two\nlines \"and\" \\"));
    assert_eq!(
        (&points[0]["a key"], &points[0]["i"]),
        (&json!("a=b, c"), &json!(i64::MIN))
    );

    server.ask().query("", "DROP DATABASE db").unwrap();
    let batch = [metric("cpu", 1.0, NOW)];
    assert_eq!(
        write(&mut output, &batch).await,
        (vec![], vec![]),
        "the database is made, the batch kept"
    );
    assert_eq!(write(&mut output, &batch).await, (vec![0], vec![]));

    server.kill9().unwrap();
    assert_eq!(
        write(&mut output, &batch).await,
        (vec![], vec![]),
        "nobody answers"
    );
    server.restart().unwrap();
    assert_eq!(write(&mut output, &batch).await, (vec![0], vec![]));
}
