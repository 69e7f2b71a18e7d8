//! Messages that fastavro encoded in, metrics compared.

mod registry;

use std::time::Duration as Span;

use proptest::prelude::*;
use wheatstone_plugin::Kind;
use wheatstone_plugin::conf::Table;
use wheatstone_testkit::plugin::context;

use super::*;

const SCHEMA: &str = r#"{"type":"record","name":"Reading","namespace":"plant.north","fields":[
    {"name":"site","type":"string"},
    {"name":"when","type":"long"},
    {"name":"temp","type":["null","double"]},
    {"name":"count","type":"int"},
    {"name":"ratio","type":"float"},
    {"name":"ok","type":"boolean"},
    {"name":"raw","type":"bytes"},
    {"name":"mac","type":{"type":"fixed","name":"Mac","size":3}},
    {"name":"mode","type":{"type":"enum","name":"Mode","symbols":["OFF","ON"]}},
    {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":6,"scale":2}},
    {"name":"phases","type":{"type":"array","items":["null","int","string"]}},
    {"name":"limits","type":{"type":"map","values":"long"}},
    {"name":"inner","type":{"type":"record","name":"Inner","fields":[{"name":"a","type":"int"},{"name":"again","type":["null","Mode"]}]}},
    {"name":"maybe","type":["null",{"type":"record","name":"More","fields":[{"name":"b","type":"long"}]}]}]}"#;

/// Every field has a value.
const FULL: &str = "04c3a9f6a1abfef9620200000000008035400d0000003f0104616278797a0204fb2e0600020a0406736978000404686912046c6f11000602000201";

/// What may be null or empty is, and the numbers are extreme.
const EMPTY: &str = "04c3a9ffffffffffffffffff01000d0000003f0104616278797a0204fb2e0000feffffff0f0000";

fn hex(text: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

fn build(config: AvroConfig) -> Result<Avro, String> {
    let cx = context(Kind::Parser, "avro", Table::default());
    Avro::new(config, &cx).map_err(|e| format!("{e:#}"))
}

fn feed(parser: &mut Avro, message: &[u8]) -> Result<Vec<String>, String> {
    let mut out = vec![];
    parser
        .parse(message, 42, &mut out)
        .map_err(|e| format!("{e:#}"))?;
    let show = |metric: &Metric| {
        let tags: String = metric.tags().map(|(k, v)| format!(",{k}={v}")).collect();
        let fields: Vec<String> = metric.fields().map(|(k, v)| format!("{k}={v:?}")).collect();
        let time = if metric.time() == 42 {
            String::new()
        } else {
            format!(" {}", metric.time())
        };
        format!("{}{tags} {}{time}", metric.name(), fields.join(","))
    };
    Ok(out.iter().map(show).collect())
}

fn read(config: AvroConfig, message: &[u8]) -> Result<Vec<String>, String> {
    feed(&mut build(config)?, message)
}

fn with(schema: &str, change: impl FnOnce(&mut AvroConfig)) -> AvroConfig {
    let mut config = AvroConfig {
        avro_schema: schema.to_owned(),
        ..AvroConfig::default()
    };
    change(&mut config);
    config
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn every_type_becomes_fields() {
    let config = with(SCHEMA, |c| c.avro_field_separator = "_".to_owned());
    assert_eq!(
        read(config.clone(), &hex(FULL)),
        Ok(vec![
            "plant.north.Reading site=Str(\"é\"),when=Int(1700000000123),temp_double=Float(21.5),count=Int(-7),ratio=Float(0.5),\
             ok=Bool(true),raw=Str(\"ab\"),mac=Str(\"xyz\"),mode=Str(\"ON\"),price=Float(-12.34),phases_1_int=Int(5),\
             phases_2_string=Str(\"six\"),limits_hi=Int(9),limits_lo=Int(-9),inner_a=Int(3),\
             inner_again_plant.north.Mode=Str(\"OFF\"),maybe_plant.north.More_b=Int(-1)"
                .to_owned()
        ])
    );
    assert_eq!(
        read(config, &hex(EMPTY)),
        Ok(vec![
            "plant.north.Reading site=Str(\"é\"),when=Int(-9223372036854775808),count=Int(-7),ratio=Float(0.5),ok=Bool(true),\
             raw=Str(\"ab\"),mac=Str(\"xyz\"),mode=Str(\"ON\"),price=Float(-12.34),inner_a=Int(2147483647)"
                .to_owned()
        ])
    );
}

#[test]
fn unions_need_not_be_told() {
    for mode in ["nullable", "any"] {
        let config = with(SCHEMA, |c| {
            c.avro_union_mode = mode.to_owned();
            c.avro_field_separator = ".".to_owned();
            c.avro_fields = words(&["temp", "maybe", "phases", "nothing"]);
        });
        assert_eq!(
            read(config.clone(), &hex(FULL)),
            Ok(vec![
                "plant.north.Reading temp=Float(21.5),maybe.b=Int(-1),phases.1.int=Int(5),phases.2.string=Str(\"six\")".to_owned()
            ])
        );
        // Nulls count as fields, but are none.
        assert_eq!(
            read(config, &hex(EMPTY)),
            Ok(vec!["plant.north.Reading ".to_owned()])
        );
    }
}

#[test]
fn tags_names_and_times_come_from_fields() {
    let config = with(SCHEMA, |c| {
        c.avro_tags = words(&["site", "count", "ratio", "limits", "nothing", "ok"]);
        c.avro_fields = words(&["count"]);
        c.avro_measurement_field = "mode".to_owned();
        c.avro_timestamp = "when".to_owned();
        c.avro_timestamp_format = "unix_ms".to_owned();
    });
    assert_eq!(
        read(config.clone(), &hex(FULL)),
        Ok(vec![
            "ON,count=-7,limitshi=9,limitslo=-9,nothing=,ok=true,ratio=0.5,site=é count=Int(-7) 1700000000123000000".to_owned()
        ])
    );
    let named = AvroConfig {
        avro_measurement_field: "nothing".to_owned(),
        avro_measurement: "fixed".to_owned(),
        ..config.clone()
    };
    assert!(read(named, &hex(FULL)).unwrap()[0].starts_with("fixed,"));
    let seconds = AvroConfig {
        avro_timestamp_format: String::new(),
        ..config.clone()
    };
    let wrapped = 1_700_000_000_123i64.wrapping_mul(1_000_000_000).to_string();
    assert!(
        read(seconds, &hex(FULL)).unwrap()[0].ends_with(&wrapped),
        "milliseconds taken for seconds"
    );
    for (field, wanted) in [
        ("mode", "could not parse 'ON' to 'unix_ms'"),
        ("nothing", "could not parse '<nil>' to 'unix_ms'"),
        ("limits", "could not parse '' to 'unix_ms'"),
    ] {
        let wrong = AvroConfig {
            avro_timestamp: field.to_owned(),
            ..config.clone()
        };
        assert_eq!(read(wrong, &hex(FULL)), Err(wanted.to_owned()));
    }
}

const POINTS: &str = r#"{"type":"array","items":{"type":"record","name":"P","fields":[{"name":"v","type":"long"},{"name":"ts","type":"long"}]}}"#;

#[test]
fn every_record_of_an_array_is_a_metric() {
    let config = with(POINTS, |c| c.avro_timestamp = "ts".to_owned());
    let message = hex("040214042800");
    assert_eq!(
        read(config.clone(), &message),
        Ok(vec![
            "P v=Int(1),ts=Int(10) 10000000000".to_owned(),
            "P v=Int(2),ts=Int(20) 20000000000".to_owned()
        ])
    );
    // A block may say its size.
    assert_eq!(
        read(config.clone(), &hex("0308021404280 0".replace(' ', "").as_str())),
        read(config, &message)
    );
    let numbers = with(r#"{"type":"array","name":"N","items":"int"}"#, |_| {});
    assert_eq!(read(numbers, &hex("020400")), Ok(vec![]), "numbers are skipped");
    assert_eq!(
        read(with("\"int\"", |_| {}), &[2]),
        Err("the message is neither a record nor an array of records".to_owned())
    );
}

const ONE: &str = r#"{"type":"record","name":"M","fields":[{"name":"n","type":"long"}]}"#;

#[test]
fn a_single_object_has_a_head() {
    let metric = |n| Ok(vec![format!("M n=Int({n})")]);
    let config = with(ONE, |_| {});
    assert_eq!(read(config.clone(), &hex("c3012e3030257780b7db0e")), metric(7));
    // Without one: these bytes are a number, too.
    assert_eq!(read(config, &hex("c301")), metric(-98));
}

#[test]
fn messages_in_json() {
    let schema = r#"{"type":"record","name":"J","fields":[
        {"name":"temp","type":["null","double"]},
        {"name":"raw","type":"bytes"},
        {"name":"m","type":{"type":"map","values":["null","long"]}},
        {"name":"color","type":{"type":"enum","name":"C","symbols":["RED"]},"default":"RED"},
        {"name":"none","type":["null","int"],"default":null},
        {"name":"some","type":["int","null"],"default":4},
        {"name":"x","type":"float","default":0.5}]}"#;
    let config = with(schema, |c| {
        c.avro_format = "json".to_owned();
        c.avro_field_separator = "_".to_owned();
    });
    let read = |json: &str| read(config.clone(), json.as_bytes());
    assert_eq!(
        read(r#"{"temp": {"double": 1.5}, "raw": "\u0000\u00ff", "m": {"a": null, "b": {"long": 2}}} and more"#),
        Ok(vec![
            "J temp_double=Float(1.5),raw=Str(\"\\0\u{fffd}\"),m_b_long=Int(2),color=Str(\"RED\"),some_int=Int(4),x=Float(0.5)".to_owned()
        ])
    );
    for (json, wanted) in [
        ("", "cannot decode textual: short buffer"),
        ("{", "cannot decode textual: EOF while parsing"),
        ("7", "cannot decode textual record: 7"),
        (
            r#"{"temp": null}"#,
            "field \"raw\": the record has none, and the schema no default",
        ),
        (
            r#"{"temp": 1.5}"#,
            "field \"temp\": cannot decode textual union: 1.5",
        ),
        (
            r#"{"temp": {"int": 1}}"#,
            "field \"temp\": cannot decode textual union: {\"int\":1}",
        ),
        (
            r#"{"extra": 1}"#,
            "cannot decode textual record: cannot determine codec: \"extra\"",
        ),
        (
            r#"{"temp": null, "raw": "€"}"#,
            "field \"raw\": cannot decode textual bytes: \"€\"",
        ),
    ] {
        let error = read(json).unwrap_err();
        assert!(error.starts_with(wanted), "{json}: {error}");
    }
}

#[test]
fn broken_messages_are_errors_with_their_place() {
    let error = |schema: &str, message: &str| read(with(schema, |_| {}), &hex(message)).unwrap_err();
    assert_eq!(
        error(SCHEMA, "04c3"),
        "field \"site\": cannot decode binary string: short buffer: 2 bytes wanted at byte 1, 1 are left"
    );
    assert_eq!(
        error(SCHEMA, "03"),
        "field \"site\": cannot decode binary string: negative size -2 at byte 0"
    );
    assert_eq!(
        error(ONE, "ffffffffffffffffffffff"),
        "field \"n\": cannot decode binary long: a number of more than 64 bits at byte 0"
    );
    let one =
        |kind: &str| format!(r#"{{"type":"record","name":"M","fields":[{{"name":"n","type":{kind}}}]}}"#);
    assert_eq!(
        error(&one("\"boolean\""), "02"),
        "field \"n\": cannot decode binary boolean: expected 0 or 1, received 2 at byte 0"
    );
    assert_eq!(
        error(&one("[\"null\",\"int\"]"), "04"),
        "field \"n\": cannot decode binary union: index ought to be between 0 and 1; read index: 2"
    );
    assert_eq!(
        error(&one(r#"{"type":"enum","name":"E","symbols":["A"]}"#), "01"),
        "field \"n\": cannot decode binary enum: index ought to be between 0 and 0; read index: -1"
    );
    // A billion nulls take no bytes.
    let nulls = one(r#"{"type":"array","items":"null"}"#);
    assert!(error(&nulls, "feffffff0f00").contains("too many values without content"));
    let list = r#"{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}"#;
    assert!(error(list, &"02".repeat(1000)).contains("values nested too deeply"));
}

#[test]
fn wrong_options_are_named() {
    let error = |config| build(config).err().unwrap_or_default();
    let exactly = "exactly one of 'schema_registry' or 'schema' must be specified";
    assert_eq!(error(AvroConfig::default()), exactly);
    let both = with(ONE, |c| c.avro_schema_registry = "http://localhost".to_owned());
    assert_eq!(error(both), exactly);
    for (config, wanted) in [
        (
            with(ONE, |c| c.avro_format = "text".to_owned()),
            "unknown 'avro_format' \"text\"",
        ),
        (
            with(ONE, |c| c.avro_union_mode = "none".to_owned()),
            "unknown avro_union_mode \"none\"",
        ),
        (
            with(ONE, |c| c.avro_timestamp_format = "unix_ps".to_owned()),
            "invalid timestamp format 'unix_ps'",
        ),
        (with("{}", |_| {}), "missing type: {}"),
        (
            AvroConfig {
                avro_schema_registry: "nowhere".to_owned(),
                ..AvroConfig::default()
            },
            "error connecting to the schema registry: parsing registry URL failed: relative URL without a base",
        ),
    ] {
        assert_eq!(error(config), wanted);
    }
}

proptest! {
    #[test]
    fn no_message_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut parser = build(with(SCHEMA, |_| {})).unwrap();
        let _ = feed(&mut parser, &bytes);
        let mut changed = hex(FULL);
        let at = at.index(changed.len());
        changed[at] = byte;
        let _ = feed(&mut parser, &changed);
        let _ = feed(&mut parser, &changed[..at]);
        let mut json = build(with(SCHEMA, |c| c.avro_format = "json".to_owned())).unwrap();
        let _ = feed(&mut json, &bytes);
    }

    #[test]
    fn no_schema_panics(text in "[\\[\\]{}\":,a-z ]{0,40}", at in any::<prop::sample::Index>(), byte in any::<char>()) {
        let _ = Schema::parse(&text);
        let mut changed: Vec<char> = SCHEMA.chars().collect();
        let at = at.index(changed.len());
        changed[at] = byte;
        let _ = Schema::parse(&changed.iter().collect::<String>());
    }

    /// Whole numbers of any size survive both encodings.
    #[test]
    fn numbers_survive(n in any::<i64>()) {
        let mut message = Vec::new();
        let mut rest = (n << 1 ^ n >> 63) as u64;
        while rest > 0x7f {
            message.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        message.push(rest as u8);
        let wanted = Ok(vec![format!("M n=Int({n})")]);
        prop_assert_eq!(read(with(ONE, |_| {}), &message), wanted.clone());
        let json = with(ONE, |c| c.avro_format = "json".to_owned());
        prop_assert_eq!(read(json, format!("{{\"n\":{n}}}").as_bytes()), wanted);
    }
}
