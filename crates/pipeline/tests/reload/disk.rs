//! Backlogs on disk move along with their outputs: in real time, since a disk knows no other.

use std::path::Path;

use crate::plugins::session;
use crate::rig::{pass, start};
use crate::{all_acknowledged, client, keeper, numbers};

fn text(dir: &Path, client: &str, output: &str) -> String {
    format!(
        "[agent]\nomit_hostname = true\nflush_interval = \"50ms\"\nbuffer_directory = {dir:?}\n{client}{output}"
    )
}

/// The folders under the buffers' directory.
fn folders(dir: &Path) -> usize {
    std::fs::read_dir(dir).map_or(0, |entries| entries.count())
}

async fn until(what: &str, mut check: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if check() {
            return;
        }
        pass(10).await;
    }
    panic!("waited in vain for {what}");
}

async fn carried(name: &str, old: &str, new: &str, folders_after: usize) {
    let dir = tempfile::tempdir().unwrap();
    let client = client(name, "");
    let rig = start(&text(
        dir.path(),
        &client,
        &keeper(name, &format!("fails = true\n{old}")),
    ));
    until("messages", || session(name).connects == 1).await;
    pass(700).await;
    rig.reload(&text(dir.path(), &client, &keeper(name, new)))
        .await
        .unwrap();
    until("acknowledgements", || all_acknowledged(name)).await;
    rig.stop().await.unwrap();
    assert_eq!(numbers(name), (0..200).collect::<Vec<_>>(), "{name}");
    assert_eq!(folders(dir.path()), folders_after, "{name}");
    assert_eq!(session(name).connects, 1);
}

#[tokio::test]
async fn from_disk_to_disk() {
    carried(
        "disk-disk",
        "buffer_strategy = \"disk\"",
        "buffer_strategy = \"disk\"",
        1,
    )
    .await;
}

#[tokio::test]
async fn from_memory_to_disk() {
    carried("memory-disk", "", "buffer_strategy = \"disk\"", 1).await;
}

#[tokio::test]
async fn from_disk_to_memory() {
    carried("disk-memory", "buffer_strategy = \"disk\"", "", 0).await;
}

#[tokio::test]
async fn what_does_not_fit_into_memory_stays_on_disk() {
    carried(
        "disk-large",
        "buffer_strategy = \"disk\"",
        "metric_buffer_limit = 5",
        1,
    )
    .await;
}

#[tokio::test]
async fn a_backlog_joins_what_an_earlier_run_left_at_its_new_place() {
    let dir = tempfile::tempdir().unwrap();
    let disk = "buffer_strategy = \"disk\"";
    let down = |book: &str| keeper(book, &format!("fails = true\n{disk}"));
    for (name, book) in [("left-1", "left-a"), ("left-2", "left-b")] {
        let rig = start(&text(dir.path(), &client(name, ""), &down(book)));
        until("acknowledgements", || all_acknowledged(name)).await;
        rig.stop().await.unwrap();
    }
    assert_eq!(folders(dir.path()), 2);
    let idle = client("left-3", "note = \"none\"").replace("count = 200", "count = 0");
    let rig = start(&text(dir.path(), &idle, &down("left-a")));
    pass(100).await;
    rig.reload(&text(dir.path(), &idle, &down("left-b")))
        .await
        .unwrap();
    until("the move", || folders(dir.path()) == 1).await;
    rig.reload(&text(dir.path(), &idle, &keeper("left-b", disk)))
        .await
        .unwrap();
    until("the rest", || numbers("left-b").len() == 400).await;
    rig.stop().await.unwrap();
    assert_eq!(folders(dir.path()), 1);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let client = client("nofolder", "");
    let rig = start(&text(dir.path(), &client, &keeper("nofolder", "")));
    pass(100).await;
    let error = rig
        .reload(&text(
            &file,
            &client,
            &keeper("nofolder", "buffer_strategy = \"disk\""),
        ))
        .await
        .unwrap_err();
    assert!(
        format!("{error:#}").contains("opening the disk buffer"),
        "{error:#}"
    );
    until("acknowledgements", || all_acknowledged("nofolder")).await;
    rig.stop().await.unwrap();
    assert_eq!(numbers("nofolder"), (0..200).collect::<Vec<_>>());
}
