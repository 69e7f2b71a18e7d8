//! Options that all formats share, on XML.

use crate::testing::{build, feed, fields, pairs, parse};
use crate::{Section, XpathConfig};

const WEATHER: &str = r#"<?xml version="1.0"?>
<station name="Mount A"><at zone="x">2024-01-15 10:30:00</at>
  <sensor id="s1" ok="1"><temp unit="C">-3.5</temp><count>7</count></sensor>
  <sensor id="s2" ok="0"><temp unit="C">12</temp><count>9</count><note>dry</note></sensor>
</station>"#;

fn xml(section: Section) -> Result<Vec<String>, String> {
    parse("xml", section, false, WEATHER.as_bytes())
}

#[test]
fn each_selected_node_becomes_a_metric() {
    let section = Section {
        metric_name: "'weather'".to_owned(),
        metric_selection: "//sensor".to_owned(),
        timestamp: "/station/at".to_owned(),
        timestamp_format: "2006-01-02 15:04:05".to_owned(),
        timezone: "Europe/Berlin".to_owned(),
        tags: pairs(&[
            ("id", "@id"),
            ("name", "substring-after(../@name, ' ')"),
            ("unit", "temp/@unit"),
        ]),
        fields: pairs(&[("temp", "number(temp)"), ("ok", "@ok = 1"), ("note", "note")]),
        fields_int: pairs(&[("count", "count")]),
        ..Section::default()
    };
    assert_eq!(
        xml(section),
        Ok(vec![
            "weather,id=s1,name=A,unit=C count=Int(7),ok=Bool(true),temp=Float(-3.5) 1705311000000000000".to_owned(),
            "weather,id=s2,name=A,unit=C count=Int(9),note=Str(\"dry\"),ok=Bool(false),temp=Float(12.0) 1705311000000000000"
                .to_owned(),
        ])
    );
}

#[test]
fn selected_nodes_become_fields_and_tags() {
    let section = Section {
        metric_selection: "//sensor".to_owned(),
        field_selection: "*".to_owned(),
        field_value: "string-length(.)".to_owned(),
        tag_selection: "@*".to_owned(),
        ..Section::default()
    };
    assert_eq!(
        xml(section),
        Ok(vec![
            "xml,id=s1,ok=1 temp=Float(4.0),count=Float(1.0)".to_owned(),
            "xml,id=s2,ok=0 temp=Float(2.0),count=Float(1.0),note=Float(3.0)".to_owned(),
        ])
    );
    let section = Section {
        field_selection: "//temp".to_owned(),
        field_name: "name(@*)".to_owned(),
        field_value: "number(.)".to_owned(),
        field_name_expansion: true,
        tag_selection: "//note".to_owned(),
        tag_name_expansion: true,
        ..Section::default()
    };
    assert_eq!(
        xml(section),
        Ok(vec![
            "xml,station_sensor_note=dry station_sensor_unit=Float(-3.5),station_sensor_unit_1=Float(12.0)"
                .to_owned()
        ])
    );
}

/// What is written out comes before what is selected.
#[test]
fn a_field_of_its_own_replaces_a_selected_one() {
    let section = Section {
        metric_selection: "//sensor[2]".to_owned(),
        field_selection: "count | temp".to_owned(),
        fields: pairs(&[("temp", "'x'")]),
        fields_int: pairs(&[("count", "count")]),
        tag_selection: "note".to_owned(),
        tags: pairs(&[("note", "'y'")]),
        ..Section::default()
    };
    assert_eq!(
        xml(section),
        Ok(vec!["xml,note=y count=Int(9),temp=Str(\"x\")".to_owned()])
    );
}

#[test]
fn several_tables_each_give_their_metrics() {
    let config = XpathConfig {
        xpath: vec![
            fields(&[("n", "count(//sensor)")]),
            fields(&[("name", "//@name")]),
        ],
        ..XpathConfig::default()
    };
    let mut parser = build("xml", config).unwrap();
    let metrics = Ok(vec![
        "xml n=Float(2.0)".to_owned(),
        "xml name=Str(\"Mount A\")".to_owned(),
    ]);
    assert_eq!(feed(&mut parser, WEATHER.as_bytes()), metrics);
    // A payload that is refused leaves nothing behind.
    assert!(feed(&mut parser, b"<a>").is_err());
    assert_eq!(feed(&mut parser, WEATHER.as_bytes()), metrics);
}

#[test]
fn wrong_options_are_refused() {
    let with = |section: Section| {
        let config = XpathConfig {
            xpath: vec![Section::default(), section],
            ..XpathConfig::default()
        };
        build("xml", config).err().unwrap_or_default()
    };
    let zone = Section {
        timezone: "Mars/Base".to_owned(),
        ..Section::default()
    };
    assert_eq!(
        with(zone),
        "invalid location in config 2: unknown time zone Mars/Base"
    );
    let hex = Section {
        fields_bytes_as_hex: vec!["a[".to_owned()],
        ..Section::default()
    };
    assert!(with(hex).starts_with("creating hex-fields filter failed: "));
}

#[test]
fn names_that_grow_without_end_are_refused() {
    let name = "n".repeat(1_000);
    let nested = |depth: usize| {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        format!("{}1{}", open.repeat(depth), close.repeat(depth))
    };
    let section = Section {
        field_selection: "//*".to_owned(),
        field_name_expansion: true,
        ..Section::default()
    };
    let short = parse("xml", section.clone(), false, nested(20).as_bytes());
    assert_eq!(short.map(|m| m.len()), Ok(1));
    let error = parse("xml", section, false, nested(400).as_bytes()).expect_err("too long");
    assert!(error.contains("names of the selected nodes"), "{error}");
}
