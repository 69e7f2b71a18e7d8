//! Names of fields and tags made from the places of their nodes.

use crate::tree::{Cursor, Document, Form, NodeId};

/// Between the parts of a name.
const BETWEEN: &str = "_";

/// The name of a selected node: what the query gave, or the node's own; with the nodes between it and `root` in front where
/// `expand` is set.
pub(crate) fn construct(doc: &Document, root: NodeId, at: Cursor, name: &str, expand: bool) -> String {
    let own = if name.is_empty() {
        own_name(doc, at, !expand)
    } else {
        name.to_owned()
    };
    if !expand {
        return own;
    }
    let mut names = Vec::new();
    let mut above = parent(doc, at);
    while let Some(id) = above.filter(|id| *id != root) {
        names.push(step_name(doc, id));
        above = doc.parent(id);
    }
    names.reverse();
    let path = names.join(BETWEEN);
    if path.is_empty() {
        own
    } else {
        format!("{path}{BETWEEN}{own}")
    }
}

fn parent(doc: &Document, at: Cursor) -> Option<NodeId> {
    if at.on_attribute() {
        Some(at.node)
    } else {
        doc.parent(at.node)
    }
}

/// A node's name; an element of an array bears its number, behind the array's name where `with_parent` is set.
fn own_name(doc: &Document, at: Cursor, with_parent: bool) -> String {
    let name = doc.local_name(at);
    match parent(doc, at).filter(|parent| doc.is_list(*parent)) {
        Some(list) if name.is_empty() && with_parent => {
            format!("{}{BETWEEN}{}", doc.name(list), doc.index(at.node))
        }
        Some(_) => format!("{name}{}", doc.index(at.node)),
        None => name.to_owned(),
    }
}

/// The name of a node on the way.
fn step_name(doc: &Document, id: NodeId) -> String {
    let listed = doc.parent(id).is_some_and(|parent| doc.is_list(parent));
    if listed && doc.form() == Form::Protobuf {
        return doc.index(id).to_string();
    }
    own_name(doc, Cursor::new(id), false)
}
