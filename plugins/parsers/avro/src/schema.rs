//! A schema's JSON in, a table of types out, in which names have become places.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};
use wheatstone_plugin::{excerpt, prelude::*};

/// The place of a type in its schema.
pub(crate) type Place = usize;

/// A type.
#[derive(Debug)]
pub(crate) enum Type {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Enum(Vec<String>),
    Fixed(usize),
    /// Bytes that are a number with so many digits behind the point; of a fixed length where there is one.
    Decimal {
        scale: i32,
        fixed: Option<usize>,
    },
    Array(Place),
    Map(Place),
    Record(Vec<Field>),
    /// Types with their names.
    Union(Vec<(String, Place)>),
}

/// A field of a record.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) place: Place,
    /// What it is where a JSON message lacks it.
    pub(crate) default: Option<Json>,
}

/// A schema, checked.
#[derive(Debug)]
pub(crate) struct Schema {
    types: Vec<Type>,
    root: Place,
    /// The name that its metrics have where the options give none.
    name: Option<String>,
    text: String,
}

impl Schema {
    /// Reads a schema.
    pub(crate) fn parse(text: &str) -> Result<Schema> {
        let json: Json =
            serde_json::from_str(text).map_err(|error| anyhow!("cannot unmarshal schema JSON: {error}"))?;
        let mut reader = Reader::default();
        let root = reader.read(&json, "")?;
        Ok(Schema {
            types: reader.types,
            root,
            name: metric_name(&json),
            text: text.to_owned(),
        })
    }

    pub(crate) fn root(&self) -> Place {
        self.root
    }

    /// The type at a place of this schema.
    pub(crate) fn get(&self, place: Place) -> &Type {
        // Places are made by the reader only.
        self.types.get(place).unwrap_or(&Type::Null)
    }

    /// The name of its metrics, empty where the schema's name is.
    pub(crate) fn name(&self) -> Result<&str> {
        match &self.name {
            Some(name) => Ok(name),
            None => bail!("could not determine name from schema {}", self.text),
        }
    }
}

/// `namespace.name` of the record, or of the records in an array that has no name itself.
fn metric_name(json: &Json) -> Option<String> {
    let mut named = json.as_object()?;
    if !named.contains_key("name")
        && named.get("type").and_then(Json::as_str) == Some("array")
        && let Some(items) = named.get("items").and_then(Json::as_object)
    {
        named = items;
    }
    let name = named.get("name")?.as_str()?;
    match named.get("namespace").and_then(Json::as_str) {
        Some(namespace) => Some(format!("{namespace}.{name}")),
        None => Some(name.to_owned()),
    }
}

#[derive(Default)]
struct Reader {
    types: Vec<Type>,
    /// Records, enums and fixed types by their full names.
    named: HashMap<String, Place>,
    /// The names that unions give to types which are no plain ones.
    names: HashMap<Place, String>,
}

impl Reader {
    fn add(&mut self, kind: Type) -> Place {
        self.types.push(kind);
        self.types.len() - 1
    }

    fn read(&mut self, json: &Json, namespace: &str) -> Result<Place> {
        match json {
            Json::String(name) => self.by_name(name, namespace),
            Json::Array(members) => self.union(members, namespace),
            Json::Object(object) => self.object(object, namespace),
            other => bail!("unknown schema type: {}", excerpt(&other.to_string())),
        }
    }

    fn by_name(&mut self, name: &str, namespace: &str) -> Result<Place> {
        let plain = match name {
            "null" => Type::Null,
            "boolean" => Type::Boolean,
            "int" => Type::Int,
            "long" => Type::Long,
            "float" => Type::Float,
            "double" => Type::Double,
            "bytes" => Type::Bytes,
            "string" => Type::String,
            name => {
                let place = self
                    .named
                    .get(&full_name(name, namespace))
                    .or_else(|| self.named.get(name));
                return place
                    .copied()
                    .ok_or_else(|| anyhow!("unknown type name: {name:?}"));
            }
        };
        Ok(self.add(plain))
    }

    fn union(&mut self, members: &[Json], namespace: &str) -> Result<Place> {
        if members.is_empty() {
            bail!("Union ought to have one or more members");
        }
        let mut union: Vec<(String, Place)> = Vec::new();
        for (at, member) in members.iter().enumerate() {
            let place = self
                .read(member, namespace)
                .with_context(|| format!("Union item {} ought to be valid Avro type", at + 1))?;
            let name = self.name_of(place);
            if union.iter().any(|(before, _)| *before == name) {
                bail!("Union item {} ought to be unique type: {name}", at + 1);
            }
            union.push((name, place));
        }
        Ok(self.add(Type::Union(union)))
    }

    fn name_of(&self, place: Place) -> String {
        if let Some(name) = self.names.get(&place) {
            return name.clone();
        }
        let name = match &self.types[place] {
            Type::Null => "null",
            Type::Boolean => "boolean",
            Type::Int => "int",
            Type::Long => "long",
            Type::Float => "float",
            Type::Double => "double",
            Type::Bytes => "bytes",
            Type::String => "string",
            Type::Enum(_) => "enum",
            Type::Fixed(_) => "fixed",
            Type::Decimal { .. } => "bytes.decimal",
            Type::Array(_) => "array",
            Type::Map(_) => "map",
            Type::Record(_) => "record",
            Type::Union(_) => "union",
        };
        name.to_owned()
    }

    /// Reads an object: a type with its attributes, or a field, whose attributes may be those of its type.
    fn object(&mut self, object: &Map<String, Json>, namespace: &str) -> Result<Place> {
        let kind = match object.get("type") {
            None => bail!(
                "missing type: {}",
                excerpt(&Json::Object(object.clone()).to_string())
            ),
            Some(Json::String(kind)) => kind.as_str(),
            Some(other) => return self.read(other, namespace),
        };
        let logical = object
            .get("logicalType")
            .and_then(Json::as_str)
            .unwrap_or_default();
        match kind {
            "record" | "error" => self.record(object, namespace),
            "enum" => {
                let symbols = list(object, "symbols", "Enum")?;
                let symbol = |json: &Json| json.as_str().map(str::to_owned);
                let symbols: Option<Vec<String>> = symbols.iter().map(symbol).collect();
                let symbols = symbols.filter(|symbols| !symbols.is_empty());
                let Some(symbols) = symbols else {
                    bail!("Enum symbols ought to be non-empty array of strings");
                };
                self.register(object, namespace, "Enum", Type::Enum(symbols))
            }
            "fixed" => {
                let size = object.get("size").and_then(Json::as_u64);
                let Some(size) = size
                    .and_then(|size| usize::try_from(size).ok())
                    .filter(|n| *n > 0)
                else {
                    bail!("Fixed size ought to be number greater than zero");
                };
                if logical == "decimal" {
                    let kind = Type::Decimal {
                        scale: scale(object)?,
                        fixed: Some(size),
                    };
                    if !object.contains_key("name") {
                        let place = self.add(kind);
                        self.names.insert(place, "fixed.decimal".to_owned());
                        return Ok(place);
                    }
                    return self.register(object, namespace, "Fixed", kind);
                }
                self.register(object, namespace, "Fixed", Type::Fixed(size))
            }
            "array" => {
                let Some(items) = object.get("items") else {
                    bail!("Array ought to have items key");
                };
                let items = self
                    .read(items, namespace)
                    .context("Array items ought to be valid Avro type")?;
                Ok(self.add(Type::Array(items)))
            }
            "map" => {
                let Some(values) = object.get("values") else {
                    bail!("Map ought to have values key");
                };
                let values = self
                    .read(values, namespace)
                    .context("Map values ought to be valid Avro type")?;
                Ok(self.add(Type::Map(values)))
            }
            "bytes" if logical == "decimal" => {
                let kind = Type::Decimal {
                    scale: scale(object)?,
                    fixed: None,
                };
                Ok(self.add(kind))
            }
            name => {
                let place = self.by_name(name, namespace)?;
                let known = matches!(
                    (name, logical),
                    ("int", "date" | "time-millis")
                        | ("long", "time-micros" | "timestamp-millis" | "timestamp-micros")
                );
                if known {
                    self.names.insert(place, format!("{name}.{logical}"));
                }
                Ok(place)
            }
        }
    }

    fn record(&mut self, object: &Map<String, Json>, namespace: &str) -> Result<Place> {
        // Its fields may name it.
        let place = self.register(object, namespace, "Record", Type::Record(Vec::new()))?;
        let full = self.name_of(place);
        let inner = full.rsplit_once('.').map_or("", |(namespace, _)| namespace);
        let mut fields: Vec<Field> = Vec::new();
        for (at, field) in list(object, "fields", &format!("Record {full:?}"))?
            .iter()
            .enumerate()
        {
            let wrong = || {
                format!(
                    "Record {full:?} field {} ought to be valid Avro named type",
                    at + 1
                )
            };
            let Json::Object(field) = field else {
                bail!("{}", wrong());
            };
            let Some(name) = field
                .get("name")
                .and_then(Json::as_str)
                .filter(|name| !name.is_empty())
            else {
                bail!("Record {full:?} field {} ought to have valid name", at + 1);
            };
            if fields.iter().any(|before| before.name == name) {
                bail!(
                    "Record {full:?} field {} ought to have unique name: {name:?}",
                    at + 1
                );
            }
            fields.push(Field {
                name: name.to_owned(),
                place: self.object(field, inner).with_context(wrong)?,
                default: field.get("default").cloned(),
            });
        }
        self.types[place] = Type::Record(fields);
        Ok(place)
    }

    /// Adds a type that has a name.
    fn register(
        &mut self,
        object: &Map<String, Json>,
        namespace: &str,
        what: &str,
        kind: Type,
    ) -> Result<Place> {
        let Some(name) = object
            .get("name")
            .and_then(Json::as_str)
            .filter(|name| !name.is_empty())
        else {
            bail!("{what} ought to have valid name");
        };
        let namespace = object
            .get("namespace")
            .and_then(Json::as_str)
            .unwrap_or(namespace);
        let full = full_name(name, namespace);
        let place = self.add(kind);
        if self.named.insert(full.clone(), place).is_some() {
            bail!("{what} {full:?} ought to have unique name");
        }
        self.names.insert(place, full);
        Ok(place)
    }
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}

fn list<'a>(object: &'a Map<String, Json>, key: &str, what: &str) -> Result<&'a Vec<Json>> {
    match object.get(key) {
        None => bail!("{what} ought to have {key} key"),
        Some(Json::Array(list)) => Ok(list),
        Some(other) => bail!(
            "{what} {key} ought to be non-nil array: {}",
            excerpt(&other.to_string())
        ),
    }
}

/// The digits behind the point.
fn scale(object: &Map<String, Json>) -> Result<i32> {
    let number = |key: &str| object.get(key).map(|json| json.as_i64().unwrap_or(-1));
    match (number("precision"), number("scale").unwrap_or(0)) {
        (None, _) => bail!("cannot create decimal logical type without precision"),
        (Some(precision), _) if precision < 1 => {
            bail!("cannot create decimal logical type when precision is less than one: {precision}")
        }
        (Some(precision), scale) if scale < 0 || scale > precision => {
            bail!("cannot create decimal logical type with scale {scale} and precision {precision}")
        }
        (_, scale) => Ok(i32::try_from(scale).unwrap_or(i32::MAX)),
    }
}

#[cfg(test)]
mod tests;
