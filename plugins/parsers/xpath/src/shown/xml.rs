//! A document as XML, for the log.

use std::fmt::Write as _;

use super::{cbor, protobuf};
use crate::tree::{Content, Document, Kind, NodeId};

/// The document as XML, for the log: nodes as elements.
pub(crate) fn as_xml(doc: &Document) -> String {
    let mut out = String::from("<root>");
    let mut at = NodeId::DOCUMENT;
    loop {
        let next = doc.first_child(at);
        if let Some(child) = next {
            open(doc, child, &mut out);
            at = child;
            continue;
        }
        loop {
            if at == NodeId::DOCUMENT {
                out.push_str("</root>");
                return out;
            }
            if doc.kind(at) == Kind::Element {
                let _ = write!(out, "</{}>", element_name(doc, at));
            }
            if let Some(next) = doc.next_sibling(at) {
                open(doc, next, &mut out);
                at = next;
                break;
            }
            let Some(parent) = doc.parent(at) else { return out };
            at = parent;
        }
    }
}

fn element_name(doc: &Document, id: NodeId) -> String {
    match (doc.node_prefix(id), doc.name(id)) {
        ("", "") => "element".to_owned(),
        ("", name) => name.to_owned(),
        (prefix, name) => format!("{prefix}:{name}"),
    }
}

fn open(doc: &Document, id: NodeId, out: &mut String) {
    match doc.kind(id) {
        Kind::Element => {
            let _ = write!(out, "<{}", element_name(doc, id));
            for (name, prefix, value) in doc.attributes(id) {
                let colon = if prefix.is_empty() { "" } else { ":" };
                let _ = write!(out, " {prefix}{colon}{name}={value:?}");
            }
            out.push('>');
        }
        Kind::Text | Kind::CData => match doc.content(id) {
            Content::Item(item) => out.push_str(&cbor(doc, item)),
            content => out.push_str(&protobuf(doc, content)),
        },
        _ => {}
    }
}
