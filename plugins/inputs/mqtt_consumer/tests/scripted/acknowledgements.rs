//! Messages settle late, early, out of order or at the end; the broker sees its acknowledgements in order, and in time.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use wheatstone_input_mqtt_consumer::{MqttConsumerConfig, Protocol};

use crate::common::{Running, Script, config, durable, holding, start, until};

#[tokio::test]
async fn a_window_of_20_never_waits_for_a_flush() {
    let script = Script::new().await;
    let config = MqttConsumerConfig {
        protocol: Protocol::V311,
        ..durable(script.port, 1)
    };
    let consumer = holding(config);
    consumer.pipe.release_on_hurry.store(true, Ordering::Relaxed);
    let mut peer = script.subscribed(false).await;
    let (began, all) = (Instant::now(), 2000u16);
    let (mut sent, mut acked) = (0, 0);
    while acked < all {
        let mut bytes = Vec::new();
        while sent < all && sent - acked < 20 {
            sent += 1;
            bytes.extend(peer.publish(1, sent, false, b"x"));
        }
        peer.send(&bytes).await;
        for (_, id) in peer.acks(1).await {
            acked += 1;
            assert_eq!(id, acked);
        }
    }
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "took {:?}",
        began.elapsed()
    );
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn a_lone_message_is_not_left_waiting_for_the_flush() {
    let script = Script::new().await;
    let consumer = holding(durable(script.port, 1));
    let mut peer = script.subscribed(false).await;
    let message = peer.publish(1, 1, false, b"x");
    peer.send(&message).await;
    let hurried = || consumer.pipe.hurried.load(Ordering::Relaxed);
    until("the outputs to be hurried", || hurried() == 1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(hurried(), 1, "once per standstill");
    consumer.pipe.release();
    assert_eq!(peer.acks(1).await, [(0x40, 1)]);
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn acknowledgements_wait_for_the_first_and_keep_their_order() {
    let script = Script::new().await;
    let consumer = holding(durable(script.port, 1));
    let mut peer = script.subscribed(false).await;
    for id in 1..=3 {
        let payload: &[u8] = if id == 2 { b"bad" } else { b"x" };
        let message = peer.publish(1, id, false, payload);
        peer.send(&message).await;
    }
    consumer.seen(2).await;
    let last = consumer.pipe.held.lock().pop().unwrap();
    // Refused for good: settled all the same.
    last.reject();
    drop(last);
    peer.silent(50).await;
    consumer.pipe.release();
    assert_eq!(peer.acks(3).await, [(0x40, 1), (0x40, 2), (0x40, 3)]);
    assert_eq!(consumer.errors.get(), 1);
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn an_old_acknowledgement_never_goes_out_on_a_new_connection() {
    let script = Script::new().await;
    let consumer = holding(durable(script.port, 1));
    let mut peer = script.subscribed(false).await;
    let message = peer.publish(1, 1, false, b"x");
    peer.send(&message).await;
    consumer.seen(1).await;
    drop(peer);
    let mut peer = script.subscribed(true).await;
    consumer.pipe.release();
    peer.silent(100).await;
    // Not a second metric, and nothing to wait for any more.
    let again = peer.publish(1, 1, true, b"x");
    peer.send(&again).await;
    assert_eq!(peer.acks(1).await, [(0x40, 1)]);
    // The same number for another message.
    let other = peer.publish(1, 1, false, b"x");
    peer.send(&other).await;
    consumer.seen(2).await;
    assert_eq!(consumer.pipe.count(), 2);
    consumer.pipe.release();
    assert_eq!(peer.acks(1).await, [(0x40, 1)]);
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn a_broker_that_does_not_read_acknowledgements_is_read_all_the_same() {
    let script = Script::narrow().await;
    let consumer = start(MqttConsumerConfig {
        qos: 1,
        ..config(script.port)
    });
    let mut peer = script.subscribed(false).await;
    let chunk: Vec<u8> = (1..=50_000u16)
        .flat_map(|id| peer.publish(1, id, false, b"x"))
        .collect();
    for _ in 0..16 {
        tokio::time::timeout(Duration::from_secs(20), peer.send(&chunk))
            .await
            .unwrap();
    }
    until_count(&consumer, 800_000).await;
    drop(peer);
    consumer.stop().await.unwrap();
}

async fn until_count(consumer: &Running, n: usize) {
    until(&format!("{n} metrics"), || consumer.pipe.count() >= n).await;
}

#[tokio::test]
async fn the_last_acknowledgements_leave_before_the_connection_closes() {
    let script = Script::new().await;
    let consumer = holding(durable(script.port, 1));
    let mut peer = script.subscribed(false).await;
    for id in 1..=100 {
        let message = peer.publish(1, id, false, b"x");
        peer.send(&message).await;
    }
    consumer.seen(100).await;
    let stopping = tokio::spawn(consumer.stop());
    let acks = peer.acks(100).await;
    assert!(
        acks.iter()
            .enumerate()
            .all(|(i, ack)| *ack == (0x40, i as u16 + 1))
    );
    assert_eq!(peer.packet().await, (0xE0, vec![]));
    drop(peer);
    stopping.await.unwrap().unwrap();
}
