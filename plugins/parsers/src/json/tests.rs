use super::*;

use std::collections::BTreeMap;

use proptest::prelude::*;
use wheatstone_plugin::metric;

use crate::testing::build;

const NOW: Timestamp = 1_700_000_000_000_000_000;

fn parser(config: JsonConfig) -> Json {
    build(JsonConfig {
        metric_name: "m".to_owned(),
        ..config
    })
    .expect("valid options")
}

/// Metrics in a short form: `name,tag=value field=value time`, with texts quoted and the time left out where it is now.
fn parse(config: JsonConfig, payload: &[u8]) -> Result<Vec<String>, String> {
    let mut out = Vec::new();
    parser(config)
        .parse(payload, NOW, &mut out)
        .map_err(|e| format!("{e:#}"))?;
    Ok(out.iter().map(show).collect())
}

fn show(m: &Metric) -> String {
    let mut text = m.name().to_string();
    for (key, value) in m.tags() {
        text += &format!(",{key}={value}");
    }
    let mut fields: Vec<String> = m
        .fields()
        .map(|(key, value)| format!("{key}={value:?}"))
        .collect();
    fields.sort();
    text += &format!(" {}", fields.join(","));
    if m.time() != NOW {
        text += &format!(" {}", m.time());
    }
    text.replace("Float(", "")
        .replace("Bool(", "")
        .replace("Str(", "")
        .replace(')', "")
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|s| (*s).to_owned()).collect()
}

fn plain(payload: &str) -> Result<Vec<String>, String> {
    parse(JsonConfig::default(), payload.as_bytes())
}

fn one(line: &str) -> Result<Vec<String>, String> {
    Ok(vec![line.to_owned()])
}

#[test]
fn numbers_become_fields_under_joined_names() {
    assert_eq!(
        plain(r#"{"a":5,"b":{"c":-6.5e1,"d":[7,{"e":8}]}}"#),
        one("m a=5.0,b_c=-65.0,b_d_0=7.0,b_d_1_e=8.0")
    );
    assert_eq!(plain(r#"{"":1,"x":{"":2,"y":3}}"#), one("m =1.0,x_=2.0,x_y=3.0"));
    assert_eq!(plain(r#"{"":{"y":3},"a":{},"b":[]}"#), one("m y=3.0"));
}

#[test]
fn texts_truths_and_nulls_are_dropped_unless_named() {
    let payload = br#"{"a":"x","b":true,"c":null,"d":{"e":"y"},"n":1}"#;
    assert_eq!(parse(JsonConfig::default(), payload), one("m n=1.0"));
    let kept = JsonConfig {
        json_string_fields: strings(&["a", "b", "d_*"]),
        ..JsonConfig::default()
    };
    assert_eq!(parse(kept, payload), one(r#"m a="x",b=true,d_e="y",n=1.0"#));
    let tags = JsonConfig {
        tag_keys: strings(&["[abcn]"]),
        ..JsonConfig::default()
    };
    assert_eq!(parse(tags, payload), one("m,a=x,b=true,n=1 "));
}

#[test]
fn tags_come_before_string_fields_and_numbers_are_written_out() {
    let config = JsonConfig {
        tag_keys: strings(&["t"]),
        json_string_fields: strings(&["*"]),
        ..JsonConfig::default()
    };
    assert_eq!(
        parse(config.clone(), br#"{"t":"x","s":"y"}"#),
        one(r#"m,t=x s="y""#)
    );
    assert_eq!(
        parse(config, br#"{"t":1.5e21}"#),
        one("m,t=1500000000000000000000 ")
    );
}

#[test]
fn payloads_without_objects() {
    for nothing in ["", "  \n", "\u{feff}", "[]", "null", "\u{a0}\u{2003}"] {
        assert_eq!(plain(nothing), Ok(vec![]), "{nothing:?}");
    }
    for wrong in ["5", "\"x\"", "true", "[5]", "[{},[]]"] {
        assert_eq!(plain(wrong), Err(WRONG_TYPE.to_owned()), "{wrong}");
    }
    assert_eq!(plain("\u{a0} \u{feff}{\"a\":1} \u{3000}"), one("m a=1.0"));
    assert_eq!(
        plain("[{\"a\":1} , {\"a\":2}]"),
        Ok(strings(&["m a=1.0", "m a=2.0"]))
    );
}

#[test]
fn the_last_of_equal_keys_counts_with_all_that_is_in_it() {
    assert_eq!(plain(r#"{"a":1,"a":2}"#), one("m a=2.0"));
    assert_eq!(plain(r#"{"a":1,"a":"x"}"#), one("m "));
    assert_eq!(plain(r#"{"a":{"b":1},"a":5,"c":1}"#), one("m a=5.0,c=1.0"));
    assert_eq!(
        plain(r#"{"a":{"b":1,"b":{"x":1}},"a":{"c":2,"c":null}}"#),
        one("m ")
    );
    assert_eq!(
        plain(r#"[{"a":[1,{"b":2}],"a":[3]},{"a":4}]"#),
        Ok(strings(&["m a_0=3.0", "m a=4.0"]))
    );
    assert_eq!(plain(r#"{"a":{"b":1},"a_b":2}"#), one("m a_b=2.0"));
}

#[test]
fn escapes_and_broken_utf8_are_gos() {
    assert_eq!(
        plain(r#"{"\u0061\"b":1,"x":{"\n":2}}"#),
        one("m a\"b=1.0,x_\n=2.0")
    );
    let config = JsonConfig {
        json_string_fields: strings(&["s"]),
        ..JsonConfig::default()
    };
    assert_eq!(
        parse(config, b"{\"s\":\"a\xe2\x82b\"}"),
        one("m s=\"a\u{fffd}\u{fffd}b\"")
    );
}

#[test]
fn the_name_is_a_text_under_the_name_key() {
    let config = JsonConfig {
        json_name_key: "b_c".to_owned(),
        ..JsonConfig::default()
    };
    assert_eq!(
        parse(config.clone(), br#"{"a":1,"b":{"c":"named"}}"#),
        one("named a=1.0")
    );
    assert_eq!(parse(config, br#"{"a":1,"b":{"c":5}}"#), one("m a=1.0,b_c=5.0"));
}

fn timed(format: &str) -> JsonConfig {
    JsonConfig {
        json_time_key: "t".to_owned(),
        json_time_format: format.to_owned(),
        ..JsonConfig::default()
    }
}

#[test]
fn times_are_read_to_the_last_digit() {
    for (format, payload, time) in [
        (
            "unix_ns",
            r#"{"a":1,"t":1731931200123457789}"#,
            1_731_931_200_123_457_789_i64,
        ),
        (
            "unix",
            r#"{"t":"1731931200.123457789","a":1}"#,
            1_731_931_200_123_457_789,
        ),
        (
            "unix_ms",
            r#"{"t":1.731931200123e12,"a":1}"#,
            1_731_931_200_123_000_000,
        ),
        (
            "unix_us",
            r#"{"t":"1731931200123457","a":1}"#,
            1_731_931_200_123_457_000,
        ),
        (
            "2006-01-02T15:04:05Z07:00",
            r#"{"t":"2024-11-18T12:00:00.5Z","a":1}"#,
            1_731_931_200_500_000_000,
        ),
        (
            "Stamp",
            r#"{"t":"Nov 18 12:00:00","a":1}"#,
            1_700_308_800_000_000_000,
        ),
    ] {
        assert_eq!(
            parse(timed(format), payload.as_bytes()),
            one(&format!("m a=1.0 {time}")),
            "{format}"
        );
    }
    let zoned = JsonConfig {
        json_timezone: "America/New_York".to_owned(),
        ..timed("02 Jan 06 15:04")
    };
    assert_eq!(
        parse(zoned, br#"{"t":"04 Jan 06 15:04"}"#),
        one("m  1136405040000000000")
    );
}

#[test]
fn a_number_with_a_fraction_is_the_float_that_telegraf_sees() {
    let payload = br#"{"t":1536002769.123,"a":1}"#;
    assert_eq!(parse(timed("unix"), payload), one("m a=1.0 1536002769122999906"));
}

#[test]
fn a_time_key_without_a_time_is_an_error() {
    let missing = "'json_time_key' could not be found";
    for (config, payload, message) in [
        (
            timed(""),
            r#"{"t":5}"#,
            "use of 'json_time_key' requires 'json_time_format'",
        ),
        (timed("unix"), r#"{"a":5}"#, missing),
        (timed("unix"), r#"{"t":null}"#, missing),
        (timed("unix"), r#"{"t":true}"#, "unsupported type"),
        (timed("RFC3339"), r#"{"t":5}"#, "unsupported type"),
        (timed("unix"), r#"{"t":"x"}"#, "invalid number"),
        (
            timed("2006"),
            r#"{"t":"x"}"#,
            r#"parsing time "x" as "2006": cannot parse "x" as "2006""#,
        ),
        (
            timed("unix"),
            r#"[{"a":5}, nul]"#,
            "invalid character ']' in literal null (expecting 'l')",
        ),
    ] {
        assert_eq!(
            parse(config, payload.as_bytes()),
            Err(message.to_owned()),
            "{payload}"
        );
    }
    let lax = JsonConfig {
        json_strict: false,
        ..timed("unix")
    };
    assert_eq!(
        parse(lax.clone(), br#"[{"a":1},{"a":2,"t":3}]"#),
        one("m a=2.0 3000000000")
    );
    assert_eq!(parse(lax, br#"{"a":1}"#), Err(missing.to_owned()));
}

#[test]
fn a_query_selects_a_part() {
    let query = |path: &str| JsonConfig {
        json_query: path.to_owned(),
        ..JsonConfig::default()
    };
    let payload = br#"{"total":5,"s":{"x":6,"list":[4],"objects":[{"a":1},{"a":2}]}}"#;
    assert_eq!(
        parse(query("s.objects"), payload),
        Ok(strings(&["m a=1.0", "m a=2.0"]))
    );
    assert_eq!(parse(query("s"), payload).map(|m| m.len()), Ok(1));
    assert_eq!(parse(query("nowhere"), payload), Ok(vec![]));
    assert_eq!(parse(query("s.list"), payload), Err(WRONG_TYPE.to_owned()));
    let scalar = "query path must lead to a JSON object, array of objects or null, but lead to: Number";
    assert_eq!(parse(query("total"), payload), Err(scalar.to_owned()));
}

#[test]
fn an_error_leaves_what_was_there() {
    let mut out = vec![Metric::new("there", 1)];
    assert!(
        parser(JsonConfig::default())
            .parse(br#"[{"a":1},{"b":}]"#, NOW, &mut out)
            .is_err()
    );
    assert_eq!(out.len(), 1);
}

#[test]
fn deep_nesting_is_refused_and_does_not_overflow() {
    let deep = format!("{}1{}", r#"{"a":"#.repeat(20_000), "}".repeat(20_000));
    assert_eq!(plain(&deep), Err("exceeded max depth".to_owned()));
}

/// Any JSON, with few keys, so that some come twice when written.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value as Json;
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "\\PC{0,8}".prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::hash_map("[a-c]{0,2}|\\PC{0,3}", inner, 0..6)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

/// What the parser should make of a value, by way of a document in memory.
fn flat(path: &str, value: &serde_json::Value, out: &mut BTreeMap<String, Vec<Value>>) {
    let join = |part: &str| {
        if path.is_empty() {
            part.to_owned()
        } else {
            format!("{path}_{part}")
        }
    };
    let mut leaf = |value: Value| out.entry(path.to_owned()).or_default().push(value);
    match value {
        serde_json::Value::Null => {}
        serde_json::Value::Bool(b) => leaf(Value::Bool(*b)),
        serde_json::Value::Number(n) => leaf(Value::Float(n.as_f64().unwrap_or(f64::NAN))),
        serde_json::Value::String(s) => leaf(Value::from(s.as_str())),
        serde_json::Value::Array(list) => {
            for (i, item) in list.iter().enumerate() {
                flat(&join(&i.to_string()), item, out);
            }
        }
        serde_json::Value::Object(map) => {
            for (key, item) in map {
                flat(&join(key), item, out);
            }
        }
    }
}

/// Texts of objects with few different names, so that these come again in other places, twice in one object, and written
/// in other ways.
fn any_text() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec!["1", "-2.5", "\"s\"", "true", "null"]).prop_map(str::to_owned);
    let values = leaf.prop_recursive(3, 24, 5, |inner| {
        let key = prop::sample::select(vec!["a", "b", "a_b", "0", "a_0", "", "\\u0061", "\u{e4}"]);
        let blank = prop::sample::select(vec!["", "", "", " "]);
        let member = (key, blank, inner.clone())
            .prop_map(|(key, blank, value)| format!("\"{key}\"{blank}:{blank}{value}"));
        prop_oneof![
            3 => prop::collection::vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(","))),
            1 => prop::collection::vec(inner, 0..4).prop_map(|values| format!("[{}]", values.join(","))),
        ]
    });
    values.prop_map(|value| format!("{{\"a\":1,\"x\":{value},\"b\":2}}"))
}

proptest! {
    #[test]
    fn payloads_before_do_not_change_what_the_next_one_is(texts in prop::collection::vec(any_text(), 1..4), order in prop::collection::vec(any::<prop::sample::Index>(), 1..12)) {
        let config = || JsonConfig { tag_keys: strings(&["x_a", "b"]), json_string_fields: strings(&["*"]), ..JsonConfig::default() };
        let mut experienced = parser(config());
        for index in order {
            let text = index.get(&texts);
            let mut out = Vec::new();
            experienced.parse(text.as_bytes(), NOW, &mut out).expect("JSON");
            let seen: Vec<String> = out.iter().map(show).collect();
            prop_assert_eq!(Ok(seen), parse(config(), text.as_bytes()), "{}", text);
        }
    }

    #[test]
    fn the_walk_agrees_with_a_document(value in any_json(), pretty: bool) {
        let value = serde_json::json!({ "top": value });
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let text = text.expect("it can be written");
        let mut expected = BTreeMap::new();
        flat("", &value, &mut expected);
        let config = JsonConfig { json_string_fields: strings(&["*"]), ..JsonConfig::default() };
        let mut out = Vec::new();
        parser(config).parse(text.as_bytes(), NOW, &mut out).expect("it is JSON");
        prop_assert_eq!(out.len(), 1);
        let found: BTreeMap<String, Value> = out[0].fields().map(|(k, v)| (k.to_string(), v.clone())).collect();
        prop_assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (key, value) in found {
            // Different keys can be joined to one name; then either value is right.
            prop_assert!(expected[&key].contains(&value), "{} {:?}", key, value);
        }
    }

    #[test]
    fn the_walk_accepts_what_the_check_accepts(payload in "[\\[\\]{}:,\"\\\\ua1e.\\-0 truefalsn]{0,24}") {
        let config = JsonConfig { json_string_fields: strings(&["*"]), ..JsonConfig::default() };
        let accepted = parse(config, payload.as_bytes()).err().is_none_or(|e| e == WRONG_TYPE);
        let by_check = check::locate(trim_space(payload.as_bytes())).is_ok() || trim_space(payload.as_bytes()).is_empty();
        prop_assert_eq!(accepted, by_check, "{}", payload);
        // A document in memory knows the same grammar.
        if by_check && !payload.trim().is_empty() && !payload.contains("\\u") {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&payload).is_ok(), "{}", payload);
        }
    }

    #[test]
    fn no_bytes_panic(payload in prop::collection::vec(any::<u8>(), 0..64), query in "[a-c.#@*?\\[\\]{}|()0-9]{0,8}") {
        let config = JsonConfig { tag_keys: strings(&["*a*"]), ..timed("unix") };
        let _ = parse(config, &payload);
        let _ = parse(JsonConfig { json_query: query, ..JsonConfig::default() }, &payload);
        let mut wrapped = b"{\"a\":".to_vec();
        wrapped.extend(&payload);
        wrapped.push(b'}');
        let _ = parse(JsonConfig::default(), &wrapped);
    }
}

#[test]
fn a_clone_of_a_key_is_the_same_key() {
    // The names of one series are shared between payloads, not copied.
    let mut parser = parser(JsonConfig::default());
    let mut out = Vec::new();
    for _ in 0..2 {
        parser
            .parse(br#"{"temperature_of_the_room":1}"#, NOW, &mut out)
            .expect("it is JSON");
    }
    let keys: Vec<*const u8> = out
        .iter()
        .flat_map(metric::Metric::fields)
        .map(|(k, _)| k.as_str().as_ptr())
        .collect();
    assert_eq!(keys[0], keys[1]);
}

#[test]
fn a_short_payload_with_names_without_end_is_refused() {
    let around = "k".repeat(40_000);
    let members: Vec<String> = (0..3_000).map(|i| format!("\"{i}\":1")).collect();
    let nested = format!("{{\"{around}\":{{{}}}}}", members.join(","));
    let too_long =
        Err("the names of nested values are too long: each begins with those around it".to_owned());
    assert_eq!(parse(JsonConfig::default(), nested.as_bytes()), too_long);
    // The same where a name comes twice.
    let twice = nested.replace("\"1\":1", "\"0\":1");
    assert_eq!(parse(JsonConfig::default(), twice.as_bytes()), too_long);
    // What it says of one payload does not hold for the next.
    let mut parser = parser(JsonConfig::default());
    assert!(parser.parse(nested.as_bytes(), NOW, &mut Vec::new()).is_err());
    let mut out = Vec::new();
    let list = format!("[{}]", vec!["{\"a\":{\"b\":1}}"; 2_000].join(","));
    assert!(parser.parse(list.as_bytes(), NOW, &mut out).is_ok());
    assert_eq!(out.len(), 2_000);
}
