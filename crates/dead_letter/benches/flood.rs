//! What a flood of bad messages costs: the caller, and until all is safe. `cargo bench -p wheatstone-dead-letter`.

use std::time::Duration;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use wheatstone_dead_letter::{DeadLetterConfig, DeadLetterSink, Letter, Store};

fn main() {
    divan::main();
}

const LETTERS: usize = 10_000;

fn letter(n: usize) -> Letter {
    Letter::payload(
        n as i64,
        vec![b'x'; 200],
        "invalid character 'x' looking for beginning of value",
    )
    .plugin("inputs.mqtt_consumer")
    .source(format!("site/{n}/weather"))
    .data_format("json")
}

fn flood(bencher: Bencher, sync: bool, wait: bool) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let directory = dir.path().to_string_lossy().into_owned();
    let store = Store::open(&DeadLetterConfig {
        directory,
        sync,
        ..DeadLetterConfig::default()
    })
    .expect("it opens");
    bencher
        .counter(ItemsCount::new(LETTERS))
        .with_inputs(|| {
            store.flush(Duration::from_secs(10));
            (0..LETTERS).map(letter).collect::<Vec<_>>()
        })
        .bench_local_values(|letters| {
            for letter in letters {
                store.record(black_box(letter), None);
            }
            if wait {
                assert!(store.flush(Duration::from_secs(10)));
            }
        });
}

/// What the plugin's task pays.
#[divan::bench]
fn record(bencher: Bencher) {
    flood(bencher, true, false);
}

/// Until every letter is written, and synced.
#[divan::bench(args = [false, true])]
fn until_safe(bencher: Bencher, sync: bool) {
    flood(bencher, sync, true);
}
