//! CBOR: maps become elements of their keys' names. An array in a map has no node: its elements bear the array's name.

pub(crate) mod items;

use wheatstone_plugin::prelude::*;

use crate::shown;
use crate::tree::{Content, Document, Form, Kind, NodeId};
use items::{Item, decode};

/// The format `xpath_cbor`.
pub(crate) fn read(payload: &[u8], doc: &mut Document) -> Result<()> {
    doc.begin(Form::Cbor);
    let item = decode(payload, doc).map_err(|error| anyhow!(error))?;
    build(doc, NodeId::DOCUMENT, item, "")
}

/// Hangs a value under a node. The nesting is that of [`decode`], which bounds it.
fn build(doc: &mut Document, parent: NodeId, item: u32, name: &str) -> Result<()> {
    match doc.items.get(item) {
        Item::Array(children) => {
            let name = if name.is_empty() { "element" } else { name };
            for child in doc.items.list(children).to_vec() {
                let name = doc.keep(name);
                let node = doc.add(Kind::Element, name, Content::Item(child));
                doc.append(parent, node);
                build(doc, node, child, "")?;
            }
        }
        Item::Map(children) => {
            let pairs = doc.items.list(children).to_vec();
            let mut members = Vec::with_capacity(pairs.len() / 2);
            for pair in pairs.chunks_exact(2) {
                members.push((key_name(doc, pair[0])?, pair[1]));
            }
            members.sort_by(|a, b| a.0.cmp(&b.0));
            for (key, value) in members {
                if let Item::Array(_) = doc.items.get(value) {
                    build(doc, parent, value, &key)?;
                    continue;
                }
                let name = doc.keep(&key);
                let node = doc.add(Kind::Element, name, Content::Item(value));
                build(doc, node, value, "")?;
                doc.append(parent, node);
            }
        }
        _ => {
            let text = shown::cbor(doc, item).into_owned();
            let name = doc.keep(&text);
            let node = doc.add(Kind::Text, name, Content::Item(item));
            doc.append(parent, node);
        }
    }
    Ok(())
}

/// A key as a name: numbers get an `n` in front.
fn key_name(doc: &Document, key: u32) -> Result<String> {
    Ok(match doc.items.get(key) {
        Item::Text(span) => doc.text(span).to_owned(),
        Item::Uint(v) => format!("n{v}"),
        Item::Int(v) => format!("n{v}"),
        Item::Float(v) => format!("n{v}"),
        Item::Bool(v) => v.to_string(),
        Item::ByteKey(span) => String::from_utf8_lossy(doc.bytes(span)).into_owned(),
        Item::Time(span) | Item::Big(span) => doc.text(span).to_owned(),
        _ => {
            let key = shown::cbor_native(doc, key);
            bail!("object key {key}: type \"{}\" unsupported", key.type_name())
        }
    })
}

#[cfg(test)]
mod tests;
