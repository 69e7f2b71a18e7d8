//! What is written can be read again, and whatever is read ends in metrics or an error.

use proptest::prelude::*;
use wheatstone_line_protocol::{Decoder, Encoder, Engine, Options};
use wheatstone_metric::{Metric, Value};

/// Names and tags: any text that line protocol can hold. A backslash before a character that is escaped is ambiguous
/// there, and control characters are written as two.
fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_./,= é☺-][a-zA-Z0-9_./,= é☺\"#-]{0,30}"
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::num::f64::NORMAL.prop_map(Value::from),
        (-1_000_000i64..1_000_000).prop_map(|n| Value::from(n as f64 / 100.0)),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        "[\"\\\\\n\r a-c]{0,40}".prop_map(Value::from),
    ]
}

prop_compose! {
    fn metric()(
        name in word(),
        tags in prop::collection::vec((word(), word()), 0..6),
        fields in prop::collection::vec((word(), value()), 1..8),
        time: i64,
    ) -> Metric {
        let mut m = Metric::new(name, time);
        for (k, v) in tags {
            m.set_tag(k, v);
        }
        for (k, v) in fields {
            m.set_field(k, v);
        }
        m
    }
}

/// Pieces of lines, so that arbitrary text comes further than the first byte.
fn almost_lines() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "m",
            ",",
            "=",
            " ",
            "\n",
            "\r\n",
            "\r",
            "\t",
            "\\",
            "\"",
            "#",
            "t=a",
            "v=1",
            "1i",
            "2u",
            "-",
            ".",
            "1e5",
            "true",
            "F",
            "\"s\"",
            " 1700000000000000000\n",
            "m,t=a v=1 1\n",
            "99999999999999999999",
            "é",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        any::<u8>().prop_map(|b| vec![b]),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_written_is_read(metrics in prop::collection::vec(metric(), 0..4), sort_fields: bool) {
        let options = Options { sort_fields, uint_support: true, ..Options::default() };
        let mut text = Vec::new();
        Encoder::new(options).encode_batch(&metrics, &mut text, |i, error| panic!("{i}: {error}"));
        for engine in [Engine::Internal, Engine::Upstream] {
            let mut read = Vec::new();
            let result = Decoder::new(engine, 1).decode(&text, 0, &mut read);
            prop_assert_eq!(result, Ok(()));
            prop_assert_eq!(&read, &metrics);
        }
    }

    #[test]
    fn split_lines_hold_the_same_fields(m in metric(), max_line_bytes in 1usize..400) {
        let options = Options { max_line_bytes, uint_support: true, ..Options::default() };
        let mut text = Vec::new();
        if Encoder::new(options).encode(&m, &mut text).is_err() {
            prop_assert!(text.is_empty());
            return Ok(());
        }
        let mut read = Vec::new();
        prop_assert_eq!(Decoder::new(Engine::Internal, 1).decode(&text, 0, &mut read), Ok(()));
        prop_assert!(read.iter().all(|part| part.same_series(&m) && part.time() == m.time()));
        let fields: Vec<_> = read.iter().flat_map(Metric::fields).collect();
        prop_assert_eq!(fields, m.fields().collect::<Vec<_>>());
    }

    #[test]
    fn any_bytes_end_in_metrics_or_an_error(payload: Vec<u8>) {
        check(&payload);
    }

    #[test]
    fn so_do_pieces_of_lines(payload in almost_lines()) {
        check(&payload);
    }
}

fn check(payload: &[u8]) {
    for engine in [Engine::Internal, Engine::Upstream] {
        let mut out = vec![Metric::new("before", 0)];
        let result = Decoder::new(engine, 1_000).decode(payload, 5_000_001, &mut out);
        assert_eq!(*out[0].name(), "before");
        match result {
            Ok(()) => assert!(
                out[1..]
                    .iter()
                    .all(|m| m.field_count() > 0 && !m.name().is_empty())
            ),
            Err(error) => {
                assert_eq!(out.len(), 1);
                assert!(!error.to_string().is_empty());
            }
        }
    }
}
