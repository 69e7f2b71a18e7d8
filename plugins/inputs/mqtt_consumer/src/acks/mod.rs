//! What the broker is owed: acknowledgements in the order in which the messages came, each once its message is settled.

mod journal;
mod past;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;
use wheatstone_plugin::Log;

pub(crate) use journal::Journal;
pub(crate) use past::Acknowledged;
use past::Past;

/// A token for messages that nobody waits for one by one.
pub(crate) const NOBODY: u64 = 0;

// A token is kind (2 bits, so that none is NOBODY), then the connection's number, then what finds the message.
const QOS1: u64 = 1 << 62;
const QOS2: u64 = 2 << 62;
const KIND: u64 = 3 << 62;
const EPOCH_BITS: u32 = 16;
const PLACE_BITS: u32 = 62 - EPOCH_BITS;
const ID_BITS: u32 = 16;
const PLACE: u64 = (1 << (PLACE_BITS - ID_BITS)) - 1;

fn token(kind: u64, epoch: u64, place: u64, id: u16) -> u64 {
    kind | epoch << PLACE_BITS | (place & PLACE) << ID_BITS | u64::from(id)
}
fn epoch_of(token: u64) -> u64 {
    token >> PLACE_BITS & ((1 << EPOCH_BITS) - 1)
}

/// A QoS 1 message that was handed over and is not acknowledged.
struct Slot {
    id: u16,
    settled: bool,
    token: u64,
    /// A hash of it: identifiers alone do not say whether a message that is sent again is the same.
    content: u64,
}

/// A QoS 2 message that was handed over and whose identifier the broker has not released.
struct Held {
    token: u64,
    settled: bool,
    /// A hash of it; unknown of what an earlier run has noted.
    content: Option<u64>,
}

/// The receiving side of a session. Tokens carry the number of their connection: an acknowledgement for a message of an
/// earlier one goes out on a later one only where the broker has sent that message again, for otherwise its identifier may
/// stand for another one.
#[derive(Default)]
pub(crate) struct Acks {
    epoch: u64,
    /// QoS 1 of this connection.
    first: VecDeque<Slot>,
    /// The place of the front of `first`.
    front: u64,
    /// Of `first` those that were handed over in an earlier connection: where they are now.
    moved: HashMap<u16, u64>,
    /// QoS 1 of earlier connections: never acknowledged, so the broker sends them again, and its number is theirs until then.
    earlier: HashMap<u16, Slot>,
    /// QoS 1 that was acknowledged, which the broker may not have heard.
    past: Past,
    /// QoS 2 of this connection whose PUBREC is to be sent, in order.
    second: VecDeque<u16>,
    /// QoS 2 identifiers in use; they outlive a connection, as the broker's session does.
    held: HashMap<u16, Held>,
    issued: u64,
    /// Another broker that is connected carries the same messages: see [`covered`](Acks::covered).
    covered: bool,
}

impl Acks {
    /// Begins a new connection. Without `session_present` the broker has forgotten every identifier.
    pub fn connected(&mut self, session_present: bool) {
        self.epoch = (self.epoch + 1) & ((1 << EPOCH_BITS) - 1);
        self.front += self.first.len() as u64;
        self.moved.clear();
        self.earlier
            .extend(self.first.drain(..).map(|slot| (slot.id, slot)));
        self.second.clear();
        self.past.connected();
        if !session_present {
            self.held.clear();
            self.earlier.clear();
            self.past.forget();
        }
    }

    /// Whether another broker that is connected carries the same messages. A broker that took up an old state after a crash
    /// sends again without saying so; an identifier that it used for the same content tells. Should it be a new message
    /// nevertheless, the other broker brings it.
    pub fn covered(&mut self, covered: bool) {
        self.covered = covered;
    }

    /// Notes a QoS 1 message and gives its token; `None` where it was handed over before a reconnect: then it waits for the
    /// end of what was handed over, or is acknowledged where that has come.
    pub fn at_least_once(&mut self, id: u16, dup: bool, content: u64) -> Option<u64> {
        let place = self.front + self.first.len() as u64;
        let fresh = token(QOS1, self.epoch, place, id);
        let slot = if dup || self.covered {
            self.sent_again(id, content, fresh)
        } else {
            None
        };
        if !dup && slot.is_none() {
            self.past.arrived(id, Instant::now);
            if !self.earlier.is_empty() {
                self.earlier.remove(&id);
            }
        }
        let known = slot.is_some();
        if known {
            self.moved.insert(id, place);
        }
        self.first.push_back(slot.unwrap_or(Slot {
            id,
            settled: false,
            token: fresh,
            content,
        }));
        (!known).then_some(fresh)
    }

    fn sent_again(&mut self, id: u16, content: u64, fresh: u64) -> Option<Slot> {
        if self.earlier.get(&id).is_some_and(|slot| slot.content == content) {
            return self.earlier.remove(&id);
        }
        self.past.has(id, content, self.covered).then_some(Slot {
            id,
            settled: true,
            token: fresh,
            content,
        })
    }

    /// Notes a QoS 2 message and gives its token; `None` where it was handed over before: then only PUBREC is due.
    pub fn exactly_once(&mut self, id: u16, dup: bool, content: u64) -> Option<u64> {
        if let Some(held) = self.held.get(&id) {
            // Sent again after a reconnect it must carry DUP [MQTT-3.3.1-1]; without it the broker took up an old
            // state and gave the identifier to another message.
            let same = self.covered && held.content == Some(content);
            if dup || same || epoch_of(held.token) == self.epoch {
                if !self.second.contains(&id) {
                    self.second.push_back(id);
                }
                return None;
            }
        }
        let known = (dup || self.covered) && self.past.has(id, content, self.covered);
        if !dup && !known {
            self.past.arrived(id, Instant::now);
        }
        self.second.push_back(id);
        self.issued += 1;
        let token = token(QOS2, self.epoch, self.issued, id);
        self.held.insert(
            id,
            Held {
                token,
                settled: known,
                content: Some(content),
            },
        );
        (!known).then_some(token)
    }

    /// The message of this token has come to its end.
    pub fn settle(&mut self, token: u64) {
        match token & KIND {
            QOS1 => {
                if let Some(slot) = self.slot(token)
                    && slot.token == token
                {
                    slot.settled = true;
                }
            }
            QOS2 => {
                if let Some(held) = self.held.get_mut(&(token as u16))
                    && held.token == token
                {
                    held.settled = true;
                }
            }
            _ => {}
        }
    }

    /// Where the message of a QoS 1 token is, or another one that has its number now.
    fn slot(&mut self, token: u64) -> Option<&mut Slot> {
        let id = token as u16;
        let at = if epoch_of(token) == self.epoch {
            (token >> ID_BITS).wrapping_sub(self.front) & PLACE
        } else if let Some(place) = self.moved.get(&id) {
            place.wrapping_sub(self.front)
        } else {
            return self.earlier.get_mut(&id);
        };
        self.first.get_mut(usize::try_from(at).ok()?)
    }

    /// The broker releases a QoS 2 identifier. It is answered in any case: one that is not known here was released
    /// before, or by an earlier run.
    pub fn release(&mut self, id: u16, out: &mut Vec<u8>) {
        self.held.remove(&id);
        pubcomp(id, out);
    }

    /// Writes the acknowledgements that are due.
    pub fn write(&mut self, out: &mut Vec<u8>) {
        let mut now = None;
        while let Some(slot) = self.first.front().filter(|slot| slot.settled) {
            puback(slot.id, out);
            if !self.moved.is_empty() {
                self.moved.remove(&slot.id);
            }
            let now = *now.get_or_insert_with(Instant::now);
            self.past.acknowledged(slot.id, slot.content, now);
            self.first.pop_front();
            self.front += 1;
        }
        while let Some(id) = self.second.front() {
            // One that is held no more was released in an earlier connection, where its PUBREC must have arrived.
            let held = self.held.get(id);
            if held.is_some_and(|held| !held.settled) {
                break;
            }
            pubrec(*id, out);
            if let Some(content) = held.and_then(|held| held.content) {
                let now = *now.get_or_insert_with(Instant::now);
                self.past.acknowledged(*id, content, now);
            }
            self.second.pop_front();
        }
        self.past.flush();
    }

    /// What an earlier run has stored and the broker may send again: called before the first connection.
    pub fn restore(&mut self, ids: Vec<u16>, acknowledged: Acknowledged, journal: Option<(Journal, Log)>) {
        for id in ids {
            // Of no connection of this run: only a message that is sent again is the one.
            let token = QOS2 | u64::from(id);
            let held = Held {
                token,
                settled: true,
                content: None,
            };
            self.held.insert(id, held);
        }
        self.past.restore(acknowledged, journal);
    }

    /// QoS 2 identifiers of messages that are stored and that the broker has not released.
    pub fn stored(&self) -> Vec<u16> {
        let mut ids: Vec<u16> = self
            .held
            .iter()
            .filter(|(_, h)| h.settled)
            .map(|(id, _)| *id)
            .collect();
        ids.sort_unstable();
        ids
    }

    /// QoS 1 messages that were acknowledged lately: for a later run, like [`stored`](Acks::stored).
    pub fn acknowledged(&self) -> Acknowledged {
        self.past.noted()
    }

    /// How many messages of this connection the broker still holds for us.
    pub fn outstanding(&self) -> usize {
        self.first.len() + self.second.len()
    }
}

fn short(kind: u8, id: u16, out: &mut Vec<u8>) {
    let [high, low] = id.to_be_bytes();
    out.extend_from_slice(&[kind, 2, high, low]);
}
pub(crate) fn puback(id: u16, out: &mut Vec<u8>) {
    short(0x40, id, out);
}
pub(crate) fn pubrec(id: u16, out: &mut Vec<u8>) {
    short(0x50, id, out);
}
fn pubcomp(id: u16, out: &mut Vec<u8>) {
    short(0x70, id, out);
}
