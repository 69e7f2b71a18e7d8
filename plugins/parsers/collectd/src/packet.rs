//! A packet of parts in, lists of values out: each part changes what is known of the values behind it.

use wheatstone_plugin::prelude::*;

use crate::auth::AuthFile;

const HOST: u16 = 0x0000;
const TIME: u16 = 0x0001;
const PLUGIN: u16 = 0x0002;
const PLUGIN_INSTANCE: u16 = 0x0003;
const TYPE: u16 = 0x0004;
const TYPE_INSTANCE: u16 = 0x0005;
const VALUES: u16 = 0x0006;
const INTERVAL: u16 = 0x0007;
const TIME_HR: u16 = 0x0008;
const INTERVAL_HR: u16 = 0x0009;
const SIGNATURE: u16 = 0x0200;
const ENCRYPTED: u16 = 0x0210;

/// Encrypted parts in encrypted parts, at most.
const DEEPEST: usize = 8;
/// The time of values for which a packet has none: Go's zero time, whose nanoseconds wrap around.
const NO_TIME: Timestamp = -6_795_364_578_871_345_152;

/// How sure it must be, or is, who sent a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Security {
    None,
    Sign,
    Encrypt,
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Gauge(f64),
    Derive(i64),
    Counter(u64),
}

impl Number {
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Number::Gauge(x) => x,
            Number::Derive(n) => n as f64,
            Number::Counter(n) => n as f64,
        }
    }
}

/// Values with what the parts before them say.
#[derive(Clone, Debug)]
pub(crate) struct ValueList<'a> {
    pub(crate) host: &'a [u8],
    pub(crate) plugin: &'a [u8],
    pub(crate) plugin_instance: &'a [u8],
    pub(crate) kind: &'a [u8],
    pub(crate) type_instance: &'a [u8],
    pub(crate) time: Timestamp,
}

/// Reads packets.
pub(crate) struct Packets {
    pub(crate) auth: AuthFile,
    /// What is not so sure is left out.
    pub(crate) wanted: Security,
    pub(crate) log: Log,
}

fn invalid<T>() -> Result<T> {
    bail!("invalid data")
}

impl Packets {
    /// Hands over every list of values.
    pub(crate) fn read(
        &mut self,
        packet: &[u8],
        each: &mut dyn FnMut(&ValueList<'_>, &[Number]),
    ) -> Result<()> {
        self.parts(packet, Security::None, 0, each)
    }

    fn parts(
        &mut self,
        packet: &[u8],
        security: Security,
        depth: usize,
        each: &mut dyn FnMut(&ValueList<'_>, &[Number]),
    ) -> Result<()> {
        if depth > DEEPEST {
            return invalid();
        }
        let mut list = ValueList {
            host: b"",
            plugin: b"",
            plugin_instance: b"",
            kind: b"",
            type_instance: b"",
            time: NO_TIME,
        };
        let mut numbers = Vec::new();
        let mut rest = packet;
        while !rest.is_empty() {
            let Some((head, behind)) = rest.split_first_chunk::<4>() else {
                return invalid();
            };
            let [kind @ .., length_high, length_low] = *head;
            let length = usize::from(u16::from_be_bytes([length_high, length_low]));
            let part = match length.checked_sub(4).filter(|length| *length > 0) {
                Some(length) => behind.split_at_checked(length),
                None => None,
            };
            let Some((part, behind)) = part else {
                bail!("invalid length {length}");
            };
            rest = behind;
            match u16::from_be_bytes(kind) {
                HOST => list.host = text(part)?,
                PLUGIN => list.plugin = text(part)?,
                PLUGIN_INSTANCE => list.plugin_instance = text(part)?,
                TYPE => list.kind = text(part)?,
                TYPE_INSTANCE => list.type_instance = text(part)?,
                TIME => list.time = (number(part)? as i64).wrapping_mul(1_000_000_000),
                TIME_HR => list.time = high_resolution(number(part)?),
                INTERVAL | INTERVAL_HR => {
                    number(part)?;
                }
                VALUES => {
                    values(part, &mut numbers)?;
                    if self.wanted <= security {
                        each(&list, &numbers);
                    }
                }
                SIGNATURE => {
                    // It is for all that follows.
                    self.auth.verify(part, rest)?;
                    self.parts(rest, security.max(Security::Sign), depth + 1, each)?;
                    return Ok(());
                }
                ENCRYPTED => {
                    let content = self.auth.decrypt(part)?;
                    self.parts(&content, Security::Encrypt, depth + 1, each)?;
                }
                // Notifications, mostly.
                other => debug!(self.log, "ignoring field of type {other:#x}"),
            }
        }
        Ok(())
    }
}

/// A text ends with a zero.
fn text(part: &[u8]) -> Result<&[u8]> {
    match part {
        [text @ .., 0] => Ok(text),
        _ => invalid(),
    }
}

fn number(part: &[u8]) -> Result<u64> {
    match part.try_into() {
        Ok(bytes) => Ok(u64::from_be_bytes(bytes)),
        Err(_) => invalid(),
    }
}

/// Seconds times 2^30, as nanoseconds.
fn high_resolution(time: u64) -> Timestamp {
    if time == 0 {
        return NO_TIME;
    }
    let seconds = (time >> 30) as i64;
    let fraction = (time & ((1 << 30) - 1)) as i64;
    let nanos = (fraction * 1_000_000_000 + (1 << 29)) >> 30;
    seconds.wrapping_mul(1_000_000_000).wrapping_add(nanos)
}

/// A count, the kinds of that many values, then the values.
fn values(part: &[u8], numbers: &mut Vec<Number>) -> Result<()> {
    numbers.clear();
    let Some((count, rest)) = part.split_first_chunk::<2>() else {
        bail!("unexpected EOF");
    };
    let count = usize::from(u16::from_be_bytes(*count));
    if rest.len() != count * 9 {
        return invalid();
    }
    let (kinds, values) = rest.split_at(count);
    for (kind, bytes) in kinds.iter().zip(values.as_chunks::<8>().0) {
        numbers.push(match kind {
            0 => Number::Counter(u64::from_be_bytes(*bytes)),
            1 => Number::Gauge(f64::from_le_bytes(*bytes)),
            2 => Number::Derive(i64::from_be_bytes(*bytes)),
            _ => return invalid(),
        });
    }
    Ok(())
}
