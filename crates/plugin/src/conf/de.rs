//! From a [`Table`] to a config struct, by serde; an error keeps its place, a key that nobody took is noted.

use std::cell::RefCell;
use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};

use super::types::references;
use super::{Node, NodeKind, Secret, Span, Table};

/// What is wrong with a configuration, and where.
#[derive(Clone, Debug)]
pub struct ConfigError {
    /// What is wrong, in one sentence.
    pub message: String,
    /// Where, if it is known.
    pub span: Option<Span>,
}

impl ConfigError {
    /// An error at a place.
    pub fn at(span: Span, message: impl Into<String>) -> ConfigError {
        ConfigError {
            message: message.into(),
            span: Some(span),
        }
    }
    fn or_at(mut self, span: Span) -> ConfigError {
        self.span.get_or_insert(span);
        self
    }
}
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
impl std::error::Error for ConfigError {}
impl de::Error for ConfigError {
    fn custom<T: fmt::Display>(msg: T) -> ConfigError {
        ConfigError {
            message: msg.to_string(),
            span: None,
        }
    }
}

/// A key that the struct does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unused {
    /// The way to it from the table's top: keys, and indexes as text.
    pub path: Vec<String>,
    /// Where the key stands.
    pub span: Span,
}

/// A reference to a secret store, in an option that is a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) store: String,
    pub(crate) key: String,
    /// Where the option's value stands.
    pub(crate) span: Span,
}

/// Builds a `T` from a table, and lists the keys that `T` does not have.
pub fn deserialize<T: DeserializeOwned>(table: &Table) -> Result<(T, Vec<Unused>), ConfigError> {
    deserialize_with_references(table).map(|(value, unused, _)| (value, unused))
}

/// The same with the references to secret stores.
pub(crate) fn deserialize_with_references<T: DeserializeOwned>(
    table: &Table,
) -> Result<(T, Vec<Unused>, Vec<Reference>), ConfigError> {
    let state = State::default();
    let value = T::deserialize(TableDe { table, state: &state }).map_err(|e| e.or_at(table.span))?;
    Ok((value, state.unused.into_inner(), state.references.into_inner()))
}

#[derive(Default)]
struct State {
    unused: RefCell<Vec<Unused>>,
    references: RefCell<Vec<Reference>>,
    path: RefCell<Vec<(String, Span)>>,
}

#[derive(Clone, Copy)]
struct TableDe<'a> {
    table: &'a Table,
    state: &'a State,
}

#[derive(Clone, Copy)]
struct NodeDe<'a> {
    node: &'a Node,
    state: &'a State,
}

impl<'de> de::Deserializer<'de> for TableDe<'_> {
    type Error = ConfigError;
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        visitor.visit_map(Entries {
            table: self.table,
            state: self.state,
            next: 0,
        })
    }
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        self.state.note_unused();
        visitor.visit_unit()
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        visitor.visit_some(self)
    }
    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier
    }
}

impl State {
    fn note_unused(&self) {
        let path = self.path.borrow();
        if let Some((_, span)) = path.last() {
            self.unused.borrow_mut().push(Unused {
                path: path.iter().map(|(k, _)| k.clone()).collect(),
                span: *span,
            });
        }
    }
}

struct Entries<'a> {
    table: &'a Table,
    state: &'a State,
    next: usize,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = ConfigError;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ConfigError> {
        let Some(entry) = self.table.entries.get(self.next) else {
            return Ok(None);
        };
        let key: de::value::StrDeserializer<'_, ConfigError> = entry.key.as_str().into_deserializer();
        seed.deserialize(key)
            .map(Some)
            .map_err(|e| e.or_at(entry.key_span))
    }
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ConfigError> {
        let entry = &self.table.entries[self.next];
        self.next += 1;
        self.state
            .path
            .borrow_mut()
            .push((entry.key.clone(), entry.key_span));
        let result = seed
            .deserialize(NodeDe {
                node: &entry.value,
                state: self.state,
            })
            .map_err(|mut e| {
                if e.span.is_none() {
                    e.message = format!("option {:?}: {}", entry.key, e.message);
                    e.span = Some(entry.value.span);
                }
                e
            });
        self.state.path.borrow_mut().pop();
        result
    }
}

struct Items<'a> {
    items: &'a [Node],
    state: &'a State,
    next: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = ConfigError;
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ConfigError> {
        let Some(node) = self.items.get(self.next) else {
            return Ok(None);
        };
        self.state
            .path
            .borrow_mut()
            .push((self.next.to_string(), node.span));
        self.next += 1;
        let result = seed
            .deserialize(NodeDe {
                node,
                state: self.state,
            })
            .map_err(|e| e.or_at(node.span));
        self.state.path.borrow_mut().pop();
        result.map(Some)
    }
    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len() - self.next)
    }
}

impl NodeDe<'_> {
    /// A text out of the environment may stand for a number or a truth value.
    fn parse_env<T: std::str::FromStr>(&self) -> Option<T> {
        match &self.node.kind {
            NodeKind::String(s) if self.node.from_env => s.trim().parse().ok(),
            _ => None,
        }
    }
}

macro_rules! number {
    ($($method:ident $visit:ident $type:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
            match self.parse_env::<$type>() {
                Some(v) => visitor.$visit(v),
                None => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for NodeDe<'_> {
    type Error = ConfigError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        match &self.node.kind {
            NodeKind::String(v) | NodeKind::Datetime(v) => visitor.visit_str(v),
            NodeKind::Integer(v) => visitor.visit_i64(*v),
            NodeKind::Float(v) => visitor.visit_f64(*v),
            NodeKind::Boolean(v) => visitor.visit_bool(*v),
            NodeKind::Array(items) => visitor.visit_seq(Items {
                items,
                state: self.state,
                next: 0,
            }),
            NodeKind::Table(table) => visitor.visit_map(Entries {
                table,
                state: self.state,
                next: 0,
            }),
        }
    }
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        self.state.note_unused();
        visitor.visit_unit()
    }
    number!(
        deserialize_bool visit_bool bool,
        deserialize_i8 visit_i64 i64, deserialize_i16 visit_i64 i64, deserialize_i32 visit_i64 i64, deserialize_i64 visit_i64 i64,
        deserialize_u8 visit_u64 u64, deserialize_u16 visit_u64 u64, deserialize_u32 visit_u64 u64, deserialize_u64 visit_u64 u64,
        deserialize_f32 visit_f64 f64, deserialize_f64 visit_f64 f64
    );
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        visitor.visit_some(self)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        if let (Secret::NAME, NodeKind::String(text)) = (name, &self.node.kind) {
            let span = self.node.span;
            let found = references(text).map(|(store, key)| Reference {
                store: store.into(),
                key: key.into(),
                span,
            });
            self.state.references.borrow_mut().extend(found);
        }
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ConfigError> {
        match &self.node.kind {
            // [x] where [[x]] is meant: Telegraf's reader takes one table for a list of one.
            NodeKind::Table(_) => visitor.visit_seq(Items {
                items: std::slice::from_ref(self.node),
                state: self.state,
                next: 0,
            }),
            _ => self.deserialize_any(visitor),
        }
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        match &self.node.kind {
            // And [[x]] once where [x] is meant.
            NodeKind::Array(items) if items.len() == 1 && items[0].as_table().is_some() => NodeDe {
                node: &items[0],
                state: self.state,
            }
            .deserialize_any(visitor),
            _ => self.deserialize_any(visitor),
        }
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ConfigError> {
        match &self.node.kind {
            NodeKind::String(v) => visitor.visit_enum(v.as_str().into_deserializer()),
            _ => Err(de::Error::custom(format!(
                "expected a string, found {}",
                self.node.type_name()
            ))),
        }
    }
    serde::forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct tuple tuple_struct map identifier
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Config {
        qos: u8,
        rate: f64,
        enabled: bool,
        names: Vec<String>,
        part: Vec<Part>,
    }
    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Part {
        name: String,
    }

    fn text(s: &str, from_env: bool) -> Node {
        Node {
            from_env,
            ..Node::bare(NodeKind::String(s.into()))
        }
    }

    #[test]
    fn takes_its_keys_and_lists_the_others() {
        let mut part = Table::default();
        part.set("name", text("a", false));
        part.set("nmae", text("b", false));
        let mut t = Table::default();
        t.set("qos", Node::bare(NodeKind::Integer(1)));
        t.set("rate", Node::bare(NodeKind::Integer(2)));
        t.set("extra", Node::bare(NodeKind::Boolean(true)));
        t.set("part", Node::bare(NodeKind::Table(part)));
        let (config, unused) = deserialize::<Config>(&t).unwrap();
        assert_eq!((config.qos, config.rate), (1, 2.0));
        assert_eq!(config.part[0].name, "a");
        let paths: Vec<_> = unused.iter().map(|u| u.path.join(".")).collect();
        assert_eq!(paths, ["extra", "part.0.nmae"]);
    }

    #[test]
    fn texts_out_of_the_environment_become_what_the_option_is() {
        let mut t = Table::default();
        t.set("qos", text("2", true));
        t.set("enabled", text("true", true));
        let (config, _) = deserialize::<Config>(&t).unwrap();
        assert_eq!((config.qos, config.enabled), (2, true));
        let mut t = Table::default();
        t.set("qos", text("2", false));
        let error = deserialize::<Config>(&t).unwrap_err();
        assert!(error.message.contains("option \"qos\""), "{error}");
    }

    #[test]
    fn references_of_secrets_are_noted_and_those_of_other_texts_are_not() {
        #[derive(Debug, Default, Deserialize)]
        #[serde(default)]
        struct Login {
            user: String,
            password: Secret,
            headers: std::collections::BTreeMap<String, Secret>,
        }
        let mut headers = Table::default();
        headers.set("X-Token", text("Bearer @{b:token}", false));
        let mut t = Table::default();
        t.set("user", text("@{a:user}", false));
        t.set("password", text("@{a:password}", false));
        t.set("headers", Node::bare(NodeKind::Table(headers)));
        let (login, _, references) = deserialize_with_references::<Login>(&t).unwrap();
        assert_eq!(
            (login.user.as_str(), login.password.template()),
            ("@{a:user}", "@{a:password}")
        );
        assert_eq!(login.headers["X-Token"].template(), "Bearer @{b:token}");
        let found: Vec<_> = references
            .iter()
            .map(|r| (r.store.as_str(), r.key.as_str()))
            .collect();
        assert_eq!(found, [("a", "password"), ("b", "token")]);
    }

    #[test]
    fn a_wrong_type_names_its_place() {
        let mut t = Table::default();
        let span = Span {
            file: 0,
            start: 10,
            end: 14,
        };
        t.set(
            "names",
            Node {
                span,
                ..Node::bare(NodeKind::Integer(5))
            },
        );
        let error = deserialize::<Config>(&t).unwrap_err();
        assert_eq!(error.span, Some(span));
    }
}
