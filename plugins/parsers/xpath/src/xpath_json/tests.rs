//! JSON payloads: their nodes, their values, and what Go says of those that are none.

use proptest::prelude::*;
use wheatstone_plugin::serde_json;

use crate::testing::{document, fields, pairs, parse};
use crate::tree::{Cursor, NodeId};
use crate::{Section, XpathConfig};

fn json(section: Section, native: bool, payload: &str) -> Result<Vec<String>, String> {
    parse("xpath_json", section, native, payload.as_bytes())
}

/// Values by their paths.
fn values(native: bool, paths: &[(&str, &str)], payload: &str) -> String {
    json(fields(paths), native, payload)
        .unwrap()
        .concat()
        .replace("xpath_json ", "")
}

const PAYLOAD: &str =
    r#"{"s":"x<y","n":1234567,"f":0.5,"t":true,"z":null,"o":{"b":[1,{"c":2}],"a":"é"},"l":[10,20]}"#;

#[test]
fn values_are_texts_unless_they_keep_their_types() {
    let paths = [
        ("f", "f"),
        ("l", "l"),
        ("n", "n"),
        ("o", "o"),
        ("s", "s"),
        ("t", "t"),
        ("z", "z"),
    ];
    assert_eq!(
        values(false, &paths, PAYLOAD),
        r#"f=Str("0.5"),l=Str("[10,20]"),n=Str("1234567"),o=Str("{\"a\":\"é\",\"b\":[1,{\"c\":2}]}"),s=Str("x<y"),t=Str("true"),z=Str("null")"#
    );
    assert_eq!(
        values(true, &paths, PAYLOAD),
        r#"f=Float(0.5),l=Str("[10 20]"),n=Float(1234567.0),o=Str("map[a:é b:[1 map[c:2]]]"),s=Str("x<y"),t=Bool(true)"#
    );
    // Below a plain value stands its text, as Go prints it.
    assert_eq!(
        values(
            false,
            &[("n", "n/text()"), ("z", "z/text()"), ("s", "number(n)")],
            PAYLOAD
        ),
        r#"n=Str("1.234567e+06"),s=Float(1234567.0),z=Str("<nil>")"#
    );
}

#[test]
fn texts_within_structures_are_fit_for_html() {
    assert_eq!(
        values(
            false,
            &[("o", "o")],
            r#"{"o":{"k":"<&>\n\u2028\u0001\"","n":1e-7,"m":1e21}}"#
        ),
        r#"o=Str("{\"k\":\"\\u003c\\u0026\\u003e\\n\\u2028\\u0001\\\"\",\"m\":1e+21,\"n\":1e-7}")"#
    );
}

#[test]
fn members_are_sorted_and_the_last_of_a_name_counts() {
    let doc = document("xpath_json", br#"{"b":1,"a":2,"b":3,"a":{"x":1}}"#).unwrap();
    let members: Vec<_> = doc
        .children(NodeId::DOCUMENT)
        .map(|id| format!("{}={}", doc.name(id), doc.string_value(Cursor::new(id))))
        .collect();
    assert_eq!(members, [r#"a={"x":1}"#, "b=3"]);
}

fn batch(expand: bool) -> Section {
    Section {
        field_selection: "descendant::*[not(*)]".to_owned(),
        field_name_expansion: expand,
        ..Section::default()
    }
}

#[test]
fn selected_nodes_are_named_by_their_places() {
    let payload = r#"{"a":{"b":1,"c":"x"},"l":[{"v":1},{"v":2}],"m":[5,6]}"#;
    assert_eq!(
        json(batch(false), true, payload),
        Ok(vec![
            r#"xpath_json b=Float(1.0),c=Str("x"),v=Float(1.0),v_1=Float(2.0),m_0=Float(5.0),m_1=Float(6.0)"#
                .to_owned()
        ])
    );
    assert_eq!(
        json(batch(true), true, payload),
        Ok(vec![
            r#"xpath_json a_b=Float(1.0),a_c=Str("x"),l_0_v=Float(1.0),l_1_v=Float(2.0),m_0=Float(5.0),m_1=Float(6.0)"#
                .to_owned()
        ])
    );
}

#[test]
fn selected_nodes_make_metrics_with_tags_and_times() {
    let section = Section {
        metric_name: "string(kind)".to_owned(),
        metric_selection: "/list/*".to_owned(),
        timestamp: "/at".to_owned(),
        timestamp_format: "unix_ms".to_owned(),
        tags: pairs(&[
            ("id", "id"),
            ("big", "number(v) * 1000000"),
            ("ok", "v > 1"),
            ("none", "none"),
        ]),
        fields_int: pairs(&[("v", "v"), ("none", "none")]),
        fields: pairs(&[("v", "number(v)"), ("w", "/list/*[1]/v")]),
        ..Section::default()
    };
    let payload =
        r#"{"at":"1700000000123","list":[{"kind":"k","id":"a","v":1},{"kind":"l","id":"b","v":2}]}"#;
    assert_eq!(
        json(section, false, payload),
        Ok(vec![
            r#"k,big=1E+06,id=a,ok=false v=Float(1.0),w=Str("1") 1700000000123000000"#.to_owned(),
            r#"l,big=2E+06,id=b,ok=true v=Float(2.0),w=Str("1") 1700000000123000000"#.to_owned(),
        ])
    );
}

#[test]
fn tags_are_selected_like_fields() {
    let section = Section {
        tag_selection: "tags/*".to_owned(),
        fields: pairs(&[("v", "v")]),
        ..Section::default()
    };
    let payload = r#"{"tags":{"a":"x","b":1.5,"c":true,"d":null},"v":1}"#;
    assert_eq!(
        json(section.clone(), true, payload),
        Ok(vec!["xpath_json,a=x,b=1.5,c=true,d= v=Float(1.0)".to_owned()])
    );
    assert_eq!(
        json(section, true, r#"{"tags":{"a":{"b":1}},"v":1}"#),
        Err("failed to query tag value for \"a\": result is not a string (map[b:1])".to_owned())
    );
}

#[test]
fn what_is_wrong_is_said_in_telegrafs_words() {
    let section = |change: fn(&mut Section)| {
        let mut section = fields(&[("v", "v")]);
        change(&mut section);
        section
    };
    let payload = r#"{"v":1,"s":"x","o":{"p":1}}"#;
    for (section, error) in [
        (
            section(|s| s.metric_name = "none".into()),
            "failed to query metric name: query result is of type <nil> not 'string'",
        ),
        (
            section(|s| s.metric_name = "v".into()),
            "failed to query metric name: query result is of type float64 not 'string'",
        ),
        (
            section(|s| s.metric_selection = "/none".into()),
            "cannot parse with empty selection node",
        ),
        (
            section(|s| s.timestamp = "s".into()),
            "failed to parse timestamp: invalid number",
        ),
        (
            section(|s| s.fields = pairs(&[("f", "foo()")])),
            "failed to query field \"f\": failed to compile query \"foo()\": not yet support this function foo()",
        ),
        (
            section(|s| s.fields_int = pairs(&[("f", "s")])),
            "failed to parse field (int) \"f\": strconv.ParseInt: parsing \"x\": invalid syntax",
        ),
        (
            section(|s| s.tags = pairs(&[("t", "o")])),
            "unknown format 'map[string]interface {}' for tag \"t\"",
        ),
        (
            section(|s| s.field_selection = "a[".into()),
            "expression must evaluate to a node-set",
        ),
        (
            section(|s| {
                s.field_selection = "*".into();
                s.field_name = "1".into();
            }),
            "failed to query field name with query \"1\": result is not a string (1)",
        ),
    ] {
        assert_eq!(json(section, true, payload), Err(error.to_owned()));
    }
}

#[test]
fn an_empty_selection_may_be_allowed() {
    let config = XpathConfig {
        xpath: vec![
            Section {
                metric_selection: "/none".to_owned(),
                ..Section::default()
            },
            fields(&[("v", "/v")]),
        ],
        xpath_allow_empty_selection: true,
        xpath_trace: true,
        xpath_print_document: true,
        ..XpathConfig::default()
    };
    let mut parser = crate::testing::build("xpath_json", config).unwrap();
    let metrics = crate::testing::feed(&mut parser, br#"{"v":"1"}"#);
    assert_eq!(metrics, Ok(vec!["xpath_json v=Str(\"1\")".to_owned()]));
}

#[test]
fn what_is_no_json_is_said_in_gos_words() {
    for (payload, error) in [
        (&b""[..], "unexpected end of JSON input"),
        (b"{\"a\"", "unexpected end of JSON input"),
        (b"{\"a\":", "unexpected end of JSON input"),
        (b"[1,", "unexpected end of JSON input"),
        (b"\"a", "unexpected end of JSON input"),
        (b"nul", "invalid character ' ' in literal null (expecting 'l')"),
        (b"trux", "invalid character 'x' in literal true (expecting 'e')"),
        (
            b"{,",
            "invalid character ',' looking for beginning of object key string",
        ),
        (
            b"{\"a\":1,}",
            "invalid character '}' looking for beginning of object key string",
        ),
        (b"{\"a\" 1}", "invalid character '1' after object key"),
        (
            b"{\"a\":1 2}",
            "invalid character '2' after object key:value pair",
        ),
        (b"[1 2]", "invalid character '2' after array element"),
        (b"[1}", "invalid character '}' after array element"),
        (b"[1,]", "invalid character ']' looking for beginning of value"),
        (b"1 x", "invalid character 'x' after top-level value"),
        (b"-", "invalid character ' ' in numeric literal"),
        (
            b"1.",
            "invalid character ' ' after decimal point in numeric literal",
        ),
        (b"1e}", "invalid character '}' in exponent of numeric literal"),
        (b"01", "invalid character '1' after top-level value"),
        (b"\"\\q\"", "invalid character 'q' in string escape code"),
        (
            b"\"\\u12g4\"",
            "invalid character 'g' in \\u hexadecimal character escape",
        ),
        (b"\"\n\"", "invalid character '\\n' in string literal"),
        (b"\xff", "invalid character 'ÿ' looking for beginning of value"),
        (
            b"[1e999]",
            "json: cannot unmarshal number 1e999 into Go value of type float64",
        ),
        (b"[1e999", "unexpected end of JSON input"),
    ] {
        assert_eq!(document("xpath_json", payload).err().as_deref(), Some(error));
    }
    let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
    assert!(document("xpath_json", &nested(10_000)).is_ok());
    assert_eq!(
        document("xpath_json", &nested(10_001)).err().as_deref(),
        Some("exceeded max depth")
    );
}

#[test]
fn depth_needs_no_stack() {
    let payload = r#"{"a":"#.repeat(9_999) + "1" + &"}".repeat(9_999);
    let metrics = json(
        fields(&[("v", "string-length(string(/a))"), ("n", "count(//a)")]),
        false,
        &payload,
    );
    assert_eq!(
        metrics,
        Ok(vec!["xpath_json n=Float(9999.0),v=Float(59989.0)".to_owned()])
    );
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-1_000_000..1_000_000i32).prop_map(|n| Value::from(f64::from(n) / 8.0)),
        any::<i32>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map("[a-z\u{e4}\"]{0,4}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// A document's value is the payload again.
    #[test]
    fn values_round_trip(value in any_json()) {
        let wrapped = serde_json::json!({"v": value});
        let doc = document("xpath_json", wrapped.to_string().as_bytes()).unwrap();
        let node = doc.first_child(NodeId::DOCUMENT).unwrap();
        let text = doc.string_value(Cursor::new(node));
        match &value {
            serde_json::Value::String(s) => prop_assert_eq!(&*text, s),
            _ => {
                let again: serde_json::Value = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(floats(again), floats(value));
            }
        }
    }

    /// What is accepted is what serde_json accepts, numbers that are too large apart.
    #[test]
    fn the_same_payloads_are_json(text in "[\\[\\]{}:,\"a1e.+\\- tn\\\\u]{0,24}") {
        let ours = document("xpath_json", text.as_bytes());
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        let too_large = ours.as_ref().err().is_some_and(|e| e.starts_with("json: cannot unmarshal"));
        let half_pair = text.contains("\\u");
        prop_assert!(too_large || half_pair || ours.is_ok() == theirs.is_ok(), "{:?} {:?}", ours.err(), theirs.err());
    }

    #[test]
    fn no_payload_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = document("xpath_json", &bytes);
    }
}

/// All numbers as floats.
fn floats(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Number(n) => Value::from(n.as_f64().unwrap_or_default()),
        Value::Array(items) => items.into_iter().map(floats).collect(),
        Value::Object(map) => Value::Object(map.into_iter().map(|(k, v)| (k, floats(v))).collect()),
        other => other,
    }
}
