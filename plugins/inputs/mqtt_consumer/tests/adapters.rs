//! Adapters from their configuration to their metrics: several formats on one subscription.

#![allow(clippy::unwrap_used, clippy::result_large_err)]

mod common;

use common::{Pipe, Script, start_text};
use std::sync::atomic::AtomicBool;
use wheatstone_parsers as _;
use wheatstone_testkit::plugin::{service_input, to_lines};

fn keeping() -> Pipe {
    Pipe {
        hold: AtomicBool::new(true),
        ..Pipe::default()
    }
}

/// Each metric without its time, which is that of its arrival.
fn shown(pipe: &Pipe) -> Vec<String> {
    let lines = to_lines(&pipe.held.lock()).unwrap();
    let text = |l: String| l.rsplit_once(' ').map_or(l.clone(), |(text, _)| text.to_owned());
    lines.into_iter().map(text).collect()
}

#[tokio::test]
async fn each_topic_has_its_parser_and_its_names() {
    let script = Script::new().await;
    let text = format!(
        r##"
[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:{}"]
  topic_tag = ""
  [[inputs.mqtt_consumer.adapter]]
    topic = "sensors/{{site}}/{{device}}/{{field}}"
    measurement = "sensors"
    data_format = "value"
    data_type = "float"
  [[inputs.mqtt_consumer.adapter]]
    topics = ["zigbee/+", "tasmota/#"]
    topic = "{{measurement}}/{{device}}"
    data_format = "json"
    tag_keys = ["room"]
  [[inputs.mqtt_consumer.adapter]]
    topics = ["any/#"]
    data_format = "auto"
"##,
        script.port
    );
    let consumer = start_text(&text, keeping());
    let mut peer = script.connect().await;
    peer.accept(false).await;
    assert_eq!(
        peer.grant().await,
        ["any/#", "sensors/+/+/+", "tasmota/#", "zigbee/+"]
    );
    for (topic, payload) in [
        ("sensors/north/d1/temperature", "21.5"),
        ("zigbee/lamp", r#"{"room":"hall","power":3,"on":1}"#),
        ("any/a", r#"{"a":1}"#),
        ("any/b", "own,x=y v=1i"),
        ("any/c", "ON"),
        ("sensors/north/d1/temperature", "warm"),
        ("tasmota/plug/POWER", "{}"),
        ("elsewhere", "1"),
        ("sensors/north/d1/humidity", "60"),
    ] {
        let message = peer.publish_to(topic, 0, 0, false, payload.as_bytes());
        peer.send(&message).await;
    }
    consumer.seen(6).await;
    assert_eq!(
        shown(&consumer.pipe),
        [
            "sensors,device=d1,site=north temperature=21.5",
            "zigbee,device=lamp,room=hall on=1,power=3",
            "mqtt_consumer a=1",
            "own,x=y v=1i",
            "mqtt_consumer value=\"ON\"",
            "sensors,device=d1,site=north humidity=60",
        ]
    );
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn what_no_adapter_takes_is_read_by_the_plugin_s_own_format_and_topic_parsing_holds_for_all() {
    let script = Script::new().await;
    let text = format!(
        r##"
[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:{}"]
  topics = ["#"]
  topic_tag = ""
  data_format = "auto"
  tag_keys = ["room"]
  [[inputs.mqtt_consumer.topic_parsing]]
    topic = "+/+"
    tags = "_/device"
  [[inputs.mqtt_consumer.adapter]]
    topics = ["values/+"]
    measurement = "values"
    data_format = "value"
    data_type = "integer"
    value_field_name = "n"
"##,
        script.port
    );
    let consumer = start_text(&text, keeping());
    let mut peer = script.subscribed(false).await;
    for (topic, payload) in [
        ("values/d1", "7"),
        ("json/d2", r#"{"room":"hall","t":1.5}"#),
        ("x", "7"),
    ] {
        let message = peer.publish_to(topic, 0, 0, false, payload.as_bytes());
        peer.send(&message).await;
    }
    consumer.seen(3).await;
    assert_eq!(
        shown(&consumer.pipe),
        [
            "values,device=d1 n=7i",
            "mqtt_consumer,device=d2,room=hall t=1.5",
            "mqtt_consumer value=7"
        ]
    );
    consumer.stop().await.unwrap();
}

#[test]
fn wrong_options_are_named() {
    let error = |adapter: &str| {
        let text = format!(
            "[[inputs.mqtt_consumer]]\n  topics = [\"#\"]\n  [[inputs.mqtt_consumer.adapter]]\n{adapter}\n"
        );
        format!("{:#}", service_input(&text).err().unwrap())
    };
    for (adapter, expected) in [
        (
            "topics = [\"a\"]\ndata_format = \"json\"\ntagkeys = [\"a\"]",
            "unknown options: adapter.0.tagkeys",
        ),
        (
            "topics = [\"a\"]\ndata_format = \"value\"\ndata_type = \"x\"",
            "adapter 1 (a): unknown datatype \"x\"",
        ),
        (
            "topics = [\"a\"]\ndata_format = \"nobody\"",
            "adapter 1 (a): undefined but requested parser: nobody",
        ),
        (
            "data_format = \"json\"",
            "adapter 1: option \"topics\" or \"topic\" must say which messages it is for",
        ),
    ] {
        assert_eq!(error(adapter), expected);
    }
    // Options of a format that the plugin itself does not have.
    let own = "[[inputs.mqtt_consumer]]\n  tag_keys = [\"a\"]\n  [[inputs.mqtt_consumer.adapter]]\n    topics = [\"a\"]\n    data_format = \"json\"\n";
    assert_eq!(
        service_input(own).err().unwrap().to_string(),
        "unknown options: tag_keys"
    );
}
