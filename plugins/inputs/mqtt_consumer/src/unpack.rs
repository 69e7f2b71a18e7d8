//! One read's packets: messages to the parser, with what the broker is owed for each, and the few others.

use std::hash::{BuildHasher, Hasher};

use tokio::time::Instant;
use wheatstone_plugin::{EXCERPT, dead_letter};

use crate::acks::{NOBODY, puback};
use crate::buffer::Buffer;
use crate::conn::Conn;
use crate::frame::{Packet, Publish, Split, beginning, split};
use crate::messages::Taken;
use crate::pace::Gulp;
use crate::packets;
use crate::redundant::{self, Sight};
use crate::session::{Flow, Session, Shared};

/// A message that is passed over.
pub(crate) struct Passing {
    /// Bytes of it that are still to come.
    left: usize,
    size: usize,
    topic: Vec<u8>,
    beginning: Vec<u8>,
    id: u16,
    qos: u8,
    dup: bool,
}

impl Session<'_> {
    /// Uses whole packets of the buffer, until there is none, which gives how many bytes the next one takes, or until the
    /// batch is full.
    pub(crate) fn unpack(
        &mut self,
        conn: &mut Conn,
        flow: &mut Flow,
        buffer: &mut Buffer,
        gulp: &mut Gulp,
        unclaimed: &mut usize,
    ) -> std::result::Result<Option<usize>, String> {
        let shared = self.shared;
        let shared = &mut *shared.lock();
        let now = Instant::now();
        let v5 = flow.level.is_v5();
        if let Some(window) = &shared.window {
            self.acks.covered(window.has_other(self.broker));
        }
        shared.messages.begin_gulp();
        let wanted = loop {
            if flow.passing.is_some() {
                if !self.pass_over(flow, buffer, shared, gulp) {
                    break Some(0);
                }
                continue;
            }
            let (packet, length) = match split(buffer.unread(), v5).map_err(str::to_owned)? {
                Split::Packet(packet, length) => (packet, length),
                Split::Incomplete(wanted) => {
                    flow.passing = too_large(buffer, wanted, v5, shared.messages.max_payload());
                    if flow.passing.is_some() {
                        continue;
                    }
                    break Some(wanted);
                }
            };
            match packet {
                Packet::Publish(message) => {
                    gulp.messages += 1;
                    gulp.acknowledged += usize::from(message.qos > 0);
                    *unclaimed += usize::from(self.take(&message, flow, shared, now));
                }
                Packet::PubRel(id) => self.acks.release(id, &mut flow.owed),
                Packet::PingResp => conn.ponged(),
                Packet::Control(9, packet) => {
                    self.subscription.answered(packet, flow.level, self.acc)?;
                    self.acc.ready();
                }
                Packet::Control(14, packet) => return Err(packets::disconnected(packet)),
                Packet::Control(..) => {}
            }
            buffer.consume(length);
            if self.acc.is_full() {
                break None;
            }
        };
        gulp.stamped |= shared.messages.end_gulp();
        for reply in shared.messages.take_replies() {
            packets::publish(flow.level, &reply.to, &reply.payload, &mut flow.owed);
        }
        Ok(wanted)
    }

    /// Notes what the broker is owed for a message, and gives its token. None where it was handed over before.
    #[inline]
    fn token(&mut self, message: &Publish<'_>, flow: &mut Flow) -> Option<u64> {
        let Publish { id, dup, .. } = *message;
        match message.qos {
            0 => Some(NOBODY),
            1 if !self.persistent => {
                puback(id, &mut flow.owed);
                Some(NOBODY)
            }
            1 => {
                let token = self.acks.at_least_once(id, dup, content(message));
                if token.is_none() {
                    self.duplicates.add(1);
                }
                token
            }
            _ => self.acks.exactly_once(id, dup, content(message)),
        }
    }

    /// Gives one message to the parser. Whether its metrics share the gulp's acknowledgement.
    #[inline]
    fn take(&mut self, message: &Publish<'_>, flow: &mut Flow, shared: &mut Shared, now: Instant) -> bool {
        let Some(token) = self.token(message, flow) else {
            return false;
        };
        let held = self.persistent && token != NOBODY;
        let mut copies = None;
        if let Some(window) = &mut shared.window {
            match window.see(self.broker, message, now) {
                Sight::First(first) => copies = first,
                Sight::Copy(first) => {
                    self.duplicates.add(1);
                    match first {
                        Some(first) if held => first.join(self.tracker.issue(token)),
                        _ => self.acks.settle(token),
                    }
                    return false;
                }
            }
        }
        let led = copies.is_some();
        let tracked = held || led;
        let tracker = &self.tracker;
        let mut ack = || tracked.then(|| redundant::ack(tracker, token, copies.take()));
        let from = self.acc.batch().len();
        match shared.messages.take(message, self.acc.batch(), &mut ack) {
            Taken::Letter if tracked => {}
            Taken::Metrics if tracked => {
                let ack = ack();
                let made = &mut self.acc.batch()[from..];
                if let Some((last, others)) = made.split_last_mut() {
                    others.iter_mut().for_each(|metric| metric.set_ack(ack.clone()));
                    last.set_ack(ack);
                }
            }
            Taken::Nothing if led => drop(ack()),
            taken => {
                self.acks.settle(token);
                return taken == Taken::Metrics;
            }
        }
        false
    }

    /// Lets the bytes of a message go that is too large. Whether its end has come.
    fn pass_over(
        &mut self,
        flow: &mut Flow,
        buffer: &mut Buffer,
        shared: &mut Shared,
        gulp: &mut Gulp,
    ) -> bool {
        if let Some(passing) = &mut flow.passing {
            let n = passing.left.min(buffer.unread().len());
            buffer.consume(n);
            passing.left -= n;
            if passing.left > 0 {
                return false;
            }
        }
        if let Some(passed) = flow.passing.take() {
            gulp.messages += 1;
            gulp.acknowledged += usize::from(passed.qos > 0);
            let message = Publish {
                topic: &passed.topic,
                payload: &passed.beginning,
                id: passed.id,
                qos: passed.qos,
                dup: passed.dup,
                retain: false,
            };
            if let Some(token) = self.token(&message, flow) {
                shared
                    .messages
                    .passed_over(&passed.topic, &passed.beginning, passed.size);
                self.acks.settle(token);
            }
        }
        true
    }
}

/// A hash of what makes a message another one than that which had its identifier before. Who finds a second message of the
/// same hash can do no more than take his own for one that was sent again.
fn content(message: &Publish<'_>) -> u64 {
    let mut hasher = foldhash::fast::FixedState::with_seed(0).build_hasher();
    hasher.write(message.topic);
    hasher.write(message.payload);
    hasher.finish()
}

/// The message at the front of the buffer, whose beginning is all there is, where it is too large to be kept. Where dead
/// letters are kept it is read whole, to become one.
fn too_large(buffer: &Buffer, wanted: usize, v5: bool, most: usize) -> Option<Passing> {
    if wanted <= most || dead_letter::enabled() {
        return None;
    }
    let (message, length) = beginning(buffer.unread(), v5)?;
    let size = length - (buffer.unread().len() - message.payload.len());
    (size > most).then(|| Passing {
        left: length,
        size,
        topic: message.topic.to_vec(),
        beginning: message.payload[..message.payload.len().min(EXCERPT)].to_vec(),
        id: message.id,
        qos: message.qos,
        dup: message.dup,
    })
}
