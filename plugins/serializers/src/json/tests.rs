use super::*;
use crate::testing;

fn metric() -> Metric {
    let mut m = Metric::new("my cpu", 1_525_478_795_123_456_789);
    m.set_tag("host", "a<b");
    m.set_field("z", 91.5);
    m.set_field("big", u64::MAX);
    m.set_field("ok", true);
    m.set_field("gone", f64::NAN);
    m.set_field("a", "text");
    m
}

fn one(config: JsonConfig, metric: &Metric) -> Result<String, String> {
    testing::one::<Json>(config, metric)
}

fn batch(config: JsonConfig, metrics: &[&Metric]) -> Result<String, String> {
    testing::batch::<Json>(config, metrics)
}

#[test]
fn keys_are_sorted_and_what_json_lacks_is_left_out() {
    let line = r#"{"fields":{"a":"text","big":18446744073709551615,"ok":true,"z":91.5},"name":"my cpu","tags":{"host":"a\u003cb"},"timestamp":1525478795}"#;
    assert_eq!(one(JsonConfig::default(), &metric()), Ok(format!("{line}\n")));
    let two = format!("{{\"metrics\":[{line},{line}]}}\n");
    assert_eq!(batch(JsonConfig::default(), &[&metric(), &metric()]), Ok(two));
    assert_eq!(
        batch(JsonConfig::default(), &[]),
        Ok("{\"metrics\":[]}\n".to_owned())
    );
}

#[test]
fn timestamps_in_units_or_in_a_layout() {
    let stamp = |config: JsonConfig| {
        let line = one(config, &metric()).expect("a line");
        line.split_once("\"timestamp\":")
            .map(|(_, stamp)| stamp.trim_end_matches("}\n").to_owned())
    };
    for (unit, expected) in [
        ("1ns", "1525478795123456789"),
        ("1us", "1525478795123456"),
        ("1ms", "1525478795123"),
        ("10ms", "152547879512"),
        ("15ms", "152547879512"),
        ("1s", "1525478795"),
        ("1m", "152547879"),
        ("0s", "1525478795"),
    ] {
        let units = Duration::parse(unit).expect("a duration");
        let config = JsonConfig {
            json_timestamp_units: units,
            ..JsonConfig::default()
        };
        assert_eq!(stamp(config).as_deref(), Some(expected), "{unit}");
    }
    let layout = "2006-01-02T15:04:05.000Z07:00".to_owned();
    let config = JsonConfig {
        json_timestamp_format: layout,
        ..JsonConfig::default()
    };
    assert_eq!(stamp(config).as_deref(), Some(r#""2018-05-05T00:06:35.123Z""#));
}

fn nested() -> Metric {
    let mut m = Metric::new("m", 0);
    m.set_field("j", r#"{"b":[1,2.50],"a":null}"#);
    m.set_field("k", r#"{"x":1}"#);
    m.set_field("no", "{broken");
    m
}

#[test]
fn texts_that_are_json_can_be_nested() {
    let list = |entries: &[&str]| entries.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let include = JsonConfig {
        json_nested_fields_include: list(&["j", "n*"]),
        ..JsonConfig::default()
    };
    let fields = |text: &str| format!("{{\"fields\":{text},\"name\":\"m\",\"tags\":{{}},\"timestamp\":0}}\n");
    let line = r#"{"j":{"a":null,"b":[1,2.5]},"k":"{\"x\":1}","no":"{broken"}"#;
    assert_eq!(one(include, &nested()), Ok(fields(line)));
    let exclude = JsonConfig {
        json_nested_fields_exclude: list(&["j"]),
        ..JsonConfig::default()
    };
    let line = r#"{"j":"{\"b\":[1,2.50],\"a\":null}","k":{"x":1},"no":"{broken"}"#;
    assert_eq!(one(exclude, &nested()), Ok(fields(line)));
}

fn transformed(source: &str) -> JsonConfig {
    JsonConfig {
        json_transformation: source.to_owned(),
        ..JsonConfig::default()
    }
}

#[cfg(feature = "jsonata")]
#[test]
fn a_transformation_makes_the_object() {
    let line = one(
        transformed(r#"{"when": timestamp, "host": tags.host, "none": nothing, "v": fields.z * 2}"#),
        &metric(),
    );
    assert_eq!(
        line,
        Ok("{\"host\":\"a\\u003cb\",\"v\":183,\"when\":1525478795}\n".to_owned())
    );
    let whole = batch(transformed("$sum(metrics.fields.z)"), &[&metric(), &metric()]);
    assert_eq!(whole, Ok("183\n".to_owned()));
}

#[cfg(feature = "jsonata")]
#[test]
fn a_transformation_that_fails_says_so_and_leaves_nothing() {
    let hint = |mode| Err(format!("no results found (maybe configured for {mode} mode?)"));
    assert_eq!(one(transformed("metrics.x"), &metric()), hint("batch"));
    assert_eq!(batch(transformed("tags.x"), &[&metric()]), hint("non-batch"));
    assert!(testing::build::<Json>(transformed("a[")).is_err());
    let mut out = b"before".to_vec();
    let mut serializer = testing::build::<Json>(transformed("metrics.x")).expect("an expression");
    assert!(serializer.serialize(&metric(), &mut out).is_err());
    assert_eq!(out, b"before");
}
