//! What becomes of a message is told once, at the end, and truly.

use std::sync::Arc;

use parking_lot::Mutex;
use wheatstone_metric::{Ack, Outcome, Settle};

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
