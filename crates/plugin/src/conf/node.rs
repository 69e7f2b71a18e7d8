//! Tables and values as they were read, each with its place in the file.

/// A place in a file: the file's number among those that were loaded, and the bytes from `start` to `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Which file, by the order of loading.
    pub file: u32,
    /// First byte.
    pub start: u32,
    /// The byte behind the last.
    pub end: u32,
}

/// A key and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key, as written.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// What it is set to.
    pub value: Node,
}

/// A table in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Its keys, each once.
    pub entries: Vec<Entry>,
    /// Where its header stands.
    pub span: Span,
}

impl Table {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|e| e.key == key).map(|e| &e.value)
    }
    /// Takes a key out.
    pub fn take(&mut self, key: &str) -> Option<Entry> {
        let i = self.entries.iter().position(|e| e.key == key)?;
        Some(self.entries.remove(i))
    }
    /// Sets a key, in place or at the end.
    pub fn set(&mut self, key: &str, value: Node) {
        match self.entries.iter_mut().find(|e| e.key == key) {
            Some(entry) => entry.value = value,
            None => self.entries.push(Entry {
                key: key.to_owned(),
                key_span: value.span,
                value,
            }),
        }
    }
}

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub kind: NodeKind,
    /// Where it stands.
    pub span: Span,
    /// It came (in part) out of an environment variable: a text, but one that may stand for a number or a truth value.
    pub from_env: bool,
}

/// What a TOML value can be.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// A text.
    String(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction or exponent.
    Float(f64),
    /// true or false.
    Boolean(bool),
    /// A date or time, as written.
    Datetime(String),
    /// A list.
    Array(Vec<Node>),
    /// A table.
    Table(Table),
}

impl Node {
    /// A value that stands nowhere: made by the agent, or in a test.
    pub fn bare(kind: NodeKind) -> Node {
        Node {
            kind,
            span: Span::default(),
            from_env: false,
        }
    }
    /// The text, where it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::String(s) => Some(s),
            _ => None,
        }
    }
    /// The table, where it is one.
    pub fn as_table(&self) -> Option<&Table> {
        match &self.kind {
            NodeKind::Table(t) => Some(t),
            _ => None,
        }
    }
    /// TOML's name of the kind.
    pub fn type_name(&self) -> &'static str {
        match &self.kind {
            NodeKind::String(_) => "string",
            NodeKind::Integer(_) => "integer",
            NodeKind::Float(_) => "float",
            NodeKind::Boolean(_) => "boolean",
            NodeKind::Datetime(_) => "datetime",
            NodeKind::Array(_) => "array",
            NodeKind::Table(_) => "table",
        }
    }
}
