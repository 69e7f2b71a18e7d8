//! Every order in which threads can share, refuse and drop an acknowledgement, by loom: the same source, on loom's atomics.

/// What `ack.rs` is made of here.
mod sync {
    pub(crate) use loom::sync::Arc;
    pub(crate) use loom::sync::atomic::{AtomicBool, Ordering};
}

#[path = "../src/ack.rs"]
#[allow(dead_code, reason = "the whole file is here, and not all of it is asked")]
mod ack;

use std::sync::Mutex;

use ack::{Ack, Outcome, Settle};
use loom::thread;

/// What was told, in order. Its lock is the test's own, so that it adds no order to those of the threads.
#[derive(Default)]
struct Told(Mutex<Vec<&'static str>>);

impl Settle for Told {
    fn settle(&self, _: u64, outcome: Outcome) {
        self.tell(match outcome {
            Outcome::Delivered => "delivered",
            Outcome::Rejected => "rejected",
        });
    }
    fn progress(&self, _: u64) {
        self.tell("progress");
    }
}

impl Told {
    fn tell(&self, what: &'static str) {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(what);
    }
    fn told(&self) -> Vec<&'static str> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }
}

/// Runs what threads do with their copies, in every order; `check` sees what was told at the end.
fn in_every_order(parts: &'static [fn(&Ack)], check: fn(&[&'static str])) {
    loom::model(move || {
        let told = std::sync::Arc::new(Told::default());
        let ack = Ack::new(told.clone(), 1);
        let threads: Vec<_> = parts
            .iter()
            .map(|part| {
                let ack = ack.clone();
                thread::spawn(move || part(&ack))
            })
            .collect();
        drop(ack);
        for thread in threads {
            assert!(thread.join().is_ok());
        }
        check(&told.told());
    });
}

#[test]
fn the_end_is_told_once() {
    in_every_order(&[|_| {}, |ack| drop(ack.clone())], |told| {
        assert_eq!(told, ["delivered"])
    });
}

#[test]
fn a_refusal_is_seen_whoever_drops_last() {
    in_every_order(&[Ack::reject, |_| {}], |told| assert_eq!(told, ["rejected"]));
    in_every_order(&[Ack::reject, Ack::reject], |told| assert_eq!(told, ["rejected"]));
}

#[test]
fn progress_is_told_once_and_before_the_end() {
    in_every_order(&[Ack::progress, Ack::progress], |told| {
        assert_eq!(told, ["progress", "delivered"]);
    });
    in_every_order(&[Ack::progress, Ack::reject], |told| {
        assert_eq!(told, ["progress", "rejected"]);
    });
}
