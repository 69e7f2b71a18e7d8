//! JSON values as texts: as Go's encoding/json writes them, and by `%v`.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::native;
use crate::tree::{Content, Document, NodeId};

/// A JSON value: a text as it is, all else as JSON.
pub(crate) fn json(doc: &Document, id: NodeId) -> Cow<'_, str> {
    match doc.content(id) {
        Content::Text(span) => Cow::Borrowed(doc.text(span)),
        _ => {
            let mut out = String::new();
            walk(doc, id, &Json, &mut out);
            Cow::Owned(out)
        }
    }
}

/// A JSON value by `%v`: `map[a:1 b:[x y]]`.
pub(crate) fn go_json(doc: &Document, id: NodeId) -> String {
    let mut out = String::new();
    walk(doc, id, &Go, &mut out);
    out
}

/// How a structure is written.
trait Style {
    fn open(&self, object: bool, out: &mut String);
    fn close(&self, object: bool, out: &mut String);
    fn between(&self) -> char;
    fn key(&self, key: &str, out: &mut String);
    fn plain(&self, doc: &Document, content: Content, out: &mut String);
}

/// As Go's encoding/json writes it.
struct Json;
/// As Go's `%v` writes it.
struct Go;

impl Style for Json {
    fn open(&self, object: bool, out: &mut String) {
        out.push(if object { '{' } else { '[' });
    }
    fn close(&self, object: bool, out: &mut String) {
        out.push(if object { '}' } else { ']' });
    }
    fn between(&self) -> char {
        ','
    }
    fn key(&self, key: &str, out: &mut String) {
        quote(key, out);
        out.push(':');
    }
    fn plain(&self, doc: &Document, content: Content, out: &mut String) {
        match content {
            Content::Text(span) => quote(doc.text(span), out),
            Content::Float(v) => out.push_str(&json_number(v)),
            Content::Bool(v) => out.push_str(if v { "true" } else { "false" }),
            _ => out.push_str("null"),
        }
    }
}

impl Style for Go {
    fn open(&self, object: bool, out: &mut String) {
        out.push_str(if object { "map[" } else { "[" });
    }
    fn close(&self, _: bool, out: &mut String) {
        out.push(']');
    }
    fn between(&self) -> char {
        ' '
    }
    fn key(&self, key: &str, out: &mut String) {
        out.push_str(key);
        out.push(':');
    }
    fn plain(&self, doc: &Document, content: Content, out: &mut String) {
        let _ = write!(out, "{}", native(doc, content));
    }
}

/// Writes a JSON node with all below it. It climbs by the nodes' links: a payload's depth needs no stack.
fn walk(doc: &Document, top: NodeId, style: &impl Style, out: &mut String) {
    let mut at = top;
    loop {
        let content = doc.content(at);
        let object = content == Content::Object;
        if object || content == Content::Array {
            style.open(object, out);
            if let Some(child) = doc.first_child(at) {
                name(doc, object, child, style, out);
                at = child;
                continue;
            }
            style.close(object, out);
        } else {
            style.plain(doc, content, out);
        }
        loop {
            if at == top {
                return;
            }
            let Some(parent) = doc.parent(at) else { return };
            let object = doc.content(parent) == Content::Object;
            if let Some(next) = doc.next_sibling(at) {
                out.push(style.between());
                name(doc, object, next, style, out);
                at = next;
                break;
            }
            style.close(object, out);
            at = parent;
        }
    }
}

fn name(doc: &Document, object: bool, id: NodeId, style: &impl Style, out: &mut String) {
    if object {
        style.key(doc.name(id), out);
    }
}

/// A number as Go's encoding/json writes it.
fn json_number(number: f64) -> String {
    let size = number.abs();
    if number != 0.0 && !(1e-6..1e21).contains(&size) {
        let short = format!("{number:e}");
        return match short.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
            _ => short,
        };
    }
    number.to_string()
}

/// A text as Go's encoding/json quotes it: fit for HTML.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\x1f' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}
