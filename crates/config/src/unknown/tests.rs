use serde_json::json;
use wheatstone_plugin::Kind;
use wheatstone_plugin::conf::{Node, NodeKind, Span};

use super::*;
use crate::{LoadOptions, load};

fn known() -> KnownKeys {
    KnownKeys::from_schemas(vec![
        json!({
            "properties": {
                "servers": {}, "qos": {}, "topics": {}, "connection_timeout": {},
                "topic_parsing": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
                "headers": {"type": "object", "additionalProperties": {"type": "string"}},
            },
            "$defs": {"Part": {"properties": {"topic": {}, "measurement": {}, "tags": {}, "deep": {"$ref": "#/$defs/Deep"}}},
                      "Deep": {"properties": {"x": {}}}},
        }),
        json!({"properties": {"json_query": {}, "tag_keys": {}}}),
    ])
}

/// The problem of the keys at these paths, in the first plugin of a text.
fn problem(text: &str, paths: &[&str]) -> Option<Problem> {
    let options = LoadOptions {
        plugins: |_| vec!["mqtt_consumer"],
        ..LoadOptions::default()
    };
    let source = Source {
        name: "t.conf".into(),
        text: text.into(),
    };
    let loaded = load(vec![source], &options).unwrap_or_else(|p| panic!("{}", p[0].render()));
    let plugin = &loaded.config.plugins[0];
    assert_eq!(plugin.kind, Kind::Input);
    let unused: Vec<Unused> = paths
        .iter()
        .map(|path| {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            Unused {
                span: key_span(&plugin.table, &path),
                path,
            }
        })
        .collect();
    unknown_keys(&loaded.sources, plugin, &unused, &known())
}

fn key_span(table: &wheatstone_plugin::conf::Table, path: &[String]) -> Span {
    let (first, rest) = path.split_first().unwrap();
    let entry = table
        .entries
        .iter()
        .find(|e| e.key == *first)
        .unwrap_or_else(|| panic!("{first}"));
    if rest.is_empty() {
        return entry.key_span;
    }
    match &entry.value.kind {
        NodeKind::Array(items) => {
            let i: usize = rest[0].parse().unwrap();
            items
                .get(i)
                .and_then(Node::as_table)
                .map_or(entry.key_span, |t| key_span(t, &rest[1..]))
        }
        NodeKind::Table(t) => key_span(t, rest),
        _ => entry.key_span,
    }
}

#[test]
fn a_typo_names_the_option() {
    let text = "[agent]\n\n[[inputs.mqtt_consumer]]\n  server = ['x']\n  tag_kyes = []\n  banana = 1\n";
    let problem = problem(text, &["server", "tag_kyes", "banana"]).unwrap();
    assert_eq!(
        problem.message,
        "plugin inputs.mqtt_consumer: line 3: configuration specified the fields [\"server\" \"tag_kyes\" \"banana\"], \
         but they were not used; this is either a typo or this config option does not exist in this version"
    );
    assert_eq!(
        problem.place.as_ref().map(|p| (p.line, p.column, p.width)),
        Some((4, 3, 6))
    );
    assert_eq!(
        problem.help.as_deref(),
        Some(
            "`server` (line 4): did you mean `servers`?\n        `tag_kyes` (line 5): did you mean `tag_keys`?"
        )
    );
}

#[test]
fn an_option_that_slid_into_a_sub_table_is_led_home() {
    let text = "[[inputs.mqtt_consumer]]\n  servers = []\n  [inputs.mqtt_consumer.tags]\n    a = 'b'\n  [[inputs.mqtt_consumer.topic_parsing]]\n    topic = 'x'\n    qos = 1\n    name_override = 'x'\n    measurment = 'y'\n    [inputs.mqtt_consumer.topic_parsing.deep]\n    measurement = 'x'\n    servers = 1\n";
    let paths = [
        "topic_parsing.0.qos",
        "topic_parsing.0.name_override",
        "topic_parsing.0.measurment",
        "topic_parsing.0.deep.measurement",
        "topic_parsing.0.deep.servers",
    ];
    let help = problem(text, &paths).unwrap().help.unwrap();
    let lines: Vec<&str> = help.lines().map(str::trim).collect();
    assert_eq!(
        lines,
        [
            "`qos` (line 7) stands under [inputs.mqtt_consumer.topic_parsing]: it belongs one level up, move it above line 3",
            "`name_override` (line 8) stands under [inputs.mqtt_consumer.topic_parsing]: it belongs one level up, move it above line 3",
            "`measurment` (line 9): did you mean `measurement`?",
            "`measurement` (line 11) stands under [inputs.mqtt_consumer.topic_parsing.deep]: it belongs one level up",
            "`servers` (line 12) stands under [inputs.mqtt_consumer.topic_parsing.deep]: it belongs 2 levels up, move it above line 3",
        ]
    );
}

#[test]
fn keys_of_the_loader_are_never_unknown() {
    let text = "[[inputs.mqtt_consumer]]\n  flush_interval = '1s'\n  data_type = 'x'\n  order = 1\n";
    assert_eq!(problem(text, &["flush_interval", "data_type", "order"]), None);
    assert_eq!(problem(text, &[]), None);
}
