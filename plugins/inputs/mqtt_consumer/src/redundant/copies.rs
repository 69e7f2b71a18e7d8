//! Acknowledgements of a message's copies in, their end out: all are settled with the first one.

use std::sync::Arc;

use parking_lot::Mutex;
use wheatstone_plugin::Tracker;
use wheatstone_plugin::metric::{Ack, Outcome, Settle};

/// The acknowledgements of one message's copies: given back when the first copy is settled.
#[derive(Default)]
pub(crate) struct Copies(Mutex<Fate>);

enum Fate {
    Pending(Vec<Ack>),
    Settled,
}

impl Default for Fate {
    fn default() -> Fate {
        Fate::Pending(Vec::new())
    }
}

impl Copies {
    /// The acknowledgement that the metrics of the first copy carry; `own` is the one of its broker.
    pub fn lead(self: Arc<Copies>, own: Ack) -> Ack {
        self.join(own);
        Ack::new(self, 0)
    }
    pub fn is_settled(&self) -> bool {
        matches!(*self.0.lock(), Fate::Settled)
    }
    /// Settles a copy with the first one; at once where that is settled.
    pub fn join(&self, copy: Ack) {
        if let Fate::Pending(waiting) = &mut *self.0.lock() {
            waiting.push(copy);
        }
    }
}

impl Settle for Copies {
    fn settle(&self, _: u64, outcome: Outcome) {
        let fate = std::mem::replace(&mut *self.0.lock(), Fate::Settled);
        if let (Fate::Pending(waiting), Outcome::Rejected) = (&fate, outcome) {
            waiting.iter().for_each(Ack::reject);
        }
    }
}

/// What a message's metrics carry: the tracker's acknowledgement, or the one of all copies.
pub(crate) fn ack(tracker: &Tracker, token: u64, copies: Option<Arc<Copies>>) -> Ack {
    let own = tracker.issue(token);
    match copies {
        Some(copies) => copies.lead(own),
        None => own,
    }
}
