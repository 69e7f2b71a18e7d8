//! Outputs that are changed, come, go or cannot connect: what waits for them is written, and written once.

use crate::plugins::{book, session};
use crate::rig::{pass, start};
use crate::{all_acknowledged, client, keeper, numbers};

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
