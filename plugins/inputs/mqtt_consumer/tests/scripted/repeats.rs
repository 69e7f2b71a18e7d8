//! Brokers that send again what was sent before: within a connection, after it broke, and to a later run.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wheatstone_input_mqtt_consumer::MqttConsumerConfig;
use wheatstone_plugin::{AgentInfo, States};

use crate::common::{Pipe, Script, config, durable, holding, start, start_in};

#[tokio::test]
async fn a_qos_2_message_sent_twice_is_stored_once() {
    let script = Script::new().await;
    let consumer = start(MqttConsumerConfig {
        qos: 2,
        ..config(script.port)
    });
    let mut peer = script.subscribed(false).await;
    let (first, again) = (
        peer.publish(2, 7, false, b"one"),
        peer.publish(2, 7, true, b"one"),
    );
    peer.send(&first).await;
    assert_eq!(peer.acks(1).await, [(0x50, 7)]);
    peer.send(&again).await;
    assert_eq!(peer.acks(1).await, [(0x50, 7)]);
    peer.send(&[0x62, 2, 0, 7]).await;
    assert_eq!(peer.acks(1).await, [(0x70, 7)]);
    // Released, the identifier is free for another message.
    let next = peer.publish(2, 7, false, b"two");
    peer.send(&next).await;
    assert_eq!(consumer.seen(2).await, ["one", "two"]);
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn a_qos_2_message_survives_a_reconnect_exactly_once() {
    let script = Script::new().await;
    let consumer = holding(durable(script.port, 2));
    let mut peer = script.subscribed(false).await;
    let message = peer.publish(2, 9, false, b"once");
    peer.send(&message).await;
    consumer.seen(1).await;
    drop(peer);
    let mut peer = script.subscribed(true).await;
    let again = peer.publish(2, 9, true, b"once");
    peer.send(&again).await;
    peer.silent(100).await;
    consumer.pipe.release();
    assert_eq!(peer.acks(1).await, [(0x50, 9)]);
    peer.send(&[0x62, 2, 0, 9]).await;
    assert_eq!(peer.acks(1).await, [(0x70, 9)]);
    assert_eq!(consumer.seen(1).await, ["once"]);
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn a_qos_2_message_that_an_earlier_run_stored_is_not_stored_again() {
    let script = Script::new().await;
    let consumer = start(durable(script.port, 2));
    let mut peer = script.subscribed(false).await;
    let message = peer.publish(2, 9, false, b"once");
    peer.send(&message).await;
    assert_eq!(peer.acks(1).await, [(0x50, 9)]);
    drop(peer);
    consumer.stop().await.unwrap();
    let consumer = start(durable(script.port, 2));
    let mut peer = script.subscribed(true).await;
    let again = peer.publish(2, 9, true, b"once");
    let other = peer.publish(2, 10, true, b"other");
    peer.send(&again).await;
    peer.send(&other).await;
    assert_eq!(peer.acks(2).await, [(0x50, 9), (0x50, 10)]);
    assert_eq!(consumer.seen(1).await, ["other"]);
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn a_release_of_an_unknown_identifier_is_answered() {
    let script = Script::new().await;
    let mut consumer = start(durable(script.port, 2));
    let mut peer = script.connect().await;
    peer.accept(true).await;
    peer.send(&[0x62, 2, 0, 7]).await;
    peer.grant().await;
    assert_eq!(peer.acks(1).await, [(0x70, 7)]);
    consumer.ready().await;
    let message = peer.publish(1, 1, false, b"on");
    peer.send(&message).await;
    assert_eq!(peer.acks(1).await, [(0x40, 1)]);
    assert_eq!(consumer.errors.get(), 0);
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn a_session_may_send_more_than_is_read_at_once() {
    let script = Script::new().await;
    let consumer = holding(MqttConsumerConfig {
        max_undelivered_messages: 10,
        ..durable(script.port, 1)
    });
    consumer.pipe.release_on_hurry.store(true, Ordering::Relaxed);
    let mut peer = script.connect().await;
    assert_eq!(peer.level, 5);
    assert!(
        peer.connect.windows(3).any(|w| w == [0x21, 255, 255]),
        "the largest receive maximum"
    );
    peer.accept(true).await;
    // The messages come before the subscription is answered.
    let flood: Vec<u8> = (1..=20_000u16)
        .flat_map(|id| peer.publish(1, id, true, format!("{id}").as_bytes()))
        .collect();
    let reader = async {
        let (mut reading, mut writing) = peer.stream.split();
        let write = async {
            tokio::io::AsyncWriteExt::write_all(&mut writing, &flood)
                .await
                .unwrap()
        };
        let read = async {
            let mut bytes = Vec::new();
            while bytes.len() < 20_000 * 4 {
                tokio::io::AsyncReadExt::read_buf(&mut reading, &mut bytes)
                    .await
                    .unwrap();
            }
            bytes
        };
        tokio::join!(write, read).1
    };
    let bytes = tokio::time::timeout(Duration::from_secs(20), reader)
        .await
        .unwrap();
    // SUBSCRIBE came first; then every acknowledgement in order.
    let subscribe = 2 + usize::from(bytes[1]);
    let ids: Vec<_> = bytes[subscribe..]
        .chunks_exact(4)
        .map(|p| (p[0], u16::from_be_bytes([p[2], p[3]])))
        .collect();
    assert!(
        ids.iter()
            .enumerate()
            .all(|(i, ack)| *ack == (0x40, i as u16 + 1)),
        "{:?}",
        &ids[..20]
    );
    consumer.seen(20_000).await;
    assert!(consumer.pipe.hurried.load(Ordering::Relaxed) > 0);
    drop(peer);
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn after_a_kill_what_was_acknowledged_is_not_handed_over_again() {
    let statefile = std::env::temp_dir().join(format!("wheatstone-killed-{}", std::process::id()));
    let script = Script::new().await;
    let start = || {
        let agent = AgentInfo {
            states: States::open(&statefile).unwrap(),
            ..AgentInfo::default()
        };
        let pipe = Pipe {
            keep_texts: AtomicBool::new(true),
            ..Pipe::default()
        };
        start_in(agent, durable(script.port, 1), pipe, &[])
    };
    let killed = start();
    let mut peer = script.subscribed(false).await;
    for id in 1..=8 {
        let message = peer.publish(1, id, false, format!("{id}").as_bytes());
        peer.send(&message).await;
        assert_eq!(peer.acks(1).await, [(0x40, id)]);
        // So long that a broker that goes back to free identifiers would have.
        tokio::time::sleep(Duration::from_millis(120)).await;
    }
    killed.task.abort();
    drop(peer);

    let consumer = start();
    let mut peer = script.subscribed(true).await;
    for (id, dup, payload) in [(8, true, b"8"), (9, true, b"9"), (7, true, b"?")] {
        let message = peer.publish(1, id, dup, payload);
        peer.send(&message).await;
        assert_eq!(peer.acks(1).await, [(0x40, id)]);
    }
    assert_eq!(consumer.seen(2).await, ["9", "?"]);
    consumer.stop().await.unwrap();
    for entry in std::fs::read_dir(statefile.parent().unwrap()).unwrap().flatten() {
        let name = statefile.file_name().unwrap().to_string_lossy().into_owned();
        if entry.file_name().to_string_lossy().starts_with(&name) {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
}
