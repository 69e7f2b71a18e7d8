//! The few MQTT 3.1.1 packets that a publisher sends and gets, to bytes and back.
//!
//! Format: MQTT Version 3.1.1, OASIS Standard, chapters 2 and 3.

use super::Qos;

/// What a broker answers to a publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// CONNACK: whether the session was known, and the return code (0 is accepted).
    Connected { session: bool, code: u8 },
    /// PUBACK: a QoS 1 message is taken.
    Acked(u16),
    /// PUBREC: a QoS 2 message is noted.
    Received(u16),
    /// PUBCOMP: a QoS 2 message is taken.
    Completed(u16),
    /// PINGRESP: everything sent before the ping was read.
    Pong,
}

/// Takes the first packet off `bytes`: what it says and how long it is. `None` until it is whole.
pub fn decode(bytes: &[u8]) -> Result<Option<(Answer, usize)>, String> {
    let [kind, length, body @ ..] = bytes else {
        return Ok(None);
    };
    // Every packet that a broker sends to a publisher is shorter than 128 bytes.
    let length = usize::from(*length);
    if length > 127 {
        return Err(format!("unexpected packet 0x{kind:02x} of more than 127 bytes"));
    }
    let Some(body) = body.get(..length) else {
        return Ok(None);
    };
    let answer = match (kind >> 4, body) {
        (2, [flags, code]) => Answer::Connected {
            session: flags & 1 == 1,
            code: *code,
        },
        (4, [hi, lo]) => Answer::Acked(u16::from_be_bytes([*hi, *lo])),
        (5, [hi, lo]) => Answer::Received(u16::from_be_bytes([*hi, *lo])),
        (7, [hi, lo]) => Answer::Completed(u16::from_be_bytes([*hi, *lo])),
        (13, []) => Answer::Pong,
        _ => return Err(format!("unexpected packet 0x{kind:02x} with {length} bytes")),
    };
    Ok(Some((answer, 2 + length)))
}

fn text(out: &mut Vec<u8>, text: &str) {
    // Longer ones do not occur: topics and names of tests.
    out.extend_from_slice(&(text.len() as u16).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn framed(out: &mut Vec<u8>, first: u8, body: &[&[u8]]) {
    out.push(first);
    let mut length: usize = body.iter().map(|part| part.len()).sum();
    loop {
        let byte = (length % 128) as u8;
        length /= 128;
        out.push(if length > 0 { byte | 0x80 } else { byte });
        if length == 0 {
            break;
        }
    }
    for part in body {
        out.extend_from_slice(part);
    }
}

/// CONNECT with a session that is kept.
pub fn connect(out: &mut Vec<u8>, client_id: &str, login: Option<&(String, String)>) {
    let mut body = Vec::new();
    text(&mut body, "MQTT");
    // Level 4 is 3.1.1; the flags say whether user and password follow; no keep-alive.
    body.extend_from_slice(&[4, if login.is_some() { 0xC0 } else { 0 }, 0, 0]);
    text(&mut body, client_id);
    if let Some((user, password)) = login {
        text(&mut body, user);
        text(&mut body, password);
    }
    framed(out, 0x10, &[&body]);
}

/// PUBLISH; `id` matters for QoS 1 and 2 only.
pub fn publish(out: &mut Vec<u8>, qos: Qos, id: u16, again: bool, retain: bool, topic: &str, payload: &[u8]) {
    let first = 0x30 | u8::from(again) << 3 | (qos as u8) << 1 | u8::from(retain);
    let mut head = Vec::with_capacity(topic.len() + 4);
    text(&mut head, topic);
    if qos != Qos::AtMostOnce {
        head.extend_from_slice(&id.to_be_bytes());
    }
    framed(out, first, &[&head, payload]);
}

/// PUBREL: the second half of a QoS 2 message.
pub fn release(out: &mut Vec<u8>, id: u16) {
    framed(out, 0x62, &[&id.to_be_bytes()]);
}

/// PINGREQ.
pub fn ping(out: &mut Vec<u8>) {
    framed(out, 0xC0, &[]);
}

/// DISCONNECT.
pub fn disconnect(out: &mut Vec<u8>) {
    framed(out, 0xE0, &[]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_have_the_bytes_of_the_standard() {
        let mut out = Vec::new();
        publish(&mut out, Qos::AtLeastOnce, 258, true, false, "a/b", b"hi");
        assert_eq!(out, [0x3A, 9, 0, 3, b'a', b'/', b'b', 1, 2, b'h', b'i']);
        out.clear();
        publish(&mut out, Qos::AtMostOnce, 0, false, true, "t", &[0; 200]);
        assert_eq!(&out[..6], [0x31, 203, 1, 0, 1, b't']);
        out.clear();
        connect(&mut out, "c", Some(&("u".into(), "p".into())));
        assert_eq!(
            out,
            *b"\x10\x13\x00\x04MQTT\x04\xC0\x00\x00\x00\x01c\x00\x01u\x00\x01p"
        );
    }

    #[test]
    fn answers_are_read_when_they_are_whole() {
        assert_eq!(decode(&[0x40, 2, 1]), Ok(None));
        assert_eq!(
            decode(&[0x40, 2, 1, 2, 0xD0, 0]),
            Ok(Some((Answer::Acked(258), 4)))
        );
        assert_eq!(decode(&[0xD0, 0]), Ok(Some((Answer::Pong, 2))));
        assert_eq!(
            decode(&[0x20, 2, 1, 5]),
            Ok(Some((
                Answer::Connected {
                    session: true,
                    code: 5
                },
                4
            )))
        );
        assert!(decode(&[0x30, 2, 1, 5]).is_err());
    }
}
