//! Bytes from the broker, split into packets; a PUBLISH is read where it lies, so that its payload is never copied.

/// The largest packet that MQTT can describe, without its first byte and its length.
pub(crate) const MAX_REMAINING: usize = 268_435_455;

/// A protocol error: the connection cannot go on.
pub(crate) type Malformed = &'static str;

/// What stands at the front of the unread bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Split<'a> {
    /// A whole packet and its length in bytes.
    Packet(Packet<'a>, usize),
    /// Not all of it is there; it takes so many bytes, as far as that is known.
    Incomplete(usize),
}

/// A packet as this session needs it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    /// A message.
    Publish(Publish<'a>),
    /// The broker has our PUBREC and releases the identifier.
    PubRel(u16),
    /// The answer to our PINGREQ.
    PingResp,
    /// A rare packet (CONNACK, SUBACK and so on) by its type, from its first byte to its last.
    Control(u8, &'a [u8]),
}

/// A message where it lies in the read buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Publish<'a> {
    /// The topic, not yet known to be UTF-8.
    pub topic: &'a [u8],
    /// The message itself.
    pub payload: &'a [u8],
    /// The packet identifier; 0 with QoS 0.
    pub id: u16,
    /// 0, 1 or 2.
    pub qos: u8,
    /// The broker may have sent it before.
    pub dup: bool,
    /// The broker had kept it before we subscribed.
    pub retain: bool,
}

/// Splits the first packet off. `v5`: the connection speaks MQTT 5, whose packets carry properties.
#[inline]
pub(crate) fn split(bytes: &[u8], v5: bool) -> Result<Split<'_>, Malformed> {
    let Some((&first, rest)) = bytes.split_first() else {
        return Ok(Split::Incomplete(2));
    };
    let Some((remaining, width)) = variable_length(rest)? else {
        return Ok(Split::Incomplete(bytes.len() + 1));
    };
    let total = 1 + width + remaining;
    let Some(body) = bytes.get(1 + width..total) else {
        return Ok(Split::Incomplete(total));
    };
    let packet = match first >> 4 {
        3 => Packet::Publish(publish(first, body, v5)?),
        6 => Packet::PubRel(match body {
            [high, low, ..] => u16::from_be_bytes([*high, *low]),
            _ => return Err("PUBREL without a packet identifier"),
        }),
        13 => Packet::PingResp,
        // What a broker may send. Anything else belongs to a client, or to nobody.
        kind @ (2 | 4 | 5 | 7 | 9 | 11 | 14 | 15) => Packet::Control(kind, &bytes[..total]),
        _ => return Err("packet of a type that a broker does not send"),
    };
    Ok(Split::Packet(packet, total))
}

/// What is known of a message of which only the beginning is there: the message with the beginning of its payload, and the
/// length of the whole packet. Nothing where it is no PUBLISH, or not even its head is whole.
pub(crate) fn beginning(bytes: &[u8], v5: bool) -> Option<(Publish<'_>, usize)> {
    let (&first, rest) = bytes.split_first()?;
    let (remaining, width) = variable_length(rest).ok()??;
    if first >> 4 != 3 {
        return None;
    }
    let body = rest.get(width..)?;
    let message = publish(first, body.get(..remaining).unwrap_or(body), v5).ok()?;
    Some((message, 1 + width + remaining))
}

/// MQTT's variable byte integer: its value and how many bytes it takes; `None` where its end is not there yet.
#[inline]
fn variable_length(bytes: &[u8]) -> Result<Option<(usize, usize)>, Malformed> {
    let mut value = 0;
    for (i, &byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7F) << (7 * i);
        if byte & 0x80 == 0 {
            return Ok(Some((value, i + 1)));
        }
    }
    if bytes.len() >= 4 {
        Err("malformed packet length")
    } else {
        Ok(None)
    }
}

/// Appends a number as MQTT's variable byte integer.
pub(crate) fn put_length(mut n: usize, out: &mut Vec<u8>) {
    while n > 127 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

#[inline]
fn publish(first: u8, body: &[u8], v5: bool) -> Result<Publish<'_>, Malformed> {
    let qos = first >> 1 & 3;
    if qos == 3 {
        return Err("PUBLISH with both QoS bits set");
    }
    let (topic, mut rest) = body
        .split_at_checked(2)
        .and_then(|(n, rest)| rest.split_at_checked(usize::from(u16::from_be_bytes([n[0], n[1]]))))
        .ok_or("PUBLISH shorter than its topic")?;
    if topic.is_empty() {
        // Allowed with a topic alias only, and this client allows the broker none.
        return Err("PUBLISH without a topic");
    }
    let mut id = 0;
    if qos > 0 {
        let (n, after) = rest
            .split_at_checked(2)
            .ok_or("PUBLISH without a packet identifier")?;
        id = u16::from_be_bytes([n[0], n[1]]);
        rest = after;
        if id == 0 {
            return Err("PUBLISH with packet identifier 0");
        }
    }
    if v5 {
        let (length, width) = variable_length(rest)?.ok_or("PUBLISH without properties")?;
        rest = rest
            .get(width + length..)
            .ok_or("PUBLISH shorter than its properties")?;
    }
    Ok(Publish {
        topic,
        payload: rest,
        id,
        qos,
        dup: first & 8 != 0,
        retain: first & 1 != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_beginning_is_known_once_the_head_is_whole() {
        for v5 in [false, true] {
            let whole = packet(1, 7, v5, b"payload");
            let head = whole.len() - b"payload".len();
            for n in 0..whole.len() {
                match beginning(&whole[..n], v5) {
                    None => assert!(n < head, "{n}"),
                    Some((message, length)) => {
                        assert!(n >= head && length == whole.len());
                        assert_eq!((message.topic, message.id), (&b"a/b"[..], 7));
                        assert_eq!(message.payload, &b"payload"[..n - head]);
                    }
                }
            }
        }
        assert!(beginning(&[0xD0, 0], false).is_none());
    }

    fn packet(qos: u8, id: u16, v5: bool, payload: &[u8]) -> Vec<u8> {
        let mut body = vec![0, 3];
        body.extend_from_slice(b"a/b");
        if qos > 0 {
            body.extend_from_slice(&id.to_be_bytes());
        }
        if v5 {
            // A message expiry interval.
            body.extend_from_slice(&[5, 2, 0, 0, 0, 9]);
        }
        body.extend_from_slice(payload);
        let mut out = vec![0x30 | qos << 1];
        put_length(body.len(), &mut out);
        out.extend_from_slice(&body);
        out
    }

    #[test]
    fn a_publish_is_read_in_both_versions() {
        for v5 in [false, true] {
            for qos in 0..3 {
                let bytes = packet(qos, 7, v5, b"{}");
                let Ok(Split::Packet(Packet::Publish(p), n)) = split(&bytes, v5) else {
                    panic!("{bytes:?}")
                };
                assert_eq!(
                    (p.topic, p.payload, p.qos, n),
                    (&b"a/b"[..], &b"{}"[..], qos, bytes.len())
                );
                assert_eq!(p.id, if qos > 0 { 7 } else { 0 });
            }
        }
    }

    #[test]
    fn a_long_length_says_how_much_is_missing() {
        assert_eq!(
            split(&[0x30, 0xFF, 0xFF, 0xFF, 0x7F], false),
            Ok(Split::Incomplete(5 + MAX_REMAINING))
        );
        assert_eq!(split(&[0x30, 0xFF], false), Ok(Split::Incomplete(3)));
        assert_eq!(split(&[], false), Ok(Split::Incomplete(2)));
    }

    #[test]
    fn what_a_broker_must_not_send_is_refused() {
        for bytes in [
            &[0x30, 0xFF, 0xFF, 0xFF, 0xFF, 1][..],
            &[0x36, 5, 0, 1, b'a', 0, 1],
            &[0x32, 5, 0, 1, b'a', 0, 0],
            &[0x30, 2, 0, 0],
            &[0x30, 3, 0, 9, b'a'],
            &[0x62, 1, 0],
            &[0x10, 0],
            &[0x00, 0],
        ] {
            assert!(split(bytes, false).is_err(), "{bytes:?}");
        }
        assert!(split(&[0x30, 3, 0, 1, b'a'], true).is_err());
    }

    fn messages(mut bytes: &[u8], v5: bool) -> (Vec<(Vec<u8>, u16)>, usize) {
        let (mut out, whole) = (Vec::new(), bytes.len());
        while let Ok(Split::Packet(packet, n)) = split(bytes, v5) {
            if let Packet::Publish(p) = packet {
                out.push((p.payload.to_vec(), p.id));
            }
            bytes = &bytes[n..];
        }
        (out, whole - bytes.len())
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, v5: bool) {
            if let Ok(Split::Packet(_, n)) = split(&bytes, v5) {
                prop_assert!(n >= 2 && n <= bytes.len());
            }
        }

        #[test]
        fn any_cut_of_the_stream_gives_the_same_messages(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..20),
            cuts in prop::collection::vec(1usize..200, 0..60),
            v5: bool,
        ) {
            let mut stream = Vec::new();
            for (i, payload) in payloads.iter().enumerate() {
                stream.extend_from_slice(&packet((i % 3) as u8, i as u16 + 1, v5, payload));
            }
            let (whole, used) = messages(&stream, v5);
            prop_assert_eq!(used, stream.len());
            let (mut seen, mut unread, mut rest) = (Vec::new(), Vec::new(), &stream[..]);
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                unread.extend_from_slice(now);
                rest = later;
                let (some, used) = messages(&unread, v5);
                unread.drain(..used);
                seen.extend(some);
            }
            prop_assert_eq!(seen, whole);
        }
    }
}
