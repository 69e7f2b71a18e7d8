//! What the commands see.

use std::io;

use wheatstone_metric::Metric;

use super::{all, letter, open, put};
use crate::{Entry, Filter, Letter, Letters, parse_since};

#[test]
fn a_replay_gives_each_letter_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put(&store, (1..=6).map(letter));
    let mut letters = Letters::open(dir.path()).unwrap();
    letters.remove(&[2]).unwrap();

    let mut replay = letters.replay(Filter::default()).unwrap();
    assert_eq!(
        letters.replay(Filter::default()).unwrap_err().kind(),
        io::ErrorKind::WouldBlock
    );
    let ids: Vec<u64> = replay.by_ref().map(|e| e.unwrap().id).collect();
    assert_eq!(ids, [1, 3, 4, 5, 6]);
    replay.done(&[1, 3, 4]).unwrap();
    drop(replay);

    // What was not said to be done comes again, and what came since.
    put(&store, [letter(7)]);
    let mut replay = Letters::open(dir.path())
        .unwrap()
        .replay(Filter::default())
        .unwrap();
    let ids: Vec<u64> = replay.by_ref().map(|e| e.unwrap().id).collect();
    assert_eq!(ids, [5, 6, 7]);
    replay.done(&ids).unwrap();
    drop(replay);
    assert_eq!(letters.replay(Filter::default()).unwrap().count(), 0);

    let listed: Vec<_> = all(dir.path()).iter().map(|e| (e.id, e.replayed)).collect();
    assert_eq!(
        listed,
        [(1, true), (3, true), (4, true), (5, true), (6, true), (7, true)]
    );
}

#[test]
fn a_filter_picks_by_time_plugin_and_topic() {
    let dir = tempfile::tempdir().unwrap();
    let refused = Letter::metric(9, Metric::new("m", 1), "400").plugin("outputs.influxdb");
    put(&open(dir.path()), (1..=3).map(letter).chain([refused]));
    let list = |since, plugin: &str, topic: &str| {
        let one = |s: &str| if s.is_empty() { vec![] } else { vec![s.to_owned()] };
        let filter = Filter::new(since, &one(plugin), &one(topic)).unwrap();
        let letters = Letters::open(dir.path()).unwrap();
        letters
            .list(filter)
            .unwrap()
            .map(|e| e.unwrap().id)
            .collect::<Vec<_>>()
    };
    assert_eq!(list(Some(3), "", ""), [3, 4]);
    assert_eq!(list(None, "inputs.mqtt_consumer", ""), [1, 2, 3]);
    assert_eq!(list(None, "inputs.mqtt_consumer::hall", "site/2"), [2]);
    assert_eq!(list(None, "outputs.*", ""), [4]);
    assert_eq!(list(None, "", "site/*"), [1, 2, 3]);
    assert!(Filter::new(None, &["[".into()], &[]).is_err());
}

#[test]
fn since_is_an_age_or_a_time() {
    let hour = 3_600_000_000_000;
    assert_eq!(parse_since("2h", 5 * hour), Ok(3 * hour));
    assert_eq!(parse_since("1970-01-01T01:00:00Z", 0), Ok(hour));
    assert_eq!(
        parse_since("1970-01-01T02:00:00.5+01:00", 0),
        Ok(hour + 500_000_000)
    );
    assert_eq!(parse_since("1970-01-02", 0), Ok(24 * hour));
    assert!(parse_since("yesterday", 0).unwrap_err().contains("\"2h\""));
    assert!(parse_since("", 0).is_err());
}

#[test]
fn letters_are_shown_whole_and_harmless() {
    let entry = |letter| Entry {
        id: 7,
        replayed: false,
        letter,
    };
    let text = entry(
        Letter::payload(0, "{\"t\": \u{1b}[2J}", "bad \u{7}")
            .plugin("inputs.file")
            .source("a/b"),
    );
    assert_eq!(
        text.line(),
        "7  1970-01-01T00:00:00Z  inputs.file  a/b  bad \\u{7} (11 bytes)"
    );
    assert!(
        text.text()
            .ends_with("reason:  bad \\u{7}\npayload, 11 bytes:\n  {\"t\": \\u{1b}[2J}\n"),
        "{}",
        text.text()
    );
    let binary = entry(Letter::payload(0, b"\x00\xffok".as_slice(), "r"));
    assert!(
        binary.text().contains("00 ff 6f 6b") && binary.text().contains("..ok"),
        "{}",
        binary.text()
    );
    let json: serde_json::Value = serde_json::from_str(&binary.json()).unwrap();
    assert_eq!(json["payload"]["base64"], "AP9vaw==");

    let mut metric = Metric::new("m", 5);
    metric.set_field("f", f64::NAN);
    metric.set_field("u", u64::MAX);
    let refused = entry(Letter::metric(1, metric, "400").answer("field type conflict"));
    let json: serde_json::Value = serde_json::from_str(&refused.json()).unwrap();
    assert_eq!(json["line"], "m u=18446744073709551615u 5");
    assert_eq!(json["answer"], "field type conflict");
    assert_eq!(json["metric"]["fields"][1][1]["uint"], u64::MAX);
    assert!(refused.text().contains("f = NaN"), "{}", refused.text());
}
