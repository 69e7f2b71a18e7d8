//! Whole pipelines of small plugins: every message is told exactly once, a slow output stops nobody, plugins fail alone.

mod support;

use std::time::Duration;

use proptest::prelude::*;
use support::{Parts, run_for, settled, slack, written};
use wheatstone_plugin::Slack;

#[test]
fn a_message_is_settled_once_its_output_has_it() {
    let seen = run_for(Parts::new("plain").output("ok", &[]), Duration::from_secs(30));
    assert_eq!(seen.exit.unwrap().unsent, 0);
    assert_eq!(settled("plain").len(), 40);
    assert!(settled("plain").values().all(|times| *times == 1));
    assert_eq!(written("plain/0").len(), 120);
}

#[test]
fn an_output_that_never_answers_stops_nobody() {
    // Telegraf's issue 16537: one dead output, and nothing arrives anywhere.
    let seen = run_for(
        Parts::new("dead").output("hangs", &[]).output("ok", &[]),
        Duration::from_secs(60),
    );
    assert_eq!(written("dead/1").len(), 120, "the other output has everything");
    assert_eq!(seen.exit.unwrap().unsent, 120);
    assert!(
        settled("dead").is_empty(),
        "what one output does not have is not acknowledged"
    );
}

#[test]
fn an_output_that_is_down_takes_no_permits_from_the_others() {
    for (name, down) in [("down-fails", "flaky"), ("down-hangs", "hangs")] {
        run_for(
            Parts::new(name)
                .limited(5)
                .output(down, &[("fails", 1_000_000)])
                .output("ok", &[]),
            Duration::from_secs(200),
        );
        assert_eq!(written(&format!("{name}/1")).len(), 120, "{name}");
    }
}

#[test]
fn a_refused_point_does_not_take_its_batch_along() {
    run_for(
        Parts::new("poison").output("rejects", &[("every", 10)]),
        Duration::from_secs(30),
    );
    assert_eq!(written("poison/0").len(), 108);
    assert!(settled("poison").values().all(|times| *times == 1));
}

#[test]
fn an_output_that_fails_is_tried_again_and_nothing_is_lost() {
    run_for(
        Parts::new("flaky").output("flaky", &[("fails", 3)]),
        Duration::from_secs(60),
    );
    let mut all = written("flaky/0");
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 120);
}

#[test]
fn a_processor_that_panics_loses_only_what_it_held() {
    run_for(
        Parts::new("panics")
            .processor("panics", &[("every", 50)])
            .output("ok", &[]),
        Duration::from_secs(30),
    );
    let kept = written("panics/0").len();
    assert!(kept > 0 && kept < 120, "{kept}");
    assert_eq!(settled("panics").len(), 40);
    assert!(settled("panics").values().all(|times| *times == 1));
}

#[test]
fn an_input_knows_until_when_nobody_misses_its_metrics() {
    let seen = |parts: Parts, name: &str| {
        run_for(parts, Duration::from_secs(30));
        slack(name)
    };
    let until = |metrics| Slack {
        time: Duration::from_secs(1),
        metrics,
    };
    let none = Slack::default();
    // Batches of 3 metrics, then of 21, and a write each second.
    let wide = Parts::new("slack").batch(1000).output("ok", &[]);
    assert_eq!(seen(wide, "slack"), [997, 976, 955, 934, 913, 892].map(until));
    let full = Parts::new("slack-full").batch(24).output("ok", &[]);
    assert_eq!(seen(full, "slack-full")[..2], [until(21), none]);
    // An output that has nothing is waiting.
    let idle = Parts::new("slack-idle")
        .batch(1000)
        .outputs_drop_tag("n", "0")
        .output("ok", &[])
        .output("ok", &[]);
    assert_eq!(seen(idle, "slack-idle")[..2], [none, until(979)]);
    let windows = Parts::new("slack-windows")
        .batch(1000)
        .aggregator(false)
        .output("ok", &[]);
    assert_eq!(seen(windows, "slack-windows"), [none; 6]);
    let stamped = Parts::new("slack-stamped")
        .batch(1000)
        .stamped()
        .output("ok", &[]);
    assert_eq!(seen(stamped, "slack-stamped"), [none; 6]);
}

fn processor() -> impl Strategy<Value = (&'static str, u32)> {
    (
        prop::sample::select(vec!["drops", "clones", "rejects", "panics", "passes"]),
        2..9u32,
    )
}

fn output() -> impl Strategy<Value = (&'static str, u32)> {
    (
        prop::sample::select(vec!["ok", "rejects", "flaky", "panics", "partial"]),
        1..7u32,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever path the metrics take: filtered, split, dropped, aggregated, rejected, written by several outputs, pushed
    /// out of a full buffer, lost in a panic.
    #[test]
    fn every_message_is_told_exactly_once(
        processors in prop::collection::vec(processor(), 0..4),
        outputs in prop::collection::vec(output(), 1..4),
        aggregates in prop::option::of(any::<bool>()),
        limit in prop::sample::select(vec![7usize, 50, 10_000]),
        batch in prop::sample::select(vec![1usize, 10, 1000]),
        filtered in any::<bool>(),
        name in "[a-z]{12}",
    ) {
        let mut parts = Parts::new(&name).limit(limit).batch(batch);
        for (plugin, n) in processors {
            parts = parts.processor(plugin, &[("every", n)]);
        }
        for (plugin, n) in outputs {
            parts = parts.output(plugin, &[("every", n), ("fails", n)]);
        }
        if let Some(drop_original) = aggregates {
            parts = parts.aggregator(drop_original);
        }
        if filtered {
            parts = parts.outputs_drop_tag("n", "3");
        }
        run_for(parts, Duration::from_secs(120));
        let settled = settled(&name);
        prop_assert_eq!(settled.len(), 40);
        prop_assert!(settled.values().all(|times| *times == 1), "{:?}", settled);
    }
}
