//! `config schema`: one JSON schema of the whole configuration, for editors, out of the plugins' own.

use std::io::Write;
use std::process::ExitCode;

use serde_json::{Map, Value, json};
use wheatstone_config::{AgentConfig, WheatstoneConfig, common_schema};
use wheatstone_plugin::{Kind, Registration};

use crate::list::of_kind;

/// Prints the schema.
pub(crate) fn print() -> anyhow::Result<ExitCode> {
    writeln!(std::io::stdout(), "{:#}", schema())?;
    Ok(ExitCode::SUCCESS)
}

fn schema() -> Value {
    let mut defs = Map::new();
    let common = hoisted("common", common_schema(), &mut defs);
    for kind in [Kind::Parser, Kind::Serializer] {
        let formats = of_kind(kind).map(|r| {
            (
                r.name,
                hoisted(&name(r), (r.schema)(), &mut defs)["properties"].take(),
            )
        });
        let mut properties = Map::new();
        let mut names = Vec::new();
        for (name, options) in formats {
            names.push(name);
            if let Value::Object(options) = options {
                properties.extend(options);
            }
        }
        properties.insert(
            "data_format".into(),
            json!({ "description": "The format of the payload.", "enum": names }),
        );
        defs.insert(kind.plural().into(), json!({ "properties": properties }));
    }
    let agent = closed(hoisted(
        "agent",
        schemars::schema_for!(AgentConfig).to_value(),
        &mut defs,
    ));
    let wheatstone = closed(hoisted(
        "wheatstone",
        schemars::schema_for!(WheatstoneConfig).to_value(),
        &mut defs,
    ));
    let mut properties = Map::from_iter([
        ("agent".to_owned(), agent),
        (
            "global_tags".to_owned(),
            json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        ),
        ("wheatstone".to_owned(), wheatstone),
    ]);
    for kind in [
        Kind::SecretStore,
        Kind::Output,
        Kind::Processor,
        Kind::Aggregator,
        Kind::Input,
    ] {
        let plugins: Map<String, Value> = of_kind(kind)
            .map(|r| (r.name.to_owned(), plugin(r, &common, &mut defs)))
            .collect();
        let section = json!({ "type": "object", "properties": plugins, "additionalProperties": false });
        properties.insert(kind.plural().into(), section);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Wheatstone configuration",
        "type": "object",
        "properties": properties,
        "$defs": defs,
    })
}

fn name(registration: &Registration) -> String {
    format!("{}.{}", registration.kind.plural(), registration.name)
}

/// A list of tables, each with the plugin's own options, those of all plugins, and those of its data format.
fn plugin(registration: &Registration, common: &Value, defs: &mut Map<String, Value>) -> Value {
    let name = name(registration);
    let mut own = hoisted(&name, (registration.schema)(), defs);
    if let Some(properties) = object(&mut own, "properties") {
        for (key, schema) in common["properties"].as_object().into_iter().flatten() {
            // A plugin may have an option of that name, of another type.
            properties.entry(key.clone()).or_insert_with(|| schema.clone());
        }
        if registration.kind == Kind::SecretStore {
            properties.insert(
                "id".into(),
                json!({ "type": "string", "pattern": "^[A-Za-z0-9_]+$" }),
            );
        }
    }
    if let Some((kind, _)) = registration.data_format {
        own["allOf"] = json!([{ "$ref": format!("#/$defs/{}", kind.plural()) }]);
    }
    own["unevaluatedProperties"] = false.into();
    defs.insert(name.clone(), own);
    let table = json!({ "$ref": format!("#/$defs/{name}") });
    let list = json!({ "type": "array", "items": table });
    match registration.kind {
        // The old form with single brackets.
        Kind::Input | Kind::Output => json!({ "anyOf": [list, table] }),
        _ => list,
    }
}

fn object<'a>(value: &'a mut Value, key: &str) -> Option<&'a mut Map<String, Value>> {
    value
        .as_object_mut()?
        .entry(key)
        .or_insert_with(|| json!({}))
        .as_object_mut()
}

fn closed(mut schema: Value) -> Value {
    schema["additionalProperties"] = false.into();
    schema
}

/// A schema whose definitions moved into `defs` under names of their own, so that it can stand inside another.
fn hoisted(prefix: &str, mut schema: Value, defs: &mut Map<String, Value>) -> Value {
    for key in ["$schema", "title"] {
        schema.as_object_mut().and_then(|s| s.remove(key));
    }
    let own = schema.as_object_mut().and_then(|s| s.remove("$defs"));
    point(&mut schema, prefix);
    if let Some(Value::Object(own)) = own {
        for (name, mut def) in own {
            point(&mut def, prefix);
            defs.insert(format!("{prefix}.{name}"), def);
        }
    }
    schema
}

fn point(value: &mut Value, prefix: &str) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map.iter_mut() {
                match inner
                    .as_str()
                    .and_then(|s| s.strip_prefix("#/$defs/"))
                    .filter(|_| key == "$ref")
                {
                    Some(name) => *inner = format!("#/$defs/{prefix}.{name}").into(),
                    None => point(inner, prefix),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| point(inner, prefix)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references<'a>(value: &'a Value, out: &mut Vec<&'a str>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, inner)| match inner.as_str() {
                Some(text) if key == "$ref" => out.push(text),
                _ => references(inner, out),
            }),
            Value::Array(list) => list.iter().for_each(|inner| references(inner, out)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let schema = schema();
        let mut all = Vec::new();
        references(&schema, &mut all);
        assert!(!all.is_empty());
        for reference in all {
            let name = reference
                .strip_prefix("#/$defs/")
                .unwrap_or_else(|| panic!("{reference}"));
            assert!(schema["$defs"].get(name).is_some(), "{reference}");
        }
    }

    #[test]
    fn a_plugin_has_its_own_and_common_options() {
        let schema = schema();
        let plugin = &schema["$defs"]["processors.converter"];
        assert!(plugin["properties"].get("namepass").is_some());
        assert!(plugin["properties"].get("tags").is_some());
        assert_eq!(plugin["unevaluatedProperties"], false);
        assert!(
            schema["$defs"]["parsers"]["properties"]
                .get("json_query")
                .is_some()
        );
    }
}
