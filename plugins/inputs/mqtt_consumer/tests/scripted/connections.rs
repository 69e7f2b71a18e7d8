//! Connections that are cut, fall silent, carry nonsense, or are dropped again and again.

use wheatstone_input_mqtt_consumer::MqttConsumerConfig;

use crate::common::{Script, config, durable, holding, start};

#[tokio::test]
async fn a_connection_cut_in_a_message_is_made_anew() {
    let script = Script::new().await;
    let mut consumer = start(durable(script.port, 1));
    let mut peer = script.subscribed(false).await;
    consumer.ready().await;
    let message = peer.publish(1, 1, false, b"a whole message");
    peer.send(&message[..message.len() / 2]).await;
    drop(peer);
    let mut peer = script.subscribed(true).await;
    let message = peer.publish(1, 1, true, b"a whole message");
    peer.send(&message).await;
    assert_eq!(peer.acks(1).await, [(0x40, 1)]);
    assert_eq!(consumer.seen(1).await, ["a whole message"]);
    assert_eq!(consumer.errors.get(), 1);
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn nonsense_ends_the_connection_and_not_the_input() {
    let script = Script::new().await;
    let consumer = start(config(script.port));
    let mut peer = script.subscribed(false).await;
    let message = peer.publish(0, 0, false, b"before");
    peer.send(&message).await;
    peer.send(&[0x36, 4, 0, 1, b'x', 0]).await;
    let mut peer = script.subscribed(false).await;
    let message = peer.publish(0, 0, false, b"after");
    peer.send(&message).await;
    assert_eq!(consumer.seen(2).await, ["before", "after"]);
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn connections_that_are_taken_and_dropped_again_and_again_are_told_a_few_times_only() {
    let script = Script::new().await;
    let consumer = start(MqttConsumerConfig {
        max_reconnect_interval: wheatstone_plugin::conf::Duration::from_secs(1),
        ..config(script.port)
    });
    for _ in 0..5 {
        drop(script.subscribed(false).await);
    }
    let mut peer = script.subscribed(false).await;
    let message = peer.publish(0, 0, false, b"x");
    peer.send(&message).await;
    consumer.seen(1).await;
    assert_eq!(consumer.errors.get(), 3);
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn a_silent_broker_is_left() {
    let script = Script::new().await;
    let second = config(script.port);
    let consumer = start(MqttConsumerConfig {
        keepalive: wheatstone_plugin::conf::Duration::from_secs(1),
        ping_timeout: wheatstone_plugin::conf::Duration::from_millis(200),
        ..second
    });
    let mut peer = script.subscribed(false).await;
    assert_eq!(peer.packet().await, (0xC0, vec![]));
    peer.send(&[0xD0, 0]).await;
    assert_eq!(peer.packet().await, (0xC0, vec![]));
    let _new = script.subscribed(false).await;
    assert_eq!(consumer.errors.get(), 1);
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn pings_go_on_while_the_outputs_are_stuck() {
    let script = Script::new().await;
    let consumer = holding(MqttConsumerConfig {
        keepalive: wheatstone_plugin::conf::Duration::from_secs(1),
        ping_timeout: wheatstone_plugin::conf::Duration::from_millis(300),
        max_undelivered_messages: 1,
        ..config(script.port)
    });
    let mut peer = script.subscribed(false).await;
    let message = peer.publish(0, 0, false, b"x");
    peer.send(&message).await;
    consumer.seen(1).await;
    for _ in 0..3 {
        assert_eq!(peer.packet().await, (0xC0, vec![]));
    }
    assert_eq!(consumer.errors.get(), 0);
    peer.send(&message).await;
    consumer.pipe.release();
    consumer.seen(2).await;
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn a_silent_subscription_is_made_anew_where_max_silence_says_so() {
    let script = Script::new().await;
    let consumer = start(MqttConsumerConfig {
        max_silence: Some(wheatstone_plugin::conf::Duration::from_secs(1)),
        ..config(script.port)
    });
    let mut peer = script.subscribed(false).await;
    let message = peer.publish(0, 0, false, b"x");
    peer.send(&message).await;
    assert_eq!(consumer.seen(1).await.len(), 1);
    assert_eq!(consumer.errors.get(), 0);
    let mut again = script.subscribed(false).await;
    assert_eq!(consumer.errors.get(), 1);
    again.send(&message).await;
    assert_eq!(consumer.seen(2).await.len(), 2);
    consumer.stop().await.unwrap();
}
