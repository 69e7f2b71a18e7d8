//! What the tests publish: readings of made-up sensors, numbered, each with a time of its own to the nanosecond; and what
//! must come out for each.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use wheatstone_testkit::publish::{Message, Publisher, Qos};
use wheatstone_testkit::servers::MosquittoOptions;
use wheatstone_testkit::{Agent, InfluxQuery, Mosquitto, wait_for};

/// No power of ten divides it, and a 64-bit float cannot hold it.
const BEGIN: i64 = 1_731_931_200_123_457_789;
/// Between two readings.
const STEP: i64 = 1_000_003;
/// How long anything may take that ought to come soon.
pub const SOON: Duration = Duration::from_secs(60);

/// How many messages a large test publishes.
pub fn many() -> u64 {
    std::env::var("WHEATSTONE_E2E_MESSAGES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(20_000)
}

/// How long a large test waits for its last point: a bound, not a goal. Busy machines and unoptimised builds are slow.
pub fn patience() -> Duration {
    Duration::from_secs(90 + many() / 500)
}

/// The reading's time.
pub fn time(n: u64) -> i64 {
    BEGIN + n as i64 * STEP
}

pub fn site(n: u64) -> String {
    format!("site{}", n % 3)
}

pub fn device(n: u64) -> String {
    format!("device{}", n % 20)
}

pub fn state(n: u64) -> &'static str {
    if n.is_multiple_of(7) {
        "needs, \"care\""
    } else {
        "fine"
    }
}

/// The reading as JSON on `sensors/<site>/<device>`.
pub fn json(n: u64) -> Message {
    let payload = format!(
        r#"{{"sensor_id":"s{}","n":{n},"value":{}.25,"ok":{},"state":{:?},"ts":{}}}"#,
        n % 50,
        n % 100,
        n.is_multiple_of(2),
        state(n),
        time(n)
    );
    Message::new(format!("sensors/{}/{}", site(n), device(n)), payload)
}

/// The input for those.
pub fn json_input(broker: &Mosquitto, more: &str) -> String {
    format!(
        r#"
[[inputs.mqtt_consumer]]
  servers = ["{}"]
  topics = ["sensors/#"]
  qos = 1
  topic_tag = ""
  name_override = "sensors"
  data_format = "json"
  tag_keys = ["sensor_id"]
  json_string_fields = ["state", "ok"]
  json_time_key = "ts"
  json_time_format = "unix_ns"
  {more}
  [[inputs.mqtt_consumer.topic_parsing]]
    topic = "sensors/+/+"
    tags = "_/site/device"
"#,
        broker.url()
    )
}

/// The agent's settings in all tests.
pub const AGENT: &str = r#"
[agent]
  interval = "1s"
  flush_interval = "200ms"
  metric_batch_size = 5000
  metric_buffer_limit = 1000000
  omit_hostname = true
"#;

/// The line that the file output must write for the reading, fields sorted.
pub fn line(n: u64) -> String {
    format!(
        "sensors,device={},sensor_id=s{},site={} n={n},ok={},state=\"{}\",value={}.25 {}",
        device(n),
        n % 50,
        site(n),
        n.is_multiple_of(2),
        state(n).replace('"', "\\\""),
        n % 100,
        time(n)
    )
}

/// A broker that drops nothing however slow the subscriber: what these tests are about is the agent.
pub fn patient_broker() -> Result<Mosquitto> {
    MosquittoOptions {
        max_queued: Some(0),
        ..MosquittoOptions::default()
    }
    .start()
}

/// Waits until the agent has subscribed to `filter` at QoS 1 or 2.
pub fn subscribed(broker: &Mosquitto, agent: &Agent, filter: &str) -> Result<()> {
    // The broker's own line: `<time>: <client> <qos> <filter>`.
    let there = |qos: u8| {
        broker
            .log()
            .iter()
            .any(|line| line.ends_with(&format!(" {qos} {filter}")))
    };
    wait_for("the subscription", SOON, || (there(1) || there(2)).then_some(())).with_context(|| {
        format!(
            "broker:\n{}\nagent:\n{}",
            broker.log().join("\n"),
            agent.stderr().join("\n")
        )
    })
}

/// A publisher of `count` readings as JSON.
pub fn publisher(broker: &Mosquitto, count: u64) -> Publisher {
    Publisher::new(broker.address())
        .qos(Qos::AtLeastOnce)
        .messages(count)
        .message(json)
        .limit(patience())
}

/// Waits until `measurement` has `count` points with the field `n`. The error says how many came.
pub fn wait_for_points(db: &InfluxQuery, measurement: &str, count: u64, limit: Duration) -> Result<()> {
    let end = Instant::now() + limit;
    loop {
        // A server that is being restarted does not answer.
        let there = db.count("telegraf", measurement, "n").unwrap_or_default();
        if there >= count {
            return Ok(());
        }
        if Instant::now() > end {
            bail!("{there} of {count} points in {measurement} after {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Compares every point in the database with the reading that it comes from: nothing missing, nothing false, nothing twice.
pub fn check_points(db: &InfluxQuery, numbers: impl IntoIterator<Item = u64>) -> Result<()> {
    let mut points = db.points("telegraf", "sensors")?;
    let mut wanted: Vec<u64> = numbers.into_iter().collect();
    wanted.sort_unstable();
    points.sort_by_key(|p| p.get("time").and_then(serde_json::Value::as_i64));
    let found: Vec<u64> = points
        .iter()
        .filter_map(|p| p.get("n")?.as_f64())
        .map(|n| n as u64)
        .collect();
    if found != wanted {
        let missing = wanted.iter().filter(|n| found.binary_search(n).is_err()).count();
        bail!(
            "{} points for {} readings, {missing} missing",
            found.len(),
            wanted.len()
        );
    }
    for (n, point) in wanted.into_iter().zip(points) {
        let expected = serde_json::json!({
            "time": time(n), "site": site(n), "device": device(n), "sensor_id": format!("s{}", n % 50),
            "ok": n.is_multiple_of(2), "state": state(n), "n": n, "value": (n % 100) as f64 + 0.25,
        });
        assert_eq!(serde_json::Value::Object(point), expected);
    }
    Ok(())
}
