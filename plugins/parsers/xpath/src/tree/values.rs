//! The values of nodes: XPath's text, and the value in the type that its format gave it.

use std::borrow::Cow;

use super::{Content, Cursor, Document, Form, Kind, NodeId};
use crate::shown::{self, Native};
use crate::xpath_cbor::items::Item;

impl Document {
    /// The text of all text below a node.
    fn inner_text(&self, id: NodeId) -> Cow<'_, str> {
        let mut found = Cow::Borrowed("");
        let mut at = Some(id);
        while let Some(id_now) = at {
            let piece = match (self.kind(id_now), self.content(id_now)) {
                (Kind::Text | Kind::CData, Content::Text(span)) => Cow::Borrowed(self.text(span)),
                (Kind::Text, content) => shown::protobuf(self, content),
                _ => Cow::Borrowed(""),
            };
            if found.is_empty() {
                found = piece;
            } else if !piece.is_empty() {
                found.to_mut().push_str(&piece);
            }
            at = self.next_below(id, id_now);
        }
        found
    }

    /// XPath's string value, as the format has it.
    pub(crate) fn string_value(&self, at: Cursor) -> Cow<'_, str> {
        if let Some(attribute) = self.attribute(at) {
            return Cow::Borrowed(self.text(attribute.value));
        }
        let (kind, content) = (self.kind(at.node), self.content(at.node));
        match self.form {
            Form::Xml => match (kind, content) {
                (Kind::Element, _) => self.inner_text(at.node),
                (Kind::Text | Kind::Comment, Content::Text(span)) => Cow::Borrowed(self.text(span)),
                _ => Cow::Borrowed(""),
            },
            Form::Json => shown::json(self, at.node),
            Form::Cbor => match content {
                Content::Item(item) => shown::cbor(self, item),
                _ => Cow::Borrowed("<nil>"),
            },
            Form::Protobuf => match kind {
                Kind::Element => self.inner_text(at.node),
                Kind::Text => shown::protobuf(self, content),
                _ => Cow::Borrowed(""),
            },
        }
    }

    /// The value in its own type. XML has texts only.
    pub(crate) fn native(&self, at: Cursor) -> Native<'_> {
        match self.form {
            Form::Xml => Native::Str(self.string_value(at)),
            Form::Json => match self.content(at.node) {
                Content::Object => Native::Shown("map[string]interface {}", shown::go_json(self, at.node)),
                Content::Array => Native::Shown("[]interface {}", shown::go_json(self, at.node)),
                content => shown::native(self, content),
            },
            Form::Cbor => match self.content(at.node) {
                Content::Item(item) => shown::cbor_native(self, item),
                _ => Native::Null,
            },
            Form::Protobuf => self.protobuf_native(at.node),
        }
    }

    /// A plain value is that of the one text below its element; of several it is a list.
    fn protobuf_native(&self, id: NodeId) -> Native<'_> {
        if self.kind(id) == Kind::Text {
            return shown::native(self, self.content(id));
        }
        let mut texts = self.children(id).filter(|child| self.kind(*child) == Kind::Text);
        let Some(first) = texts.next() else {
            return Native::Null;
        };
        if texts.next().is_none() {
            return shown::native(self, self.content(first));
        }
        let all = self.children(id).filter(|child| self.kind(*child) == Kind::Text);
        let all: Vec<_> = all
            .map(|child| shown::protobuf(self, self.content(child)))
            .collect();
        Native::Shown("[]interface {}", format!("[{}]", all.join(" ")))
    }

    /// Whether the value is a list to Go, bytes included: then its children are named by their numbers.
    pub(crate) fn is_list(&self, id: NodeId) -> bool {
        match (self.form, self.content(id)) {
            (Form::Xml, _) => false,
            (Form::Cbor, Content::Item(item)) => {
                matches!(self.items.get(item), Item::Array(_) | Item::Bytes(_))
            }
            (Form::Protobuf, _) => match self.protobuf_native(id) {
                Native::Bytes(_) => true,
                Native::Shown(kind, _) => kind.starts_with("[]"),
                _ => false,
            },
            (_, content) => matches!(content, Content::Array | Content::Bytes(_)),
        }
    }
}
