//! Any series of reloads: every message is written once by the output that is always there, and acknowledged once.

use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;

use crate::plugins::session;
use crate::rig::{pass, start};
use crate::{all_acknowledged, client, keeper, numbers};

/// Each case has a session of its own.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A configuration: which variant of each part.
#[derive(Clone, Debug)]
struct Variant {
    input: u8,
    processors: Vec<u8>,
    aggregator: Option<u8>,
    output: u8,
    other: Option<u8>,
    broken: u8,
    wait: u64,
}

fn variant() -> impl Strategy<Value = Variant> {
    (
        0..3u8,
        prop::collection::vec(0..3u8, 0..3),
        prop::option::of(0..2u8),
        0..3u8,
        prop::option::of(0..3u8),
        0..6u8,
        0..400u64,
    )
        .prop_map(
            |(input, processors, aggregator, output, other, broken, wait)| Variant {
                input,
                processors,
                aggregator,
                output,
                other,
                broken,
                wait,
            },
        )
}

impl Variant {
    fn text(&self, name: &str) -> String {
        let down = |broken: u8| {
            if self.broken == broken {
                "down = true\n"
            } else {
                ""
            }
        };
        let mut text = client(name, &format!("{}note = \"{}\"", down(1), self.input));
        for p in &self.processors {
            text += &format!("[[processors.stamp]]\nwith = \"p{p}\"\n");
        }
        if let Some(a) = self.aggregator {
            text += &format!(
                "[[aggregators.sum]]\nname = \"sum{a}\"\nperiod = \"200ms\"\nnamedrop = [\"message\"]\n"
            );
        }
        text += &keeper(name, &format!("{}note = \"{}\"", down(2), self.output));
        if let Some(other) = self.other {
            let more = ["fails = true", "milliseconds = 300", ""][usize::from(other)];
            text += &keeper(&format!("{name}-other"), &format!("alias = \"other\"\n{more}"));
        }
        text
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_series_of_reloads_loses_or_doubles_a_message(variants in prop::collection::vec(variant(), 2..7)) {
        let name = format!("random-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut variants = variants;
        if variants.iter().any(|v| v.other == Some(0)) {
            // What an output that is down keeps from being settled comes again when the input is another: at least once.
            variants.iter_mut().for_each(|v| (v.input, v.broken) = (0, v.broken & 2));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let first = Variant { broken: 0, ..variants[0].clone() };
            let rig = start(&first.text(&name));
            for variant in &variants[1..] {
                pass(variant.wait).await;
                let broken = matches!(variant.broken, 1 | 2);
                let done = rig.reload(&variant.text(&name)).await;
                // An input that did not change is not started, so it cannot fail.
                assert!(done.is_err() == broken, "{variant:?}: {done:?}");
            }
            let last = Variant { broken: 0, other: None, ..variants[0].clone() };
            rig.reload(&last.text(&name)).await.unwrap();
            pass(30_000).await;
            assert!(all_acknowledged(&name), "{:?}", session(&name));
            rig.stop().await.unwrap();
        });
        prop_assert_eq!(numbers(&name), (0..200).collect::<Vec<_>>());
        prop_assert_eq!(session(&name).at_once, 1);
    }
}
