use proptest::prelude::*;
use wheatstone_plugin::conf::{self, Table};

use super::*;
use crate::testing::{NOW, feed};

fn build(options: serde_json::Value) -> Result<JsonV2, String> {
    crate::testing::build(serde_json::from_value(options).map_err(|e| e.to_string())?)
}

fn parse(section: serde_json::Value, payload: &str) -> Result<Vec<String>, String> {
    let mut parser = build(serde_json::json!({ "json_v2": [section] }))?;
    feed(&mut parser, payload.as_bytes())
}

macro_rules! check {
    ($options:tt, $payload:expr, [$($line:expr),*]) => {
        let want: Vec<String> = vec![$($line.to_owned()),*];
        assert_eq!(parse(serde_json::json!($options), $payload), Ok(want));
    };
}

#[test]
fn fields_and_tags_are_multiplied() {
    check!(
        {"field": [{"path": "a.#.v", "type": "int"}, {"path": "b", "rename": "other name"}], "tag": [{"path": "t"}]},
        r#"{"a":[{"v":1},{"v":"2"}],"b":true,"t":1.50}"#,
        ["m,t=1.5 v=Int(1),other_name=Bool(true)", "m,t=1.5 v=Int(2),other_name=Bool(true)"]
    );
}

#[test]
fn objects_become_metrics() {
    check!(
        {"measurement_name": "n", "object": [{"path": "o", "tags": ["id"], "renames": {"in_x": "ex"}, "fields": {"in_y": "int"}}]},
        r#"{"o":[{"id":1,"in":{"x":1,"y":2.5,"z z":null}},{"id":"b","list":[1,2]}]}"#,
        [
            r#"n,id=1 ex=Float(1.0),in_y=Int(2)"#,
            "n,id=b list=Float(1.0)",
            "n,id=b list=Float(2.0)"
        ]
    );
    check!(
        {"object": [{"path": "@this", "included_keys": ["a_b"], "excluded_keys": ["c"], "disable_prepend_keys": true}]},
        r#"{"a":{"b":1,"d":2},"c":3,"e":4}"#,
        ["m b=Float(1.0)"]
    );
}

#[test]
fn paths_within_objects_pick_members() {
    check!(
        {"object": [{"path": "l", "field": [{"path": "#.v", "type": "int"}, {"path": "#(k=\"y\").w", "rename": "ww"}], "tag": [{"path": "#.k"}]}]},
        r#"{"l":[{"k":"x","v":1,"w":5},{"k":"y","v":2,"w":6}]}"#,
        ["m,k=x v=Int(1)", "m,k=y v=Int(2),ww=Float(6.0)"]
    );
}

#[test]
fn objects_in_an_array_need_no_object_table() {
    check!(
        {"field": [{"path": "l", "type": "int"}]},
        r#"{"l":[{"a":1.5,"b":{"c":2}},3]}"#,
        ["m l_a=Int(1),l_b_c=Int(2)", "m l=Int(3)"]
    );
}

#[test]
fn names_and_times_come_from_the_payload() {
    check!(
        {"measurement_name_path": "n", "timestamp_path": "t", "timestamp_format": "unix_ms", "field": [{"path": "v"}]},
        r#"{"n":7,"t":1500,"v":1}"#,
        ["7 v=Float(1.0) 1500000000"]
    );
    check!(
        {"object": [{"path": "o", "timestamp_key": "t", "timestamp_format": "2006-01-02", "timestamp_timezone": "Europe/Berlin"}]},
        r#"{"o":[{"v":1,"t":"2020-01-01"},{"t":"2020-07-01","v":2}]}"#,
        ["m v=Float(1.0) 1577833200000000000", "m v=Float(2.0) 1593554400000000000"]
    );
}

#[test]
fn what_is_missing_is_an_error_unless_optional() {
    let error = |options: serde_json::Value, payload: &str| parse(options, payload).err().unwrap_or_default();
    use serde_json::json;
    assert_eq!(
        error(json!({"field": [{"path": "x"}]}), "{}"),
        "the path \"x\" doesn't exist"
    );
    assert_eq!(
        error(
            json!({"object": [{"path": "a", "tag": [{"path": "x"}]}]}),
            r#"{"a":{}}"#
        ),
        "the path \"x\" doesn't exist"
    );
    assert_eq!(error(json!({"field": [{}]}), "{}"), "the GJSON path is required");
    assert_eq!(
        error(json!({"timestamp_path": "x"}), "{}"),
        "the timestamp path \"x\" returned NULL"
    );
    assert_eq!(
        error(json!({"timestamp_path": "x"}), r#"{"x":1}"#),
        "use of 'timestamp_path' requires 'timestamp_format'"
    );
    assert_eq!(error(json!({}), "{"), "invalid JSON provided, unable to parse: {");
    assert_eq!(
        build(json!({})).err().as_deref(),
        Some("no configuration provided")
    );
    let zone = json!({"json_v2": [{}, {"timestamp_timezone": "Mars"}]});
    assert_eq!(
        build(zone).err().as_deref(),
        Some("invalid timezone in config 2: unknown time zone Mars")
    );
    check!({"field": [{"path": "x", "optional": true}], "object": [{"path": "y", "optional": true}]}, "{}", []);
}

#[test]
fn equal_keys_and_byte_order_marks() {
    check!({"object": [{"path": "@this"}]}, "\u{feff}{\"a\":1,\"a\":2}", ["m a=Float(2.0)"]);
}

#[test]
fn the_options_are_read_from_tables() {
    let table = Table::default();
    let config: JsonV2Config = conf::deserialize(&table).expect("no options").0;
    assert!(config.json_v2.is_empty());
}

proptest! {
    #[test]
    fn no_payload_panics(payload in "[\\[\\]{}\":,a-c1é \\\\]{0,60}", bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let options = serde_json::json!({"json_v2": [{
            "measurement_name_path": "a", "field": [{"path": "a", "optional": true}, {"path": "#.b", "optional": true}],
            "object": [{"path": "@this", "tags": ["b"], "field": [{"path": "a", "optional": true}]}],
        }]});
        let mut parser = build(options).expect("valid options");
        let mut out = Vec::new();
        let _ = parser.parse(payload.as_bytes(), NOW, &mut out);
        let _ = parser.parse(&bytes, NOW, &mut out);
    }
}

/// Objects whose keys return, with arrays here and there.
fn payloads() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => (0..20i32).prop_map(|n| (f64::from(n) / 2.0).to_string()),
        2 => Just("\"x y\"".to_owned()),
        1 => Just("\"7\"".to_owned()),
        1 => Just("null".to_owned()),
        1 => Just("true".to_owned()),
    ];
    let key = prop_oneof![
        Just("a"),
        Just("b"),
        Just("c d"),
        Just("t"),
        Just("\\u0061"),
        Just("")
    ];
    leaf.prop_recursive(3, 24, 5, move |inner| {
        let member = (key.clone(), inner.clone()).prop_map(|(key, value)| format!("\"{key}\":{value}"));
        prop_oneof![
            6 => prop::collection::vec(member, 0..5).prop_map(|m| format!("{{{}}}", m.join(","))),
            1 => prop::collection::vec(inner, 0..3).prop_map(|e| format!("[{}]", e.join(", "))),
        ]
    })
}

fn sections() -> Vec<serde_json::Value> {
    use serde_json::json;
    let path = |path: &str, kind: &str| json!({"path": path, "type": kind, "optional": true});
    vec![
        json!({"object": [{"path": "@this"}]}),
        json!({"object": [{"path": "a", "optional": true, "tags": ["b"], "disable_prepend_keys": true}]}),
        json!({"object": [{"path": "@this", "tags": ["a", "b_a"], "fields": {"b": "int", "c_d": "string", "a_t": "bool"},
            "renames": {"a": "A", "b_c_d": "deep"}, "excluded_keys": ["a_b"]}]}),
        json!({"object": [{"path": "@this", "included_keys": ["b_a", "t"], "timestamp_key": "t", "timestamp_format": "unix"}]}),
        json!({"object": [{"path": "@this", "timestamp_key": "a_t"}]}),
        json!({"field": [path("a", "int"), path("b", ""), path("a.c d", "string")], "tag": [path("t", ""), path("b.a", "")]}),
        json!({"measurement_name_path": "a", "timestamp_path": "t", "timestamp_format": "unix", "field": [path("b", "float")],
            "tag": [{"path": "c d"}]}),
        json!({"tag": [path("a", ""), path("b", "")]}),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn the_short_way_leads_where_the_long_one_does(payloads in prop::collection::vec(payloads(), 1..4), section in 0usize..8) {
        let options = serde_json::json!({"json_v2": [sections()[section]]});
        let mut short = build(options.clone()).expect("valid options");
        let mut long = build(options).expect("valid options");
        prop_assert!(short.flat.is_some());
        long.flat = None;
        for payload in payloads {
            let (short, long) = (feed(&mut short, payload.as_bytes()), feed(&mut long, payload.as_bytes()));
            prop_assert_eq!(short, long, "{}", payload);
        }
    }
}

#[test]
fn more_keys_than_are_known_change_nothing() {
    let options = serde_json::json!({"json_v2": [{"object": [{"path": "@this"}]}]});
    let mut parser = build(options).expect("valid options");
    let payload = |from: usize, count: usize| {
        let members: Vec<String> = (from..from + count).map(|i| format!("\"k{i}\":{i}")).collect();
        format!("{{{}}}", members.join(","))
    };
    for (from, count) in [(0, 200), (100, 200), (0, 300), (0, 3), (1, 3), (900, 256), (0, 2)] {
        let fields: Vec<String> = (from..from + count)
            .map(|i| format!("k{i}=Float({i}.0)"))
            .collect();
        assert_eq!(
            feed(&mut parser, payload(from, count).as_bytes()),
            Ok(vec![format!("m {}", fields.join(","))])
        );
    }
}

#[test]
fn a_short_payload_that_makes_metrics_without_end_is_refused() {
    let list = |n: usize| vec!["1"; n].join(",");
    let beside = format!("{{\"a\":[{}],\"b\":[{}]}}", list(2_000), list(2_000));
    let object = serde_json::json!({"object": [{"path": "@this"}]});
    let too_many =
        |made: Result<Vec<String>, String>| made.is_err_and(|e| e.contains("makes too many metrics"));
    assert!(too_many(parse(object.clone(), &beside)));
    let fields = serde_json::json!({"field": [{"path": "a"}, {"path": "b"}]});
    assert!(too_many(parse(fields, &beside)));
    // Names that are long.
    let inner: Vec<String> = (0..3_000).map(|i| format!("\"{i}\":1")).collect();
    let long = format!("{{\"{}\":{{{}}}}}", "k".repeat(100_000), inner.join(","));
    assert!(too_many(parse(object.clone(), &long)));
    let small = format!("{{\"a\":[{}],\"b\":[{}]}}", list(20), list(30));
    assert_eq!(parse(object, &small).map(|m| m.len()), Ok(600));
}
