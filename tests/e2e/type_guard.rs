//! One device sends its number as a text: the database knows the field's type, and no batch is refused.

use anyhow::{Result, ensure};
use serde_json::json;
use wheatstone_testkit::publish::{Message, Publisher};
use wheatstone_testkit::{Agent, Influxd, wait_for};

use crate::influxdb::output;
use crate::readings::{AGENT, SOON, patient_broker, subscribed, wait_for_points};

const COUNT: u64 = 300;

/// Texts, integers and floats in turn, the first a text; once something that is no number.
fn reading(n: u64) -> Message {
    let temp = match n % 3 {
        _ if n == 10 => json!("n/a"),
        0 => json!(n.to_string()),
        1 => json!(n),
        _ => json!(n as f64 + 0.5),
    };
    Message::new("sensors/a", json!({ "n": n, "temp": temp }).to_string())
}

#[test]
#[ignore = "needs mosquitto and influxd"]
fn the_types_of_the_database_are_kept_from_the_first_point_on() -> Result<()> {
    let (broker, db) = (patient_broker()?, Influxd::start()?);
    let input = format!(
        "[[inputs.mqtt_consumer]]\n  servers = [\"{}\"]\n  topics = [\"sensors/#\"]\n  qos = 1\n  topic_tag = \"\"\n  \
         name_override = \"sensors\"\n  data_format = \"json\"\n  json_string_fields = [\"temp\"]\n",
        broker.url()
    );
    // Filled without a guard, as by an agent before.
    let mut before = Agent::start(&(AGENT.to_owned() + &input + &output(&db)))?;
    subscribed(&broker, &before, "sensors/#")?;
    let first = Message::new("sensors/a", r#"{"n":1000,"temp":1.5}"#);
    let publisher = Publisher::new(broker.address());
    publisher.messages(1).message(move |_| first.clone()).run()?;
    wait_for_points(&db.ask(), "sensors", 1, SOON)?;
    before.finish()?;

    let guard = "[wheatstone.type_guard]\n  directory = \"\"\n";
    let mut agent = Agent::start(&(AGENT.to_owned() + guard + &input + &output(&db)))?;
    wait_for("the second subscription", SOON, || {
        let there = broker
            .log()
            .iter()
            .filter(|l| l.ends_with(" 1 sensors/#"))
            .count();
        (there >= 2).then_some(())
    })?;
    Publisher::new(broker.address())
        .messages(COUNT)
        .message(reading)
        .run()?;
    wait_for_points(&db.ask(), "sensors", COUNT + 1, SOON)?;
    agent.finish()?;

    let types = db.ask().field_types("telegraf", "sensors")?;
    let kind = |field: &str| {
        types
            .iter()
            .find(|(name, _)| name == field)
            .map(|(_, kind)| kind.as_str())
    };
    assert_eq!((kind("temp"), kind("temp_str")), (Some("float"), Some("string")));
    for point in db.ask().points("telegraf", "sensors")? {
        let n = point["n"].as_f64().unwrap_or(-1.0);
        let temp = point["temp"].as_f64();
        let wanted = match n as u64 {
            1000 => Some(1.5),
            10 => None,
            n if n % 3 == 2 => Some(n as f64 + 0.5),
            n => Some(n as f64),
        };
        ensure!(temp == wanted, "{point:?}");
        ensure!(n != 10.0 || point["temp_str"] == "n/a", "{point:?}");
    }
    Ok(())
}
