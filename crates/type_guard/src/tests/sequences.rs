//! Whatever comes, in whatever order.

use std::collections::HashMap;

use proptest::prelude::*;
use wheatstone_metric::{Metric, Value};

use crate::{Action, Fallback, FieldType, PastLimit, TypeGuard, TypeGuardConfig, Verdict};

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-3i64..3).prop_map(|n| Value::Float(n as f64 / 2.0)),
        any::<f64>().prop_map(Value::Float),
        any::<i64>().prop_map(Value::Int),
        (0u64..3).prop_map(Value::Uint),
        any::<u64>().prop_map(Value::Uint),
        any::<bool>().prop_map(Value::Bool),
        "[0-9]{1,3}|on|n/a|\\PC{0,4}".prop_map(Value::from),
    ]
}

fn any_metric() -> impl Strategy<Value = Metric> {
    let field = prop_oneof![4 => "[ab]", 1 => "[ab](_str|_int|_float|_bool|_uint){1,4}", 1 => "\\PC{0,3}"];
    ("[mn]", prop::collection::vec((field, value()), 1..6)).prop_map(|(name, fields)| {
        let mut metric = Metric::new(name, 0);
        fields.into_iter().for_each(|(k, v)| metric.set_field(k, v));
        metric
    })
}

fn any_config() -> impl Strategy<Value = TypeGuardConfig> {
    let action = prop::sample::select(vec![Action::Coerce, Action::Rename, Action::Reject]);
    let fallback = prop::sample::select(vec![Fallback::Rename, Fallback::Reject]);
    (
        action,
        fallback,
        any::<bool>(),
        prop_oneof![Just(1000usize), 1usize..20],
    )
        .prop_map(
            |(action, fallback, integers_as_float, max_fields)| TypeGuardConfig {
                action,
                fallback,
                integers_as_float,
                max_fields,
                past_limit: PastLimit::Reject,
                ..TypeGuardConfig::default()
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever comes, in whatever order, over restarts: what has passed has one type per field, for ever.
    #[test]
    fn a_field_has_one_type_for_ever(
        runs in prop::collection::vec((any_config(), prop::collection::vec(any_metric(), 0..30), any::<bool>()), 1..5),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut seen = HashMap::new();
        for (options, metrics, killed) in runs {
            let directory = dir.path().to_str().unwrap().to_owned();
            let mut guard = TypeGuard::new(TypeGuardConfig { directory, ..options }, "agent").unwrap();
            for original in &metrics {
                let mut metric = original.clone();
                match guard.check(&mut metric) {
                    Verdict::Reject(_) => {
                        prop_assert_eq!(metric.field_count(), original.field_count());
                        continue;
                    }
                    Verdict::Pass => prop_assert!(metric.fields().map(|f| f.0).eq(original.fields().map(|f| f.0))),
                    Verdict::Changed => {}
                }
                prop_assert_eq!(metric.field_count(), original.field_count());
                let mut names = std::collections::HashSet::new();
                for (field, value) in metric.fields() {
                    prop_assert!(names.insert(field.to_string()), "{} twice in {:?}", field, metric);
                    let kind = FieldType::of(value);
                    let first = seen.entry((metric.name().to_string(), field.to_string())).or_insert(kind);
                    prop_assert_eq!(*first, kind, "{} of {:?}", field, original);
                }
            }
            if killed {
                // Nothing is written when it ends: all must be in the file already.
                std::mem::forget(guard);
            }
        }
    }
}
