//! One connection to a broker where JSON, plain values, line protocol and Sparkplug B come together; and what is said back.

use anyhow::Result;
use wheatstone_testkit::publish::{Message, Publisher};
use wheatstone_testkit::servers::MosquittoOptions;
use wheatstone_testkit::{Agent, Mosquitto, wait_for};

use crate::readings::{AGENT, SOON, subscribed};

/// A field of bytes.
fn bytes(field: u8, content: &[u8]) -> Vec<u8> {
    [&[field << 3 | 2, content.len() as u8], content].concat()
}

/// A payload of one double behind the alias 7, with its name where it is a birth.
fn sparkplug(seq: u8, value: f64, birth: bool) -> Vec<u8> {
    let mut metric = Vec::new();
    if birth {
        metric.extend(bytes(1, b"Temperature"));
    }
    metric.extend([0x10, 7, 0x20, 10, 0x69]);
    metric.extend(value.to_le_bytes());
    // The time is 17, the sequence number the field 3.
    [&[0x08, 17][..], &bytes(2, &metric), &[0x18, seq]].concat()
}

fn publish(broker: &Mosquitto, messages: Vec<(&'static str, Vec<u8>)>) -> Result<()> {
    Publisher::new(broker.address())
        .messages(messages.len() as u64)
        .message(move |n| {
            let (topic, payload) = &messages[n as usize];
            Message::new(*topic, payload.clone())
        })
        .run()?;
    Ok(())
}

/// Waits for lines in the file, their times aside where they are those of arrival.
fn has_lines(agent: &Agent, expected: &[&str]) -> Result<()> {
    let file = agent.dir().join("out.lp");
    wait_for(&expected.join("\n"), SOON, || {
        let text = std::fs::read_to_string(&file).ok()?;
        let has = |line: &&str| text.lines().any(|l| l.starts_with(*line));
        expected.iter().all(has).then_some(())
    })
}

#[test]
#[ignore = "needs mosquitto"]
fn every_format_under_one_wildcard_and_a_node_is_asked_for_its_birth() -> Result<()> {
    let broker = MosquittoOptions::default().start()?;
    // The second input is the edge node's ear.
    let inputs = format!(
        r##"
[[inputs.mqtt_consumer]]
  servers = ["{url}"]
  topics = ["#"]
  qos = 1
  topic_tag = ""
  data_format = "auto"
  sparkplug_rebirth = true

[[inputs.mqtt_consumer]]
  alias = "node"
  servers = ["{url}"]
  topics = ["spBv1.0/+/NCMD/#"]
  qos = 1
  data_format = "sparkplug_b"
  sparkplug_commands = true
  metric_name = "heard"

[[outputs.file]]
  files = ["$DIR/out.lp"]
  influx_sort_fields = true
"##,
        url = broker.url()
    );
    let mut agent = Agent::start(&(AGENT.to_owned() + &inputs))?;
    subscribed(&broker, &agent, "#")?;
    subscribed(&broker, &agent, "spBv1.0/+/NCMD/#")?;

    publish(
        &broker,
        vec![
            ("home/kitchen", br#"{"room": 1, "t": 21.5}"#.to_vec()),
            ("home/counter", b" 42\n".to_vec()),
            ("home/door", b"open".to_vec()),
            ("home/weather", b"weather,room=a h=7i 17".to_vec()),
            // Its birth is not known.
            ("spBv1.0/plant/NDATA/press", sparkplug(5, 1.5, false)),
        ],
    )?;
    has_lines(
        &agent,
        &[
            "mqtt_consumer room=1,t=21.5 ",
            "mqtt_consumer value=42 ",
            "mqtt_consumer value=\"open\" ",
            "weather,room=a h=7i 17",
            "heard,edge_node_id=press,group_id=plant,message_type=NCMD,topic=spBv1.0/plant/NCMD/press Node\\ Control/Rebirth=true ",
        ],
    )?;

    publish(
        &broker,
        vec![
            ("spBv1.0/plant/NBIRTH/press", sparkplug(0, 20.5, true)),
            ("spBv1.0/plant/NDATA/press", sparkplug(1, 21.0, false)),
        ],
    )?;
    has_lines(
        &agent,
        &[
            "mqtt_consumer,edge_node_id=press,group_id=plant Temperature=20.5 17000000",
            "mqtt_consumer,edge_node_id=press,group_id=plant Temperature=21 17000000",
        ],
    )?;
    agent.finish()
}
