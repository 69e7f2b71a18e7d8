//! What the broker is owed: acknowledgements in the order in which the messages came, each once its message is settled.

use std::collections::{HashMap, VecDeque};

/// A token for messages that nobody waits for one by one.
pub(crate) const NOBODY: u64 = 0;

// A token is kind (2 bits, so that none is NOBODY), then the connection's number, then what finds the message.
const QOS1: u64 = 1 << 62;
const QOS2: u64 = 2 << 62;
const KIND: u64 = 3 << 62;
const EPOCH_BITS: u32 = 16;
const PLACE_BITS: u32 = 62 - EPOCH_BITS;
const PLACE: u64 = (1 << PLACE_BITS) - 1;

/// A QoS 2 message that was handed over and whose identifier the broker has not released.
struct Held {
    token: u64,
    settled: bool,
}

/// The receiving side of a session. Tokens carry the number of their connection: an acknowledgement for a message of an
/// earlier one never goes out on a later one, for there its identifier may stand for another message.
#[derive(Default)]
pub(crate) struct Acks {
    epoch: u64,
    /// QoS 1 of this connection: identifier, settled.
    first: VecDeque<(u16, bool)>,
    /// The place of the front of `first`.
    front: u64,
    /// QoS 2 of this connection whose PUBREC is to be sent, in order.
    second: VecDeque<u16>,
    /// QoS 2 identifiers in use; they outlive a connection, as the broker's session does.
    held: HashMap<u16, Held>,
    issued: u64,
}

impl Acks {
    /// Begins a new connection. Without `session_present` the broker has forgotten every identifier.
    pub fn connected(&mut self, session_present: bool) {
        self.epoch = (self.epoch + 1) & ((1 << EPOCH_BITS) - 1);
        self.front += self.first.len() as u64;
        self.first.clear();
        self.second.clear();
        if !session_present {
            self.held.clear();
        }
    }

    /// Notes a QoS 1 message and gives its token.
    pub fn at_least_once(&mut self, id: u16) -> u64 {
        let place = (self.front + self.first.len() as u64) & PLACE;
        self.first.push_back((id, false));
        QOS1 | self.epoch << PLACE_BITS | place
    }

    /// Notes a QoS 2 message and gives its token; `None` where it was handed over before: then only PUBREC is due.
    pub fn exactly_once(&mut self, id: u16, dup: bool) -> Option<u64> {
        if let Some(held) = self.held.get(&id) {
            // Sent again after a reconnect it must carry DUP [MQTT-3.3.1-1]; without it the broker took up an old
            // state and gave the identifier to another message.
            if dup || (held.token >> PLACE_BITS & ((1 << EPOCH_BITS) - 1)) == self.epoch {
                if !self.second.contains(&id) {
                    self.second.push_back(id);
                }
                return None;
            }
        }
        self.second.push_back(id);
        self.issued += 1;
        let token = QOS2 | self.epoch << PLACE_BITS | (self.issued << 16 & PLACE) | u64::from(id);
        self.held.insert(
            id,
            Held {
                token,
                settled: false,
            },
        );
        Some(token)
    }

    /// The message of this token has come to its end.
    pub fn settle(&mut self, token: u64) {
        match token & KIND {
            QOS1 if (token >> PLACE_BITS & ((1 << EPOCH_BITS) - 1)) == self.epoch => {
                let at = (token & PLACE).wrapping_sub(self.front & PLACE);
                if let Some(slot) = usize::try_from(at).ok().and_then(|at| self.first.get_mut(at)) {
                    slot.1 = true;
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

    /// The broker releases a QoS 2 identifier. It is answered in any case: one that is not known here was released
    /// before, or by an earlier run.
    pub fn release(&mut self, id: u16, out: &mut Vec<u8>) {
        self.held.remove(&id);
        pubcomp(id, out);
    }

    /// Writes the acknowledgements that are due.
    pub fn write(&mut self, out: &mut Vec<u8>) {
        while let Some((id, true)) = self.first.front() {
            puback(*id, out);
            self.first.pop_front();
            self.front += 1;
        }
        while let Some(id) = self.second.front() {
            // One that is held no more was released in an earlier connection, where its PUBREC must have arrived.
            if self.held.get(id).is_some_and(|held| !held.settled) {
                break;
            }
            pubrec(*id, out);
            self.second.pop_front();
        }
    }

    /// QoS 2 identifiers of messages that an earlier run has stored: called before the first connection.
    pub fn restore(&mut self, ids: Vec<u16>) {
        for id in ids {
            // Of no connection of this run: only a message that is sent again is the one.
            let token = QOS2 | u64::from(id);
            self.held.insert(id, Held { token, settled: true });
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn written(acks: &mut Acks) -> Vec<(u8, u8)> {
        let mut out = Vec::new();
        acks.write(&mut out);
        out.chunks(4).map(|p| (p[0], p[3])).collect()
    }

    #[test]
    fn acknowledgements_keep_the_order_of_the_messages() {
        let mut acks = Acks::default();
        acks.connected(false);
        let tokens: Vec<_> = (1..=3).map(|id| acks.at_least_once(id)).collect();
        let late = acks.exactly_once(9, false).unwrap();
        acks.settle(tokens[2]);
        acks.settle(tokens[1]);
        assert_eq!(written(&mut acks), []);
        acks.settle(tokens[0]);
        assert_eq!(written(&mut acks), [(0x40, 1), (0x40, 2), (0x40, 3)]);
        acks.settle(late);
        assert_eq!(written(&mut acks), [(0x50, 9)]);
        assert_eq!(acks.outstanding(), 0);
    }

    #[test]
    fn an_old_acknowledgement_stays_away_from_a_new_connection() {
        let mut acks = Acks::default();
        acks.connected(false);
        let old = acks.at_least_once(1);
        acks.connected(true);
        let new = acks.at_least_once(1);
        acks.settle(old);
        assert_eq!(written(&mut acks), []);
        acks.settle(new);
        assert_eq!(written(&mut acks), [(0x40, 1)]);
    }

    #[test]
    fn qos_2_is_handed_over_once_over_repeats_and_reconnects() {
        let mut acks = Acks::default();
        acks.connected(false);
        let token = acks.exactly_once(5, false).unwrap();
        assert_eq!(acks.exactly_once(5, true), None);
        acks.connected(true);
        assert_eq!(acks.exactly_once(5, true), None);
        assert_eq!(written(&mut acks), []);
        acks.settle(token);
        assert_eq!(written(&mut acks), [(0x50, 5)]);
        let mut out = Vec::new();
        acks.release(5, &mut out);
        acks.release(77, &mut out);
        assert_eq!(out, [0x70, 2, 0, 5, 0x70, 2, 0, 77]);
        assert!(acks.exactly_once(5, false).is_some());
    }

    #[test]
    fn what_an_earlier_run_stored_is_only_acknowledged() {
        let mut before = Acks::default();
        before.connected(false);
        let stored = before.exactly_once(5, false).unwrap();
        before.exactly_once(6, false).unwrap();
        before.settle(stored);
        assert_eq!(before.stored(), [5]);

        let mut acks = Acks::default();
        acks.restore(before.stored());
        acks.connected(true);
        assert_eq!(acks.exactly_once(5, true), None);
        assert!(acks.exactly_once(6, true).is_some());
        assert_eq!(written(&mut acks), [(0x50, 5)]);

        let mut acks = Acks::default();
        acks.restore(vec![5]);
        acks.connected(true);
        assert!(
            acks.exactly_once(5, false).is_some(),
            "another message has the number"
        );
        let mut acks = Acks::default();
        acks.restore(vec![5]);
        acks.connected(false);
        assert!(
            acks.exactly_once(5, true).is_some(),
            "the broker has forgotten it"
        );
    }

    #[test]
    fn a_lost_session_forgets_the_identifiers() {
        let mut acks = Acks::default();
        acks.connected(false);
        let old = acks.exactly_once(5, false).unwrap();
        acks.connected(false);
        let new = acks.exactly_once(5, true).unwrap();
        acks.settle(old);
        assert_eq!(written(&mut acks), []);
        acks.settle(new);
        assert_eq!(written(&mut acks), [(0x50, 5)]);
    }

    #[test]
    fn an_identifier_used_anew_after_a_reconnect_is_a_new_message() {
        let mut acks = Acks::default();
        acks.connected(false);
        acks.exactly_once(5, false).unwrap();
        acks.connected(true);
        assert!(acks.exactly_once(5, false).is_some());
    }
}
