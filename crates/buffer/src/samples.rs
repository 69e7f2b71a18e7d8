//! Metrics for the tests of this crate: of all types, with odd texts and odd floats.

use proptest::prelude::*;
use wheatstone_metric::{Metric, Value, ValueType};

fn key() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-e]", 2 => "[a-z_]{1,12}", 1 => "\\PC{0,20}", 1 => Just("k".repeat(300))]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-z0-9/]{0,24}", 1 => "\\PC{0,60}", 1 => Just("long ".repeat(50))]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
        any::<f64>().prop_map(Value::Float),
        Just(Value::Float(f64::NAN)),
        Just(Value::Float(-0.0)),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(Value::Uint),
        any::<bool>().prop_map(Value::Bool),
        text().prop_map(|t| Value::from(t.as_str())),
    ]
}

fn kind() -> impl Strategy<Value = ValueType> {
    prop::sample::select(vec![
        ValueType::Counter,
        ValueType::Gauge,
        ValueType::Untyped,
        ValueType::Summary,
        ValueType::Histogram,
    ])
}

fn metric() -> impl Strategy<Value = Metric> {
    let tags = prop::collection::vec((key(), text()), 0..5);
    let fields = prop::collection::vec((key(), value()), 0..5);
    (key(), any::<i64>(), kind(), tags, fields).prop_map(|(name, time, kind, tags, fields)| {
        let mut metric = Metric::new(name, time);
        metric.set_kind(kind);
        for (key, text) in tags {
            metric.set_tag(key, text);
        }
        for (key, value) in fields {
            metric.set_field(key, value);
        }
        metric
    })
}

pub(crate) fn metrics(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Metric>> {
    prop::collection::vec(metric(), n)
}

/// Equal to the last bit, in the order of the fields too.
pub(crate) fn exactly_equal(a: &Metric, b: &Metric) -> bool {
    let same = |a: &Value, b: &Value| match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    };
    a.name() == b.name()
        && a.time() == b.time()
        && a.kind() == b.kind()
        && a.tags().eq(b.tags())
        && a.field_count() == b.field_count()
        && a.fields()
            .zip(b.fields())
            .all(|((ka, va), (kb, vb))| ka == kb && same(va, vb))
}
