//! A value that was read from a message, and the fields or tags that it is flattened into.

use std::borrow::Cow;

use wheatstone_plugin::prelude::*;

/// A value. Names lie in the schema, bytes and texts mostly in the message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Datum<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f32),
    Double(f64),
    Bytes(Cow<'a, [u8]>),
    Text(Cow<'a, str>),
    Array(Vec<Datum<'a>>),
    /// A map or a record.
    Map(Vec<(Cow<'a, str>, Datum<'a>)>),
    /// A member of a union that is not null, with the name of its type.
    Union(&'a str, Box<Datum<'a>>),
}

/// What the names of fields say of unions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnionMode {
    /// The type's name.
    Flatten,
    /// Nothing.
    Plain,
}

impl<'a> Datum<'a> {
    /// The value within a union, or itself.
    pub(crate) fn inner(&self) -> &Datum<'a> {
        match self {
            Datum::Union(_, inner) => inner.inner(),
            other => other,
        }
    }

    /// The member of a map.
    pub(crate) fn get(&self, name: &str) -> Option<&Datum<'a>> {
        match self {
            Datum::Map(members) => members
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The value as text, as Telegraf has it in tags; nothing for arrays and maps.
    pub(crate) fn text(&self) -> Option<CompactString> {
        let float = |shown: String, finite: bool| match shown.as_str() {
            "inf" => "+Inf".into(),
            "-inf" => "-Inf".into(),
            shown if finite => shown.into(),
            _ => "NaN".into(),
        };
        Some(match self.inner() {
            Datum::Null => CompactString::default(),
            Datum::Bool(b) => CompactString::from(if *b { "true" } else { "false" }),
            Datum::Int(n) => n.to_string().into(),
            Datum::Float(x) => float(x.to_string(), x.is_finite()),
            Datum::Double(x) => float(x.to_string(), x.is_finite()),
            Datum::Bytes(bytes) => CompactString::from_utf8_lossy(bytes),
            Datum::Text(text) => CompactString::from(&**text),
            Datum::Array(_) | Datum::Map(_) | Datum::Union(..) => return None,
        })
    }

    /// The value as a field's; nothing for null, arrays and maps.
    pub(crate) fn value(&self) -> Option<Value> {
        Some(match self {
            Datum::Bool(b) => Value::Bool(*b),
            Datum::Int(n) => Value::Int(*n),
            Datum::Float(x) => Value::Float(f64::from(*x)),
            Datum::Double(x) => Value::Float(*x),
            Datum::Bytes(bytes) => Value::Str(CompactString::from_utf8_lossy(bytes)),
            Datum::Text(text) => Value::Str(CompactString::from(&**text)),
            _ => return None,
        })
    }

    /// Hands over the parts that are neither arrays nor maps, with their names, which begin with `name`. Within an array unions
    /// are always told, as in Telegraf: only a whole field is spared.
    pub(crate) fn flatten(
        &self,
        name: &mut String,
        separator: &str,
        mode: UnionMode,
        each: &mut dyn FnMut(&str, &Datum<'a>),
    ) {
        let before = name.len();
        match self {
            Datum::Union(_, inner) if mode == UnionMode::Plain => inner.flatten(name, separator, mode, each),
            Datum::Union(kind, inner) => {
                name.push_str(separator);
                name.push_str(kind);
                inner.flatten(name, separator, mode, each);
            }
            Datum::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    name.truncate(before);
                    name.push_str(separator);
                    name.push_str(&at.to_string());
                    item.flatten(name, separator, UnionMode::Flatten, each);
                }
            }
            Datum::Map(members) => {
                for (key, value) in members {
                    name.truncate(before);
                    name.push_str(separator);
                    name.push_str(key);
                    value.flatten(name, separator, mode, each);
                }
            }
            other => each(name, other),
        }
        name.truncate(before);
    }
}
