//! Messages encoded before they are needed: one lap of PUBLISH packets, sent again and again.

/// What the messages carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// 74 bytes of JSON with a tag, two numbers and a time.
    Small,
    /// Some 250 bytes of nested JSON.
    Nested,
}

/// Messages in a lap, where there are not more topics.
const LAP: usize = 20_000;
/// The time of the first message, in milliseconds.
const BEGIN: u64 = 1_700_000_000_000;

/// Encoded packets behind one another.
pub struct Lap {
    pub bytes: Vec<u8>,
    /// Where each packet ends.
    pub ends: Vec<usize>,
    /// Where each packet has its id, at QoS 1.
    pub ids: Vec<usize>,
}

fn payload(kind: Payload, n: usize) -> String {
    let (ts, sensor) = (BEGIN + n as u64, n % 500);
    // Two digits without a zero in front, so that all payloads are of one length.
    let (a, b) = (10 + n % 40, 10 + n % 90);
    match kind {
        Payload::Small => {
            format!(r#"{{"sensor_id":"s{sensor:03}","temperature":{a}.5,"humidity":{b}.2,"ts":{ts}}}"#)
        }
        Payload::Nested => format!(
            r#"{{"sensor_id":"s{sensor:03}","site":"north-east-works","line":"l{}","model":"tx-200-outdoor","fw":"1.4.{}","state":"ok","env":{{"temperature":{a}.5,"humidity":{b}.25,"pressure":1013.{b}}},"power":{{"voltage":230.{a},"current":1.{b}}},"count":{n},"ts":{ts}}}"#,
            n % 7,
            n % 3
        ),
    }
}

/// Appends the length that stands behind a packet's first byte.
pub fn length(out: &mut Vec<u8>, mut n: usize) {
    loop {
        let low = (n % 128) as u8;
        n /= 128;
        out.push(if n > 0 { low | 0x80 } else { low });
        if n == 0 {
            return;
        }
    }
}

impl Lap {
    /// Encodes a lap for a subscriber that speaks MQTT 5 or an older version.
    pub fn new(kind: Payload, qos: u8, topics: usize, version5: bool) -> Lap {
        let mut lap = Lap {
            bytes: Vec::new(),
            ends: Vec::new(),
            ids: Vec::new(),
        };
        for n in 0..LAP.max(topics) {
            let topic = format!("sensors/s{}", n % topics.max(1));
            let payload = payload(kind, n);
            let rest = 2 + topic.len() + 2 * usize::from(qos > 0) + usize::from(version5) + payload.len();
            lap.bytes.push(0x30 | qos << 1);
            length(&mut lap.bytes, rest);
            lap.bytes.extend_from_slice(&(topic.len() as u16).to_be_bytes());
            lap.bytes.extend_from_slice(topic.as_bytes());
            if qos > 0 {
                lap.ids.push(lap.bytes.len());
                lap.bytes.extend_from_slice(&[0, 1]);
            }
            if version5 {
                lap.bytes.push(0);
            }
            lap.bytes.extend_from_slice(payload.as_bytes());
            lap.ends.push(lap.bytes.len());
        }
        lap
    }

    /// How many packets it has.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Where the packet begins.
    pub fn begin(&self, n: usize) -> usize {
        if n == 0 { 0 } else { self.ends[n - 1] }
    }
}

/// Takes a whole packet off what was read: its first byte, its body, and its length in all.
pub fn split(input: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (mut length, mut at) = (0usize, 1);
    loop {
        let byte = *input.get(at)?;
        length |= usize::from(byte & 0x7f) << (7 * (at - 1));
        at += 1;
        if byte & 0x80 == 0 || at == 5 {
            break;
        }
    }
    let body = input.get(at..at + length)?;
    Some((input[0], body, at + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lap_is_read_back_packet_by_packet() {
        for (qos, version5) in [(0, false), (1, true)] {
            let lap = Lap::new(Payload::Small, qos, 3, version5);
            let (mut at, mut count) = (0, 0);
            while let Some((first, body, length)) = split(&lap.bytes[at..]) {
                assert_eq!(first, 0x30 | qos << 1);
                assert!(body.ends_with(b"}"));
                at += length;
                assert_eq!(at, lap.ends[count]);
                count += 1;
            }
            assert_eq!((at, count), (lap.bytes.len(), lap.len()));
        }
    }

    #[test]
    fn payloads_have_the_sizes_that_are_told() {
        assert_eq!(payload(Payload::Small, 7).len(), 74);
        assert!(
            (230..=270).contains(&payload(Payload::Nested, 7).len()),
            "{}",
            payload(Payload::Nested, 7).len()
        );
    }

    #[test]
    fn half_a_packet_is_none() {
        assert!(split(&[0x30]).is_none());
        assert!(split(&[0x30, 3, 1, 2]).is_none());
        assert!(split(&[]).is_none());
    }
}
