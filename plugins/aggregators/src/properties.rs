//! What every aggregator of this crate must hold: no metric makes it panic, series are never mixed, and no message waits
//! for an aggregate.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;
use wheatstone_plugin::metric::Settle;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{Ack, Build, Kind, Outcome, registrations};

use crate::testing::{context, push};

#[derive(Default)]
struct Counted(AtomicUsize);
impl Settle for Counted {
    fn settle(&self, _: u64, _: Outcome) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<f64>().prop_map(Value::Float),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(Value::Uint),
        any::<bool>().prop_map(Value::Bool),
        "\\PC{0,8}".prop_map(Value::from),
    ]
}

fn metric() -> impl Strategy<Value = Metric> {
    let tags = vec(("[a-b]", "[x-y]|\\PC{0,6}"), 0..3);
    (
        "[a-c]",
        tags,
        vec(("[a-d]|\\PC{0,3}", value()), 0..5),
        any::<i64>(),
    )
        .prop_map(|(name, tags, fields, time)| {
            let mut m = Metric::new(name, time);
            tags.into_iter().for_each(|(k, v)| m.set_tag(k, v));
            fields.into_iter().for_each(|(k, v)| m.set_field(k, v));
            m
        })
}

/// Name and tags as one text.
fn series(m: &Metric) -> String {
    format!("{:?} {:?}", m.name(), m.tags().collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn no_metric_panics_and_no_series_are_mixed(metrics in vec(metric(), 0..20)) {
        let mut seen = 0;
        for plugin in registrations().filter(|r| r.kind == Kind::Aggregator) {
            seen += 1;
            let Build::Aggregator(build) = plugin.build else { panic!("{} is no aggregator", plugin.name) };
            let mut aggregator = build(&context(plugin.name)).unwrap();
            let counted = Arc::new(Counted::default());
            for m in &metrics {
                let mut m = m.clone();
                m.set_ack(Some(Ack::new(counted.clone(), 0)));
                aggregator.add(&m);
            }
            prop_assert_eq!(counted.0.load(Ordering::Relaxed), metrics.len(), "{} holds messages", plugin.name);
            let out = push(&mut *aggregator, 7);
            let known: HashSet<String> = metrics.iter().map(series).collect();
            prop_assert!(out.iter().all(|m| known.contains(&series(m))), "{}", plugin.name);
            if plugin.name != "merge" {
                let given: HashSet<String> = out.iter().map(series).collect();
                prop_assert_eq!(given.len(), out.len(), "{} gives a series twice", plugin.name);
            }
        }
        prop_assert!(seen >= 4);
    }
}
