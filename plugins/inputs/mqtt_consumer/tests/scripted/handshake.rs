//! Brokers that answer CONNECT or SUBSCRIBE otherwise than hoped: older versions, refusals, filters that are no longer wanted.

use wheatstone_input_mqtt_consumer::{MqttConsumerConfig, Protocol};
use wheatstone_plugin::StartError;

use crate::common::{Script, config, durable, start};

#[tokio::test]
async fn start_errors_that_may_pass_are_told_from_refusals() {
    let script = Script::new().await;
    let port = script.port;
    drop(script);
    let error = StartError::from(start(config(port)).task.await.unwrap().unwrap_err());
    assert!(error.retry);
    let expected = format!("network Error : dial tcp 127.0.0.1:{port}: connect: connection refused");
    assert_eq!(error.error.to_string(), expected);

    let script = Script::new().await;
    let consumer = start(config(script.port));
    script.connect().await.send(&[0x20, 3, 0, 0x87, 0]).await;
    let error = StartError::from(consumer.task.await.unwrap().unwrap_err());
    assert!(!error.retry);
    assert_eq!(error.error.to_string(), "not Authorized");
}

#[tokio::test]
async fn the_next_server_is_taken_where_the_first_is_down() {
    let (down, script) = (Script::new().await, Script::new().await);
    let servers = vec![
        format!("tcp://127.0.0.1:{}", down.port),
        format!("tcp://127.0.0.1:{}", script.port),
    ];
    drop(down);
    let mut consumer = start(MqttConsumerConfig { servers, ..config(0) });
    let _peer = script.subscribed(false).await;
    consumer.ready().await;
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn an_old_broker_gets_an_old_version_and_that_is_remembered() {
    for answer in [Some(&[0x20u8, 2, 0, 1][..]), Some(&[0x20, 3, 0, 0x84, 0]), None] {
        let script = Script::new().await;
        let consumer = start(config(script.port));
        let mut peer = script.connect().await;
        assert_eq!(peer.level, 5);
        match answer {
            Some(bytes) => peer.send(bytes).await,
            None => drop(peer),
        }
        let mut peer = script.subscribed(false).await;
        assert_eq!(peer.level, 4);
        let message = peer.publish(0, 0, false, b"old");
        peer.send(&message).await;
        consumer.seen(1).await;
        drop(peer);
        let peer = script.subscribed(false).await;
        assert_eq!(peer.level, 4);
        consumer.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_version_can_be_pinned() {
    for (protocol, level) in [(Protocol::V31, 3), (Protocol::V311, 4), (Protocol::V5, 5)] {
        let script = Script::new().await;
        let consumer = start(MqttConsumerConfig {
            protocol,
            ..config(script.port)
        });
        let mut peer = script.connect().await;
        assert_eq!(peer.level, level);
        peer.send(&[0x20, 2, 0, 1]).await;
        let error = StartError::from(consumer.task.await.unwrap().unwrap_err());
        assert!(!error.retry);
        assert_eq!(error.error.to_string(), "unacceptable protocol version");
    }
}

#[tokio::test]
async fn a_refused_topic_is_an_error_and_the_others_go_on() {
    let script = Script::new().await;
    let topics = vec!["t/#".to_owned(), "secret".to_owned()];
    let mut consumer = start(MqttConsumerConfig {
        topics,
        ..config(script.port)
    });
    let mut peer = script.connect().await;
    peer.accept(false).await;
    let (first, _) = peer.packet().await;
    assert_eq!(first, 0x82);
    peer.send(&[0x90, 5, 0, 1, 0, 0, 0x87]).await;
    consumer.ready().await;
    assert_eq!(consumer.errors.get(), 1);
    let message = peer.publish(0, 0, false, b"on");
    peer.send(&message).await;
    assert_eq!(consumer.seen(1).await, ["on"]);
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn topics_that_are_no_longer_wanted_are_taken_back() {
    let script = Script::new().await;
    let topics = |list: &[&str]| list.iter().map(|t| (*t).to_owned()).collect();
    let mut consumer = start(MqttConsumerConfig {
        topics: topics(&["a", "b", "c"]),
        ..durable(script.port, 1)
    });
    let peer = script.subscribed(false).await;
    consumer.ready().await;
    drop(peer);
    consumer.stop().await.unwrap();
    let consumer = start(MqttConsumerConfig {
        topics: topics(&["b", "d"]),
        ..durable(script.port, 1)
    });
    let mut peer = script.connect().await;
    peer.accept(true).await;
    assert_eq!(peer.packet().await, (0xA2, b"\0\x02\0\0\x01a\0\x01c".to_vec()));
    assert_eq!(peer.grant().await, ["b", "d"]);
    consumer.stop().await.unwrap();
}
