//! Inputs that are changed, cannot start, or run on under other tags and intervals: nothing that they have read is lost.

use crate::plugins::{book, session};
use crate::rig::{pass, start};
use crate::{all_acknowledged, client, keeper, numbers};

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
