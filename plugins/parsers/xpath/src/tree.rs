//! A document as XPath sees it: a payload's values go in as nodes, the engine walks them with a cursor.
//!
//! Nodes lie in one row and point at one another by their places; texts lie in one buffer. A document is emptied and filled
//! again for each payload, so that a payload costs hardly any allocation.

mod steps;
mod values;

use crate::xpath_cbor::items::Items;

/// A node's place in its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(u32);

impl NodeId {
    /// The document itself.
    pub(crate) const DOCUMENT: NodeId = NodeId(0);
    const NONE: NodeId = NodeId(u32::MAX);

    fn some(self) -> Option<NodeId> {
        (self != NodeId::NONE).then_some(self)
    }
}

/// A piece of the document's texts or bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    from: u32,
    to: u32,
}

/// What a node is in its own format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Document,
    Element,
    Text,
    /// XML only, as are all that follow.
    CData,
    Comment,
    Declaration,
    Directive,
    Instruction,
}

/// What XPath distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeType {
    Root,
    Element,
    Attribute,
    Text,
    Comment,
}

/// The value that a node stands for, besides its children.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Content {
    /// A document, an XML element, a protobuf message.
    Nothing,
    Null,
    Bool(bool),
    Int(i64),
    Int32(i32),
    Uint(u64),
    Uint32(u32),
    Float(f64),
    Float32(f32),
    Enum(i32),
    Text(Span),
    Bytes(Span),
    /// A protobuf message where a plain value was expected, printed.
    Message(Span),
    /// A JSON object or array: its members are the node's children.
    Object,
    Array,
    /// A CBOR value, kept apart since its arrays have no nodes of their own.
    Item(u32),
}

/// How a document was made: what decides on texts and on a few steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    #[default]
    Xml,
    Json,
    Cbor,
    Protobuf,
}

#[derive(Clone, Debug)]
struct Node {
    kind: Kind,
    /// How deep the parser stood when it made this; XML only.
    level: u32,
    name: Span,
    prefix: Span,
    uri: Span,
    content: Content,
    parent: NodeId,
    previous: NodeId,
    next: NodeId,
    first: NodeId,
    last: NodeId,
    attributes: (u32, u32),
}

/// An attribute of an XML element.
#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    pub(crate) name: Span,
    pub(crate) prefix: Span,
    pub(crate) uri: Span,
    pub(crate) value: Span,
}

/// A place in a document: a node or one of its attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cursor {
    pub(crate) node: NodeId,
    attribute: u32,
}

const NO_ATTRIBUTE: u32 = u32::MAX;

impl Cursor {
    pub(crate) fn new(node: NodeId) -> Cursor {
        Cursor {
            node,
            attribute: NO_ATTRIBUTE,
        }
    }
    pub(crate) fn on_attribute(&self) -> bool {
        self.attribute != NO_ATTRIBUTE
    }
}

/// A parsed payload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Document {
    form: Form,
    nodes: Vec<Node>,
    attributes: Vec<Attribute>,
    text: String,
    bytes: Vec<u8>,
    pub(crate) items: Items,
}

/// More than this in one payload is refused: places are 32 bits wide.
pub(crate) const MAX_PAYLOAD: usize = 512 << 20;

/// Filling.
impl Document {
    /// Empties the document and makes its root.
    pub(crate) fn begin(&mut self, form: Form) {
        self.form = form;
        self.nodes.clear();
        self.attributes.clear();
        self.text.clear();
        self.bytes.clear();
        self.items.clear();
        let content = match form {
            Form::Json | Form::Cbor => Content::Null,
            Form::Xml | Form::Protobuf => Content::Nothing,
        };
        self.add(Kind::Document, Span::default(), content);
    }

    /// Keeps a text.
    pub(crate) fn keep(&mut self, text: &str) -> Span {
        let from = self.text.len();
        self.text.push_str(text);
        self.span_from(from)
    }

    /// The buffer of the texts, to write a piece at its end, and [`span_from`](Document::span_from) where it began.
    pub(crate) fn buffer(&mut self) -> &mut String {
        &mut self.text
    }

    pub(crate) fn span_from(&self, from: usize) -> Span {
        Span {
            from: from as u32,
            to: self.text.len() as u32,
        }
    }

    /// Keeps bytes.
    pub(crate) fn keep_bytes(&mut self, bytes: &[u8]) -> Span {
        let from = self.bytes.len() as u32;
        self.bytes.extend_from_slice(bytes);
        Span {
            from,
            to: self.bytes.len() as u32,
        }
    }

    /// Adds a node that hangs nowhere yet.
    pub(crate) fn add(&mut self, kind: Kind, name: Span, content: Content) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(Node {
            kind,
            level: 0,
            name,
            prefix: Span::default(),
            uri: Span::default(),
            content,
            parent: NodeId::NONE,
            previous: NodeId::NONE,
            next: NodeId::NONE,
            first: NodeId::NONE,
            last: NodeId::NONE,
            attributes: (0, 0),
        });
        id
    }

    /// Hangs a node under another, as its last child.
    pub(crate) fn append(&mut self, parent: NodeId, child: NodeId) {
        let last = self.node(parent).last;
        let node = self.node_mut(child);
        node.parent = parent;
        node.previous = last;
        match last.some() {
            None => self.node_mut(parent).first = child,
            Some(last) => self.node_mut(last).next = child,
        }
        self.node_mut(parent).last = child;
    }

    /// Puts a node behind the last sibling of another.
    pub(crate) fn append_beside(&mut self, sibling: NodeId, child: NodeId) {
        if let Some(parent) = self.node(sibling).parent.some() {
            return self.append(parent, child);
        }
        // Beside the document itself: text and comments in front of the first element.
        let mut last = sibling;
        while let Some(next) = self.node(last).next.some() {
            last = next;
        }
        self.node_mut(last).next = child;
        self.node_mut(child).previous = last;
    }

    pub(crate) fn set_level(&mut self, id: NodeId, level: u32) {
        self.node_mut(id).level = level;
    }
    pub(crate) fn set_namespace(&mut self, id: NodeId, prefix: Span, uri: Span) {
        let node = self.node_mut(id);
        (node.prefix, node.uri) = (prefix, uri);
    }
    pub(crate) fn set_attributes(&mut self, id: NodeId, attributes: impl IntoIterator<Item = Attribute>) {
        let from = self.attributes.len() as u32;
        self.attributes.extend(attributes);
        let to = self.attributes.len() as u32;
        self.node_mut(id).attributes = (from, to);
    }
}

/// Reading.
impl Document {
    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }
    fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }
    fn attributes_of(&self, id: NodeId) -> &[Attribute] {
        let (from, to) = self.node(id).attributes;
        &self.attributes[from as usize..to as usize]
    }
    /// The attributes of a node, each as name, prefix and value.
    pub(crate) fn attributes(&self, id: NodeId) -> impl Iterator<Item = (&str, &str, &str)> {
        self.attributes_of(id)
            .iter()
            .map(|a| (self.text(a.name), self.text(a.prefix), self.text(a.value)))
    }
    fn attribute(&self, at: Cursor) -> Option<&Attribute> {
        self.attributes_of(at.node).get(at.attribute as usize)
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }
    pub(crate) fn text(&self, span: Span) -> &str {
        &self.text[span.from as usize..span.to as usize]
    }
    pub(crate) fn bytes(&self, span: Span) -> &[u8] {
        &self.bytes[span.from as usize..span.to as usize]
    }
    pub(crate) fn level(&self, id: NodeId) -> u32 {
        self.node(id).level
    }
    pub(crate) fn kind(&self, id: NodeId) -> Kind {
        self.node(id).kind
    }
    pub(crate) fn content(&self, id: NodeId) -> Content {
        self.node(id).content
    }
    pub(crate) fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).parent.some()
    }
    pub(crate) fn first_child(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).first.some()
    }
    pub(crate) fn next_sibling(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).next.some()
    }
    pub(crate) fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        std::iter::successors(self.first_child(id), |id| self.next_sibling(*id))
    }
    /// How many siblings stand before a node.
    pub(crate) fn index(&self, id: NodeId) -> usize {
        std::iter::successors(self.node(id).previous.some(), |id| self.node(*id).previous.some()).count()
    }
    pub(crate) fn name(&self, id: NodeId) -> &str {
        self.text(self.node(id).name)
    }
    pub(crate) fn node_prefix(&self, id: NodeId) -> &str {
        self.text(self.node(id).prefix)
    }

    /// The node below one, in the order of the document, that does not leave `top`; with how many levels were climbed.
    pub(crate) fn next_below(&self, top: NodeId, id: NodeId) -> Option<NodeId> {
        if let Some(child) = self.first_child(id) {
            return Some(child);
        }
        let mut id = id;
        while id != top {
            if let Some(next) = self.next_sibling(id) {
                return Some(next);
            }
            id = self.parent(id)?;
        }
        None
    }

    pub(crate) fn node_type(&self, at: Cursor) -> NodeType {
        match self.kind(at.node) {
            Kind::Document | Kind::Declaration => NodeType::Root,
            Kind::Element if at.on_attribute() => NodeType::Attribute,
            Kind::Element | Kind::Instruction => NodeType::Element,
            Kind::Text | Kind::CData | Kind::Directive => NodeType::Text,
            Kind::Comment => NodeType::Comment,
        }
    }
    pub(crate) fn local_name(&self, at: Cursor) -> &str {
        match self.attribute(at) {
            Some(attribute) => self.text(attribute.name),
            None => self.name(at.node),
        }
    }
    pub(crate) fn prefix(&self, at: Cursor) -> &str {
        match self.attribute(at) {
            Some(attribute) => self.text(attribute.prefix),
            None => self.node_prefix(at.node),
        }
    }
    pub(crate) fn namespace(&self, at: Cursor) -> &str {
        match self.attribute(at) {
            Some(attribute) => self.text(attribute.uri),
            None => self.text(self.node(at.node).uri),
        }
    }
}
