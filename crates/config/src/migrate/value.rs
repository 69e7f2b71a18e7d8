//! Options as migrations change them: from a file's tree to plain values, and from those to text again.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use wheatstone_plugin::conf::{Node, NodeKind, Table};

use crate::docs::{bare_or_quoted, basic_string};
use crate::tree::{Item, Tab};

/// The options of a table. Telegraf writes them in the order of their names.
pub(crate) type Map = BTreeMap<String, Val>;

/// The value of an option.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Val {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// A date or a time, as written.
    Time(String),
    List(Vec<Val>),
    Table(Map),
}

impl Val {
    pub fn text(text: impl Into<String>) -> Val {
        Val::Text(text.into())
    }
    pub fn texts(list: impl IntoIterator<Item = impl Into<String>>) -> Val {
        Val::List(list.into_iter().map(Val::text).collect())
    }
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Val::Text(text) => Some(text),
            _ => None,
        }
    }
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Val::Bool(value) => Some(*value),
            _ => None,
        }
    }
    pub fn as_table(&self) -> Option<&Map> {
        match self {
            Val::Table(map) => Some(map),
            _ => None,
        }
    }
    /// The texts of a list of texts.
    pub fn as_texts(&self) -> Option<Vec<String>> {
        let Val::List(list) = self else { return None };
        list.iter().map(|v| v.as_text().map(str::to_owned)).collect()
    }
    /// The tables of a list of tables.
    pub fn as_tables(&self) -> Option<Vec<&Map>> {
        let Val::List(list) = self else { return None };
        list.iter().map(Val::as_table).collect()
    }
    /// What it is, for messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Val::Text(_) => "string",
            Val::Int(_) => "integer",
            Val::Float(_) => "float",
            Val::Bool(_) => "boolean",
            Val::Time(_) => "datetime",
            Val::List(_) => "array",
            Val::Table(_) => "table",
        }
    }
    fn of(node: &Node) -> Val {
        match &node.kind {
            NodeKind::String(s) => Val::text(s),
            NodeKind::Integer(n) => Val::Int(*n),
            NodeKind::Float(n) => Val::Float(*n),
            NodeKind::Boolean(b) => Val::Bool(*b),
            NodeKind::Datetime(s) => Val::Time(s.clone()),
            NodeKind::Array(items) => Val::List(items.iter().map(Val::of).collect()),
            NodeKind::Table(table) => Val::Table(of_table(table)),
        }
    }
    fn is_table(&self) -> bool {
        match self {
            Val::Table(_) => true,
            Val::List(list) => !list.is_empty() && list.iter().all(|v| matches!(v, Val::Table(_))),
            _ => false,
        }
    }
    fn write(&self, out: &mut String) {
        match self {
            Val::Text(text) => out.push_str(&basic_string(text)),
            Val::Int(n) => {
                let _ = write!(out, "{n}");
            }
            Val::Float(n) => out.push_str(&float(*n)),
            Val::Bool(b) => {
                let _ = write!(out, "{b}");
            }
            Val::Time(text) => out.push_str(text),
            Val::List(list) => {
                out.push('[');
                for (i, value) in list.iter().enumerate() {
                    out.push_str(if i > 0 { ", " } else { "" });
                    value.write(out);
                }
                out.push(']');
            }
            Val::Table(map) => {
                out.push('{');
                for (i, (key, value)) in map.iter().enumerate() {
                    out.push_str(if i > 0 { ", " } else { "" });
                    let _ = write!(out, "{} = ", bare_or_quoted(key));
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// The options of a table of a file.
pub(crate) fn of_tab(tab: &Tab) -> Map {
    let value = |item: &Item| match item {
        Item::Value(node, _) => Val::of(node),
        Item::Table(tab) => Val::Table(of_tab(tab)),
        Item::Tables(list) => Val::List(list.iter().map(|t| Val::Table(of_tab(t))).collect()),
    };
    tab.entries
        .iter()
        .map(|s| (s.key.clone(), value(&s.item)))
        .collect()
}

fn of_table(table: &Table) -> Map {
    table
        .entries
        .iter()
        .map(|e| (e.key.clone(), Val::of(&e.value)))
        .collect()
}

/// A header and the options under it; tables inside get headers of their own.
pub(crate) fn write_table(out: &mut String, header: &str, list: bool, map: &Map) {
    let plain = map.iter().filter(|(_, v)| !v.is_table());
    // A table that only holds others needs no header; an element of a list does.
    if list || plain.clone().next().is_some() || map.is_empty() {
        let _ = if list {
            writeln!(out, "[[{header}]]")
        } else {
            writeln!(out, "[{header}]")
        };
    }
    for (key, value) in plain {
        let _ = write!(out, "  {} = ", bare_or_quoted(key));
        value.write(out);
        out.push('\n');
    }
    for (key, value) in map.iter().filter(|(_, v)| v.is_table()) {
        let inner = format!("{header}.{}", bare_or_quoted(key));
        match value {
            Val::Table(map) if map.is_empty() => {}
            Val::Table(map) => write_table(out, &inner, false, map),
            Val::List(list) => {
                for map in list.iter().filter_map(Val::as_table) {
                    write_table(out, &inner, true, map);
                }
            }
            _ => {}
        }
    }
}

/// A float as Telegraf's writer has it: the shortest digits, always with an exponent.
fn float(n: f64) -> String {
    if n.is_nan() {
        return "nan".into();
    }
    if n.is_infinite() {
        return if n > 0.0 { "inf" } else { "-inf" }.into();
    }
    let text = format!("{n:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(rest) => ('-', rest),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{parse, text};

    #[test]
    fn what_is_written_reads_the_same() {
        let source = "a = \"x\\ty\\u0001\"\nb = [1, 2.5, true]\nc = 2026-01-01\n'd e' = -0.001\n[t]\nx = 'C:\\d'\n[t.u.v]\ny = []\n[[l]]\nz = {a = 1}\n[[l]]\n";
        let (tree, faults) = parse::parse(&text::remove_comments(source), 0);
        assert!(faults.is_empty());
        let map = of_tab(&tree);
        let mut out = String::new();
        write_table(&mut out, "root", false, &map);
        assert!(out.contains("  \"d e\" = -1e-03\n"), "{out}");
        assert!(
            out.contains("[root.t.u.v]\n") && !out.contains("[root.t.u]\n"),
            "{out}"
        );
        let (again, faults) = parse::parse(&text::remove_comments(&out), 0);
        assert!(faults.is_empty(), "{out}");
        assert_eq!(of_tab(&again)["root"], Val::Table(map));
    }

    #[test]
    fn floats_have_gos_exponents() {
        for (n, text) in [
            (0.5, "5e-01"),
            (1.0, "1e+00"),
            (-12.25, "-1.225e+01"),
            (1e100, "1e+100"),
        ] {
            assert_eq!(float(n), text);
        }
    }
}
