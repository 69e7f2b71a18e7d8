//! Two brokers that carry the same: every message once, acknowledged to both, whoever of them is away.

#![allow(clippy::unwrap_used, clippy::result_large_err)]

mod common;

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use common::{Pipe, Running, Script, durable, holding, start_with};
use wheatstone_input_mqtt_consumer::MqttConsumerConfig;
use wheatstone_testkit::Mosquitto;
use wheatstone_testkit::publish::{Publisher, Publishing, Qos};
use wheatstone_testkit::servers::MosquittoOptions;

fn both(a: &Script, b: &Script) -> MqttConsumerConfig {
    MqttConsumerConfig {
        servers: [a, b].map(|s| format!("tcp://127.0.0.1:{}", s.port)).to_vec(),
        redundant_servers: true,
        ..durable(a.port, 1)
    }
}

#[tokio::test]
async fn a_copy_is_acknowledged_with_the_first_and_not_before() {
    let (a, b) = (Script::new().await, Script::new().await);
    let consumer = holding(both(&a, &b));
    let (mut one, mut two) = (a.subscribed(false).await, b.subscribed(false).await);
    let (first, copy) = (one.publish(1, 7, false, b"x"), two.publish(1, 3, false, b"x"));
    one.send(&first).await;
    consumer.seen(1).await;
    two.send(&copy).await;
    two.silent(100).await;
    consumer.pipe.release();
    assert_eq!(one.acks(1).await, [(0x40, 7)]);
    assert_eq!(two.acks(1).await, [(0x40, 3)]);
    // Twice from one broker is two messages, and one that comes after the end has nothing to wait for.
    let again = one.publish(1, 8, false, b"x");
    one.send(&again).await;
    consumer.seen(2).await;
    consumer.pipe.release();
    assert_eq!(one.acks(1).await, [(0x40, 8)]);
    let copy = two.publish(1, 4, false, b"x");
    two.send(&copy).await;
    assert_eq!(two.acks(1).await, [(0x40, 4)]);
    assert_eq!(consumer.seen(2).await, ["x", "x"]);
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn one_broker_is_enough_to_start_and_to_go_on() {
    let (a, b) = (Script::new().await, Script::new().await);
    let config = both(&a, &b);
    drop(b);
    let mut consumer = holding(config);
    let mut one = a.subscribed(false).await;
    consumer.ready().await;
    let message = one.publish(1, 1, false, b"x");
    one.send(&message).await;
    consumer.seen(1).await;
    consumer.pipe.release();
    assert_eq!(one.acks(1).await, [(0x40, 1)]);
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn no_broker_at_all_is_an_error_of_the_start_that_may_pass() {
    let (a, b) = (Script::new().await, Script::new().await);
    let config = both(&a, &b);
    drop((a, b));
    let error = holding(config).task.await.unwrap().unwrap_err();
    assert!(wheatstone_plugin::StartError::from(error).retry);
}

#[tokio::test]
async fn a_copy_that_comes_after_a_restart_is_known() {
    let (a, b) = (Script::new().await, Script::new().await);
    let consumer = holding(both(&a, &b));
    let (mut one, two) = (a.subscribed(false).await, b.subscribed(false).await);
    for (id, payload) in [(1, b"x"), (2, b"y")] {
        let message = one.publish(1, id, false, payload);
        one.send(&message).await;
    }
    consumer.seen(2).await;
    consumer.pipe.release();
    assert_eq!(one.acks(2).await, [(0x40, 1), (0x40, 2)]);
    drop((one, two));
    consumer.stop().await.unwrap();

    let consumer = holding(both(&a, &b));
    let (mut one, mut two) = (a.subscribed(true).await, b.subscribed(true).await);
    for (id, payload) in [(1, b"x"), (2, b"y"), (3, b"y")] {
        let message = two.publish(1, id, false, payload);
        two.send(&message).await;
    }
    assert_eq!(two.acks(2).await, [(0x40, 1), (0x40, 2)]);
    let copy = one.publish(1, 1, false, b"y");
    one.send(&copy).await;
    assert_eq!(consumer.seen(1).await, ["y"]);
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn a_broker_that_lost_its_latest_state_brings_nothing_double() {
    let (a, b) = (Script::new().await, Script::new().await);
    let consumer = holding(both(&a, &b));
    let (mut one, mut two) = (a.subscribed(false).await, b.subscribed(false).await);
    let message = one.publish(1, 7, false, b"x");
    one.send(&message).await;
    consumer.seen(1).await;
    let copy = two.publish(1, 3, false, b"x");
    two.send(&copy).await;
    drop(one);
    // It has forgotten that it sent it, and says nothing of sending it again; the next one is new.
    let mut one = a.subscribed(true).await;
    one.send(&message).await;
    let new = one.publish(1, 8, false, b"x");
    one.send(&new).await;
    assert_eq!(consumer.seen(2).await, ["x", "x"]);
    consumer.pipe.release();
    assert_eq!(one.acks(2).await, [(0x40, 7), (0x40, 8)]);
    assert_eq!(two.acks(1).await, [(0x40, 3)]);
    consumer.stop().await.unwrap();
}

fn broker() -> Mosquitto {
    MosquittoOptions {
        persistence: true,
        max_inflight: Some(0),
        max_queued: Some(0),
        ..MosquittoOptions::default()
    }
    .start()
    .unwrap()
}

/// The publisher sends everything to both, as one with two connections does.
fn publish(brokers: [&Mosquitto; 2], first: u64, messages: u64) -> [Publishing; 2] {
    brokers.map(|b| {
        Publisher::new(b.address())
            .first(first)
            .messages(messages)
            .qos(Qos::ExactlyOnce)
            .rate(500)
            .start()
    })
}

fn counts(consumer: &Running) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for text in consumer.pipe.texts.lock().iter() {
        *counts.entry(text.clone()).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: cargo xtask test"]
async fn nothing_is_missing_and_nothing_double_though_one_broker_is_killed_and_comes_back() {
    let (mut a, b) = (broker(), broker());
    let pipe = Pipe {
        keep_texts: AtomicBool::new(true),
        hold: AtomicBool::new(true),
        release_on_hurry: AtomicBool::new(true),
        ..Pipe::default()
    };
    let config = MqttConsumerConfig {
        servers: vec![a.url(), b.url()],
        topics: vec!["sensors/#".into()],
        redundant_servers: true,
        max_reconnect_interval: wheatstone_plugin::conf::Duration::from_secs(1),
        ..durable(a.address().port(), 1)
    };
    let mut consumer = start_with(config, pipe, &[]);
    consumer.ready().await;
    // Both subscriptions must stand before there is something to miss.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let publishing = publish([&a, &b], 0, 2_000);
    tokio::time::sleep(Duration::from_millis(800)).await;
    tokio::task::block_in_place(|| a.kill9().unwrap());
    tokio::time::sleep(Duration::from_millis(700)).await;
    tokio::task::block_in_place(|| a.restart().unwrap());
    tokio::task::spawn_blocking(move || publishing.map(|p| p.join().unwrap()))
        .await
        .unwrap();
    common::until("every message", || counts(&consumer).len() >= 2_000).await;
    // What the killed broker brings late must be known.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let double: Vec<_> = counts(&consumer)
        .into_iter()
        .filter(|(_, n)| *n != 1)
        .take(5)
        .collect();
    assert!(double.is_empty(), "{double:?} of {}", consumer.pipe.count());
    assert_eq!(consumer.pipe.count(), 2_000);
    consumer.stop().await.unwrap();
}
