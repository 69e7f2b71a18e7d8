use super::*;
use crate::testing::{build, metric, process};

fn list(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|k| (*k).to_owned()).collect()
}
fn run(config: ConverterConfig, m: Metric) -> Metric {
    let mut plugin: Converter = build("converter", config).unwrap();
    process(&mut plugin, m).remove(0)
}
fn fields(c: ConversionConfig) -> ConverterConfig {
    ConverterConfig {
        fields: Some(c),
        tags: None,
    }
}
fn tags(c: ConversionConfig) -> ConverterConfig {
    ConverterConfig {
        tags: Some(c),
        fields: None,
    }
}

#[test]
fn tags_become_fields_names_and_times() {
    let config = tags(ConversionConfig {
        measurement: list(&["topic"]),
        string: list(&["s"]),
        integer: list(&["i*"]),
        unsigned: list(&["u"]),
        boolean: list(&["b"]),
        float: list(&["f"]),
        timestamp: list(&["t"]),
        timestamp_format: "unix_ms".into(),
        ..Default::default()
    });
    let of = [
        ("topic", "n"),
        ("s", "x"),
        ("i1", "1.5"),
        ("u", "7"),
        ("b", "t"),
        ("f", "0x10"),
        ("t", "1500"),
        ("rest", "r"),
    ];
    let want = [
        ("s", Value::from("x")),
        ("i1", Value::Int(2)),
        ("u", Value::Uint(7)),
        ("b", Value::Bool(true)),
        ("f", Value::Float(16.0)),
    ];
    assert_eq!(
        run(config, metric("m", &of, &[], 0)),
        metric("n", &[("rest", "r")], &want, 1_500_000_000)
    );
}

#[test]
fn a_tag_that_cannot_be_converted_is_gone_unless_it_is_a_time() {
    let config = tags(ConversionConfig {
        integer: list(&["i"]),
        timestamp: list(&["t"]),
        timestamp_format: "rfc3339".into(),
        ..Default::default()
    });
    let m = metric("m", &[("i", "one"), ("t", "noon")], &[], 5);
    assert_eq!(run(config, m), metric("m", &[("t", "noon")], &[], 5));
}

#[test]
fn fields_change_their_type() {
    let config = fields(ConversionConfig {
        tag: list(&["t*"]),
        string: list(&["s*"]),
        integer: list(&["i"]),
        float: list(&["f", "i"]),
        base64_ieee_float32: list(&["z*"]),
        ..Default::default()
    });
    let of = [
        ("t1", Value::Float(1e21)),
        ("t2", Value::Bool(true)),
        ("s1", Value::Float(-0.5)),
        ("s2", Value::Uint(3)),
        ("s3", Value::Float(f64::INFINITY)),
        ("i", Value::from("3")),
        ("f", Value::from("x")),
        ("z1", Value::from("RKeAAA==")),
        ("z2", Value::Int(1)),
        ("rest", Value::Int(9)),
    ];
    // Float is asked before integer, so it wins for a key that is in both.
    let want = [
        ("s1", Value::from("-0.5")),
        ("s2", Value::from("3")),
        ("s3", Value::from("+Inf")),
        ("i", Value::Float(3.0)),
        ("z1", Value::Float(1340.0)),
        ("rest", Value::Int(9)),
    ];
    let want = metric("m", &[("t1", "1000000000000000000000"), ("t2", "true")], &want, 0);
    assert_eq!(run(config, metric("m", &[], &of, 0)), want);
}

#[test]
fn a_field_becomes_the_name_or_the_time() {
    let config = |format: &str| {
        fields(ConversionConfig {
            measurement: list(&["name"]),
            timestamp: list(&["t"]),
            timestamp_format: format.to_owned(),
            ..Default::default()
        })
    };
    let m = |t: Value| {
        metric(
            "m",
            &[],
            &[("name", Value::Int(7)), ("t", t.clone()), ("v", Value::Int(1))],
            0,
        )
    };
    let named = |fields: &[(&str, Value)], time| metric("7", &[], fields, time);
    let v = [("v", Value::Int(1))];
    assert_eq!(
        run(config("unix"), m(Value::Float(1.5))),
        named(&v, 1_500_000_000)
    );
    assert_eq!(run(config("unix"), m(Value::Uint(2))), named(&v, 2_000_000_000));
    assert_eq!(
        run(config("unix"), m(99_999_999_999i64.into())),
        named(&v, 7_766_279_630_452_241_920)
    );
    assert_eq!(
        run(config("rfc3339"), m("1970-01-01T00:00:01Z".into())),
        named(&v, 1_000_000_000)
    );
    // What is no time stays as it is.
    for (format, wrong) in [
        ("unix", Value::Bool(true)),
        ("rfc3339", Value::Int(1)),
        ("unix", Value::Uint(u64::MAX)),
    ] {
        let want = named(&[("t", wrong.clone()), ("v", Value::Int(1))], 0);
        assert_eq!(run(config(format), m(wrong)), want);
    }
}

#[test]
fn every_failure_is_told_once() {
    let mut value = Value::from("foo");
    let errors = wheatstone_plugin::stats::Stat::default();
    let log = Log::new("processors.converter", None, Some(errors.clone()));
    assert!(!convert(&mut value, Target::Float, "bool", &log));
    assert_eq!(value, Value::from("foo"));
    assert_eq!(errors.get(), 1);
}

#[test]
fn nothing_to_convert_is_an_error() {
    let error = build::<Converter>("converter", ConverterConfig::default()).err();
    assert_eq!(error.as_deref(), Some("no filters found"));
}
