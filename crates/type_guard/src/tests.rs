//! The guard as a whole: what it makes of metrics, restarts, a damaged file.

use std::path::Path;

use wheatstone_metric::{Metric, Value};

use crate::{Action, Conflict, Fallback, FieldType, PastLimit, Seeded, TypeGuard, TypeGuardConfig, Verdict};

mod sequences;

fn config(dir: &Path) -> TypeGuardConfig {
    TypeGuardConfig {
        directory: dir.to_str().unwrap().to_owned(),
        ..TypeGuardConfig::default()
    }
}

fn in_memory(config: TypeGuardConfig) -> TypeGuard {
    TypeGuard::new(
        TypeGuardConfig {
            directory: String::new(),
            ..config
        },
        "test",
    )
    .unwrap()
}

fn metric(fields: &[(&str, Value)]) -> Metric {
    let mut m = Metric::new("m", 1);
    for (key, value) in fields {
        m.set_field(*key, value.clone());
    }
    m
}

fn check(guard: &mut TypeGuard, fields: &[(&str, Value)]) -> (Verdict, Metric) {
    let mut m = metric(fields);
    (guard.check(&mut m), m)
}

#[test]
fn a_text_that_is_a_number_becomes_one() {
    let mut guard = in_memory(TypeGuardConfig::default());
    assert_eq!(
        check(&mut guard, &[("t", 21.5.into()), ("u", 1i64.into())]).0,
        Verdict::Pass
    );
    let (verdict, m) = check(&mut guard, &[("t", "21".into()), ("u", 2i64.into())]);
    assert_eq!(
        (verdict, m),
        (
            Verdict::Changed,
            metric(&[("t", 21.0.into()), ("u", 2i64.into())])
        )
    );
}

#[test]
fn what_is_no_number_gets_a_field_of_its_own() {
    let mut guard = in_memory(TypeGuardConfig::default());
    let _ = check(&mut guard, &[("t", 21.5.into())]);
    let (verdict, m) = check(&mut guard, &[("t", "n/a".into())]);
    assert_eq!(
        (verdict, m),
        (Verdict::Changed, metric(&[("t_str", "n/a".into())]))
    );
    // The new name is guarded too, and one that is taken is not used.
    assert_eq!(guard.type_of("m", "t_str"), Some(FieldType::String));
    let (_, m) = check(&mut guard, &[("t", "n/a".into()), ("t_str", "x".into())]);
    assert_eq!(m, metric(&[("t_str_str", "n/a".into()), ("t_str", "x".into())]));
}

#[test]
fn a_name_of_another_type_is_not_taken_for_a_renamed_field() {
    let mut guard = in_memory(TypeGuardConfig {
        action: Action::Rename,
        ..TypeGuardConfig::default()
    });
    let _ = check(&mut guard, &[("t", 21.5.into()), ("t_int", "text".into())]);
    let (_, m) = check(&mut guard, &[("t", 1i64.into())]);
    assert_eq!(m, metric(&[("t_int_int", 1i64.into())]));
}

#[test]
fn a_refused_metric_is_as_it_came_and_teaches_nothing() {
    let configs = [
        TypeGuardConfig {
            action: Action::Reject,
            ..TypeGuardConfig::default()
        },
        TypeGuardConfig {
            fallback: Fallback::Reject,
            ..TypeGuardConfig::default()
        },
    ];
    for config in configs {
        let mut guard = in_memory(config);
        let _ = check(&mut guard, &[("t", 21.5.into())]);
        let fields = [("new", Value::from(1i64)), ("t", "n/a".into())];
        let (verdict, m) = check(&mut guard, &fields);
        let Verdict::Reject(conflict) = verdict else {
            panic!("{verdict:?}")
        };
        assert_eq!(
            (conflict.expected, conflict.found),
            (Some(FieldType::Float), FieldType::String)
        );
        assert_eq!(
            conflict.to_string(),
            "type guard: field \"t\" of measurement \"m\" is of type float, found a value of type string"
        );
        assert_eq!(m, metric(&fields));
        assert_eq!(guard.type_of("m", "new"), None);
    }
}

#[test]
fn a_batch_keeps_its_order() {
    let mut guard = in_memory(TypeGuardConfig {
        action: Action::Reject,
        ..TypeGuardConfig::default()
    });
    let batch = |texts: &[usize]| {
        let value = |n: usize| {
            if texts.contains(&n) {
                Value::from("x")
            } else {
                Value::from(n as f64)
            }
        };
        (0..6)
            .map(|n| {
                let mut m = metric(&[("f", value(n))]);
                m.set_time(n as i64);
                m
            })
            .collect::<Vec<_>>()
    };
    let times = |metrics: &[Metric]| metrics.iter().map(Metric::time).collect::<Vec<_>>();
    let mut metrics = batch(&[]);
    assert!(guard.check_batch(&mut metrics).is_empty());
    assert!(guard.conforms(&metrics));
    let mut metrics = batch(&[1, 2, 5]);
    assert!(!guard.conforms(&metrics));
    let rejected: Vec<Metric> = guard
        .check_batch(&mut metrics)
        .into_iter()
        .map(|(m, _)| m)
        .collect();
    assert_eq!(
        (times(&metrics), times(&rejected)),
        (vec![0, 3, 4], vec![1, 2, 5])
    );
}

#[test]
fn the_first_integer_may_be_taken_for_a_float() {
    let mut guard = in_memory(TypeGuardConfig {
        integers_as_float: true,
        ..TypeGuardConfig::default()
    });
    let (verdict, m) = check(&mut guard, &[("t", 21i64.into())]);
    assert_eq!((verdict, m), (Verdict::Changed, metric(&[("t", 21.0.into())])));
    assert_eq!(check(&mut guard, &[("t", 21.5.into())]).0, Verdict::Pass);
    // One that no float is stays what it is.
    assert_eq!(check(&mut guard, &[("big", i64::MAX.into())]).0, Verdict::Pass);
    assert_eq!(guard.type_of("m", "big"), Some(FieldType::Integer));
}

#[test]
fn past_the_limit_fields_pass_or_are_refused() {
    for (past_limit, passes) in [(PastLimit::Pass, true), (PastLimit::Reject, false)] {
        let mut guard = in_memory(TypeGuardConfig {
            max_fields: 2,
            past_limit,
            ..TypeGuardConfig::default()
        });
        let _ = check(&mut guard, &[("a", 1.0.into()), ("b", 1.0.into())]);
        let long = "x".repeat(2000);
        for name in ["c", &long] {
            let (verdict, m) = check(&mut guard, &[("a", "2".into()), (name, 1.0.into())]);
            if passes {
                assert_eq!(
                    (verdict, m),
                    (Verdict::Changed, metric(&[("a", 2.0.into()), (name, 1.0.into())]))
                );
            } else {
                assert!(
                    matches!(verdict, Verdict::Reject(Conflict { expected: None, .. })),
                    "{verdict:?}"
                );
            }
        }
        assert_eq!(guard.types().count(), 2);
    }
}

#[test]
fn the_configuration_stands_above_the_database_and_the_database_above_what_was_seen() {
    let dir = tempfile::tempdir().unwrap();
    let mut pinned = config(dir.path());
    pinned
        .types
        .entry("m".into())
        .or_default()
        .insert("p".into(), FieldType::Integer);
    let mut guard = TypeGuard::new(pinned, "agent").unwrap();
    assert_eq!(
        guard.seed("m", "p", FieldType::Float),
        Seeded::Kept(FieldType::Integer)
    );
    let _ = check(&mut guard, &[("s", "text".into()), ("p", 3.0.into())]);
    assert_eq!(
        guard.seed("m", "s", FieldType::Float),
        Seeded::Replaced(FieldType::String)
    );
    assert_eq!(guard.seed("m", "s", FieldType::Float), Seeded::Same);
    assert_eq!(guard.seed("other", "x", FieldType::Boolean), Seeded::New);
    drop(guard);
    // All of it was used, so all of it stays, even what the configuration does not say any more.
    let mut guard = TypeGuard::new(config(dir.path()), "agent").unwrap();
    assert_eq!(guard.type_of("m", "p"), Some(FieldType::Integer));
    assert_eq!(guard.type_of("m", "s"), Some(FieldType::Float));
    assert_eq!(guard.type_of("other", "x"), Some(FieldType::Boolean));
    let mut changed = config(dir.path());
    changed
        .types
        .entry("m".into())
        .or_default()
        .insert("s".into(), FieldType::Boolean);
    guard.reconfigure(changed);
    assert_eq!(guard.type_of("m", "s"), Some(FieldType::Boolean));
}

#[test]
fn a_damaged_file_costs_its_damaged_lines() {
    let dir = tempfile::tempdir().unwrap();
    let mut guard = TypeGuard::new(config(dir.path()), "outputs/influxdb::a").unwrap();
    let _ = check(
        &mut guard,
        &[("a", 1.0.into()), ("b", 1i64.into()), ("c", "\n\t\"".into())],
    );
    drop(guard);
    let path = dir.path().join("outputs_influxdb__a.types");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"b\"", "\"x\"") + "deadbeef [\"m\",").unwrap();
    let guard = TypeGuard::new(config(dir.path()), "outputs/influxdb::a").unwrap();
    let known: Vec<_> = guard
        .types()
        .map(|(_, field, kind)| (field.to_string(), kind))
        .collect();
    assert_eq!(
        known,
        [
            ("a".to_owned(), FieldType::Float),
            ("c".to_owned(), FieldType::String)
        ]
    );
    assert_eq!(
        std::fs::read_to_string(&path).unwrap().lines().count(),
        2,
        "written anew"
    );
    assert!(!path.with_extension("new").exists());
}

#[test]
fn a_guard_that_only_reads_leaves_the_file_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.types");
    let mut first = TypeGuard::new(config(dir.path()), "agent").unwrap();
    assert_eq!(
        first.check(&mut metric(&[("a", Value::Float(1.0))])),
        Verdict::Pass
    );
    let before = std::fs::read(&path).unwrap();

    let mut second = TypeGuard::reading(config(dir.path()), "agent").unwrap();
    let mut m = metric(&[("a", Value::Int(3))]);
    assert_eq!(
        second.check(&mut m),
        Verdict::Changed,
        "it knows what the agent learned"
    );
    assert_eq!(m.field("a"), Some(&Value::Float(3.0)));
    assert_eq!(second.check(&mut metric(&[("b", Value::Int(1))])), Verdict::Pass);
    drop(second);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let nowhere = dir.path().join("missing");
    assert!(TypeGuard::reading(config(&nowhere), "agent").is_ok() && !nowhere.exists());
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = TypeGuard::new(config(file.path()), "agent").err().unwrap();
    assert!(
        error.to_string().contains(file.path().to_str().unwrap()),
        "{error}"
    );
}

#[test]
fn every_option_is_read_by_its_name() {
    let text = r#"{"action": "rename", "fallback": "reject", "past_limit": "reject", "integers_as_float": true,
        "types": {"weather": {"temperature": "float", "count": "int"}}}"#;
    let config: TypeGuardConfig = serde_json::from_str(text).unwrap();
    assert_eq!(
        (config.action, config.fallback),
        (Action::Rename, Fallback::Reject)
    );
    assert_eq!(config.types["weather"]["count"], FieldType::Integer);
    assert_eq!(FieldType::parse("unsigned"), Some(FieldType::Unsigned));
}
