//! Real brokers: nothing lost, in both modes, over every way to connect.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{Pipe, Running, start, start_with};
use wheatstone_input_mqtt_consumer::{MqttConsumerConfig, Protocol};
use wheatstone_plugin::conf::Secret;
use wheatstone_testkit::publish::{Publisher, Qos, Report};
use wheatstone_testkit::servers::MosquittoOptions;
use wheatstone_testkit::{Fault, FaultProxy, Mosquitto, NatsMqtt};

fn config(url: String, qos: i64) -> MqttConsumerConfig {
    MqttConsumerConfig {
        servers: vec![url],
        topics: vec!["sensors/#".into()],
        qos,
        ..MqttConsumerConfig::default()
    }
}

fn durable(url: String, qos: i64) -> MqttConsumerConfig {
    MqttConsumerConfig {
        persistent_session: true,
        client_id: "durable".into(),
        ..config(url, qos)
    }
}

/// Outputs that flush once a second, or when hurried.
fn flushing_each_second(config: MqttConsumerConfig) -> Running {
    let pipe = Pipe {
        keep_texts: AtomicBool::new(true),
        hold: AtomicBool::new(true),
        release_on_hurry: AtomicBool::new(true),
        ..Pipe::default()
    };
    let running = start_with(config, pipe, &[]);
    let pipe = running.pipe.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            pipe.release();
        }
    });
    running
}

/// Mosquitto 2.0.11 itself loses QoS 2 messages of a publisher that goes beyond its limit of 20.
fn roomy() -> MosquittoOptions {
    MosquittoOptions {
        max_inflight: Some(0),
        max_queued: Some(0),
        ..MosquittoOptions::default()
    }
}

async fn publish(publisher: Publisher) -> Report {
    tokio::task::spawn_blocking(move || publisher.run())
        .await
        .unwrap()
        .unwrap()
}

/// The numbers of the messages that arrived: payloads are `{"n":17,…`.
fn numbers(texts: &[String]) -> Vec<u64> {
    let number = |t: &String| t.strip_prefix("{\"n\":")?.split(',').next()?.parse().ok();
    texts.iter().map(|t| number(t).unwrap()).collect()
}

async fn all_arrive(consumer: &Running, n: usize) {
    common::until(&format!("{n} different messages"), || {
        let texts = consumer.pipe.texts.lock();
        texts.len() >= n && texts.iter().collect::<HashSet<_>>().len() >= n
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: cargo xtask test"]
async fn a_durable_session_loses_nothing_at_a_steady_rate_or_in_a_burst() {
    for (rate, messages) in [(Some(1_000), 4_000), (Some(20_000), 60_000), (None, 20_000)] {
        let broker = Mosquitto::start().unwrap();
        let mut consumer = flushing_each_second(durable(broker.url(), 1));
        consumer.ready().await;
        let mut publisher = Publisher::new(broker.address())
            .qos(Qos::AtLeastOnce)
            .messages(messages);
        if let Some(rate) = rate {
            publisher = publisher.rate(rate);
        }
        publish(publisher).await;
        all_arrive(&consumer, messages as usize).await;
        consumer.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: cargo xtask test"]
async fn a_durable_session_of_3_1_1_keeps_up_in_its_window_of_20() {
    let broker = Mosquitto::start().unwrap();
    let mut consumer = flushing_each_second(MqttConsumerConfig {
        protocol: Protocol::V311,
        ..durable(broker.url(), 1)
    });
    consumer.ready().await;
    publish(Publisher::new(broker.address()).messages(4_000).rate(1_000)).await;
    all_arrive(&consumer, 4_000).await;
    consumer.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: cargo xtask test"]
async fn messages_of_the_time_away_are_delivered_at_the_return() {
    for qos in [1, 2] {
        let broker = roomy().start().unwrap();
        let mut consumer = start(durable(broker.url(), qos));
        consumer.ready().await;
        consumer.stop().await.unwrap();
        let publisher = Publisher::new(broker.address())
            .qos(Qos::ExactlyOnce)
            .messages(30_000)
            .window(100);
        publish(publisher).await;
        let consumer = flushing_each_second(MqttConsumerConfig {
            max_undelivered_messages: 500,
            ..durable(broker.url(), qos)
        });
        all_arrive(&consumer, 30_000).await;
        assert_eq!(consumer.pipe.count(), 30_000);
        assert_eq!(consumer.errors.get(), 0);
        consumer.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: cargo xtask test"]
async fn nothing_is_lost_though_the_connection_is_cut_again_and_again_and_qos_2_arrives_once() {
    for qos in [2, 1] {
        let broker = roomy().start().unwrap();
        let proxy = FaultProxy::start(broker.address()).unwrap();
        let mut consumer = flushing_each_second(MqttConsumerConfig {
            max_reconnect_interval: wheatstone_plugin::conf::Duration::from_secs(1),
            ..durable(format!("tcp://127.0.0.1:{}", proxy.port()), qos)
        });
        consumer.ready().await;
        // Anywhere in a packet, in either direction.
        proxy.set(Fault::CutAfter(30_011));
        let publisher = Publisher::new(broker.address())
            .qos(Qos::ExactlyOnce)
            .messages(3_000)
            .window(10);
        publish(publisher).await;
        common::until("some cuts", || proxy.connections() > 5).await;
        proxy.set(Fault::Pass);
        all_arrive(&consumer, 3_000).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let arrived = numbers(&consumer.pipe.texts.lock());
        assert_eq!(arrived.iter().collect::<HashSet<_>>().len(), 3_000);
        if qos == 2 {
            assert_eq!(arrived.len(), 3_000, "some arrived twice");
        }
        consumer.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: cargo xtask test"]
async fn a_broker_that_is_killed_is_found_again() {
    let mut broker = MosquittoOptions {
        persistence: true,
        ..roomy()
    }
    .start()
    .unwrap();
    let mut consumer = flushing_each_second(durable(broker.url(), 1));
    consumer.ready().await;
    publish(Publisher::new(broker.address()).messages(500)).await;
    all_arrive(&consumer, 500).await;
    tokio::task::block_in_place(|| {
        broker.kill9().unwrap();
        broker.restart().unwrap();
    });
    publish(Publisher::new(broker.address()).first(500).messages(500)).await;
    all_arrive(&consumer, 1_000).await;
    consumer.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: cargo xtask test"]
async fn every_version_and_every_transport_delivers() {
    let broker = MosquittoOptions {
        tls: true,
        require_client_cert: true,
        websockets: true,
        users: vec![("me".into(), "secret".into())],
        ..roomy()
    }
    .start()
    .unwrap();
    wheatstone_testkit::wait_for("the websockets listener", Duration::from_secs(5), || {
        std::net::TcpStream::connect(broker.websockets_url()?.strip_prefix("ws://")?).ok()
    })
    .unwrap();
    let certs = broker.certs().unwrap();
    let path = |p: &std::path::Path| p.to_str().unwrap().to_owned();
    let (ca, cert, key) = (path(&certs.ca), path(&certs.client_cert), path(&certs.client_key));
    let tls = [("tls_ca", ca.as_str()), ("tls_cert", &cert), ("tls_key", &key)];
    for url in [
        broker.url(),
        broker.tls_url().unwrap(),
        broker.websockets_url().unwrap(),
    ] {
        for protocol in [Protocol::Auto, Protocol::V5, Protocol::V311, Protocol::V31] {
            for qos in 0..3 {
                let config = MqttConsumerConfig {
                    protocol,
                    username: Secret::new("me"),
                    password: Secret::new("secret"),
                    ..config(url.clone(), qos)
                };
                let pipe = Pipe {
                    keep_texts: AtomicBool::new(true),
                    ..Pipe::default()
                };
                let mut consumer = start_with(config, pipe, &tls);
                consumer.ready().await;
                let qos = if qos == 2 {
                    Qos::ExactlyOnce
                } else {
                    Qos::AtLeastOnce
                };
                publish(
                    Publisher::new(broker.address())
                        .login("me", "secret")
                        .qos(qos)
                        .messages(500),
                )
                .await;
                all_arrive(&consumer, 500).await;
                assert_eq!(
                    (consumer.pipe.count(), consumer.errors.get()),
                    (500, 0),
                    "{url} {protocol:?}"
                );
                consumer.stop().await.unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: cargo xtask test"]
async fn a_large_message_over_tls() {
    let broker = MosquittoOptions {
        tls: true,
        ..MosquittoOptions::default()
    }
    .start()
    .unwrap();
    let ca = broker.certs().unwrap().ca.to_str().unwrap().to_owned();
    let pipe = Pipe {
        keep_texts: AtomicBool::new(true),
        ..Pipe::default()
    };
    let mut consumer = start_with(config(broker.tls_url().unwrap(), 1), pipe, &[("tls_ca", &ca)]);
    consumer.ready().await;
    let large =
        |n| wheatstone_testkit::publish::Message::new("sensors/x", format!("{n}{}", "x".repeat(4_999_999)));
    publish(Publisher::new(broker.address()).messages(3).message(large)).await;
    all_arrive(&consumer, 3).await;
    assert!(consumer.pipe.texts.lock().iter().all(|t| t.len() == 5_000_000));
    consumer.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: cargo xtask test"]
async fn a_broker_of_3_1_1_only_is_served_by_the_fallback() {
    let broker = NatsMqtt::start().unwrap();
    let mut consumer = start(config(broker.url(), 1));
    consumer.ready().await;
    publish(Publisher::new(broker.address()).messages(1_000)).await;
    all_arrive(&consumer, 1_000).await;
    assert_eq!(consumer.errors.get(), 0);
    consumer.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: cargo xtask test"]
async fn members_of_a_group_share_the_messages() {
    let broker = Mosquitto::start().unwrap();
    let group = || MqttConsumerConfig {
        topics: vec!["$share/g/sensors/#".into()],
        ..config(broker.url(), 1)
    };
    let (mut one, mut two) = (start(group()), start(group()));
    one.ready().await;
    two.ready().await;
    publish(Publisher::new(broker.address()).messages(1_000)).await;
    common::until("all messages", || one.pipe.count() + two.pipe.count() >= 1_000).await;
    assert_eq!(one.pipe.count() + two.pipe.count(), 1_000);
    assert!(one.pipe.count() > 100 && two.pipe.count() > 100);
    one.stop().await.unwrap();
    two.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs servers: cargo xtask test"]
async fn a_steady_rate_takes_few_wake_ups() {
    for qos in [0, 1] {
        let broker = Mosquitto::start().unwrap();
        let mut consumer = start(config(broker.url(), qos));
        consumer.ready().await;
        let qos = if qos == 0 {
            Qos::AtMostOnce
        } else {
            Qos::AtLeastOnce
        };
        publish(
            Publisher::new(broker.address())
                .qos(qos)
                .messages(40_000)
                .rate(20_000),
        )
        .await;
        all_arrive(&consumer, 40_000).await;
        let batches = consumer.pipe.batches.load(Ordering::Relaxed);
        assert!(batches < 4_000, "{batches} batches");
        consumer.stop().await.unwrap();
    }
}
