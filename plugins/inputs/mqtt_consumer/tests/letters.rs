//! Messages that cannot be read: kept as dead letters, acknowledged when these are safe, and never sent again.

#![allow(clippy::unwrap_used, clippy::result_large_err)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{Script, durable, start, start_text};
use parking_lot::Mutex;
use wheatstone_input_mqtt_consumer::MqttConsumerConfig;
use wheatstone_parsers as _;
use wheatstone_plugin::Ack;
use wheatstone_plugin::dead_letter::{Body, DeadLetterSink, Letter, set_sink};
use wheatstone_testkit::Mosquitto;
use wheatstone_testkit::publish::{Message, Publisher};
use wheatstone_testkit::servers::MosquittoOptions;

/// A store that brings letters to safety when it is told to.
#[derive(Default)]
struct Letters {
    letters: Mutex<Vec<Letter>>,
    held: Mutex<Vec<Ack>>,
    hold: AtomicBool,
}

impl DeadLetterSink for Letters {
    fn record(&self, letter: Letter, keep: Option<Ack>) {
        self.letters.lock().push(letter);
        if self.hold.load(Ordering::Relaxed) {
            self.held.lock().extend(keep);
        }
    }
}

impl Letters {
    fn count(&self) -> usize {
        self.letters.lock().len()
    }
    fn bytes(&self) -> Vec<Vec<u8>> {
        let bytes = |l: &Letter| match &l.body {
            Body::Payload { bytes, .. } => bytes.clone(),
            Body::Metric(_) => Vec::new(),
        };
        self.letters.lock().iter().map(bytes).collect()
    }
}

/// The sink is one for the whole process: one test at a time has it.
static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn letters(hold: bool) -> (Arc<Letters>, tokio::sync::MutexGuard<'static, ()>) {
    let guard = ONE.lock().await;
    let letters = Arc::new(Letters {
        hold: AtomicBool::new(hold),
        ..Letters::default()
    });
    set_sink(Some(letters.clone()));
    (letters, guard)
}

#[tokio::test]
async fn an_acknowledgement_waits_until_the_letter_is_safe() {
    let (letters, _guard) = letters(true).await;
    for qos in [1, 2] {
        let script = Script::new().await;
        let consumer = start(durable(script.port, i64::from(qos)));
        let mut peer = script.subscribed(false).await;
        let ack = if qos == 1 { 0x40 } else { 0x50 };
        for (id, payload) in [(1, &b"good"[..]), (2, b"bad \xff\x00"), (3, b"good")] {
            let message = peer.publish(qos, id, false, payload);
            peer.send(&message).await;
        }
        assert_eq!(peer.acks(1).await, [(ack, 1)]);
        peer.silent(100).await;
        assert_eq!(consumer.seen(2).await, ["good", "good"]);
        letters.held.lock().clear();
        assert_eq!(peer.acks(2).await, [(ack, 2), (ack, 3)]);
        assert_eq!(consumer.errors.get(), 1);
        consumer.stop().await.unwrap();

        let letter = letters.letters.lock().pop().unwrap();
        assert_eq!(
            (
                letter.plugin.as_str(),
                letter.source.as_deref(),
                letter.reason.as_str(),
                letter.answer
            ),
            ("inputs.mqtt_consumer", Some("t/x"), "it is bad", None)
        );
        let Body::Payload { bytes, data_format } = letter.body else {
            panic!("a payload");
        };
        assert_eq!(
            (&bytes[..], data_format.as_str()),
            (&b"bad \xff\x00"[..], "whole")
        );
        assert!(letter.time > 1_700_000_000_000_000_000);
    }
    set_sink(None);
}

#[tokio::test]
async fn a_letter_says_what_was_tried_and_where_it_went_wrong() {
    let (letters, _guard) = letters(false).await;
    let script = Script::new().await;
    let text = format!(
        r##"
[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:{}"]
  topics = ["#"]
  max_payload_size = 50
  [[inputs.mqtt_consumer.adapter]]
    topics = ["json/#"]
    data_format = "json"
  [[inputs.mqtt_consumer.adapter]]
    topic = "auto/{{field}}"
"##,
        script.port
    );
    let consumer = start_text(&text, common::Pipe::default());
    let mut peer = script.subscribed(false).await;
    let large = "x".repeat(51);
    for (topic, payload) in [
        ("json/a", r#" {"a":1,}"#),
        ("auto/a", r#"{"a":"#),
        ("nobody", "1"),
        ("json/a", &large),
        ("json/a", r#"{"a":1}"#),
    ] {
        let message = peer.publish_to(topic, 0, 0, false, payload.as_bytes());
        peer.send(&message).await;
    }
    consumer.seen(1).await;
    let shown: Vec<_> = letters
        .letters
        .lock()
        .iter()
        .map(|l| {
            (
                l.source.clone().unwrap(),
                l.reason.clone(),
                l.answer.clone().unwrap_or_default(),
            )
        })
        .collect();
    let expected = [
        (
            "json/a",
            "invalid character '}' looking for beginning of object key string (offset 8)",
            "adapter 1 (json/#)",
        ),
        (
            "auto/a",
            "taken for JSON: unexpected end of JSON input (offset 5)",
            "adapter 2 (auto/{field})",
        ),
        (
            "nobody",
            "no adapter takes the topic",
            "tried adapter 1 (json/#), adapter 2 (auto/{field})",
        ),
        (
            "json/a",
            "payload of 51 bytes exceeds option \"max_payload_size\" (50 bytes)",
            "",
        ),
    ];
    assert_eq!(
        shown,
        expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()))
    );
    assert_eq!(letters.bytes()[3], large.as_bytes());
    consumer.stop().await.unwrap();
    set_sink(None);
}

/// Every tenth message is poison.
fn mixed(n: u64) -> Message {
    let word = if n.is_multiple_of(10) { "bad" } else { "good" };
    Message::new("sensors/x", format!("{word} {n}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: cargo xtask test"]
async fn poison_never_comes_again_and_its_neighbours_are_written() {
    let (letters, _guard) = letters(true).await;
    for qos in [1, 2] {
        let broker: Mosquitto = MosquittoOptions {
            max_inflight: Some(0),
            max_queued: Some(0),
            ..MosquittoOptions::default()
        }
        .start()
        .unwrap();
        let config = || MqttConsumerConfig {
            servers: vec![broker.url()],
            topics: vec!["sensors/#".into()],
            ..durable(broker.address().port(), qos)
        };
        letters.letters.lock().clear();
        letters.hold.store(true, Ordering::Relaxed);
        let mut consumer = start(config());
        consumer.ready().await;
        let publisher = Publisher::new(broker.address()).messages(1000).message(mixed);
        tokio::task::spawn_blocking(move || publisher.run())
            .await
            .unwrap()
            .unwrap();
        consumer.seen(900).await;
        common::until("the letters", || letters.count() >= 100).await;
        // The disk never took them before the agent ended: they are not acknowledged, and come again.
        std::mem::forget(std::mem::take(&mut *letters.held.lock()));
        consumer.stop().await.unwrap();
        letters.letters.lock().clear();
        letters.hold.store(false, Ordering::Relaxed);

        let mut consumer = start(config());
        consumer.ready().await;
        common::until("the letters again", || letters.count() >= 100).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let mut kept: Vec<_> = letters
            .bytes()
            .into_iter()
            .map(|b| String::from_utf8(b).unwrap())
            .collect();
        kept.sort();
        kept.dedup();
        assert_eq!(kept.len(), 100, "every one of them");
        consumer.stop().await.unwrap();
        letters.letters.lock().clear();

        // Now they are safe, and nothing is left at the broker.
        let mut consumer = start(config());
        consumer.ready().await;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        assert_eq!((letters.count(), consumer.pipe.count()), (0, 0));
        consumer.stop().await.unwrap();
    }
    set_sink(None);
}
