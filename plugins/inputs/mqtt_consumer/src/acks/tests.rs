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
    let tokens: Vec<_> = (1..=3)
        .map(|id| acks.at_least_once(id, false, 0).unwrap())
        .collect();
    let late = acks.exactly_once(9, false, 0).unwrap();
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
    let old = acks.at_least_once(1, false, 0).unwrap();
    acks.connected(true);
    let new = acks.at_least_once(1, false, 0).unwrap();
    acks.settle(old);
    assert_eq!(written(&mut acks), []);
    acks.settle(new);
    assert_eq!(written(&mut acks), [(0x40, 1)]);
}

#[test]
fn qos_2_is_handed_over_once_over_repeats_and_reconnects() {
    let mut acks = Acks::default();
    acks.connected(false);
    let token = acks.exactly_once(5, false, 0).unwrap();
    assert_eq!(acks.exactly_once(5, true, 0), None);
    acks.connected(true);
    assert_eq!(acks.exactly_once(5, true, 0), None);
    assert_eq!(written(&mut acks), []);
    acks.settle(token);
    assert_eq!(written(&mut acks), [(0x50, 5)]);
    let mut out = Vec::new();
    acks.release(5, &mut out);
    acks.release(77, &mut out);
    assert_eq!(out, [0x70, 2, 0, 5, 0x70, 2, 0, 77]);
    assert!(acks.exactly_once(5, false, 0).is_some());
}

#[test]
fn what_an_earlier_run_stored_is_only_acknowledged() {
    let mut before = Acks::default();
    before.connected(false);
    let stored = before.exactly_once(5, false, 0).unwrap();
    before.exactly_once(6, false, 0).unwrap();
    before.settle(stored);
    assert_eq!(before.stored(), [5]);

    let mut acks = Acks::default();
    acks.restore(before.stored(), Acknowledged::default(), None);
    acks.connected(true);
    assert_eq!(acks.exactly_once(5, true, 0), None);
    assert!(acks.exactly_once(6, true, 0).is_some());
    assert_eq!(written(&mut acks), [(0x50, 5)]);

    let mut acks = Acks::default();
    acks.restore(vec![5], Acknowledged::default(), None);
    acks.connected(true);
    assert!(
        acks.exactly_once(5, false, 0).is_some(),
        "another message has the number"
    );
    let mut acks = Acks::default();
    acks.restore(vec![5], Acknowledged::default(), None);
    acks.connected(false);
    assert!(
        acks.exactly_once(5, true, 0).is_some(),
        "the broker has forgotten it"
    );
}

#[test]
fn a_lost_session_forgets_the_identifiers() {
    let mut acks = Acks::default();
    acks.connected(false);
    let old = acks.exactly_once(5, false, 0).unwrap();
    acks.connected(false);
    let new = acks.exactly_once(5, true, 0).unwrap();
    acks.settle(old);
    assert_eq!(written(&mut acks), []);
    acks.settle(new);
    assert_eq!(written(&mut acks), [(0x50, 5)]);
}

#[test]
fn an_identifier_used_anew_after_a_reconnect_is_a_new_message() {
    let mut acks = Acks::default();
    acks.connected(false);
    acks.exactly_once(5, false, 0).unwrap();
    acks.connected(true);
    assert!(acks.exactly_once(5, false, 0).is_some());
}

#[test]
fn what_is_sent_again_waits_for_what_was_handed_over() {
    let mut acks = Acks::default();
    acks.connected(false);
    let tokens: Vec<_> = (1..=3)
        .map(|id| acks.at_least_once(id, false, 100 + u64::from(id)).unwrap())
        .collect();
    acks.settle(tokens[1]);
    acks.connected(true);
    // Settled between the connections.
    acks.settle(tokens[2]);
    assert_eq!(acks.at_least_once(1, true, 101), None);
    assert_eq!(acks.at_least_once(2, true, 102), None);
    assert_eq!(acks.at_least_once(3, true, 103), None);
    let new = acks.at_least_once(4, false, 104).unwrap();
    acks.settle(new);
    assert_eq!(written(&mut acks), []);
    // And once more: what is under way stays under way.
    acks.connected(true);
    assert_eq!(acks.at_least_once(1, true, 101), None);
    acks.settle(tokens[0]);
    assert_eq!(written(&mut acks), [(0x40, 1)]);
    for (id, content) in [(2, 102), (3, 103), (4, 104)] {
        assert_eq!(acks.at_least_once(id, true, content), None);
    }
    assert_eq!(written(&mut acks), [(0x40, 2), (0x40, 3), (0x40, 4)]);
    assert_eq!(acks.outstanding(), 0);
}

#[test]
fn another_content_another_number_or_a_new_session_is_another_message() {
    let mut acks = Acks::default();
    acks.connected(false);
    let old = acks.at_least_once(1, false, 7).unwrap();
    acks.at_least_once(2, false, 8).unwrap();
    acks.connected(true);
    assert!(acks.at_least_once(1, true, 9).is_some(), "another content");
    assert!(acks.at_least_once(3, true, 7).is_some(), "another number");
    assert!(
        acks.at_least_once(2, false, 8).is_some(),
        "not said to be sent again"
    );
    assert!(
        acks.at_least_once(2, true, 8).is_some(),
        "its number was given away"
    );
    acks.settle(old);
    assert_eq!(written(&mut acks), []);
    acks.connected(false);
    assert!(
        acks.at_least_once(1, true, 9).is_some(),
        "forgotten by the broker"
    );
}

/// Messages that come and are acknowledged every 100 ms, each with the number that `next` makes of the last one.
async fn acknowledged(acks: &mut Acks, messages: u16, next: impl Fn(u16) -> u16) -> u16 {
    let mut id = 65_530;
    for _ in 0..messages {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        id = next(id);
        let token = acks.at_least_once(id, false, u64::from(id)).unwrap();
        acks.settle(token);
        assert_eq!(written(acks).len(), 1);
    }
    id
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_that_was_lost_is_given_again_where_numbers_go_on() {
    let upward = |id: u16| if id == u16::MAX { 1 } else { id + 1 };
    let mut acks = Acks::default();
    acks.connected(false);
    let last = acknowledged(&mut acks, 20, upward).await;
    acks.connected(true);
    assert_eq!(acks.at_least_once(last - 1, true, u64::from(last - 1)), None);
    assert!(acks.at_least_once(last, true, 0).is_some(), "another message");
    assert!(
        acks.at_least_once(last + 1, true, u64::from(last + 1)).is_some(),
        "never seen"
    );
    assert_eq!(written(&mut acks), [(0x40, (last - 1) as u8)]);
    // Lost again before it had sent all.
    acks.connected(true);
    assert_eq!(acks.at_least_once(last - 2, true, u64::from(last - 2)), None);
    // What it did not send again before something new it had heard of.
    assert!(acks.at_least_once(last + 2, false, 0).is_some());
    acks.connected(true);
    assert!(acks.at_least_once(last - 3, true, u64::from(last - 3)).is_some());

    // A later run.
    let mut acks = Acks::default();
    acks.connected(false);
    let last = acknowledged(&mut acks, 20, upward).await;
    let mut later = Acks::default();
    later.restore(acks.stored(), acks.acknowledged(), None);
    later.connected(true);
    assert_eq!(later.at_least_once(last, true, u64::from(last)), None);
    let mut later = Acks::default();
    later.restore(acks.stored(), acks.acknowledged(), None);
    later.connected(false);
    assert!(later.at_least_once(last, true, u64::from(last)).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_took_up_an_old_state_says_nothing_of_sending_again() {
    for covered in [false, true] {
        let mut acks = Acks::default();
        acks.covered(covered);
        acks.connected(false);
        let last = acknowledged(&mut acks, 2, |id| id + 1).await;
        let open = acks.at_least_once(last + 1, false, 77).unwrap();
        acks.exactly_once(last + 2, false, 78).unwrap();
        acks.connected(true);
        let old = [(last, u64::from(last)), (last + 1, 77)];
        let known = old.map(|(id, content)| acks.at_least_once(id, false, content).is_none());
        assert_eq!(known, [covered; 2]);
        assert_eq!(acks.exactly_once(last + 2, false, 78).is_none(), covered);
        acks.settle(open);
        assert_eq!(written(&mut acks).len(), if covered { 2 } else { 0 });
        acks.connected(true);
        assert!(
            acks.at_least_once(last + 1, false, 79).is_some(),
            "another content"
        );
        assert!(acks.exactly_once(last + 2, false, 79).is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn numbers_that_are_used_at_once_again_say_nothing() {
    for (messages, next) in [
        (20, (|_| 1) as fn(u16) -> u16),
        (20, |id| 3 - id.min(2)),
        (4, |id| id + 1),
    ] {
        let mut acks = Acks::default();
        acks.connected(false);
        let last = acknowledged(&mut acks, messages, next).await;
        acks.connected(true);
        assert!(acks.at_least_once(last, true, u64::from(last)).is_some());
        assert_eq!(acks.acknowledged(), Acknowledged::default());
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_kill_the_journal_knows_what_was_acknowledged() {
    let path = std::env::temp_dir().join(format!("wheatstone-acks-killed-{}", std::process::id()));
    let log = || wheatstone_plugin::Log::new("inputs.mqtt_consumer", None, None);
    let begin = || {
        let (journal, found) = Journal::open(&path).unwrap();
        let mut acks = Acks::default();
        acks.restore(vec![], found, Some((journal, log())));
        acks
    };
    let mut acks = begin();
    acks.connected(false);
    let last = acknowledged(&mut acks, 20, |id| if id == u16::MAX { 1 } else { id + 1 }).await;
    let twice = acks.exactly_once(last + 1, false, 77).unwrap();
    acks.settle(twice);
    acks.exactly_once(last + 2, false, 78).unwrap();
    assert_eq!(written(&mut acks).len(), 1);
    std::mem::forget(acks);

    let mut acks = begin();
    acks.connected(true);
    assert_eq!(acks.at_least_once(last, true, u64::from(last)), None);
    assert_eq!(acks.exactly_once(last + 1, true, 77), None);
    assert!(acks.exactly_once(last + 2, true, 78).is_some(), "never settled");
    assert_eq!(written(&mut acks).len(), 2);
    // Another session of the same name.
    let mut acks = begin();
    acks.connected(false);
    assert!(begin().at_least_once(last, true, u64::from(last)).is_some());
    std::fs::remove_file(&path).unwrap();
}
