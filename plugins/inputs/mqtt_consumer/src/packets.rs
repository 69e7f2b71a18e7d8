//! The rare packets, in and out, by rumqttc's wire codec: CONNECT, CONNACK, SUBSCRIBE, SUBACK, UNSUBSCRIBE, DISCONNECT.

use bytes::BytesMut;
use rumqttc::mqttbytes::{self, v4};
use rumqttc::v5::mqttbytes::{self as mqttbytes5, v5};

use crate::frame::MAX_REMAINING;

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

/// How many unacknowledged messages a broker of MQTT 5 may send: as many as can be told apart. What is beyond the window waits
/// in the broker's queue, which is short (mosquitto: 1,000) and drops what it cannot hold; what is within it waits in the
/// connection, where it is safe. `max_undelivered_messages` bounds what is read, and so what is repeated after a crash.
pub(crate) const RECEIVE_MAXIMUM: u16 = u16::MAX;

/// What CONNECT says.
pub(crate) struct Connect<'a> {
    pub level: Level,
    pub client_id: &'a str,
    pub keep_alive: u16,
    /// Keep no session: begin anew, and forget it at the end.
    pub clean: bool,
    pub username: &'a str,
    pub password: &'a str,
}

/// A packet that cannot be written: one of its texts is longer than MQTT allows.
pub(crate) type TooLong = &'static str;

impl Connect<'_> {
    pub fn encode(&self) -> Result<Vec<u8>, TooLong> {
        let most = usize::from(u16::MAX);
        if self.client_id.len() > most || self.username.len() > most || self.password.len() > most {
            return Err("client_id, username or password is longer than 65535 bytes");
        }
        let mut out = BytesMut::new();
        if self.level.is_v5() {
            let properties = v5::ConnectProperties {
                // A persistent session ends when the broker ends it, as with 3.1.1.
                session_expiry_interval: (!self.clean).then_some(u32::MAX),
                receive_maximum: Some(RECEIVE_MAXIMUM),
                ..v5::ConnectProperties::new()
            };
            let connect = v5::Connect {
                keep_alive: self.keep_alive,
                client_id: self.client_id.to_owned(),
                clean_start: self.clean,
                properties: Some(properties),
            };
            let login = (!self.username.is_empty() || !self.password.is_empty()).then(|| v5::Login {
                username: self.username.to_owned(),
                password: self.password.to_owned(),
            });
            connect
                .write(&None, &login, &mut out)
                .map_err(|_| "CONNECT is too long")?;
            return Ok(out.to_vec());
        }
        let mut connect = v4::Connect::new(self.client_id);
        connect.keep_alive = self.keep_alive;
        connect.clean_session = self.clean;
        // Without a user there may be no password [MQTT-3.1.2-22].
        if !self.username.is_empty() {
            connect.set_login(self.username, self.password);
        }
        connect.write(&mut out).map_err(|_| "CONNECT is too long")?;
        if self.level == Level::V4 {
            return Ok(out.to_vec());
        }
        // MQTT 3.1 has another name and level and is otherwise the same; the codec does not know it.
        let width = out[1..].iter().take_while(|b| **b & 0x80 != 0).count() + 1;
        let rest = &out[1 + width + 7..];
        let mut old = vec![0x10];
        let mut remaining = 9 + rest.len();
        while remaining > 127 {
            old.push(remaining as u8 | 0x80);
            remaining >>= 7;
        }
        old.push(remaining as u8);
        old.extend_from_slice(b"\x00\x06MQIsdp\x03");
        old.extend_from_slice(rest);
        Ok(old)
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
    let mut rest = remaining;
    while rest > 127 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(topic.as_bytes());
    if level.is_v5() {
        out.push(0);
    }
    out.extend_from_slice(payload);
}

/// The broker's answer to CONNECT.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Connack {
    pub session_present: bool,
    /// MQTT 5: the broker sets the keep-alive, in seconds.
    pub keep_alive: Option<u16>,
}

/// Why a broker did not take us.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It does not speak this version: an older one may do.
    Version(String),
    /// It does not want this client.
    Client(String),
    /// It answered what is no answer.
    Malformed(String),
}

/// Reads a CONNACK, from its first byte to its last. An old broker answers MQTT 5 in its own form.
pub(crate) fn connack(packet: &[u8], level: Level) -> Result<Connack, Refusal> {
    let mut bytes = BytesMut::from(packet);
    if level.is_v5() && packet.len() > 4 {
        let ack = match v5::Packet::read(&mut bytes, Some(MAX_REMAINING as u32)) {
            Ok(v5::Packet::ConnAck(ack)) => ack,
            Ok(_) => return Err(Refusal::Malformed("expected CONNACK".into())),
            Err(e) => return Err(Refusal::Malformed(format!("CONNACK: {e}"))),
        };
        let properties = ack.properties.as_ref();
        if ack.code == v5::ConnectReturnCode::Success {
            return Ok(Connack {
                session_present: ack.session_present,
                keep_alive: properties.and_then(|p| p.server_keep_alive),
            });
        }
        let said = properties.and_then(|p| p.reason_string.as_deref());
        return Err(refused_v5(ack.code, said));
    }
    match v4::Packet::read(&mut bytes, MAX_REMAINING) {
        Ok(v4::Packet::ConnAck(ack)) => match ack.code {
            v4::ConnectReturnCode::Success if level.is_v5() => Err(Refusal::Version(
                "answered in the form of an older version".into(),
            )),
            v4::ConnectReturnCode::Success => Ok(Connack {
                session_present: ack.session_present,
                keep_alive: None,
            }),
            v4::ConnectReturnCode::RefusedProtocolVersion => {
                Err(Refusal::Version("unacceptable protocol version".into()))
            }
            v4::ConnectReturnCode::BadClientId => Err(Refusal::Client("identifier rejected".into())),
            v4::ConnectReturnCode::ServiceUnavailable => Err(Refusal::Client("server Unavailable".into())),
            v4::ConnectReturnCode::BadUserNamePassword => {
                Err(Refusal::Client("bad user name or password".into()))
            }
            v4::ConnectReturnCode::NotAuthorized => Err(Refusal::Client("not Authorized".into())),
        },
        Ok(_) => Err(Refusal::Malformed("expected CONNACK".into())),
        // Some brokers answer with a code of MQTT 5 in the old form.
        Err(mqttbytes::Error::InvalidConnectReturnCode(0x84)) => {
            Err(Refusal::Version("unacceptable protocol version".into()))
        }
        Err(e) => Err(Refusal::Malformed(format!("CONNACK: {e}"))),
    }
}

/// Telegraf's words where it has some for the same thing.
fn refused_v5(code: v5::ConnectReturnCode, said: Option<&str>) -> Refusal {
    use v5::ConnectReturnCode as Code;
    let text = match code {
        Code::RefusedProtocolVersion | Code::UnsupportedProtocolVersion => {
            return Refusal::Version("unacceptable protocol version".into());
        }
        Code::BadClientId | Code::ClientIdentifierNotValid => "identifier rejected".to_owned(),
        Code::ServiceUnavailable | Code::ServerUnavailable | Code::ServerBusy => {
            "server Unavailable".to_owned()
        }
        Code::BadUserNamePassword => "bad user name or password".to_owned(),
        Code::NotAuthorized => "not Authorized".to_owned(),
        other => words(&format!("{other:?}")),
    };
    Refusal::Client(match said {
        Some(said) => format!("{text}: {said}"),
        None => text,
    })
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

/// One SUBSCRIBE for all filters. `skip_retained`: do not send what was kept (MQTT 5 only; before it one cannot ask).
pub(crate) fn subscribe(level: Level, id: u16, filters: &[String], qos: u8, skip_retained: bool) -> Vec<u8> {
    let mut out = BytesMut::new();
    let written = if level.is_v5() {
        let qos = mqttbytes5::qos(qos).unwrap_or_default();
        let mut subscribe = v5::Subscribe::new_many(filters.iter().map(|f| v5::Filter::new(f, qos)), None);
        if skip_retained {
            for filter in &mut subscribe.filters {
                filter.retain_forward_rule = v5::RetainForwardRule::Never;
            }
        }
        subscribe.pkid = id;
        subscribe.write(&mut out).is_ok()
    } else {
        let qos = mqttbytes::qos(qos).unwrap_or(mqttbytes::QoS::AtMostOnce);
        let mut subscribe =
            v4::Subscribe::new_many(filters.iter().map(|f| v4::SubscribeFilter::new(f.clone(), qos)));
        subscribe.pkid = id;
        subscribe.write(&mut out).is_ok()
    };
    if written { out.to_vec() } else { Vec::new() }
}

/// One UNSUBSCRIBE for all filters.
pub(crate) fn unsubscribe(level: Level, id: u16, filters: &[String]) -> Vec<u8> {
    let mut out = BytesMut::new();
    let written = if level.is_v5() {
        v5::Unsubscribe {
            pkid: id,
            filters: filters.to_vec(),
            properties: None,
        }
        .write(&mut out)
        .is_ok()
    } else {
        v4::Unsubscribe {
            pkid: id,
            topics: filters.to_vec(),
        }
        .write(&mut out)
        .is_ok()
    };
    if written { out.to_vec() } else { Vec::new() }
}

/// Reads a SUBACK: its identifier, and for each filter what was granted or why not.
pub(crate) fn suback(packet: &[u8], level: Level) -> Result<(u16, Vec<Result<u8, String>>), String> {
    let mut bytes = BytesMut::from(packet);
    if level.is_v5() {
        return match v5::Packet::read(&mut bytes, Some(MAX_REMAINING as u32)) {
            Ok(v5::Packet::SubAck(ack)) => {
                let code = |code| match code {
                    v5::SubscribeReasonCode::Success(qos) => Ok(qos as u8),
                    other => Err(words(&format!("{other:?}"))),
                };
                Ok((ack.pkid, ack.return_codes.into_iter().map(code).collect()))
            }
            Ok(_) => Err("expected SUBACK".into()),
            Err(e) => Err(format!("SUBACK: {e}")),
        };
    }
    match v4::Packet::read(&mut bytes, MAX_REMAINING) {
        Ok(v4::Packet::SubAck(ack)) => {
            let code = |code| match code {
                v4::SubscribeReasonCode::Success(qos) => Ok(qos as u8),
                v4::SubscribeReasonCode::Failure => Err("failure".to_owned()),
            };
            Ok((ack.pkid, ack.return_codes.into_iter().map(code).collect()))
        }
        Ok(_) => Err("expected SUBACK".into()),
        Err(e) => Err(format!("SUBACK: {e}")),
    }
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

pub(crate) const PINGREQ: &[u8] = &[0xC0, 0];
/// The form with no reason is the same in all versions.
pub(crate) const DISCONNECT: &[u8] = &[0xE0, 0];

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(level: Level) -> Connect<'static> {
        Connect {
            level,
            client_id: "id",
            keep_alive: 60,
            clean: true,
            username: "",
            password: "",
        }
    }

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
    fn connect_in_every_version() {
        assert_eq!(
            connect(Level::V4).encode().unwrap(),
            b"\x10\x0e\0\x04MQTT\x04\x02\0\x3c\0\x02id"
        );
        assert_eq!(
            connect(Level::V3).encode().unwrap(),
            b"\x10\x10\0\x06MQIsdp\x03\x02\0\x3c\0\x02id"
        );
        assert_eq!(
            connect(Level::V5).encode().unwrap(),
            b"\x10\x12\0\x04MQTT\x05\x02\0\x3c\x03\x21\xff\xff\0\x02id"
        );
        let persistent = Connect {
            clean: false,
            ..connect(Level::V5)
        }
        .encode()
        .unwrap();
        assert!(persistent.windows(5).any(|w| w == [0x11, 255, 255, 255, 255]));
        let long = "x".repeat(300);
        let old = Connect {
            client_id: &long,
            username: "u",
            password: "p",
            ..connect(Level::V3)
        }
        .encode()
        .unwrap();
        assert_eq!(
            usize::from(old[1] & 0x7F) | usize::from(old[2]) << 7,
            old.len() - 3
        );
        let too_long = "x".repeat(70_000);
        assert!(
            Connect {
                client_id: &too_long,
                ..connect(Level::V4)
            }
            .encode()
            .is_err()
        );
    }

    #[test]
    fn an_old_broker_refuses_version_5_in_its_own_form() {
        let version = Refusal::Version("unacceptable protocol version".into());
        assert_eq!(connack(&[0x20, 2, 0, 1], Level::V5), Err(version));
        assert!(matches!(
            connack(&[0x20, 3, 0, 0x84, 0], Level::V5),
            Err(Refusal::Version(_))
        ));
        assert_eq!(
            connack(&[0x20, 2, 0, 5], Level::V5),
            Err(Refusal::Client("not Authorized".into()))
        );
        assert_eq!(
            connack(&[0x20, 3, 0, 0x87, 0], Level::V5),
            Err(Refusal::Client("not Authorized".into()))
        );
        assert!(matches!(
            connack(&[0x20, 3, 0, 0x55, 0], Level::V5),
            Err(Refusal::Malformed(_))
        ));
        let ack = connack(&[0x20, 6, 1, 0, 3, 0x13, 0, 30], Level::V5);
        assert_eq!(
            ack,
            Ok(Connack {
                session_present: true,
                keep_alive: Some(30)
            })
        );
        assert_eq!(
            connack(&[0x20, 2, 1, 0], Level::V4).map(|a| a.session_present),
            Ok(true)
        );
    }

    #[test]
    fn a_refused_filter_is_known_by_its_place() {
        let (id, codes) = suback(&[0x90, 4, 0, 1, 1, 0x80], Level::V4).unwrap();
        assert_eq!((id, codes), (1, vec![Ok(1), Err("failure".into())]));
        let (_, codes) = suback(&[0x90, 5, 0, 1, 0, 0x87, 2], Level::V5).unwrap();
        assert_eq!(codes, [Err("not authorized".into()), Ok(2)]);
        assert!(suback(&[0x90, 2, 0, 1], Level::V4).is_err());
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

    #[test]
    fn subscriptions_are_one_packet() {
        let filters = ["a".to_owned(), "b/#".to_owned()];
        assert_eq!(
            subscribe(Level::V4, 1, &filters, 2, true),
            b"\x82\x0c\0\x01\0\x01a\x02\0\x03b/#\x02"
        );
        assert_eq!(
            subscribe(Level::V5, 1, &filters, 1, true),
            b"\x82\x0d\0\x01\0\0\x01a\x21\0\x03b/#\x21"
        );
        assert_eq!(
            unsubscribe(Level::V5, 2, &filters),
            b"\xa2\x0b\0\x02\0\0\x01a\0\x03b/#"
        );
        assert_eq!(
            unsubscribe(Level::V4, 2, &filters),
            b"\xa2\x0a\0\x02\0\x01a\0\x03b/#"
        );
    }
}
