//! The options of a plugin as its JSON schema tells them: names, types, defaults, documentation.

use serde_json::{Map, Value};
use wheatstone_plugin::conf::{Node, Table};
use wheatstone_plugin::{Kind, find};

use crate::deal::IGNORED_KEYS;
use crate::{Common, FilterConfig};

/// One option.
pub(crate) struct Property<'a> {
    pub name: &'a str,
    /// The doc comment.
    pub text: &'a str,
    pub default: Option<&'a Value>,
    /// It has no useful default: the sample sets it. The value is `x-sample`'s, or the default.
    pub sample: Option<&'a Value>,
    pub shape: Shape<'a>,
}

/// What an option holds.
pub(crate) enum Shape<'a> {
    /// A value, by the name of its type.
    Plain(String),
    /// Values of one type.
    List(String),
    /// A table with options of its own.
    Table(&'a Value),
    /// A list of such tables.
    Tables(&'a Value),
    /// A table with free keys, by the type of its values.
    Map(String),
}

/// The properties of a schema, in its order; `root` holds the definitions.
pub(crate) fn properties<'a>(root: &'a Value, schema: &'a Value) -> Vec<Property<'a>> {
    let schema = resolve(root, schema);
    let required = |name: &str| {
        schema["required"]
            .as_array()
            .is_some_and(|list| list.iter().any(|r| r == name))
    };
    let Some(all) = schema["properties"].as_object() else {
        return Vec::new();
    };
    all.iter()
        .map(|(name, property)| {
            let default = property.get("default");
            let set = required(name) || property.get("x-required").is_some_and(|v| v == true);
            Property {
                name,
                text: property["description"].as_str().unwrap_or_default(),
                default,
                sample: property
                    .get("x-sample")
                    .or(if set { default.or(Some(&Value::Null)) } else { None }),
                shape: shape(root, property),
            }
        })
        .collect()
}

/// Follows references, and takes the one form of `Option<T>` that is not null.
fn resolve<'a>(root: &'a Value, mut schema: &'a Value) -> &'a Value {
    for _ in 0..16 {
        if let Some(name) = schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
            schema = &root["$defs"][name];
        } else if let Some(list) = schema["anyOf"].as_array().or(schema["allOf"].as_array()) {
            match list.iter().find(|s| s["type"] != "null") {
                Some(one) => schema = one,
                None => return schema,
            }
        } else {
            break;
        }
    }
    schema
}

fn shape<'a>(root: &'a Value, schema: &'a Value) -> Shape<'a> {
    let schema = resolve(root, schema);
    if has_type(schema, "array") {
        let items = resolve(root, &schema["items"]);
        return if items["properties"].is_object() {
            Shape::Tables(items)
        } else {
            Shape::List(type_name(root, items))
        };
    }
    if schema["properties"].is_object() {
        return Shape::Table(schema);
    }
    if has_type(schema, "object") {
        let values = &schema["additionalProperties"];
        return Shape::Map(if values.is_object() {
            type_name(root, values)
        } else {
            "value".into()
        });
    }
    Shape::Plain(type_name(root, schema))
}

fn has_type(schema: &Value, name: &str) -> bool {
    match &schema["type"] {
        Value::String(t) => t == name,
        Value::Array(list) => list.iter().any(|t| t == name),
        _ => false,
    }
}

fn type_name(root: &Value, schema: &Value) -> String {
    let schema = resolve(root, schema);
    if let Some(format @ ("duration" | "size" | "secret")) = schema["format"].as_str() {
        return format.into();
    }
    let choices: Vec<String> = choices(schema).iter().map(|c| format!("`{c}`")).collect();
    if !choices.is_empty() {
        return choices.join(", ");
    }
    if has_type(schema, "array") {
        return format!("list of {}", type_name(root, &schema["items"]));
    }
    ["string", "boolean", "integer", "number", "object"]
        .into_iter()
        .find(|t| has_type(schema, t))
        .map_or("value", |t| if t == "object" { "table" } else { t })
        .into()
}

/// The words of an enum.
fn choices(schema: &Value) -> Vec<String> {
    let text = |v: &Value| v.as_str().map(str::to_owned);
    if let Some(list) = schema["enum"].as_array() {
        return list.iter().filter_map(text).collect();
    }
    let one_of = schema["oneOf"].as_array().into_iter().flatten();
    one_of
        .filter_map(|s| text(&s["const"]).map(|c| vec![c]).or_else(|| Some(choices(s))))
        .flatten()
        .collect()
}

/// The options that every plugin's table may hold, as a schema: the loader takes them also where they mean nothing.
pub fn common_schema() -> Value {
    let mut common = schemars::schema_for!(Common).to_value();
    let filter = schemars::schema_for!(FilterConfig).to_value();
    for part in ["properties", "$defs"] {
        let Some(more) = filter[part].as_object().cloned() else {
            continue;
        };
        let own = common
            .as_object_mut()
            .map(|c| c.entry(part).or_insert_with(|| Map::new().into()));
        if let Some(Value::Object(own)) = own {
            own.extend(more);
        }
    }
    if let Some(properties) = common["properties"].as_object_mut() {
        for key in IGNORED_KEYS
            .iter()
            .filter(|key| !matches!(**key, "data_format" | "id"))
        {
            properties.entry((*key).to_owned()).or_insert_with(|| true.into());
        }
        properties.insert("type_guard".into(), true.into());
    }
    common
}

/// The names of the options that a plugin's table may hold, those of its data format included.
pub struct KnownKeys(Vec<Value>);

impl KnownKeys {
    /// From the schemas of the plugin `name` and of the parser or serializer that its table asks for. A plugin that is
    /// not linked into the program has none.
    pub fn of(kind: Kind, name: &str, table: &Table) -> KnownKeys {
        let Some(registration) = find(kind, name) else {
            return KnownKeys(Vec::new());
        };
        let mut schemas = vec![(registration.schema)()];
        if let Some((kind, default)) = registration.data_format {
            let format = table
                .get("data_format")
                .and_then(Node::as_str)
                .filter(|f| !f.is_empty())
                .unwrap_or(default);
            schemas.extend(find(kind, format).map(|r| (r.schema)()));
        }
        KnownKeys(schemas)
    }
    /// From schemas: for tests, and for plugins of other makes.
    pub fn from_schemas(schemas: Vec<Value>) -> KnownKeys {
        KnownKeys(schemas)
    }
    /// What the schema says of an option of the plugin's own table under a key of ours, such as `x-deprecated`.
    pub(crate) fn extension(&self, option: &str, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find_map(|root| root["properties"].get(option)?.get(key)?.as_str())
    }
    /// The options of the table at a path; list indexes in it are passed over.
    pub fn at(&self, path: &[String]) -> Vec<&str> {
        self.0
            .iter()
            .flat_map(|root| at(root, path))
            .flat_map(Map::keys)
            .map(String::as_str)
            .collect()
    }
}

fn at<'a>(root: &'a Value, path: &[String]) -> Option<&'a Map<String, Value>> {
    let mut schema = root;
    for key in path {
        schema = resolve(root, schema);
        schema = if has_type(schema, "array") && key.bytes().all(|b| b.is_ascii_digit()) {
            &schema["items"]
        } else if schema["properties"].is_object() {
            schema["properties"].get(key)?
        } else {
            schema.get("additionalProperties")?
        };
    }
    schema = resolve(root, schema);
    if has_type(schema, "array") {
        schema = resolve(root, &schema["items"]);
    }
    schema["properties"].as_object()
}
