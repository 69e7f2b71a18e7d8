//! Letters of all kinds through the files and back, with damage on the way.

use proptest::prelude::*;
use wheatstone_metric::{Metric, Value, ValueType};

use super::{all, config, letter, put};
use crate::{Body, DeadLetterConfig, Letter, Store, files, record};

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
        any::<f64>().prop_map(Value::Float),
        Just(Value::Float(-0.0)),
        Just(Value::Float(f64::NEG_INFINITY)),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(Value::Uint),
        any::<bool>().prop_map(Value::Bool),
        "\\PC{0,40}|[\\x00-\\x20]{0,9}".prop_map(Value::from),
    ]
}

fn metric() -> impl Strategy<Value = Metric> {
    let tags = prop::collection::vec(("[a-z,= \\\\\n]{1,8}", "\\PC{0,20}|[\\x00-\\x20]{0,9}"), 0..4);
    let fields = prop::collection::vec(("[a-z,= \n]{1,8}", value()), 0..4);
    let kinds = vec![
        ValueType::Counter,
        ValueType::Gauge,
        ValueType::Untyped,
        ValueType::Summary,
        ValueType::Histogram,
    ];
    (
        "\\PC{0,12}",
        any::<i64>(),
        prop::sample::select(kinds),
        tags,
        fields,
    )
        .prop_map(|(name, time, kind, tags, fields)| {
            let mut metric = Metric::new(name, time);
            metric.set_kind(kind);
            tags.into_iter().for_each(|(k, v)| metric.set_tag(k, v));
            fields.into_iter().for_each(|(k, v)| metric.set_field(k, v));
            metric
        })
}

fn body() -> impl Strategy<Value = Body> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..80),
        "\\PC{0,40}\n?".prop_map(String::into_bytes)
    ];
    let payload =
        (bytes, "[a-z_0-9]{0,8}").prop_map(|(bytes, data_format)| Body::Payload { bytes, data_format });
    prop_oneof![payload, metric().prop_map(Body::Metric)]
}

fn letters() -> impl Strategy<Value = Letter> {
    let text = || "\\PC{0,20}|[\\x00-\\x7f]{0,9}";
    (
        any::<i64>(),
        text(),
        prop::option::of(text()),
        text(),
        prop::option::of(text()),
        body(),
    )
        .prop_map(|(time, plugin, source, reason, answer, body)| Letter {
            time,
            plugin,
            source,
            reason,
            answer,
            body,
        })
}

/// Equal to the last bit, in the order of the fields too.
fn exactly_equal(a: &Letter, b: &Letter) -> bool {
    let bits = |v: &Value| match v {
        Value::Float(v) => (v.to_bits(), None),
        other => (0, Some(other.clone())),
    };
    let bodies = match (&a.body, &b.body) {
        (Body::Metric(a), Body::Metric(b)) => {
            a.name() == b.name()
                && (a.time(), a.kind()) == (b.time(), b.kind())
                && a.tags().eq(b.tags())
                && a.fields()
                    .map(|(k, v)| (k, bits(v)))
                    .eq(b.fields().map(|(k, v)| (k, bits(v))))
        }
        (a, b) => a == b,
    };
    bodies
        && (a.time, &a.plugin, &a.source, &a.reason, &a.answer)
            == (b.time, &b.plugin, &b.source, &b.reason, &b.answer)
}

proptest! {
    #[test]
    fn a_letter_comes_back_exactly(letter in letters(), id in any::<u64>()) {
        let mut line = Vec::new();
        prop_assert!(record::encode(id, &letter, &mut line));
        prop_assert_eq!(line.pop(), Some(b'\n'));
        prop_assert!(!line.contains(&b'\n'));
        let (back_id, back) = record::decode(&line).unwrap();
        prop_assert_eq!(back_id, id);
        prop_assert!(exactly_equal(&letter, &back), "{:?} became {:?}", letter, back);
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = record::decode(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Cut a file anywhere or change any byte: all letters before it and behind its line are read, nothing false is.
    #[test]
    fn damage_hides_one_letter_at_most(
        letters in prop::collection::vec(letters(), 1..8),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut file = Vec::new();
        let mut ends = Vec::new();
        for (id, letter) in (1..).zip(&letters) {
            record::encode(id, letter, &mut file);
            ends.push(file.len());
        }
        let at = at.index(file.len());
        let same = !cut && file[at] == byte;
        if cut { file.truncate(at) } else { file[at] = byte }
        std::fs::write(files::segment_path(dir.path(), 1), &file).unwrap();

        let hit = ends.partition_point(|end| *end <= at);
        let found = all(dir.path());
        for (id, letter) in (1u64..).zip(&letters) {
            let i = id as usize - 1;
            // A changed newline joins two lines.
            let joined = !cut && at + 1 == ends[hit] && i == hit + 1;
            let expected = same || i < hit || (!cut && i > hit && !joined);
            match found.iter().find(|e| e.id == id) {
                Some(e) => prop_assert!(exactly_equal(letter, &e.letter)),
                None => prop_assert!(!expected, "letter {} of {} is gone, damage at {}", id, letters.len(), at),
            }
        }
        prop_assert!(found.len() <= letters.len());

        // The agent starts on it, and gives no number twice.
        let store = Store::open(&DeadLetterConfig { sync: false, ..config(dir.path()) }).unwrap();
        put(&store, [letter(77)]);
        let again = all(dir.path());
        prop_assert_eq!(again.len(), found.len() + 1);
        let last = again.last().unwrap();
        prop_assert_eq!(last.letter.time, 77);
        prop_assert!(cut || last.id > letters.len() as u64);
        prop_assert!(found.iter().all(|e| e.id < last.id));
    }
}
