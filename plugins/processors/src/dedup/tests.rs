use super::*;
use crate::testing::{build, metric};

const SECOND: i64 = 1_000_000_000;
const NOW: i64 = 1_700_000_000 * SECOND;

fn dedup(seconds: u64) -> Dedup {
    build(
        "dedup",
        DedupConfig {
            dedup_interval: Duration::from_secs(seconds),
        },
    )
    .unwrap()
}

fn m(tag: &str, fields: &[(&str, Value)], seconds_ago: i64) -> Metric {
    metric("m", &[("t", tag)], fields, NOW - seconds_ago * SECOND)
}

/// Which of the metrics go on.
fn passed(plugin: &mut Dedup, metrics: &[Metric]) -> Vec<bool> {
    let passes = |m: &Metric| {
        let mut one = vec![m.clone()];
        plugin.process_at(&mut one, NOW);
        one.len() == 1
    };
    metrics.iter().map(passes).collect()
}

#[test]
fn repetitions_are_dropped_and_changes_pass() {
    let v = |v: i64| [("v", Value::Int(v))];
    let metrics = [
        m("a", &v(1), 5),
        m("a", &v(1), 4),
        m("b", &v(1), 4),
        m("a", &v(2), 3),
        m("a", &v(2), 2),
    ];
    assert_eq!(
        passed(&mut dedup(600), &metrics),
        [true, false, true, true, false]
    );
}

#[test]
fn the_type_counts_and_nan_is_never_equal() {
    let metrics = [
        m("a", &[("v", Value::Int(1))], 3),
        m("a", &[("v", Value::Float(1.0))], 2),
        m("a", &[("v", Value::Float(f64::NAN))], 1),
        m("a", &[("v", Value::Float(f64::NAN))], 0),
    ];
    assert_eq!(passed(&mut dedup(600), &metrics), [true; 4]);
}

#[test]
fn after_the_interval_equal_values_pass() {
    let v = [("v", Value::Int(1))];
    let metrics = [m("a", &v, 700), m("a", &v, 599), m("a", &v, 598)];
    assert_eq!(passed(&mut dedup(600), &metrics), [true, true, false]);
    assert_eq!(passed(&mut dedup(0), &metrics), [true; 3]);
}

#[test]
fn fields_of_one_time_are_put_together() {
    let f = |k: &'static str, v: i64| [(k, Value::Int(v))];
    let metrics = [
        m("a", &f("x", 1), 5),
        m("a", &f("y", 1), 5),
        m("a", &f("y", 1), 5),
        m("a", &f("y", 2), 5),
    ];
    assert_eq!(passed(&mut dedup(600), &metrics), [true, true, false, true]);
    // A new field at another time is no change.
    let metrics = [m("a", &f("x", 1), 5), m("a", &f("y", 1), 4)];
    assert_eq!(passed(&mut dedup(600), &metrics), [true, false]);
}

#[test]
fn what_expired_is_forgotten() {
    let mut plugin = dedup(0);
    plugin.process_at(&mut vec![m("a", &[("v", Value::Int(1))], 5)], NOW);
    assert!(plugin.sent.is_empty());
}

#[test]
fn what_was_sent_is_known_after_a_restart() {
    use wheatstone_plugin::conf::{Node, NodeKind, Table};
    use wheatstone_plugin::{AgentInfo, Kind, States, time};

    let mut table = Table::default();
    table.set("dedup_interval", Node::bare(NodeKind::String("10m".into())));
    let start = |states: States| {
        let agent = AgentInfo {
            states,
            ..AgentInfo::default()
        };
        let log = Log::new("processors.dedup", None, None);
        let cx = Context::new(Kind::Processor, "dedup", "", table.clone(), log, agent.into()).with_id("id");
        Dedup::new(cx.config().unwrap(), &cx).unwrap()
    };
    let states = States::in_memory();
    let now = time::now();
    let of = |field: Value, seconds_ago: i64| {
        metric(
            "m m",
            &[("t", "a,b")],
            &[("v", field)],
            now - seconds_ago * SECOND,
        )
    };
    let goes_on = |plugin: &mut Dedup, m: &Metric| {
        let mut one = vec![m.clone()];
        plugin.process(&mut one);
        !one.is_empty()
    };

    let mut first = start(states.clone());
    assert!(goes_on(&mut first, &of(Value::Uint(u64::MAX), 60)));
    first.stop();
    let mut second = start(states.restarted());
    assert!(
        !goes_on(&mut second, &of(Value::Uint(u64::MAX), 30)),
        "the type is kept too"
    );
    assert!(goes_on(&mut second, &of(Value::Uint(7), 20)));
    assert!(goes_on(&mut second, &of(Value::Float(f64::NAN), 10)));
    second.stop();
    let mut third = start(states.restarted());
    assert!(
        goes_on(&mut third, &of(Value::Float(f64::NAN), 5)),
        "what no line holds is not kept"
    );

    // What Telegraf has written, and what nobody can read.
    let kept = states.restarted().of("id").unwrap();
    let line = format!("m\\ m,t=a\\,b v=1i {}\n", now - SECOND);
    kept.put(&state::Bytes(line.into_bytes())).unwrap();
    assert!(!goes_on(&mut start(states.restarted()), &of(Value::Int(1), 0)));
    kept.put(&state::Bytes(b"no line".to_vec())).unwrap();
    assert!(goes_on(&mut start(states.restarted()), &of(Value::Int(1), 0)));
}
