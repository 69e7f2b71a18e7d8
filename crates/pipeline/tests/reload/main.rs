//! Reloads of a running pipeline, one for each kind of difference: what is unchanged does not notice, nothing is lost, nothing
//! is written twice, and what cannot be done changes nothing.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

mod disk;
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
async fn a_changed_output_gets_what_waits() {
    let input = client("output", "");
    // More than the session's window: messages wait for the output.
    let rig = start(&(input.clone() + &keeper("output-old", "fails = true")));
    pass(1500).await;
    assert!(session("output").acknowledged.is_empty());
    let changes = rig
        .reload(&(input.clone() + &keeper("output-new", "")))
        .await
        .unwrap();
    assert_eq!((changes.changed.len(), changes.unchanged), (1, 1));
    pass(4000).await;
    assert!(all_acknowledged("output"));
    rig.stop().await.unwrap();
    assert_eq!(numbers("output-new"), (0..200).collect::<Vec<_>>());
    assert_eq!((book("output-old").closes, session("output").connects), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_write_under_way_is_waited_for_and_a_hanging_one_is_not() {
    for (name, takes, once) in [("slow", 3000, true), ("hangs", 600_000, false)] {
        let input = client(name, "");
        let rig = start(&(input.clone() + &keeper(name, &format!("milliseconds = {takes}"))));
        pass(1000).await;
        rig.reload(&(input.clone() + &keeper(name, ""))).await.unwrap();
        pass(20_000).await;
        assert!(all_acknowledged(name), "{name}");
        rig.stop().await.unwrap();
        assert_eq!(numbers(name), (0..200).collect::<Vec<_>>(), "{name}, {once}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_core_does_for_an_output_changes_without_a_reconnect() {
    let input = client("front", "");
    let rig = start(&(input.clone() + &keeper("front", "")));
    pass(500).await;
    let changes = rig
        .reload(
            &(input.clone()
                + &keeper(
                    "front",
                    "name_prefix = \"new_\"\nmetric_batch_size = 7\nflush_interval = \"20ms\"",
                )),
        )
        .await
        .unwrap();
    assert_eq!((changes.adjusted.len(), changes.unchanged), (1, 1));
    pass(3000).await;
    rig.stop().await.unwrap();
    let book = book("front");
    assert_eq!((book.connects, book.closes, book.written.len()), (1, 1, 200));
    let renamed = book
        .written
        .iter()
        .filter(|(_, line)| line.starts_with("new_message"))
        .count();
    assert!(renamed > 100 && renamed < 200, "{renamed}");
}

#[tokio::test(start_paused = true)]
async fn outputs_come_and_go_with_all_that_is_theirs() {
    let base = client("comes", "") + &keeper("comes-stays", "");
    let rig = start(&(base.clone() + &keeper("comes-goes", "alias = \"goes\"\nflush_interval = \"1h\"")));
    pass(300).await;
    assert_eq!(book("comes-goes").written.len(), 0);
    let changes = rig.reload(&base).await.unwrap();
    assert_eq!(
        (changes.removed.as_slice(), changes.unchanged),
        (["outputs.keeper::goes".to_owned()].as_slice(), 2)
    );
    pass(300).await;
    let gone = book("comes-goes");
    assert!(gone.written.len() >= 20 && gone.closes == 1, "{gone:?}");
    let changes = rig
        .reload(&(base.clone() + &keeper("comes-new", "alias = \"new\"")))
        .await
        .unwrap();
    assert_eq!(changes.added.len(), 1);
    pass(3000).await;
    assert!(all_acknowledged("comes"));
    rig.stop().await.unwrap();
    assert_eq!(numbers("comes-stays"), (0..200).collect::<Vec<_>>());
    assert_eq!(
        book("comes-goes").written.len(),
        gone.written.len(),
        "nothing came later"
    );
    let new = numbers("comes-new");
    assert_eq!(new, (200 - new.len() as i64..200).collect::<Vec<_>>());
    assert!(new.len() > 50);
}

#[tokio::test(start_paused = true)]
async fn a_removed_output_that_fails_keeps_no_message_back() {
    let base = client("stuck", "") + &keeper("stuck", "");
    let rig = start(&(base.clone() + &keeper("stuck-other", "alias = \"other\"\nfails = true")));
    pass(1500).await;
    assert!(session("stuck").acknowledged.is_empty());
    rig.reload(&base).await.unwrap();
    pass(3000).await;
    assert!(all_acknowledged("stuck"));
    assert_eq!(rig.stop().await.unwrap().unsent, 0);
    assert_eq!(numbers("stuck"), (0..200).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_changed_input_never_meets_itself() {
    let output = keeper("session", "");
    let rig = start(&(client("session", "") + &output));
    for round in 0..5 {
        pass(300).await;
        let changes = rig
            .reload(&(client("session", &format!("note = \"{round}\"")) + &output))
            .await
            .unwrap();
        assert_eq!((changes.changed.len(), changes.unchanged), (1, 1));
    }
    pass(3000).await;
    rig.stop().await.unwrap();
    let session = session("session");
    assert_eq!((session.connects, session.at_once), (6, 1));
    assert_eq!(numbers("session"), (0..200).collect::<Vec<_>>(), "each once");
    assert_eq!(book("session").connects, 1);
}

#[tokio::test(start_paused = true)]
async fn a_changed_input_waits_for_outputs_that_are_on_their_way_out() {
    let output = keeper("leaving", "");
    let other = keeper("leaving-other", "alias = \"other\"\nmilliseconds = 300");
    let rig = start(&(client("leaving", "") + &output + &other));
    for round in 0..5 {
        pass(200).await;
        let input = client("leaving", &format!("note = \"{round}\""));
        rig.reload(&(input.clone() + &output)).await.unwrap();
        rig.reload(&(client("leaving", &format!("note = \"{round}b\"")) + &output))
            .await
            .unwrap();
        rig.reload(&(input + &output + &other)).await.unwrap();
    }
    pass(5000).await;
    rig.stop().await.unwrap();
    assert_eq!(numbers("leaving"), (0..200).collect::<Vec<_>>(), "each once");
}

#[tokio::test(start_paused = true)]
async fn an_input_that_cannot_start_brings_the_old_ones_back() {
    let rest = keeper("back", "") + "[[processors.stamp]]\nwith = \"old\"\n";
    let rig = start(&(client("back", "") + &client("back-2", "alias = \"goes\"") + &rest));
    pass(500).await;
    let new = client("back", "down = true") + &rest.replace("old", "new");
    let error = format!("{:#}", rig.reload(&new).await.unwrap_err());
    assert!(
        error.contains("starting input inputs.client: nobody listens"),
        "{error}"
    );
    pass(4000).await;
    rig.stop().await.unwrap();
    assert!(all_acknowledged("back") && all_acknowledged("back-2"));
    assert_eq!(book("back").written.len(), 400);
    assert!(book("back").written.iter().all(|(_, line)| line.contains("old=")));
    // One that may be tried again is another matter.
    let rig = start(&(client("back-3", "") + &rest));
    pass(100).await;
    let later = client(
        "back-3",
        "down = true\npassing = true\nstartup_error_behavior = \"retry\"",
    );
    rig.reload(&(later + &rest)).await.unwrap();
    rig.reload(&(client("back-3", "") + &rest)).await.unwrap();
    pass(3000).await;
    rig.stop().await.unwrap();
    assert!(all_acknowledged("back-3"));
}

#[tokio::test(start_paused = true)]
async fn an_output_that_cannot_connect_changes_nothing() {
    let input = client("down", "");
    let rig = start(&(input.clone() + &keeper("down", "")));
    pass(300).await;
    let new = |more: &str| {
        client("down", "note = \"new\"") + &keeper("down", "note = \"new\"") + &keeper("down-other", more)
    };
    let error = format!(
        "{:#}",
        rig.reload(&new("alias = \"other\"\ndown = true"))
            .await
            .unwrap_err()
    );
    assert!(
        error.contains("connecting output outputs.keeper::other: no such server"),
        "{error}"
    );
    assert_eq!(
        (session("down").connects, book("down").closes),
        (1, 1),
        "only the new one was closed"
    );
    // With these the others go on without it, or until it is there.
    let ignored = "alias = \"other\"\ndown = true\npassing = true\nstartup_error_behavior = \"ignore\"";
    rig.reload(&new(ignored)).await.unwrap();
    rig.reload(&new(&ignored.replace("ignore", "retry")))
        .await
        .unwrap();
    pass(100).await;
    rig.reload(&new("alias = \"other\"")).await.unwrap();
    pass(3000).await;
    assert!(all_acknowledged("down"));
    rig.stop().await.unwrap();
    assert_eq!(numbers("down"), (0..200).collect::<Vec<_>>());
    assert!(book("down-other").written.len() > 50);
}

#[tokio::test(start_paused = true)]
async fn a_port_that_the_old_output_has_is_freed_for_the_new_one() {
    let input = client("port", "");
    let rig = start(&(input.clone() + &keeper("port", "port = 7")));
    pass(300).await;
    rig.reload(&(input.clone() + &keeper("port", "port = 7\nnote = \"new\"")))
        .await
        .unwrap();
    pass(300).await;
    // The second output has the port: the first must not lose it for that.
    let two = |more: &str| {
        input.clone()
            + &keeper("port", &format!("port = 7\nnote = \"{more}\""))
            + &keeper("port-2", "alias = \"2\"\nport = 7")
    };
    let error = format!("{:#}", rig.reload(&two("newer")).await.unwrap_err());
    assert!(error.contains("cannot listen"), "{error}");
    pass(3000).await;
    rig.stop().await.unwrap();
    assert_eq!(numbers("port"), (0..200).collect::<Vec<_>>());
    assert_eq!(book("port").connects, book("port").closes);
}

#[tokio::test(start_paused = true)]
async fn an_output_with_a_session_hands_it_over() {
    let input = client("named", "");
    let rig = start(&(input.clone() + &keeper("named", "client_id = \"me\"\nport = 8")));
    pass(300).await;
    let failing = input.clone() + &keeper("named", "client_id = \"me\"\ndown = true");
    assert!(rig.reload(&failing).await.is_err());
    pass(300).await;
    rig.reload(&(input.clone() + &keeper("named", "client_id = \"me\"\nport = 8\nnote = \"new\"")))
        .await
        .unwrap();
    pass(3000).await;
    rig.stop().await.unwrap();
    assert_eq!(numbers("named"), (0..200).collect::<Vec<_>>());
    // The first, the first again, the second.
    assert_eq!(book("named").connects, 3);
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
async fn tags_and_intervals_change_under_a_running_input() {
    let text = |tag: &str, interval: &str| {
        format!(
            "[agent]\nomit_hostname = true\ninterval = \"{interval}\"\nround_interval = false\nprecision = \"1ns\"\nflush_interval = \"50ms\"\n[global_tags]\nsite = \"{tag}\"\n[[inputs.clock]]\nclient = \"tags\"\n[[outputs.keeper]]\nbook = \"tags\"\n"
        )
    };
    let rig = start(&text("a", "1s"));
    pass(4500).await;
    let changes = rig.reload(&text("b", "1s")).await.unwrap();
    assert_eq!((changes.adjusted.len(), changes.unchanged), (1, 1));
    pass(4000).await;
    rig.reload(&text("b", "100ms")).await.unwrap();
    pass(2000).await;
    rig.stop().await.unwrap();
    let written = book("tags").written;
    let numbers: Vec<i64> = written.iter().map(|(n, _)| *n).collect();
    // One that was started anew would have begun at 0 again.
    assert_eq!(numbers, (0..numbers.len() as i64).collect::<Vec<_>>());
    assert!((25..35).contains(&numbers.len()), "{}", numbers.len());
    assert!(written[..4].iter().all(|(_, line)| line == "clock site=a"));
    assert!(written[6..].iter().all(|(_, line)| line == "clock site=b"));
}

#[tokio::test(start_paused = true)]
async fn the_first_of_three_goes_and_the_others_stay() {
    let inputs = |names: &[&str]| {
        names
            .iter()
            .map(|name| client(&format!("three-{name}"), ""))
            .collect::<String>()
    };
    let rig = start(&(inputs(&["a", "b", "c"]) + &keeper("three", "")));
    pass(300).await;
    let changes = rig
        .reload(&(inputs(&["b", "c"]) + &keeper("three", "")))
        .await
        .unwrap();
    assert_eq!(
        (changes.removed.len(), changes.changed.len(), changes.unchanged),
        (1, 0, 3)
    );
    pass(3000).await;
    rig.stop().await.unwrap();
    assert_eq!((session("three-b").connects, session("three-c").connects), (1, 1));
    assert!(all_acknowledged("three-b") && all_acknowledged("three-c"));
    let stopped = session("three-a");
    assert!(stopped.acknowledged.len() < 40);
    assert_eq!(
        book("three").written.len(),
        400 + stopped.acknowledged.len(),
        "what was read is written and acknowledged"
    );
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
