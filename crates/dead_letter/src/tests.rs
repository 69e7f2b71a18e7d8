//! The store and its readers together.

use std::path::Path;
use std::time::Duration;

use wheatstone_plugin::conf::Size;

use crate::{DeadLetterConfig, DeadLetterSink, Entry, Filter, Letter, Letters, Store};

mod exact;
mod reader;
mod store;

const PATIENCE: Duration = Duration::from_secs(20);

fn config(dir: &Path) -> DeadLetterConfig {
    let directory = dir.to_str().unwrap().to_owned();
    DeadLetterConfig {
        directory,
        max_size: Size(64 << 10),
        ..DeadLetterConfig::default()
    }
}

fn open(dir: &Path) -> Store {
    Store::open(&config(dir)).unwrap()
}

fn letter(n: i64) -> Letter {
    Letter::payload(n, format!("payload {n}"), "no JSON")
        .plugin("inputs.mqtt_consumer::hall")
        .source(format!("site/{n}"))
        .data_format("json")
}

fn put(store: &Store, letters: impl IntoIterator<Item = Letter>) {
    for letter in letters {
        store.record(letter, None);
    }
    assert!(store.flush(PATIENCE));
}

fn all(dir: &Path) -> Vec<Entry> {
    Letters::open(dir)
        .unwrap()
        .list(Filter::default())
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

fn times(dir: &Path) -> Vec<i64> {
    all(dir).iter().map(|e| e.letter.time).collect()
}
