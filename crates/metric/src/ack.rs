//! What a metric carries back to the message it came from: the last copy that goes tells the input.

use crate::sync::{Arc, AtomicBool, Ordering};

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every output that it was routed to has it, or nobody wanted it.
    Delivered,
    /// Some part of it was refused for good, dropped on overflow, or lost in a panic.
    Rejected,
}

/// Where a settled message is reported; called once per [`Ack`] made, from whichever thread drops the last copy,
/// so it must not block.
pub trait Settle: Send + Sync {
    /// `token` is the one given to [`Ack::new`].
    fn settle(&self, token: u64, outcome: Outcome);

    /// Some output has the message, or one that fails has it waiting: what follows takes its time. Called at most once per
    /// [`Ack`] made, before `settle`, for those that only keep the amount under way in bounds.
    fn progress(&self, _token: u64) {}

    /// Whether somebody keeps the message until it is settled, and holds back what follows beyond a window of their own.
    /// Where only the amount under way is counted, nobody does.
    fn is_awaited(&self) -> bool {
        true
    }
}

/// A share in one message's fate. Clones travel with everything made from the message; when the last of them is
/// dropped the input is told, exactly once, whatever path they took.
#[derive(Clone)]
pub struct Ack(Arc<Share>);

struct Share {
    to: std::sync::Arc<dyn Settle>,
    token: u64,
    rejected: AtomicBool,
    progressed: AtomicBool,
}

impl Ack {
    /// The first share in a message that `to` knows as `token`.
    pub fn new(to: std::sync::Arc<dyn Settle>, token: u64) -> Ack {
        Ack(Arc::new(Share {
            to,
            token,
            rejected: AtomicBool::new(false),
            progressed: AtomicBool::new(false),
        }))
    }

    /// Says that some part of the message was not accepted. The input is told at the last drop all the same.
    pub fn reject(&self) {
        self.0.rejected.store(true, Ordering::Release);
    }

    /// Whether a sender waits for the end: see [`Settle::is_awaited`].
    pub fn is_awaited(&self) -> bool {
        self.0.to.is_awaited()
    }

    /// Says that the message waits for nobody but those that take their time. See [`Settle::progress`].
    #[inline]
    pub fn progress(&self) {
        let share = &self.0;
        if !share.progressed.load(Ordering::Relaxed) && !share.progressed.swap(true, Ordering::AcqRel) {
            share.to.progress(share.token);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // The last copy has seen all that was done before the others went: no order is needed any more.
        // A panic that unwinds through a plugin takes its metrics along: that is a loss, not a delivery.
        let rejected = self.rejected.load(Ordering::Relaxed) || std::thread::panicking();
        self.to.settle(
            self.token,
            if rejected {
                Outcome::Rejected
            } else {
                Outcome::Delivered
            },
        );
    }
}

impl std::fmt::Debug for Ack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ack({})", self.0.token)
    }
}
