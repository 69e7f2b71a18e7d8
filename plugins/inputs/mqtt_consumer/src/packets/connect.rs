//! CONNECT out, CONNACK in: what a session is to be, and what the broker says to it.

use bytes::BytesMut;
use rumqttc::mqttbytes::{self, v4};
use rumqttc::v5::mqttbytes::v5;

use super::{Level, words};
use crate::frame::{MAX_REMAINING, put_length};

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
        put_length(9 + rest.len(), &mut old);
        old.extend_from_slice(b"\x00\x06MQIsdp\x03");
        old.extend_from_slice(rest);
        Ok(old)
    }
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
}
