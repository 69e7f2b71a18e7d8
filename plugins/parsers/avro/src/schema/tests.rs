use super::*;

#[test]
fn names_are_found_in_their_namespaces() {
    let schema = Schema::parse(
        r#"{"type": "record", "name": "R", "namespace": "a.b", "fields": [
            {"name": "next", "type": ["null", "R"]},
            {"name": "color", "type": {"type": "enum", "name": "E", "symbols": ["x"]}},
            {"name": "again", "type": ["string", "a.b.E", {"type": "long", "logicalType": "timestamp-millis"}]},
            {"name": "other", "type": {"type": "fixed", "name": "c.F", "size": 2}},
            {"name": "inline", "type": "array", "items": "c.F"}
        ]}"#,
    )
    .expect("a schema");
    let Type::Record(fields) = schema.get(schema.root()) else {
        panic!("a record");
    };
    let union = |at: usize| match schema.get(fields[at].place) {
        Type::Union(members) => members.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(union(0), ["null", "a.b.R"]);
    assert_eq!(union(2), ["string", "a.b.E", "long.timestamp-millis"]);
    assert!(matches!(schema.get(fields[4].place), Type::Array(_)));
    assert_eq!(schema.name().ok(), Some("a.b.R"));
}

#[test]
fn metrics_are_named_by_records() {
    let name = |text: &str| {
        Schema::parse(text)
            .expect("a schema")
            .name()
            .ok()
            .map(str::to_owned)
    };
    let record = r#"{"type":"record","name":"S","namespace":"n","fields":[]}"#;
    assert_eq!(
        name(&format!(r#"{{"type":"array","items":{record}}}"#)),
        Some("n.S".to_owned())
    );
    assert_eq!(
        name(&format!(r#"{{"type":"array","name":"A","items":{record}}}"#)),
        Some("A".to_owned())
    );
    assert_eq!(name(r#"{"type":"array","items":"int"}"#), None);
    assert_eq!(name(r#""int""#), None);
}

#[test]
fn what_is_wrong_is_said() {
    for (text, wanted) in [
        ("{", "cannot unmarshal schema JSON: EOF while parsing an object"),
        ("7", "unknown schema type: 7"),
        ("[]", "Union ought to have one or more members"),
        (r#"["int","int"]"#, "Union item 2 ought to be unique type: int"),
        (
            r#"["int","x"]"#,
            "Union item 2 ought to be valid Avro type: unknown type name: \"x\"",
        ),
        (r#"{"name":"x"}"#, "missing type: {\"name\":\"x\"}"),
        (r#"{"type":"array"}"#, "Array ought to have items key"),
        (r#"{"type":"map"}"#, "Map ought to have values key"),
        (
            r#"{"type":"record","fields":[]}"#,
            "Record ought to have valid name",
        ),
        (
            r#"{"type":"record","name":"R"}"#,
            "Record \"R\" ought to have fields key",
        ),
        (
            r#"{"type":"record","name":"R","fields":7}"#,
            "Record \"R\" fields ought to be non-nil array: 7",
        ),
        (
            r#"{"type":"record","name":"R","fields":[{"type":"int"}]}"#,
            "Record \"R\" field 1 ought to have valid name",
        ),
        (
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}"#,
            "Record \"R\" field 2 ought to have unique name: \"a\"",
        ),
        (
            r#"{"type":"enum","name":"E","symbols":[]}"#,
            "Enum symbols ought to be non-empty array of strings",
        ),
        (
            r#"{"type":"fixed","name":"F","size":0}"#,
            "Fixed size ought to be number greater than zero",
        ),
        (
            r#"{"type":"bytes","logicalType":"decimal"}"#,
            "cannot create decimal logical type without precision",
        ),
    ] {
        let error = Schema::parse(text)
            .err()
            .map(|e| format!("{e:#}"))
            .unwrap_or_default();
        assert!(error.starts_with(wanted), "{text}: {error}");
    }
}
