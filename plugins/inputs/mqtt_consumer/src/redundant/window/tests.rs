use proptest::prelude::*;
use wheatstone_plugin::{Tracker, serde_json};

use super::super::copies::ack;
use super::*;

const LENGTH: Duration = Duration::from_secs(10);

fn publish(payload: &[u8], dup: bool) -> Publish<'_> {
    Publish {
        topic: b"t",
        payload,
        id: 1,
        qos: 1,
        dup,
        retain: false,
    }
}

fn window(brokers: usize, persistent: bool, now: Instant) -> Window {
    let mut window = Window::new(brokers, LENGTH, persistent);
    (0..brokers).for_each(|b| window.connected(b, now));
    window
}

fn is_first(window: &mut Window, broker: usize, payload: &str, dup: bool, now: Instant) -> bool {
    matches!(
        window.see(broker, &publish(payload.as_bytes(), dup), now),
        Sight::First(_)
    )
}

#[test]
fn a_copy_of_another_broker_is_dropped_and_a_repeat_of_the_same_is_not() {
    let now = Instant::now();
    let mut w = window(2, true, now);
    let mut first = |broker, payload| is_first(&mut w, broker, payload, false, now);
    assert!(first(0, "a"));
    assert!(first(0, "a"));
    assert!(!first(1, "a"));
    assert!(!first(1, "a"));
    assert!(first(1, "a"), "the third is new, whoever brings it");
    assert!(!first(0, "a"));
    assert!(first(1, "b"));
    assert!(!first(0, "b"));
}

#[test]
fn what_a_broker_missed_is_not_waited_for_for_ever() {
    let now = Instant::now();
    let mut w = window(2, true, now);
    assert!(is_first(&mut w, 0, "on", false, now));
    let later = now + LENGTH * 2;
    assert!(is_first(&mut w, 1, "on", false, later));
    assert!(
        w.seen.len() == 1 && w.chains.len() == 1,
        "the old one is forgotten"
    );
}

#[test]
fn one_that_was_away_brings_copies_of_what_its_session_kept() {
    let now = Instant::now();
    for persistent in [true, false] {
        let mut w = window(2, persistent, now);
        w.lost(1);
        assert!(is_first(&mut w, 0, "a", false, now));
        let back = now + LENGTH * 20;
        assert!(is_first(&mut w, 0, "b", false, back));
        w.connected(1, back);
        assert_eq!(is_first(&mut w, 1, "a", false, back), !persistent);
        assert!(!is_first(&mut w, 1, "b", false, back));
        assert!(is_first(&mut w, 1, "a", false, back + LENGTH * 2));
    }
}

#[test]
fn what_a_broker_says_to_send_again_is_not_new() {
    let now = Instant::now();
    let mut w = window(2, true, now);
    assert!(is_first(&mut w, 0, "a", false, now));
    assert!(is_first(&mut w, 0, "a", false, now));
    w.lost(0);
    w.connected(0, now);
    assert!(!is_first(&mut w, 0, "a", true, now));
    assert!(!is_first(&mut w, 0, "a", true, now));
    assert!(is_first(&mut w, 0, "a", true, now), "sent before, and never seen");
    assert!(is_first(&mut w, 0, "a", false, now));
    // Brought by the other, and on its way here when the connection broke.
    assert!(is_first(&mut w, 1, "c", false, now));
    assert!(!is_first(&mut w, 0, "c", true, now));
}

#[test]
fn a_copy_is_settled_with_the_first_one_and_not_before() {
    let now = Instant::now();
    let (a, b) = (Tracker::new(10), Tracker::new(10));
    let mut w = window(2, true, now);
    let Sight::First(copies) = w.see(0, &publish(b"x", false), now) else {
        panic!("it is new");
    };
    let metric = ack(&a, 1, copies);
    let Sight::Copy(Some(copies)) = w.see(1, &publish(b"x", false), now) else {
        panic!("it is a copy");
    };
    copies.join(b.issue(2));
    assert_eq!((a.in_flight(), b.in_flight()), (1, 1));
    drop(metric);
    assert_eq!((a.in_flight(), b.in_flight()), (0, 0));
    // One that comes after the end has nothing to wait for.
    copies.join(b.issue(3));
    assert_eq!(b.in_flight(), 0);
}

#[test]
fn what_is_remembered_is_bounded_while_a_broker_is_away() {
    let now = Instant::now();
    let mut w = window(2, true, now);
    w.lost(1);
    for i in 0..REMEMBERED + 1000 {
        w.see(0, &publish(&i.to_le_bytes(), false), now);
    }
    assert_eq!((w.seen.len(), w.chains.len()), (REMEMBERED, REMEMBERED));
    w.connected(1, now);
    assert!(is_first(&mut w, 0, "x", false, now + LENGTH * 2));
    assert_eq!((w.seen.len(), w.chains.len()), (1, 1));
}

#[test]
fn a_later_run_knows_the_copies_of_what_this_one_stored() {
    let now = Instant::now();
    let tracker = Tracker::new(10);
    let mut w = window(2, true, now);
    for (token, payload) in ["both", "stored", "under way"].iter().enumerate() {
        let Sight::First(copies) = w.see(0, &publish(payload.as_bytes(), false), now) else {
            panic!("it is new");
        };
        let ack = ack(&tracker, token as u64, copies);
        if *payload == "under way" {
            std::mem::forget(ack);
        }
    }
    assert!(!is_first(&mut w, 1, "both", false, now));
    let rest = serde_json::to_string(&w.rest()).unwrap();

    let mut w = Window::new(2, LENGTH, true);
    w.recall(serde_json::from_str(&rest).unwrap(), now);
    (0..2).for_each(|b| w.connected(b, now));
    assert!(!is_first(&mut w, 1, "stored", false, now));
    assert!(
        is_first(&mut w, 1, "stored", false, now),
        "one copy for one message"
    );
    assert!(is_first(&mut w, 1, "under way", false, now));
    assert!(
        is_first(&mut w, 1, "both", false, now),
        "another message of this content"
    );
    // Its acknowledgement was lost on the way to the broker that brought it.
    let mut w = Window::new(2, LENGTH, true);
    w.recall(serde_json::from_str(&rest).unwrap(), now);
    (0..2).for_each(|b| w.connected(b, now));
    assert!(!is_first(&mut w, 0, "stored", true, now));
}

proptest! {
    /// Whatever the interleaving: of each content as many go on as the broker sent that sent most of it.
    #[test]
    fn each_message_goes_on_once(order in proptest::collection::vec((0usize..3, 0u8..4), 0..200)) {
        let now = Instant::now();
        let mut w = window(3, true, now);
        let (mut sent, mut on) = ([[0; 4]; 3], [0; 4]);
        for (broker, content) in order {
            sent[broker][usize::from(content)] += 1;
            on[usize::from(content)] += usize::from(is_first(&mut w, broker, &content.to_string(), false, now));
        }
        for content in 0..4 {
            let most = sent.iter().map(|s| s[content]).max().unwrap_or(0);
            prop_assert_eq!(on[content], most);
        }
    }
}
