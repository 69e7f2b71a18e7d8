//! Reloads of a running pipeline, one for each kind of difference: what is unchanged does not notice, nothing is lost, nothing
//! is written twice, and what cannot be done changes nothing.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod disk;
mod inputs;
mod outputs;
mod plugins;
mod random;
mod rig;

use plugins::{book, session};
use rig::{pass, start};

/// An input with a session, 200 messages, one each 10 ms.
pub fn client(name: &str, more: &str) -> String {
    format!("[[inputs.client]]\nclient = \"{name}\"\ncount = 200\n{more}\n")
}

pub fn keeper(book: &str, more: &str) -> String {
    format!("[[outputs.keeper]]\nbook = \"{book}\"\n{more}\n")
}

/// The numbers of what a book has, in order.
pub fn numbers(name: &str) -> Vec<i64> {
    let mut numbers: Vec<i64> = book(name).written.iter().map(|(n, _)| *n).collect();
    numbers.sort_unstable();
    numbers
}

pub fn all_acknowledged(client: &str) -> bool {
    session(client).acknowledged.len() == 200
}

#[tokio::test(start_paused = true)]
async fn what_is_equal_does_not_notice() {
    let text = client("equal", "") + &keeper("equal", "") + "[[processors.stamp]]\nwith = \"s\"\n";
    let rig = start(&text);
    pass(500).await;
    let moved = format!("# a comment more\n\n{text}").replace("with = \"s\"", "\n  with = 's'");
    let changes = rig.reload(&moved).await.unwrap();
    assert!(changes.is_none(), "{changes:?}");
    assert_eq!(changes.unchanged, 3);
    pass(3000).await;
    rig.stop().await.unwrap();
    assert_eq!((session("equal").connects, book("equal").connects), (1, 1));
    assert_eq!(numbers("equal"), (0..200).collect::<Vec<_>>());
    // The processor went on counting.
    assert!(
        book("equal")
            .written
            .iter()
            .any(|(_, line)| line == "message s=200")
    );
}

#[tokio::test(start_paused = true)]
async fn a_changed_processor_takes_over_between_two_metrics() {
    let stamp = |with: &str| {
        format!("[[processors.stamp]]\nwith = \"{with}\"\n[[processors.stamp]]\nwith = \"stays\"\n")
    };
    let rest = client("processor", "") + &keeper("processor", "");
    let rig = start(&(rest.clone() + &stamp("a")));
    pass(1000).await;
    let changes = rig.reload(&(rest.clone() + &stamp("b"))).await.unwrap();
    assert_eq!(
        (changes.changed, changes.unchanged),
        (vec!["processors.stamp".to_owned()], 3)
    );
    pass(2000).await;
    rig.stop().await.unwrap();
    assert_eq!(numbers("processor"), (0..200).collect::<Vec<_>>());
    assert_eq!(
        (session("processor").connects, book("processor").connects),
        (1, 1)
    );
    let written = book("processor").written;
    let with = |tag: &str| written.iter().filter(|(_, line)| line.contains(tag)).count();
    assert!(with("a=") > 50 && with("b=") > 50);
    assert_eq!(with("a=") + with("b="), 200);
    assert!(
        written.iter().any(|(_, line)| line.contains("stays=200")),
        "its state is kept"
    );
}

#[tokio::test(start_paused = true)]
async fn processors_come_go_and_change_places() {
    let rest = client("places", "") + &keeper("places", "");
    let stamps = |names: &[(&str, i64)]| {
        let one = |(name, order): &(&str, i64)| {
            format!("[[processors.stamp]]\nwith = \"{name}\"\norder = {order}\n")
        };
        rest.clone() + &names.iter().map(one).collect::<String>()
    };
    let rig = start(&stamps(&[("a", 1), ("b", 2)]));
    pass(300).await;
    let changes = rig.reload(&stamps(&[("a", 2), ("b", 1)])).await.unwrap();
    assert_eq!(changes.adjusted.len(), 2);
    let changes = rig.reload(&stamps(&[("b", 1)])).await.unwrap();
    assert_eq!((changes.removed.len(), changes.unchanged), (1, 3));
    let changes = rig.reload(&rest).await.unwrap();
    assert_eq!(changes.removed.len(), 1);
    let changes = rig.reload(&stamps(&[("c", 1)])).await.unwrap();
    assert_eq!(changes.added.len(), 1);
    pass(3000).await;
    rig.stop().await.unwrap();
    assert_eq!(numbers("places"), (0..200).collect::<Vec<_>>());
    assert_eq!(session("places").connects, 1);
}

#[tokio::test(start_paused = true)]
async fn a_changed_aggregator_pushes_first_and_an_unchanged_one_keeps_its_window() {
    let rest = client("sums", "") + &keeper("sums", "");
    let sum = |name: &str, period: &str| {
        // The messages' own times are long past.
        format!("[[aggregators.sum]]\nname = \"{name}\"\nperiod = \"{period}\"\ngrace = \"1000000h\"\n")
    };
    let rig = start(&(rest.clone() + &sum("a", "1h") + &sum("b", "1h")));
    pass(500).await;
    let changes = rig
        .reload(&(rest.clone() + &sum("a", "2h") + &sum("b", "1h")))
        .await
        .unwrap();
    assert_eq!((changes.changed.len(), changes.unchanged), (1, 3));
    pass(3000).await;
    rig.stop().await.unwrap();
    let of = |name: &str| -> Vec<i64> {
        let written = book("sums").written;
        written
            .iter()
            .filter(|(_, line)| line.starts_with(name))
            .map(|(n, _)| *n)
            .collect()
    };
    assert_eq!(of("a").len(), 2);
    assert_eq!(of("a").iter().sum::<i64>(), 200);
    assert_eq!(of("b"), [200]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_during_a_reload_ends_in_order() {
    let rig = start(&(client("hurry", "") + &keeper("hurry", "milliseconds = 4000")));
    pass(300).await;
    let new = rig::topology(&(client("hurry", "note = \"new\"") + &keeper("hurry", "milliseconds = 4000")))
        .unwrap();
    let (done, changed) = tokio::sync::oneshot::channel();
    rig.send(wheatstone_pipeline::Reload { topology: new, done })
        .await;
    pass(100).await;
    let begun = tokio::time::Instant::now();
    rig.stop().await.unwrap();
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    assert!(changed.await.unwrap().is_err());
    let (session, written) = (session("hurry"), numbers("hurry"));
    assert_eq!(written.len(), session.acknowledged.len());
}

/// Built while the old ones still count, they begin where those have ended.
#[tokio::test(start_paused = true)]
async fn what_is_built_anew_begins_with_the_state_of_its_predecessor() {
    let text = client("tally", "")
        + &keeper("tally", "")
        + "[[processors.tally]]\n[[inputs.tally]]\ninterval = \"100ms\"\n"
        + "[[aggregators.tally]]\nperiod = \"100s\"\ngrace = \"900000h\"\nnamepass = [\"message\"]\n";
    let states = wheatstone_plugin::States::in_memory();
    let agent = |host: &str| wheatstone_plugin::AgentInfo {
        hostname: Some(host.to_owned()),
        states: states.restarted(),
        ..Default::default()
    };
    let rig = rig::start_for(&text, agent("a"));
    for host in ["b", "c", "d"] {
        pass(700).await;
        let changes = rig.reload_for(&text, agent(host)).await.unwrap();
        let changed = ["inputs.tally", "processors.tally", "aggregators.tally"];
        assert!(
            changed
                .iter()
                .all(|name| changes.changed.iter().any(|c| c == name)),
            "{changes:?}"
        );
    }
    pass(2500).await;
    rig.stop().await.unwrap();
    let written = book("tally").written;
    let of = |name: &str, tag: &str| -> Vec<u64> {
        let lines = written.iter().filter(|(_, line)| line.starts_with(name));
        let values = lines.filter_map(|(_, line)| line.split(tag).nth(1)?.split(',').next()?.parse().ok());
        values.collect()
    };
    let mut tallies = of("message", "tally=");
    tallies.extend(of("gathered", "tally="));
    tallies.sort_unstable();
    assert_eq!(tallies, (1..=tallies.len() as u64).collect::<Vec<_>>());
    let gathered = of("gathered", "gathered=");
    assert!(gathered.len() > 20);
    assert_eq!(gathered, (1..=gathered.len() as u64).collect::<Vec<_>>());
    assert_eq!(of("total", "total=").last(), Some(&200));
}
