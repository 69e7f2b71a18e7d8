//! InfluxDB 2's write path: into VictoriaMetrics, and into a double for the answers that no server gives at will.

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use wheatstone_testkit::{Agent, Answer, HttpDouble, VictoriaMetrics, wait_for};

use crate::readings::{AGENT, SOON, json_input, patience, patient_broker, publisher, subscribed, time};

fn output(url: &str) -> String {
    format!(
        "[[outputs.influxdb_v2]]\n  urls = [\"{url}\"]\n  token = \"t\"\n  organization = \"home\"\n  bucket = \"telemetry\"\n"
    )
}

#[test]
#[ignore = "needs mosquitto and victoria-metrics"]
fn readings_are_written_by_the_v2_api() -> Result<()> {
    const COUNT: u64 = 2000;
    let (broker, db) = (patient_broker()?, VictoriaMetrics::start()?);
    let mut agent = Agent::start(&(AGENT.to_owned() + &json_input(&broker, "") + &output(&db.url())))?;
    subscribed(&broker, &agent, "sensors/#")?;
    publisher(&broker, COUNT).run()?;

    // One sample for each reading; VictoriaMetrics keeps milliseconds.
    let samples = || -> Result<Vec<(i64, u64)>> {
        let mut all = Vec::new();
        for series in db.export(r#"{__name__="sensors_n"}"#)? {
            let times = series["timestamps"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_i64);
            let values = series["values"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_u64);
            all.extend(times.zip(values));
        }
        all.sort_unstable_by_key(|s| s.1);
        Ok(all)
    };
    let found = wait_for("all samples", patience(), || {
        samples().ok().filter(|s| s.len() as u64 >= COUNT)
    })?;
    let expected: Vec<(i64, u64)> = (0..COUNT).map(|n| (time(n) / 1_000_000, n)).collect();
    assert_eq!(found, expected);
    agent.finish()
}

#[test]
#[ignore = "needs mosquitto"]
fn what_v2_refuses_for_a_while_comes_later_and_in_whole() -> Result<()> {
    const COUNT: u64 = 300;
    let broker = patient_broker()?;
    let busy = Answer::status(503).header("Retry-After", "1").times(2);
    let double = HttpDouble::start([busy])?;
    let mut agent = Agent::start(&(AGENT.to_owned() + &json_input(&broker, "") + &output(&double.url())))?;
    subscribed(&broker, &agent, "sensors/#")?;
    publisher(&broker, COUNT).run()?;

    let lines = wait_for("every line", SOON, || {
        let written = double.requests();
        let lines: usize = written.iter().skip(2).map(|r| r.text().lines().count()).sum();
        (lines as u64 >= COUNT).then_some(lines)
    })?;
    assert_eq!(lines as u64, COUNT, "nothing is written twice");
    let first = &double.requests()[0];
    assert_eq!(
        (first.method.as_str(), first.path.as_str()),
        ("POST", "/api/v2/write")
    );
    assert_eq!(first.header("authorization"), Some("Token t"));
    assert!(
        first.query.contains("bucket=telemetry") && first.query.contains("org=home"),
        "{}",
        first.query
    );
    agent.wait_for_stderr("503", Duration::from_secs(5))?;
    agent.finish()
}
