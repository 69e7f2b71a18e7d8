//! JSON: members become elements of their names, elements of arrays become elements without one, plain values become texts.

mod scan;

use wheatstone_plugin::prelude::*;

use crate::shown::general;
use crate::tree::{Content, Document, Form, Kind, NodeId, Span};
use scan::{Scanner, Token};

/// The format `xpath_json`.
pub(crate) fn read(payload: &[u8], doc: &mut Document) -> Result<()> {
    build(payload, doc).map_err(|error| anyhow!(error))
}

/// Something that is open.
struct Open {
    node: NodeId,
    object: bool,
    /// Where its members begin in the list of those that hang nowhere yet.
    members: usize,
}

/// Fills the document without recursion. Members of objects are put in the order of their names; of two with one name the
/// later counts.
fn build(payload: &[u8], doc: &mut Document) -> Result<(), String> {
    doc.begin(Form::Json);
    let mut scanner = Scanner::new(payload);
    let mut open: Vec<Open> = Vec::new();
    let mut loose: Vec<NodeId> = Vec::new();
    let mut name = Span::default();
    loop {
        match scanner.next(doc)? {
            Token::Name(span) => name = span,
            Token::Value(content, text) => {
                add(doc, content, text, &open, std::mem::take(&mut name), &mut loose)
            }
            Token::Open(object) => begin(doc, object, &mut open, std::mem::take(&mut name), &mut loose),
            Token::Close => {
                if let Some(closed) = open.pop() {
                    hang(doc, &closed, &mut loose);
                }
            }
            Token::End => return scanner.finish(),
        }
    }
}

/// A plain value: an element with a text below it; alone in a payload the text itself.
fn add(doc: &mut Document, content: Content, text: Span, open: &[Open], name: Span, loose: &mut Vec<NodeId>) {
    let text_node = doc.add(Kind::Text, text, Content::Text(text));
    if open.is_empty() {
        return doc.append(NodeId::DOCUMENT, text_node);
    }
    let element = doc.add(Kind::Element, name, content);
    doc.append(element, text_node);
    loose.push(element);
}

fn begin(doc: &mut Document, object: bool, open: &mut Vec<Open>, name: Span, loose: &mut Vec<NodeId>) {
    let content = if object { Content::Object } else { Content::Array };
    let node = if open.is_empty() {
        NodeId::DOCUMENT
    } else {
        let node = doc.add(Kind::Element, name, content);
        loose.push(node);
        node
    };
    open.push(Open {
        node,
        object,
        members: loose.len(),
    });
}

/// Hangs the members of what was closed under it.
fn hang(doc: &mut Document, closed: &Open, loose: &mut Vec<NodeId>) {
    let members = &mut loose[closed.members..];
    if closed.object && !members.is_sorted_by(|a, b| doc.name(*a) < doc.name(*b)) {
        members.sort_by(|a, b| doc.name(*a).cmp(doc.name(*b)));
    }
    for (place, member) in members.iter().enumerate() {
        let later = members.get(place + 1);
        let again = closed.object && later.is_some_and(|later| doc.name(*later) == doc.name(*member));
        if !again {
            doc.append(closed.node, *member);
        }
    }
    loose.truncate(closed.members);
}

/// The text below a number: as Go's `%v` prints it.
fn number_text(number: f64, doc: &mut Document) -> Span {
    doc.keep(&general(number, 'e'))
}

#[cfg(test)]
mod tests;
