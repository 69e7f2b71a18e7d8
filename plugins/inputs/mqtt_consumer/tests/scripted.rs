//! What brokers do on bad days, each played by a script: repeats, cuts, refusals, floods, silence.

#![allow(clippy::unwrap_used, clippy::result_large_err)]

mod common;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use common::{Script, config, durable, holding, start};
use wheatstone_input_mqtt_consumer::{MqttConsumerConfig, Protocol};
use wheatstone_plugin::StartError;

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
async fn a_large_message_comes_through_between_small_ones() {
    let script = Script::new().await;
    let consumer = start(MqttConsumerConfig {
        qos: 1,
        ..config(script.port)
    });
    let mut peer = script.subscribed(false).await;
    let large = vec![b'x'; 1_000_000];
    for (id, payload) in [(1, &b"small"[..]), (2, &large), (3, b"small")] {
        let message = peer.publish(1, id, false, payload);
        peer.send(&message).await;
    }
    assert_eq!(peer.acks(3).await, [(0x40, 1), (0x40, 2), (0x40, 3)]);
    assert_eq!(
        consumer.seen(3).await.iter().map(String::len).collect::<Vec<_>>(),
        [5, 1_000_000, 5]
    );
    consumer.stop().await.unwrap();
}

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
    common::until("the outputs to be hurried", || hurried() == 1).await;
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
    let again = peer.publish(1, 1, true, b"x");
    peer.send(&again).await;
    consumer.seen(2).await;
    consumer.pipe.release();
    assert_eq!(peer.acks(1).await, [(0x40, 1)]);
    consumer.stop().await.unwrap();
}

#[tokio::test]
async fn a_silent_broker_is_left() {
    let script = Script::new().await;
    let second = common::config(script.port);
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

async fn until_count(consumer: &common::Running, n: usize) {
    common::until(&format!("{n} metrics"), || consumer.pipe.count() >= n).await;
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

#[tokio::test]
async fn a_payload_over_the_limit_is_passed_over_and_its_neighbours_are_not() {
    for qos in [1, 2] {
        let script = Script::new().await;
        let consumer = start(MqttConsumerConfig {
            max_payload_size: wheatstone_plugin::conf::Size(1000),
            ..durable(script.port, qos)
        });
        let mut peer = script.subscribed(false).await;
        let ack = if qos == 1 { 0x40 } else { 0x50 };
        let mut bytes = Vec::new();
        for (id, size) in [(1, 1000), (2, 1001), (3, 3_000_000), (4, 7)] {
            bytes.extend(peer.publish(qos as u8, id, false, &vec![b'x'; size]));
        }
        // Cut anywhere, also within the head of the large one.
        let (mut rest, mut n) = (&bytes[..], 1);
        while !rest.is_empty() {
            let (cut, after) = rest.split_at(n.min(rest.len()));
            peer.send(cut).await;
            (rest, n) = (after, n * 2 % 100_003 + 1);
        }
        let expected: Vec<_> = (1..=4).map(|id| (ack, id)).collect();
        assert_eq!(peer.acks(4).await, expected);
        let sizes: Vec<_> = consumer.seen(2).await.iter().map(String::len).collect();
        assert_eq!((sizes, consumer.errors.get()), (vec![1000, 7], 2));
        consumer.stop().await.unwrap();
    }
}

#[tokio::test]
async fn what_a_parser_asks_for_is_published_once() {
    for protocol in [Protocol::V311, Protocol::V5] {
        let script = Script::new().await;
        let consumer = start(MqttConsumerConfig {
            protocol,
            ..config(script.port)
        });
        let mut peer = script.subscribed(false).await;
        let question = peer.publish(0, 0, false, b"ask");
        peer.send(&question).await;
        let answer = peer.publish_to("t/answer", 0, 0, false, b"please");
        let (first, body) = peer.packet().await;
        assert_eq!((first, &body[..]), (0x30, &answer[2..]));
        peer.silent(50).await;
        consumer.stop().await.unwrap();
    }
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
async fn packets_come_through_a_websocket_however_they_are_cut() {
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::Message;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let servers = vec![format!("ws://{}/mqtt", listener.local_addr().unwrap())];
    let consumer = start(MqttConsumerConfig {
        servers,
        qos: 1,
        protocol: Protocol::V311,
        ..config(0)
    });
    let (stream, _) = listener.accept().await.unwrap();
    let mut ws = tokio_tungstenite::accept_hdr_async(
        stream,
        |request: &tokio_tungstenite::tungstenite::handshake::server::Request,
         mut answer: tokio_tungstenite::tungstenite::handshake::server::Response| {
            let protocol = request.headers()["Sec-WebSocket-Protocol"].clone();
            assert_eq!(
                (request.uri().path(), protocol.to_str().unwrap()),
                ("/mqtt", "mqtt")
            );
            answer.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
            Ok(answer)
        },
    )
    .await
    .unwrap();
    assert_eq!(ws.next().await.unwrap().unwrap().into_data()[0], 0x10);
    ws.send(Message::binary(vec![0x20, 2, 0, 0])).await.unwrap();
    assert_eq!(ws.next().await.unwrap().unwrap().into_data()[0], 0x82);
    let mut bytes = vec![0x90, 3, 0, 1, 1];
    for id in 1..=3u8 {
        bytes.extend([0x32, 0x87, 0x89, 0x7A, 0, 3, b't', b'/', b'x', 0, id]);
        bytes.extend(std::iter::repeat_n(b'x', 2_000_000));
    }
    for cut in bytes.chunks(700_001) {
        ws.send(Message::binary(cut.to_vec())).await.unwrap();
    }
    let texts = consumer.seen(3).await;
    assert!(texts.iter().all(|t| t.len() == 2_000_000));
    let mut acks = Vec::new();
    while acks.len() < 12 {
        acks.extend_from_slice(&ws.next().await.unwrap().unwrap().into_data());
    }
    assert_eq!(acks, [0x40, 2, 0, 1, 0x40, 2, 0, 2, 0x40, 2, 0, 3]);
    drop(ws);
    consumer.stop().await.unwrap();
}
