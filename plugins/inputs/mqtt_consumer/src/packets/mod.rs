//! The rare packets, in and out, by rumqttc's wire codec.

mod connect;
mod subscribe;

use bytes::BytesMut;
use rumqttc::v5::mqttbytes::v5;

use crate::frame::{MAX_REMAINING, put_length};

pub(crate) use connect::{Connect, RECEIVE_MAXIMUM, Refusal, connack};
pub(crate) use subscribe::{suback, subscribe, unsubscribe};

pub(crate) const PINGREQ: &[u8] = &[0xC0, 0];
/// The form with no reason is the same in all versions.
pub(crate) const DISCONNECT: &[u8] = &[0xE0, 0];

/// A version of the protocol, by its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// 3.1
    V3 = 3,
    /// 3.1.1
    V4 = 4,
    /// 5
    V5 = 5,
}

impl Level {
    pub fn is_v5(self) -> bool {
        self == Level::V5
    }
    /// The version's name, as the option `protocol` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Level::V3 => "3.1",
            Level::V4 => "3.1.1",
            Level::V5 => "5",
        }
    }
}

/// Appends a message of QoS 0. One that MQTT cannot carry is left out.
pub(crate) fn publish(level: Level, topic: &str, payload: &[u8], out: &mut Vec<u8>) {
    let remaining = 2 + topic.len() + usize::from(level.is_v5()) + payload.len();
    let Ok(length) = u16::try_from(topic.len()) else {
        return;
    };
    if remaining > MAX_REMAINING || topic.is_empty() || topic.contains(['+', '#', '\0']) {
        return;
    }
    out.push(0x30);
    put_length(remaining, out);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(topic.as_bytes());
    if level.is_v5() {
        out.push(0);
    }
    out.extend_from_slice(payload);
}

/// Why the broker ends the connection (MQTT 5; before it a broker just closes).
pub(crate) fn disconnected(packet: &[u8]) -> String {
    // The form without properties, which the codec does not know.
    if let [_, 1, code] = packet
        && let Ok(reason) = v5::DisconnectReasonCode::try_from(*code)
    {
        return format!("disconnected by the server: {}", words(&format!("{reason:?}")));
    }
    let mut bytes = BytesMut::from(packet);
    match v5::Packet::read(&mut bytes, Some(MAX_REMAINING as u32)) {
        Ok(v5::Packet::Disconnect(d)) => {
            let reason = words(&format!("{:?}", d.reason_code));
            match d.properties.and_then(|p| p.reason_string) {
                Some(said) => format!("disconnected by the server: {reason}: {said}"),
                None => format!("disconnected by the server: {reason}"),
            }
        }
        _ => "disconnected by the server".to_owned(),
    }
}

/// `TopicFilterInvalid` as "topic filter invalid".
fn words(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 8);
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push(' ');
        }
        out.extend(c.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_is_read_as_it_was_meant() {
        use crate::frame::{Packet, Split, split};
        for (level, size) in [(Level::V3, 0), (Level::V4, 127), (Level::V5, 20_000)] {
            let (payload, mut out) = (vec![7; size], Vec::new());
            publish(level, "a/b", &payload, &mut out);
            let Ok(Split::Packet(Packet::Publish(message), n)) = split(&out, level.is_v5()) else {
                panic!("{out:?}");
            };
            assert_eq!(
                (message.topic, message.payload, message.qos),
                (&b"a/b"[..], &payload[..], 0)
            );
            assert_eq!((n, message.retain), (out.len(), false));
        }
        let mut out = Vec::new();
        for topic in ["", "a/+", "#", &"x".repeat(70_000)] {
            publish(Level::V5, topic, b"", &mut out);
        }
        assert!(out.is_empty());
    }

    #[test]
    fn the_brokers_farewell_is_told() {
        assert_eq!(disconnected(&[0xE0, 0]), "disconnected by the server");
        assert_eq!(
            disconnected(&[0xE0, 1, 0x8E]),
            "disconnected by the server: session taken over"
        );
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_answers_never_panic(first in 0u8..=255, body in proptest::collection::vec(0u8..=255, 0..100)) {
            let mut packet = vec![first, body.len() as u8];
            packet.extend(body);
            for level in [Level::V3, Level::V4, Level::V5] {
                let _ = connack(&packet, level);
                let _ = suback(&packet, level);
            }
            disconnected(&packet);
        }
    }
}
