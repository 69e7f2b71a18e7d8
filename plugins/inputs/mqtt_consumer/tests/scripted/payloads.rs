//! Payloads in, however large and however cut, and what parsers say to their senders out.

use wheatstone_input_mqtt_consumer::{MqttConsumerConfig, Protocol};

use crate::common::{Script, config, durable, start};

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
