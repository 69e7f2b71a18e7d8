//! QoS 1 messages that were acknowledged: the broker that lost the acknowledgement with the connection sends them again.
//!
//! Such a message looks the same as a new one of the same content that has the same identifier, and whose first delivery was
//! lost. A broker that takes the next number for each message (mosquitto does) uses one again only after 65,534 others: there it
//! cannot be a new one. A broker that takes the least number that is free uses it again at once: there it is taken for new, for
//! a message twice is better than none.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use wheatstone_plugin::{Log, warn};

use super::journal::Journal;

/// So many are remembered: what a slow broker may have of acknowledgements that it has not read.
pub(super) const MOST: usize = LAP as usize;
/// So many of them are noted at the end of a run.
const NOTED: usize = 4096;
/// How far identifiers may have gone on, of 65,535, for an older one to be still the same.
const LAP: u16 = 1 << 15;
/// After this time the broker has heard an acknowledgement, and a new message may have the number that is free now.
const HEARD: Duration = Duration::from_millis(200);
/// So often in a row it must have gone on to a new number nevertheless: what is read now it may have sent long ago.
const PROOFS: u8 = 3;

/// What the next run must know.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Acknowledged {
    pub(super) last: u16,
    /// Identifiers with the hashes of their messages.
    pub(super) messages: Vec<(u16, u64)>,
}

#[cfg(test)]
impl Acknowledged {
    /// One for tests.
    pub fn some() -> Acknowledged {
        Acknowledged {
            last: 5,
            messages: vec![(4, u64::MAX), (5, 1)],
        }
    }
}

#[derive(Default)]
pub(crate) struct Past {
    /// Acknowledged in this connection, in order.
    now: VecDeque<(u16, u64)>,
    /// Acknowledged in those before, until the broker sends something new: it sends again first what it has not heard of.
    before: HashMap<u16, u64>,
    /// The last new identifier.
    last: Option<u16>,
    /// Since when the broker could have gone back to a number that is free.
    free: Option<Instant>,
    /// How often it did not.
    proofs: u8,
    /// For a run that comes after a kill.
    journal: Option<(Journal, Log)>,
}

impl Past {
    /// Begins with what an earlier run has left.
    pub fn restore(&mut self, noted: Acknowledged, journal: Option<(Journal, Log)>) {
        *self = Past {
            journal,
            ..Past::default()
        };
        if !noted.messages.is_empty() {
            (self.last, self.proofs) = (Some(noted.last), PROOFS);
            self.now = noted.messages.into();
        }
    }

    /// Identifiers say nothing: the broker has forgotten them, or goes back to free ones.
    pub fn forget(&mut self) {
        let mut journal = self.journal.take();
        // Only what was certain counts there: a broker that goes back all the time costs no writes.
        if let Some((journal, _)) = &mut journal
            && self.proofs == PROOFS
        {
            journal.forget();
        }
        *self = Past {
            journal,
            ..Past::default()
        };
        self.flush();
    }

    /// A new connection begins.
    pub fn connected(&mut self) {
        self.free = None;
        self.before.extend(self.now.drain(..));
    }

    /// A message came that was not sent before.
    #[inline]
    pub fn arrived(&mut self, id: u16, now: impl FnOnce() -> Instant) {
        if let Some(last) = self.last {
            if !(1..LAP).contains(&id.wrapping_sub(last)) {
                self.forget();
            } else if self.proofs < PROOFS && self.free.is_some_and(|since| now() - since >= HEARD) {
                self.proofs += 1;
                self.free = None;
            }
        }
        if !self.before.is_empty() {
            self.before = HashMap::new();
        }
        self.last = Some(id);
    }

    /// The acknowledgement of a message goes out.
    #[inline]
    pub fn acknowledged(&mut self, id: u16, content: u64, now: Instant) {
        self.free.get_or_insert(now);
        if self.now.len() == MOST {
            self.now.pop_front();
        }
        self.now.push_back((id, content));
        if let Some((journal, _)) = &mut self.journal {
            journal.note(id, content, self.proofs == PROOFS);
        }
    }

    /// Called before the acknowledgements go out.
    #[inline]
    pub fn flush(&mut self) {
        if let Some((journal, log)) = &mut self.journal
            && let Err(e) = journal.flush()
        {
            warn!(
                log,
                "Acknowledgements are no longer kept, messages may come a second time after a kill: {e}"
            );
            self.journal = None;
        }
    }

    /// Whether a message that is sent again is one that was acknowledged. `covered`: nothing is lost where it is not.
    pub fn has(&self, id: u16, content: u64, covered: bool) -> bool {
        (covered || self.proofs == PROOFS)
            && self.before.get(&id) == Some(&content)
            && self.last.is_some_and(|last| last.wrapping_sub(id) < LAP)
    }

    pub fn noted(&self) -> Acknowledged {
        match self.last {
            Some(last) if self.proofs == PROOFS => Acknowledged {
                last,
                messages: self.now.iter().rev().take(NOTED).rev().copied().collect(),
            },
            _ => Acknowledged::default(),
        }
    }
}
