//! Steps of a cursor. Unless it says otherwise, one that does not lead anywhere leaves the cursor as it was.

use super::{Content, Cursor, Document, Form, Kind, NO_ATTRIBUTE, Node, NodeId};

impl Document {
    fn is_blank(&self, id: NodeId) -> bool {
        match (self.form, self.kind(id), self.content(id)) {
            (Form::Xml, Kind::Text, Content::Text(span)) => self.text(span).trim().is_empty(),
            _ => false,
        }
    }

    pub(crate) fn to_parent(&self, at: &mut Cursor) -> bool {
        if at.on_attribute() {
            at.attribute = NO_ATTRIBUTE;
            return true;
        }
        match self.parent(at.node) {
            Some(parent) => {
                at.node = parent;
                true
            }
            None => false,
        }
    }
    pub(crate) fn to_child(&self, at: &mut Cursor) -> bool {
        match self.first_child(at.node) {
            Some(child) if !at.on_attribute() => {
                at.node = child;
                true
            }
            _ => false,
        }
    }
    pub(crate) fn to_next_attribute(&self, at: &mut Cursor) -> bool {
        let next = at.attribute.wrapping_add(1);
        let more = (next as usize) < self.attributes_of(at.node).len();
        if more {
            at.attribute = next;
        }
        more
    }
    /// The next sibling; in XML blank text is passed over, and passed even where nothing follows.
    pub(crate) fn to_next(&self, at: &mut Cursor) -> bool {
        self.to_sibling(at, |node| node.next)
    }
    pub(crate) fn to_previous(&self, at: &mut Cursor) -> bool {
        self.to_sibling(at, |node| node.previous)
    }
    fn to_sibling(&self, at: &mut Cursor, step: fn(&Node) -> NodeId) -> bool {
        if at.on_attribute() {
            return false;
        }
        while let Some(node) = step(self.node(at.node)).some() {
            at.node = node;
            if !self.is_blank(node) {
                return true;
            }
        }
        false
    }
    pub(crate) fn to_first(&self, at: &mut Cursor) {
        if !at.on_attribute() {
            while let Some(previous) = self.node(at.node).previous.some() {
                at.node = previous;
            }
        }
    }
}
