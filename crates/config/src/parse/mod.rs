//! Text to the tree of a file, in the dialect of Telegraf's TOML reader.
//!
//! That reader is older than TOML 1.0, so this is not the `toml` crate: several keys may stand on one line, inline tables
//! need no commas and may be extended by a header, and a conflict names both lines. What TOML 1.0 has beyond it (dotted
//! keys, keys in single quotes, hexadecimal numbers, tabs in strings) is taken too. The line of a syntax error is where
//! Telegraf sees it: behind the furthest part that could be read.

mod cursor;
mod scalar;

use wheatstone_plugin::conf::{Node, NodeKind, Span};

use crate::text::Mapped;
use crate::tree::{Item, Name, Slot, Tab};

/// What is wrong with the text of a file.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// In Telegraf's words, its line number in front.
    pub message: String,
    pub span: Span,
    /// What was expected, or what may be meant.
    pub help: Option<String>,
}

/// The furthest that arrays and inline tables may stand inside each other.
const DEPTH: u8 = 64;

/// The tree of a file, and all that is wrong with it.
pub(crate) fn parse(source: &Mapped, file: u32) -> (Tab, Vec<Fault>) {
    let mut parser = Parser {
        text: &source.text,
        source,
        file,
        at: 0,
        far: 0,
        line: (0, 1),
        counted: (0, 0),
        root: Tab {
            line: 1,
            ..Tab::default()
        },
        path: Some(Vec::new()),
        faults: Vec::new(),
    };
    parser.document();
    (parser.root, parser.faults)
}

struct Parser<'a> {
    text: &'a str,
    source: &'a Mapped,
    file: u32,
    at: usize,
    /// The end of the furthest part that could be read.
    far: usize,
    /// A place and its line, to count from.
    line: (usize, usize),
    /// A place in bytes and in characters, to count from.
    counted: (usize, usize),
    root: Tab,
    /// The table that keys go to; none behind a header that could not be used.
    path: Option<Vec<Name>>,
    faults: Vec<Fault>,
}

/// What was expected at the place where reading stopped.
struct Stop(&'static str);
type Parsed<T> = Result<T, Stop>;

enum Value {
    Plain(Node, String),
    Table(Tab),
    Tables(Vec<Tab>),
}

impl Parser<'_> {
    fn document(&mut self) {
        loop {
            self.blank();
            if self.at >= self.text.len() {
                return;
            }
            let start = self.at;
            let before = self.faults.len();
            let statement = if self.peek() == Some(b'[') {
                self.header()
            } else {
                self.key_value()
            };
            let stop = match statement {
                Ok(()) if self.faults.len() > before => continue,
                Ok(()) => match self.end_of_statement() {
                    Ok(()) => continue,
                    Err(stop) => stop,
                },
                Err(stop) => stop,
            };
            if self.is_second_side(start) {
                continue;
            }
            self.syntax_error(start, stop.0);
            if self.text[start..].starts_with('[') {
                self.path = None;
            }
            self.recover(start);
        }
    }

    /// Passes over the second side of a merge conflict whose beginning was said to be wrong: it is no mistake of its own.
    fn is_second_side(&mut self, start: usize) -> bool {
        let rest = &self.text[start..];
        let begun = self.text[..start]
            .rfind("\n<<<<<<<")
            .or_else(|| self.text[..start].starts_with("<<<<<<<").then_some(0));
        let marks = ["=======", "|||||||"];
        if begun.is_none() || !marks.iter().any(|mark| rest.starts_with(mark)) {
            return false;
        }
        let end = rest.find("\n>>>>>>>").map_or(rest.len(), |n| {
            n + 1 + rest[n + 1..].find('\n').map_or(rest.len() - n - 1, |m| m + 1)
        });
        self.at = start + end;
        self.far = self.at;
        true
    }

    /// Behind a statement comes the end of the line, or, as the old dialect allows, the next key.
    fn end_of_statement(&mut self) -> Parsed<()> {
        self.space();
        match self.peek() {
            None | Some(b'\n' | b'\r' | b'#') => Ok(()),
            Some(b'[') => Err(Stop("the end of the line")),
            Some(_) => {
                // Read ahead: is it a key with its equals sign?
                let back = self.at;
                let ahead = self.key().and_then(|_| {
                    self.space();
                    if self.peek() == Some(b'=') {
                        Ok(())
                    } else {
                        Err(Stop(""))
                    }
                });
                self.at = back;
                ahead.map_err(|_| Stop("the end of the line"))
            }
        }
    }

    fn syntax_error(&mut self, start: usize, expected: &str) {
        let line = 1 + self.text.as_bytes()[..(self.far + 1).min(self.text.len())]
            .iter()
            .filter(|b| **b == b'\n')
            .count();
        let at = self.at.max(start).min(self.text.len());
        let help = crate::hints::syntax(self.text, start, at, expected);
        let end = self.text[at..]
            .chars()
            .next()
            .map_or(at, |c| at + if c == '\n' { 0 } else { c.len_utf8() });
        let span = self.span(at, end);
        self.faults.push(Fault {
            message: format!("line {line}: invalid TOML syntax"),
            span,
            help: Some(help),
        });
    }

    /// Goes to the next line that looks like a statement of its own.
    fn recover(&mut self, start: usize) {
        let mut next = start;
        while let Some(n) = self.text[next..].find('\n') {
            next += n + 1;
            if looks_like_statement(self.text[next..].lines().next().unwrap_or_default()) {
                break;
            }
            if !self.text[next..].contains('\n') {
                next = self.text.len();
            }
        }
        self.at = if next > start { next } else { self.text.len() };
        self.far = self.at;
    }

    fn header(&mut self) -> Parsed<()> {
        let start = self.at;
        let section =
            start - (self.text[..start].len() - self.text[..start].trim_end_matches([' ', '\t']).len());
        let array = self.text[start..].starts_with("[[");
        self.at += if array { 2 } else { 1 };
        self.space();
        let mut path = vec![self.key()?];
        loop {
            self.space();
            match self.peek() {
                Some(b'.') => {
                    self.at += 1;
                    self.space();
                    path.push(self.key()?);
                }
                Some(b']') => break,
                _ => return Err(Stop("`]`")),
            }
        }
        if array && !self.text[self.at..].starts_with("]]") {
            return Err(Stop("`]]`"));
        }
        self.at += if array { 2 } else { 1 };
        self.mark();
        let line = self.line_of(start);
        let span = self.span(start, self.at);
        let begin = self.chars(section);
        let end = self.chars(self.at);
        let new = Tab {
            span,
            line,
            defined: true,
            section: (begin, end),
            ..Tab::default()
        };
        let opened = if array {
            self.root.open_array_table(&path, new)
        } else {
            self.root.open_table(&path, new)
        };
        self.path = match opened {
            Ok(()) => Some(path),
            Err(message) => {
                let written: Vec<&str> = path.iter().map(|(key, _)| key.as_str()).collect();
                let help = Some(crate::hints::conflict(&written.join("."), array, &message));
                self.faults.push(Fault {
                    message: format!("line {line}: {message}"),
                    span,
                    help,
                });
                None
            }
        };
        Ok(())
    }

    fn key_value(&mut self) -> Parsed<()> {
        let names = self.dotted_key()?;
        let value = self.value(0)?;
        let line = self.line_of(self.at);
        let end = self.chars(self.at);
        let Some(path) = self.path.clone() else {
            return Ok(());
        };
        let Some(table) = self.root.at(&path) else {
            return Ok(());
        };
        table.section.1 = end;
        let (name, span) = names[0].clone();
        let first = table.get(&name).map(|slot| slot.line);
        if let Err(message) = add(table, names, value, line) {
            self.faults.push(Fault {
                message: format!("line {line}: {message}"),
                span,
                help: first.map(|first| format!("`{name}` is set twice: in line {first} too; keep one")),
            });
        }
        Ok(())
    }

    /// `a.b =`, up to its value.
    fn dotted_key(&mut self) -> Parsed<Vec<Name>> {
        let mut names = vec![self.key()?];
        self.space();
        while self.peek() == Some(b'.') {
            self.at += 1;
            self.space();
            names.push(self.key()?);
            self.space();
        }
        if self.peek() != Some(b'=') {
            return Err(Stop("`=`"));
        }
        self.at += 1;
        self.space();
        Ok(names)
    }

    fn key(&mut self) -> Parsed<Name> {
        let start = self.at;
        let key = match self.peek() {
            Some(b'"') => self.basic_string()?,
            Some(b'\'') => self.literal_string()?,
            _ => {
                let is_key = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
                self.at += self.text.as_bytes()[start..]
                    .iter()
                    .take_while(|b| is_key(b))
                    .count();
                if self.at == start {
                    return Err(Stop("a key"));
                }
                self.text[start..self.at].to_owned()
            }
        };
        self.mark();
        Ok((key, self.span(start, self.at)))
    }

    fn value(&mut self, depth: u8) -> Parsed<Value> {
        let start = self.at;
        if depth > DEPTH {
            return Err(Stop("fewer brackets inside each other"));
        }
        let kind = match self.peek() {
            Some(b'{') => return self.inline_table(depth).map(Value::Table),
            Some(b'[') => match self.array(depth)? {
                Ok(nodes) => NodeKind::Array(nodes),
                Err(tables) => return Ok(Value::Tables(tables)),
            },
            Some(b'"' | b'\'') => NodeKind::String(self.string()?),
            _ => self.bare()?,
        };
        self.mark();
        let node = Node {
            kind,
            span: self.span(start, self.at),
            from_env: false,
        };
        Ok(Value::Plain(node, self.text[start..self.at].to_owned()))
    }

    /// `Ok` is a list of values, `Err` one of tables.
    fn array(&mut self, depth: u8) -> Parsed<Result<Vec<Node>, Vec<Tab>>> {
        self.at += 1;
        let mut values = Vec::new();
        loop {
            self.blank();
            if self.peek() == Some(b']') {
                break;
            }
            values.push(self.value(depth + 1)?);
            self.blank();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(Stop("`,` or `]`")),
            }
        }
        self.at += 1;
        self.mark();
        if !values.is_empty() && values.iter().all(|v| matches!(v, Value::Table(_))) {
            let tables = values
                .into_iter()
                .filter_map(|v| if let Value::Table(t) = v { Some(t) } else { None });
            return Ok(Err(tables.collect()));
        }
        Ok(Ok(values
            .into_iter()
            .map(|v| v.into_item().into_node())
            .collect()))
    }

    fn inline_table(&mut self, depth: u8) -> Parsed<Tab> {
        let start = self.at;
        let line = self.line_of(start);
        self.at += 1;
        let mut table = Tab {
            line,
            ..Tab::default()
        };
        loop {
            self.blank();
            if self.peek() == Some(b'}') {
                break;
            }
            let names = self.dotted_key()?;
            let value = self.value(depth + 1)?;
            let line = self.line_of(self.at);
            let span = names[0].1;
            if let Err(message) = add(&mut table, names, value, line) {
                self.faults.push(Fault {
                    message: format!("line {line}: {message}"),
                    span,
                    help: None,
                });
            }
            self.blank();
            if self.peek() == Some(b',') {
                self.at += 1;
            }
        }
        self.at += 1;
        self.mark();
        table.span = self.span(start, self.at);
        Ok(table)
    }
}

impl Value {
    fn into_item(self) -> Item {
        match self {
            Value::Plain(node, raw) => Item::Value(node, raw),
            Value::Table(table) => Item::Table(table),
            Value::Tables(list) => Item::Tables(list),
        }
    }
}

fn add(table: &mut Tab, mut names: Vec<Name>, value: Value, line: usize) -> Result<(), String> {
    if let Value::Table(new) = value {
        return table.open_table(&names, new);
    }
    let Some((key, key_span)) = names.pop() else {
        return Ok(());
    };
    let Some(parent) = table.at(&names) else {
        return Err(format!("key `{key}' is in conflict with another of that name"));
    };
    parent.set(Slot {
        key,
        key_span,
        line,
        item: value.into_item(),
    })
}

/// A header, or a key with an equals sign.
pub(crate) fn looks_like_statement(line: &str) -> bool {
    let line = line.trim_start();
    if let Some(inner) = line.strip_prefix('[') {
        let inner = inner.strip_prefix('[').unwrap_or(inner).trim_start();
        return inner.starts_with(|c: char| c.is_ascii_alphabetic());
    }
    let key = line.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    key.len() < line.len() && key.trim_start().starts_with('=')
}

#[cfg(test)]
mod tests;
