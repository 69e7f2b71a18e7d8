//! Mosquitto to InfluxDB 1: the main job.

use anyhow::Result;
use wheatstone_testkit::publish::{Message, Publisher};
use wheatstone_testkit::{Agent, Influxd};

use crate::readings::{
    AGENT, SOON, check_points, json_input, many, patience, patient_broker, publisher, subscribed, time,
    wait_for_points,
};

pub fn output(db: &Influxd) -> String {
    format!(
        "[[outputs.influxdb]]\n  urls = [\"{}\"]\n  database = \"telegraf\"\n",
        db.url()
    )
}

#[test]
#[ignore = "needs mosquitto and influxd"]
fn every_reading_becomes_one_point_with_its_types_tags_and_time() -> Result<()> {
    let (broker, db) = (patient_broker()?, Influxd::start()?);
    let mut agent = Agent::start(&(AGENT.to_owned() + &json_input(&broker, "") + &output(&db)))?;
    subscribed(&broker, &agent, "sensors/#")?;

    let report = publisher(&broker, many()).run()?;
    assert_eq!(report.acknowledged.len() as u64, many());
    let ask = db.ask();
    wait_for_points(&ask, "sensors", many(), patience())?;
    check_points(&ask, 0..many())?;

    let types = ask.field_types("telegraf", "sensors")?;
    let types: Vec<(&str, &str)> = types.iter().map(|(k, t)| (k.as_str(), t.as_str())).collect();
    assert_eq!(
        types,
        [
            ("n", "float"),
            ("ok", "boolean"),
            ("state", "string"),
            ("value", "float")
        ]
    );
    assert_eq!(
        ask.tag_keys("telegraf", "sensors")?,
        ["device", "sensor_id", "site"]
    );
    agent.finish()
}

#[test]
#[ignore = "needs mosquitto and influxd"]
fn line_protocol_keeps_its_types() -> Result<()> {
    const COUNT: u64 = 2000;
    let (broker, db) = (patient_broker()?, Influxd::start()?);
    let input = format!(
        "[[inputs.mqtt_consumer]]\n  servers = [\"{}\"]\n  topics = [\"lines/#\"]\n  qos = 2\n  data_format = \"influx\"\n",
        broker.url()
    );
    let mut agent = Agent::start(&(AGENT.to_owned() + &input + &output(&db)))?;
    subscribed(&broker, &agent, "lines/#")?;

    // Numbers that a float cannot hold, and names that must be escaped.
    let big = i64::MAX - 1_000_000;
    Publisher::new(broker.address())
        .messages(COUNT)
        .message(move |n| {
            let line = format!(
                "flow\\ rate,unit=l/s n={n}i,big={}i,f=1.5,open=true,who=\"a b\" {}",
                big + n as i64,
                time(n)
            );
            Message::new(format!("lines/{}", n % 5), line)
        })
        .run()?;
    let ask = db.ask();
    wait_for_points(&ask, "flow rate", COUNT, SOON)?;
    let points = ask.points("telegraf", "flow rate")?;
    assert_eq!(points.len() as u64, COUNT);
    for (n, point) in (0..COUNT).zip(points) {
        let expected = serde_json::json!({
            "time": time(n), "topic": format!("lines/{}", n % 5), "unit": "l/s",
            "n": n, "big": big + n as i64, "f": 1.5, "open": true, "who": "a b",
        });
        assert_eq!(serde_json::Value::Object(point), expected);
    }
    let types = ask.field_types("telegraf", "flow rate")?;
    assert!(
        types.contains(&("big".to_owned(), "integer".to_owned())),
        "{types:?}"
    );
    agent.finish()
}
