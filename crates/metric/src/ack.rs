//! What a metric carries back to the message it came from: the last copy that goes tells the input.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
}

/// A share in one message's fate. Clones travel with everything made from the message; when the last of them is
/// dropped the input is told, exactly once, whatever path they took.
#[derive(Clone)]
pub struct Ack(Arc<Share>);

struct Share {
    to: Arc<dyn Settle>,
    token: u64,
    rejected: AtomicBool,
    progressed: AtomicBool,
}

impl Ack {
    /// The first share in a message that `to` knows as `token`.
    pub fn new(to: Arc<dyn Settle>, token: u64) -> Ack {
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
        // A panic that unwinds through a plugin takes its metrics along: that is a loss, not a delivery.
        let rejected = *self.rejected.get_mut() || std::thread::panicking();
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

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;

    #[derive(Default)]
    struct Seen(Mutex<Vec<(u64, Outcome)>>);
    impl Settle for Seen {
        fn settle(&self, token: u64, outcome: Outcome) {
            self.0.lock().push((token, outcome));
        }
    }

    #[test]
    fn the_last_copy_tells_once() {
        let seen = Arc::new(Seen::default());
        let ack = Ack::new(seen.clone(), 7);
        let copies = vec![ack.clone(), ack.clone()];
        drop(ack);
        assert!(seen.0.lock().is_empty());
        drop(copies);
        assert_eq!(*seen.0.lock(), [(7, Outcome::Delivered)]);
    }

    #[test]
    fn one_refused_part_makes_the_message_refused() {
        let seen = Arc::new(Seen::default());
        let ack = Ack::new(seen.clone(), 1);
        ack.clone().reject();
        drop(ack);
        assert_eq!(*seen.0.lock(), [(1, Outcome::Rejected)]);
    }

    #[test]
    fn progress_is_told_once_and_before_the_end() {
        #[derive(Default)]
        struct Steps(Mutex<Vec<&'static str>>);
        impl Settle for Steps {
            fn settle(&self, _: u64, _: Outcome) {
                self.0.lock().push("settled");
            }
            fn progress(&self, _: u64) {
                self.0.lock().push("progress");
            }
        }
        let steps = Arc::new(Steps::default());
        let ack = Ack::new(steps.clone(), 1);
        ack.progress();
        ack.clone().progress();
        drop(ack);
        assert_eq!(*steps.0.lock(), ["progress", "settled"]);
    }

    #[test]
    fn a_panic_is_no_delivery() {
        let seen = Arc::new(Seen::default());
        let ack = Ack::new(seen.clone(), 3);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _held = ack;
            panic!("a plugin's mistake");
        }));
        assert!(result.is_err());
        assert_eq!(*seen.0.lock(), [(3, Outcome::Rejected)]);
    }
}
