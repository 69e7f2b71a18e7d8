//! A message in Avro's JSON encoding in, its value out: as plain JSON, but members of unions stand in objects that name their
//! types.

use std::borrow::Cow;

use serde_json::Value as Json;
use wheatstone_plugin::prelude::*;

use crate::binary::decimal;
use crate::datum::Datum;
use crate::schema::{Field, Place, Schema, Type};

/// Reads the message's value; what follows it is not looked at.
pub(crate) fn parse(message: &[u8]) -> Result<Json> {
    match serde_json::Deserializer::from_slice(message).into_iter().next() {
        Some(json) => json.map_err(|error| anyhow!("cannot decode textual: {error}")),
        None => bail!("cannot decode textual: short buffer"),
    }
}

/// Makes a value of JSON.
pub(crate) fn read<'a>(schema: &'a Schema, json: &'a Json) -> Result<Datum<'a>> {
    value(schema, schema.root(), json, false)
}

/// `default` says that a field's default is read: of a union it is the first member's, and its type is not named.
fn value<'a>(schema: &'a Schema, place: Place, json: &'a Json, default: bool) -> Result<Datum<'a>> {
    let wrong = |what: &str| {
        let shown: String = json.to_string().chars().take(80).collect();
        anyhow!("cannot decode textual {what}: {shown}")
    };
    Ok(match (schema.get(place), json) {
        (Type::Null, Json::Null) => Datum::Null,
        (Type::Null, _) => return Err(wrong("null")),
        (Type::Boolean, Json::Bool(b)) => Datum::Bool(*b),
        (Type::Boolean, _) => return Err(wrong("boolean")),
        (Type::Int, json) => match json.as_i64().map(i32::try_from) {
            Some(Ok(n)) => Datum::Int(i64::from(n)),
            _ => return Err(wrong("int")),
        },
        (Type::Long, json) => match json.as_i64() {
            Some(n) => Datum::Int(n),
            None => return Err(wrong("long")),
        },
        (Type::Float, Json::Null) => Datum::Float(f32::NAN),
        (Type::Float, json) => match json.as_f64() {
            Some(x) => Datum::Float(x as f32),
            None => return Err(wrong("float")),
        },
        (Type::Double, Json::Null) => Datum::Double(f64::NAN),
        (Type::Double, json) => match json.as_f64() {
            Some(x) => Datum::Double(x),
            None => return Err(wrong("double")),
        },
        (Type::String, Json::String(text)) => Datum::Text(Cow::Borrowed(text)),
        (Type::String, _) => return Err(wrong("string")),
        (Type::Bytes, Json::String(text)) => Datum::Bytes(bytes(text).ok_or_else(|| wrong("bytes"))?.into()),
        (Type::Bytes, _) => return Err(wrong("bytes")),
        (Type::Fixed(size), Json::String(text)) => match bytes(text) {
            Some(bytes) if bytes.len() == *size => Datum::Bytes(bytes.into()),
            _ => return Err(wrong("fixed")),
        },
        (Type::Fixed(_), _) => return Err(wrong("fixed")),
        (Type::Decimal { scale, fixed }, Json::String(text)) => match bytes(text) {
            Some(bytes) if fixed.is_none_or(|size| size == bytes.len()) => {
                Datum::Double(decimal(&bytes, *scale))
            }
            _ => return Err(wrong("decimal")),
        },
        (Type::Decimal { .. }, _) => return Err(wrong("decimal")),
        (Type::Enum(symbols), Json::String(text)) if symbols.contains(text) => {
            Datum::Text(Cow::Borrowed(text))
        }
        (Type::Enum(_), _) => return Err(wrong("enum")),
        (Type::Array(place), Json::Array(items)) => Datum::Array(
            items
                .iter()
                .map(|item| value(schema, *place, item, default))
                .collect::<Result<_>>()?,
        ),
        (Type::Array(_), _) => return Err(wrong("array")),
        (Type::Map(place), Json::Object(members)) => {
            let member = |(key, json): (&'a String, &'a Json)| {
                Ok((Cow::Borrowed(key.as_str()), value(schema, *place, json, default)?))
            };
            Datum::Map(members.iter().map(member).collect::<Result<_>>()?)
        }
        (Type::Map(_), _) => return Err(wrong("map")),
        (Type::Union(members), json) => {
            if default {
                let (name, place) = &members[0];
                return Ok(match value(schema, *place, json, true)? {
                    Datum::Null => Datum::Null,
                    value => Datum::Union(name, Box::new(value)),
                });
            }
            let named = match json {
                Json::Null => members
                    .iter()
                    .find(|(name, _)| name == "null")
                    .map(|(_, place)| (place, json)),
                Json::Object(object) if object.len() == 1 => object.iter().find_map(|(key, json)| {
                    let member = members.iter().find(|(name, _)| name == key);
                    member.map(|(_, place)| (place, json))
                }),
                _ => None,
            };
            let Some((place, json)) = named else {
                return Err(wrong("union"));
            };
            match value(schema, *place, json, false)? {
                Datum::Null => Datum::Null,
                inner => {
                    let name = members.iter().find(|(_, other)| other == place);
                    Datum::Union(name.map_or("", |(name, _)| name.as_str()), Box::new(inner))
                }
            }
        }
        (Type::Record(fields), Json::Object(object)) => {
            if let Some(extra) = object
                .keys()
                .find(|key| fields.iter().all(|field| field.name != **key))
            {
                bail!("cannot decode textual record: cannot determine codec: {extra:?}");
            }
            let field = |field: &'a Field| {
                let name = field.name.as_str();
                let read = match (object.get(name), &field.default) {
                    (Some(json), _) => value(schema, field.place, json, default),
                    (None, Some(json)) => value(schema, field.place, json, true),
                    (None, None) => Err(anyhow!("the record has none, and the schema no default")),
                };
                let read = read.with_context(|| format!("field {name:?}"))?;
                Ok((Cow::Borrowed(name), read))
            };
            Datum::Map(fields.iter().map(field).collect::<Result<_>>()?)
        }
        (Type::Record(_), _) => return Err(wrong("record")),
    })
}

/// Each character up to U+00FF is a byte.
fn bytes(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}
