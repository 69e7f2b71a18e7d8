//! The forms that values, names and tags take.

use super::proto::{
    Cell, CellValue, DataSet, Parameter, ParameterValue, Property, PropertySet, PropertyValue,
};
use super::proto::{PropertySetList, Row, Template};
use super::*;

fn with(change: impl FnOnce(&mut SparkplugConfig)) -> Sparkplug {
    let mut config = SparkplugConfig::default();
    change(&mut config);
    build::<Sparkplug>(config).expect("valid options")
}

/// What a node's data comes to.
fn read(mut parser: Sparkplug, metrics: Vec<Sent>) -> Result<Vec<String>, String> {
    let shown = send(&mut parser, "spBv1.0/G/NDATA/E", &payload(0, metrics))?;
    let tags = format!(",{NODE}");
    Ok(shown.iter().map(|line| line.replace(&tags, "")).collect())
}

#[test]
fn every_scalar_datatype() {
    let metrics = vec![
        metric("u8", 5, V::Int(255)),
        metric("u16", 6, V::Int(65535)),
        metric("u32", 7, V::Long(u64::from(u32::MAX))),
        metric("whole", 10, V::Int(3)),
        metric("b", 11, V::Boolean(true)),
        metric("b2", 11, V::Int(1)),
        metric("s", 12, V::String("é".to_owned())),
        metric("when", 13, V::Long(SENT)),
        metric("text", 14, V::String("long".to_owned())),
        metric("id", 15, V::String("0-1".to_owned())),
        metric("bytes", 17, V::Bytes(vec![1, 2, 255])),
        metric("file", 18, V::Bytes(vec![])),
    ];
    assert_eq!(
        read(plain(), metrics.clone()),
        lines(&[&format!(
            "m u8=Uint(255),u16=Uint(65535),u32=Uint(4294967295),whole=Float(3.0),b=Bool(true),b2=Bool(true),s=Str(\"é\"),\
             when=Int({SENT}),text=Str(\"long\"),id=Str(\"0-1\"),bytes=Str(\"AQL/\"),file=Str(\"\")"
        )])
    );
    let hex = with(|c| c.sparkplug_bytes = "hex".to_owned());
    assert_eq!(
        read(hex, metrics[10..11].to_vec()),
        lines(&["m bytes=Str(\"0102ff\")"])
    );
    let skip = with(|c| c.sparkplug_bytes = "skip".to_owned());
    assert_eq!(read(skip, metrics[10..].to_vec()), lines(&[]));
}

/// The examples of the specification, section 6.4.17.
#[test]
fn every_array_datatype() {
    let arrays: &[(u32, &[u8], &str)] = &[
        (22, &[0xef, 0x7b], "[-17,123]"),
        (23, &[0x30, 0x8a, 0x30, 0x75], "[-30160,30000]"),
        (24, &[0xff, 0xff, 0xff, 0xff, 0xe3, 0x07, 0, 0], "[-1,2019]"),
        (25, &[0xff; 8], "[-1]"),
        (26, &[0x17, 0xfa], "[23,250]"),
        (27, &[0x1e, 0, 0x78, 0xf9], "[30,63864]"),
        (28, &[0x34, 0, 0, 0x80], "[2147483700]"),
        (29, &[0xff; 8], "[18446744073709551615]"),
        (30, &[0, 0, 0xc0, 0x3f, 0, 0, 0x80, 0x7f], "[1.5,null]"),
        (31, &[0, 0, 0, 0, 0, 0, 0xf8, 0x3f], "[1.5]"),
        (
            32,
            &[0x0c, 0, 0, 0, 0x34, 0xd0],
            "[false,false,true,true,false,true,false,false,true,true,false,true]",
        ),
        (33, b"ABC\0hello\0", "[\"ABC\",\"hello\"]"),
        (33, b"a\"\n\0\0", "[\"a\\\"\\n\",\"\"]"),
        (34, &[0xc7, 0xd0, 0x90, 0x75, 0x24, 1, 0, 0], "[1256102875335]"),
        (22, b"", "[]"),
    ];
    let mut parser = with(|c| c.sparkplug_arrays = "json".to_owned());
    for (datatype, bytes, json) in arrays {
        let sent = payload(0, vec![metric("a", *datatype, V::Bytes(bytes.to_vec()))]);
        let mut out = Vec::new();
        parser
            .parse(&sent.encode_to_vec(), NOW, &mut out)
            .expect("an array");
        assert_eq!(out[0].field("a"), Some(&Value::from(*json)), "{datatype}");
    }
    assert_eq!(
        read(plain(), vec![metric("a", 23, V::Bytes(vec![1, 0, 2, 0]))]),
        lines(&["m a/0=Int(1),a/1=Int(2)"])
    );
    for (datatype, bytes) in [
        (23, &[1u8, 2, 3][..]),
        (32, &[9, 0, 0, 0, 1]),
        (32, &[1]),
        (34, &[0; 7]),
    ] {
        let error = read(plain(), vec![metric("a", datatype, V::Bytes(bytes.to_vec()))]);
        let error = error.expect_err("a wrong length");
        assert!(
            error.contains("an array whose length does not fit its datatype"),
            "{error}"
        );
    }
}

fn table() -> Sent {
    let row = |cells: [Option<CellValue>; 2]| Row {
        elements: cells.map(|value| Cell { value }).to_vec(),
    };
    let set = DataSet {
        num_of_columns: Some(2),
        columns: vec!["n".to_owned(), "s".to_owned()],
        types: vec![1, 12],
        rows: vec![
            row([
                Some(CellValue::Int(u32::MAX)),
                Some(CellValue::String("a".to_owned())),
            ]),
            row([None, Some(CellValue::String("b".to_owned()))]),
            row([None, None]),
        ],
    };
    metric("t", 16, V::DataSet(set))
}

#[test]
fn datasets_as_rows_or_json() {
    let metrics = vec![metric("x", 3, V::Int(1)), table(), metric("y", 3, V::Int(2))];
    assert_eq!(
        read(plain(), metrics.clone()),
        lines(&[
            "m x=Int(1),y=Int(2)",
            "m,row=0 t/n=Int(-1),t/s=Str(\"a\")",
            "m,row=1 t/s=Str(\"b\")",
        ])
    );
    let json = with(|c| c.sparkplug_datasets = "json".to_owned());
    assert_eq!(
        read(json, vec![table()]),
        lines(&[r#"m t=Str("[{\"n\":-1,\"s\":\"a\"},{\"n\":null,\"s\":\"b\"},{\"n\":null,\"s\":null}]")"#])
    );
    let skip = with(|c| c.sparkplug_datasets = "skip".to_owned());
    assert_eq!(read(skip, vec![table()]), lines(&[]));
}

#[test]
fn small_payloads_do_not_become_huge() {
    let long = "c".repeat(50_000);
    let set = DataSet {
        columns: vec![long.clone()],
        types: vec![3],
        rows: vec![
            Row {
                elements: vec![Cell {
                    value: Some(CellValue::Int(1))
                }]
            };
            1000
        ],
        ..DataSet::default()
    };
    let json = with(|c| c.sparkplug_datasets = "json".to_owned());
    let error = read(json, vec![metric("t", 16, V::DataSet(set.clone()))]).expect_err("too long");
    assert!(
        error.contains("a value that is too long for a JSON text"),
        "{error}"
    );
    let error = read(plain(), vec![metric("t", 16, V::DataSet(set))]).expect_err("too long");
    assert!(error.contains("a part whose name is too long"), "{error}");
    let many = vec![1; 1 << 13];
    let error = read(plain(), vec![metric("a", 26, V::Bytes(many))]).expect_err("too many");
    assert!(error.contains("more parts than a payload may have"), "{error}");
}

fn template(metrics: Vec<Sent>, is_definition: bool) -> V {
    V::Template(Template {
        metrics,
        parameters: vec![
            Parameter {
                name: Some("area".to_owned()),
                datatype: Some(12),
                value: Some(ParameterValue::String("north".to_owned())),
            },
            Parameter {
                name: Some("bias".to_owned()),
                datatype: Some(1),
                value: Some(ParameterValue::Int(0xfe)),
            },
        ],
        template_ref: Some("motor".to_owned()),
        is_definition: Some(is_definition),
        ..Template::default()
    })
}

#[test]
fn templates_are_flattened_and_their_definitions_left_out() {
    let inner = Sent {
        name: Some("inner".to_owned()),
        datatype: Some(19),
        value: Some(V::Template(Template {
            metrics: vec![metric("rpm", 9, V::Float(2.0))],
            ..Template::default()
        })),
        ..Sent::default()
    };
    let members = vec![metric("amps", 10, V::Double(1.5)), inner];
    let metrics = vec![
        metric("_types_/motor", 19, template(members.clone(), true)),
        metric("m1", 19, template(members.clone(), false)),
    ];
    assert_eq!(
        read(plain(), metrics.clone()),
        lines(&["m m1/area=Str(\"north\"),m1/bias=Int(-2),m1/amps=Float(1.5),m1/inner/rpm=Float(2.0)"])
    );
    let dotted = with(|c| c.sparkplug_separator = ".".to_owned());
    assert_eq!(
        read(dotted, metrics[1..].to_vec()),
        lines(&["m m1.area=Str(\"north\"),m1.bias=Int(-2),m1.amps=Float(1.5),m1.inner.rpm=Float(2.0)"])
    );

    let mut deep = metric("leaf", 3, V::Int(1));
    for _ in 0..40 {
        deep = metric(
            "t",
            19,
            V::Template(Template {
                metrics: vec![deep],
                ..Template::default()
            }),
        );
    }
    let error = read(plain(), vec![deep]).expect_err("too deep");
    assert!(error.contains("templates nested too deeply"), "{error}");
}

fn unit(text: &str) -> PropertySet {
    let property = |datatype, value| PropertyValue {
        datatype: Some(datatype),
        value: Some(value),
        ..PropertyValue::default()
    };
    let inner = PropertySet {
        keys: vec!["high".to_owned()],
        values: vec![property(10, Property::Double(9.5))],
    };
    PropertySet {
        keys: ["unit", "limits", "list", "none"].map(str::to_owned).to_vec(),
        values: vec![
            property(12, Property::String(text.to_owned())),
            property(20, Property::Set(inner.clone())),
            property(21, Property::Sets(PropertySetList { sets: vec![inner] })),
            PropertyValue {
                is_null: Some(true),
                ..PropertyValue::default()
            },
        ],
    }
}

#[test]
fn properties_are_skipped_or_become_fields_or_tags() {
    let with_unit = |name: &str, text: &str| Sent {
        properties: Some(unit(text)),
        ..named(name, 1, 10, V::Double(1.0))
    };
    assert_eq!(
        read(plain(), vec![with_unit("t", "C")]),
        lines(&["m t=Float(1.0)"])
    );
    let fields = with(|c| c.sparkplug_properties = "fields".to_owned());
    assert_eq!(
        read(fields, vec![with_unit("t", "C")]),
        lines(&["m t=Float(1.0),t/unit=Str(\"C\"),t/limits/high=Float(9.5),t/list/0/high=Float(9.5)"])
    );
    let mut tags = with(|c| c.sparkplug_properties = "tags".to_owned());
    let birth = payload(0, vec![with_unit("t", "C"), metric("n", 3, V::Int(1))]);
    assert_eq!(
        send(&mut tags, "", &birth),
        lines(&["m,unit=C t=Float(1.0)", "m n=Int(1)"])
    );
    // Remembered, and changed by what comes later.
    let data = payload(1, vec![aliased(1, V::Double(2.0))]);
    assert_eq!(send(&mut tags, "", &data), lines(&["m,unit=C t=Float(2.0)"]));
    let changed = Sent {
        properties: Some(unit("F")),
        ..aliased(1, V::Double(3.0))
    };
    assert_eq!(
        send(&mut tags, "", &payload(2, vec![changed])),
        lines(&["m,unit=F t=Float(3.0)"])
    );
}

#[test]
fn metrics_of_one_time_are_one() {
    let at = |name: &str, timestamp: u64, historical: bool| Sent {
        timestamp: Some(timestamp),
        is_historical: Some(historical),
        ..metric(name, 3, V::Int(1))
    };
    let metrics = vec![
        at("a", SENT, false),
        at("b", SENT + 1, false),
        at("c", SENT, false),
        at("d", SENT + 1, true),
        // Again: the last one counts.
        at("a", SENT, false),
    ];
    let later = |fields: &str| format!("{fields} {}000000", SENT + 1);
    assert_eq!(
        read(plain(), metrics.clone()),
        lines(&["m a=Int(1),c=Int(1)", &later("m b=Int(1),d=Int(1)")])
    );
    let tag = with(|c| c.sparkplug_historical = "tag".to_owned());
    assert_eq!(
        read(tag, metrics.clone()),
        lines(&[
            "m a=Int(1),c=Int(1)",
            &later("m b=Int(1)"),
            &later("m,historical=true d=Int(1)")
        ])
    );
    let drop = with(|c| c.sparkplug_historical = "drop".to_owned());
    assert_eq!(
        read(drop, metrics),
        lines(&["m a=Int(1),c=Int(1)", &later("m b=Int(1)")])
    );
    let wrong = Sent {
        timestamp: Some(u64::MAX),
        ..metric("a", 3, V::Int(1))
    };
    assert_eq!(read(plain(), vec![wrong]), lines(&["m a=Int(1)"]));
}

#[test]
fn many_fields_stay_different() {
    let mut metrics: Vec<Sent> = (0..200).map(|i| metric(&format!("n{i}"), 3, V::Int(i))).collect();
    metrics.push(metric("n150", 3, V::Int(9)));
    let mut out = Vec::new();
    let bytes = payload(0, metrics).encode_to_vec();
    plain().parse(&bytes, NOW, &mut out).expect("a payload");
    assert_eq!((out.len(), out[0].field_count()), (1, 200));
    assert_eq!(out[0].field("n150"), Some(&Value::Int(9)));
    assert_eq!(out[0].field("n199"), Some(&Value::Int(199)));
}

#[test]
fn nulls_and_transients() {
    let null = Sent {
        is_null: Some(true),
        value: None,
        ..metric("a", 3, V::Int(1))
    };
    let transient = Sent {
        is_transient: Some(true),
        ..metric("b", 3, V::Int(1))
    };
    let both = vec![null, transient];
    assert_eq!(read(plain(), both.clone()), lines(&["m b=Int(1)"]));
    let other = with(|c| {
        c.sparkplug_nulls = "flag".to_owned();
        c.sparkplug_transient = "drop".to_owned();
    });
    assert_eq!(read(other, both), lines(&["m a_null=Bool(true)"]));
}

#[test]
fn names_are_put_together_as_wanted() {
    let mut parser = with(|c| {
        c.metric_name = "{group}.{source}-{metric}".to_owned();
        c.sparkplug_field_name = "value".to_owned();
        c.sparkplug_tags = ["metric", "datatype", "message_type"].map(str::to_owned).to_vec();
        c.sparkplug_births = false;
        c.sparkplug_state_name = String::new();
    });
    let birth = payload(0, vec![named("t", 1, 9, V::Float(1.0))]);
    assert_eq!(send(&mut parser, "spBv1.0/G/NBIRTH/E", &birth), lines(&[]));
    assert_eq!(send(&mut parser, "spBv1.0/G/DBIRTH/E/D", &birth), lines(&[]));
    let data = payload(1, vec![aliased(1, V::Float(1.0)), metric("x", 3, V::Int(1))]);
    assert_eq!(
        send(&mut parser, "spBv1.0/G/DDATA/E/D", &data),
        lines(&[
            "G.D-t,datatype=Float,message_type=DDATA,metric=t value=Float(1.0)",
            "G.D-x,datatype=Int32,message_type=DDATA,metric=x value=Int(1)",
        ])
    );
    assert_eq!(
        send(&mut parser, "spBv1.0/G/NDATA/E", &data).map(|lines| lines[0].clone()),
        Ok("G.E-t,datatype=Float,message_type=NDATA,metric=t value=Float(1.0)".to_owned())
    );
}

#[test]
fn wrong_options_are_named() {
    let error = |change: fn(&mut SparkplugConfig)| {
        let mut config = SparkplugConfig::default();
        change(&mut config);
        build::<Sparkplug>(config).err().unwrap_or_default()
    };
    assert_eq!(
        error(|c| c.sparkplug_arrays = "lists".to_owned()),
        "sparkplug_arrays: \"lists\" is none of fields, json, skip"
    );
    assert_eq!(
        error(|c| c.metric_name = "{who}".to_owned()),
        "metric_name: unknown word {who}; there are {group}, {edge_node}, {device}, {source} and {metric}"
    );
    assert_eq!(
        error(|c| c.sparkplug_field_name = "{metric".to_owned()),
        "sparkplug_field_name: a brace that does not close in \"{metric\""
    );
    assert_eq!(
        error(|c| c.sparkplug_tags = vec!["host".to_owned()]),
        "sparkplug_tags: unknown tag \"host\"; there are group_id, edge_node_id, device_id, message_type, metric, datatype"
    );
}
