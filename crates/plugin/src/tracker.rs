//! How an input learns what became of its messages, and how many may be under way at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{Ack, Outcome};
use wheatstone_metric::Settle;

/// A message that has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The token under which it was issued.
    pub token: u64,
    /// How it ended.
    pub outcome: Outcome,
}

/// Issues acknowledgements and counts what is under way. The permit lives in the [`Ack`]: it comes back when the last copy
/// is dropped, so no path can leak one. Made anew for each connection, so that an old acknowledgement never reaches a new
/// one. Cloning shares it.
#[derive(Clone)]
pub struct Tracker(Arc<Shared>);

struct Shared {
    limit: usize,
    in_flight: AtomicUsize,
    /// Whether settled messages are reported, or only counted.
    report: bool,
    settled: Mutex<Vec<Settled>>,
    changed: Notify,
}

impl Tracker {
    /// Reports every settled message. `limit` is how many may be under way (`max_undelivered_messages`).
    pub fn new(limit: usize) -> Tracker {
        Tracker::with(limit, true)
    }
    /// Only counts: for messages that the other side does not wait for.
    pub fn counting(limit: usize) -> Tracker {
        Tracker::with(limit, false)
    }
    fn with(limit: usize, report: bool) -> Tracker {
        Tracker(Arc::new(Shared {
            limit: limit.max(1),
            in_flight: AtomicUsize::new(0),
            report,
            settled: Mutex::default(),
            changed: Notify::new(),
        }))
    }
    /// How many messages are under way.
    pub fn in_flight(&self) -> usize {
        self.0.in_flight.load(Ordering::Acquire)
    }
    /// How many more may be.
    pub fn room(&self) -> usize {
        self.0.limit.saturating_sub(self.in_flight())
    }
    /// A share in one message known as `token`.
    pub fn issue(&self, token: u64) -> Ack {
        self.issue_many(token, 1)
    }
    /// A share in `count` messages that settle together: a gulp of messages that nobody waits for one by one.
    pub fn issue_many(&self, token: u64, count: usize) -> Ack {
        self.0.in_flight.fetch_add(count, Ordering::AcqRel);
        Ack::new(
            Arc::new(Issued {
                shared: self.0.clone(),
                count,
                held: AtomicBool::new(true),
            }),
            token,
        )
    }
    /// Moves what was settled since the last call behind `out`. Always empty where it only counts.
    pub fn take_settled(&self, out: &mut Vec<Settled>) {
        out.append(&mut self.0.settled.lock());
    }
    /// Waits until something was settled since the last wait. May return without cause.
    pub async fn changed(&self) {
        self.0.changed.notified().await;
    }
    /// Waits until one more message may be under way.
    pub async fn wait_for_room(&self) {
        while self.room() == 0 {
            self.changed().await;
        }
    }
}

struct Issued {
    shared: Arc<Shared>,
    count: usize,
    /// The permits are out.
    held: AtomicBool,
}

impl Issued {
    fn give_back(&self) {
        if self.held.swap(false, Ordering::AcqRel) {
            self.shared.in_flight.fetch_sub(self.count, Ordering::AcqRel);
            self.shared.changed.notify_one();
        }
    }
}

impl Settle for Issued {
    fn is_awaited(&self) -> bool {
        self.shared.report
    }
    fn settle(&self, token: u64, outcome: Outcome) {
        if self.shared.report {
            self.shared.settled.lock().push(Settled { token, outcome });
        }
        self.give_back();
    }
    /// Where nobody waits for the end, permits only bound what is under way: an output that is slow or down must not keep
    /// them from the others.
    fn progress(&self, _: u64) {
        if !self.shared.report {
            self.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn permits_come_back_and_each_message_is_told_once() {
        let tracker = Tracker::new(2);
        let (a, b) = (tracker.issue(1), tracker.issue(2));
        assert_eq!(tracker.room(), 0);
        let copy = a.clone();
        drop(a);
        b.reject();
        drop(b);
        tracker.wait_for_room().await;
        drop(copy);
        let mut settled = Vec::new();
        tracker.take_settled(&mut settled);
        assert_eq!(
            settled,
            [
                Settled {
                    token: 2,
                    outcome: Outcome::Rejected
                },
                Settled {
                    token: 1,
                    outcome: Outcome::Delivered
                }
            ]
        );
        assert_eq!(tracker.in_flight(), 0);
    }

    #[test]
    fn what_is_only_counted_gives_its_permits_back_on_progress() {
        let tracker = Tracker::counting(10);
        let ack = tracker.issue_many(0, 4);
        ack.progress();
        assert_eq!(tracker.room(), 10);
        drop(ack);
        assert_eq!(tracker.room(), 10);
        let tracker = Tracker::new(10);
        let ack = tracker.issue(0);
        ack.progress();
        assert_eq!(
            tracker.room(),
            9,
            "a message that somebody waits for stays under way"
        );
        drop(ack);
    }

    #[test]
    fn a_gulp_holds_as_many_permits_as_it_has_messages() {
        let tracker = Tracker::counting(100);
        let ack = tracker.issue_many(0, 60);
        assert_eq!(tracker.room(), 40);
        drop(ack);
        assert_eq!(tracker.room(), 100);
    }
}
