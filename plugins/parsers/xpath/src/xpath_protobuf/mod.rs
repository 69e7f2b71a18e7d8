//! Protocol Buffers: a message's fields become elements of their names, by a definition that is compiled at the start.

mod definition;

use prost_reflect::{DynamicMessage, MapKey, MessageDescriptor, Value};
use wheatstone_plugin::prelude::*;

use crate::config::XpathConfig;
use crate::tree::{Content, Document, Form, Kind, NodeId};

/// The format `xpath_protobuf`.
pub(crate) struct Protobuf {
    message: MessageDescriptor,
    skip: usize,
    log: Log,
}

impl Protobuf {
    /// Compiles the definition. Only files are read.
    pub(crate) fn new(config: &XpathConfig, log: &Log) -> Result<Protobuf> {
        let skip = config.xpath_protobuf_skip_bytes;
        Ok(Protobuf {
            message: definition::message(config, log)?,
            skip: usize::try_from(skip)
                .map_err(|_| anyhow!("invalid xpath_protobuf_skip_bytes {skip}: it is negative"))?,
            log: log.clone(),
        })
    }

    pub(crate) fn read(&self, payload: &[u8], doc: &mut Document) -> Result<()> {
        let bytes = payload.get(self.skip..).ok_or_else(|| {
            anyhow!(
                "a payload of {} bytes is shorter than the {} to skip",
                payload.len(),
                self.skip
            )
        })?;
        let message = DynamicMessage::decode(self.message.clone(), bytes).map_err(|error| {
            let skip = self.skip;
            debug!(self.log, "raw data (hex): {:?} (skip {skip} bytes)", hex(payload));
            anyhow!("proto: cannot parse invalid wire-format data: {error}")
        })?;
        doc.begin(Form::Protobuf);
        visit(doc, NodeId::DOCUMENT, &message);
        Ok(())
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Hangs the fields that are set, in the order of their numbers, those of extensions like the message's own. The nesting is
/// what the decoder let through.
fn visit(doc: &mut Document, parent: NodeId, message: &DynamicMessage) {
    let mut extensions: Vec<_> = message.extensions().collect();
    extensions.sort_by_key(|(extension, _)| extension.number());
    let mut extensions = extensions.into_iter().peekable();
    for (field, value) in message.fields() {
        while let Some((extension, value)) = extensions.next_if(|(e, _)| e.number() < field.number()) {
            traverse(doc, parent, extension.name(), extension.is_group(), value);
        }
        traverse(doc, parent, field.name(), field.is_group(), value);
    }
    for (extension, value) in extensions {
        traverse(doc, parent, extension.name(), extension.is_group(), value);
    }
}

fn traverse(doc: &mut Document, parent: NodeId, name: &str, group: bool, value: &Value) {
    // What is plain is gathered under one element of the field's name.
    let mut own = None;
    match value {
        Value::List(items) => {
            for item in items {
                match item {
                    Value::Message(message) if !group => element(doc, parent, name, message),
                    item => {
                        let node = *own.get_or_insert_with(|| plain(doc, name));
                        member(doc, node, "", item);
                    }
                }
            }
        }
        Value::Map(entries) => {
            let mut entries: Vec<_> = entries
                .iter()
                .map(|(key, value)| (key_text(key), value))
                .collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            for (key, value) in entries {
                let node = *own.get_or_insert_with(|| plain(doc, name));
                member(doc, node, &key, value);
            }
        }
        Value::Message(message) if !group => element(doc, parent, name, message),
        value => {
            let node = plain(doc, name);
            text(doc, node, value);
            own = Some(node);
        }
    }
    if let Some(node) = own {
        doc.append(parent, node);
    }
}

fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(v) => v.to_string(),
        MapKey::I32(v) => v.to_string(),
        MapKey::I64(v) => v.to_string(),
        MapKey::U32(v) => v.to_string(),
        MapKey::U64(v) => v.to_string(),
        MapKey::String(v) => v.clone(),
    }
}

fn plain(doc: &mut Document, name: &str) -> NodeId {
    let name = doc.keep(name);
    doc.add(Kind::Element, name, Content::Nothing)
}

fn element(doc: &mut Document, parent: NodeId, name: &str, message: &DynamicMessage) {
    let node = plain(doc, name);
    visit(doc, node, message);
    doc.append(parent, node);
}

fn member(doc: &mut Document, parent: NodeId, name: &str, value: &Value) {
    let node = plain(doc, name);
    text(doc, node, value);
    doc.append(parent, node);
}

fn text(doc: &mut Document, parent: NodeId, value: &Value) {
    let content = match value {
        Value::Bool(v) => Content::Bool(*v),
        Value::I32(v) => Content::Int32(*v),
        Value::I64(v) => Content::Int(*v),
        Value::U32(v) => Content::Uint32(*v),
        Value::U64(v) => Content::Uint(*v),
        Value::F32(v) => Content::Float32(*v),
        Value::F64(v) => Content::Float(*v),
        Value::String(v) => Content::Text(doc.keep(v)),
        Value::Bytes(v) => Content::Bytes(doc.keep_bytes(v)),
        Value::EnumNumber(v) => Content::Enum(*v),
        Value::Message(message) => {
            let text = message.to_text_format();
            Content::Message(doc.keep(&text))
        }
        Value::List(_) | Value::Map(_) => return,
    };
    let node = doc.add(Kind::Text, Default::default(), content);
    doc.append(parent, node);
}

#[cfg(test)]
mod tests;
