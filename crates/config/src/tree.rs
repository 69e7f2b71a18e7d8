//! The tree of one file: tables and values with their places, built by the parser under Telegraf's rules for tables.

use wheatstone_plugin::conf::{Entry, Node, NodeKind, Span, Table};

/// A table while its file is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tab {
    pub entries: Vec<Slot>,
    /// The header, or the key that made it.
    pub span: Span,
    /// The line of the header, or of the first header that named it on the way to another.
    pub line: usize,
    /// It has a header of its own; a second one is an error. Tables on the way to another and inline tables have none.
    pub defined: bool,
    /// Begin and end of the header with the keys that follow it, in characters: Telegraf prints them.
    pub section: (usize, usize),
}

/// A key of a table.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub key: String,
    pub key_span: Span,
    /// The line on which the value ends.
    pub line: usize,
    pub item: Item,
}

#[derive(Clone, Debug)]
pub(crate) enum Item {
    /// A value and its text as written.
    Value(Node, String),
    Table(Tab),
    Tables(Vec<Tab>),
}

/// A key in a header: the name and its place.
pub(crate) type Name = (String, Span);

impl Tab {
    pub fn get(&self, key: &str) -> Option<&Slot> {
        self.entries.iter().find(|s| s.key == key)
    }

    /// The table at a path, made where it is missing.
    fn descend(&mut self, path: &[Name], line: usize) -> Result<&mut Tab, String> {
        let mut tab = self;
        for (key, span) in path {
            let at = tab.entries.iter().position(|s| s.key == *key).unwrap_or_else(|| {
                let made = Tab {
                    span: *span,
                    line,
                    ..Tab::default()
                };
                tab.entries.push(Slot {
                    key: key.clone(),
                    key_span: *span,
                    line,
                    item: Item::Table(made),
                });
                tab.entries.len() - 1
            });
            let slot = &mut tab.entries[at];
            tab = match &mut slot.item {
                Item::Table(t) => t,
                Item::Tables(list) => match list.last_mut() {
                    Some(t) => t,
                    None => return Err(format!("key `{key}' is in conflict with line {}", slot.line)),
                },
                Item::Value(..) => return Err(format!("key `{key}' is in conflict with line {}", slot.line)),
            };
        }
        Ok(tab)
    }

    /// The table that a header's path leads to, for adding keys.
    pub fn at(&mut self, path: &[Name]) -> Option<&mut Tab> {
        self.descend(path, 0).ok()
    }

    /// `[a.b]`, or an inline table under a key (`defined` false).
    pub fn open_table(&mut self, path: &[Name], new: Tab) -> Result<(), String> {
        let Some(((key, key_span), parents)) = path.split_last() else {
            return Ok(());
        };
        let line = new.line;
        let parent = self.descend(parents, line)?;
        let Some(slot) = parent.entries.iter_mut().find(|s| s.key == *key) else {
            parent.entries.push(Slot {
                key: key.clone(),
                key_span: *key_span,
                line,
                item: Item::Table(new),
            });
            return Ok(());
        };
        let name = dotted(path);
        match &mut slot.item {
            Item::Table(old) if !old.defined => {
                let entries = std::mem::take(&mut old.entries);
                slot.key_span = *key_span;
                let mut new = new;
                let added = std::mem::replace(&mut new.entries, entries);
                for slot in added {
                    new.set(slot)?;
                }
                *old = new;
                Ok(())
            }
            Item::Table(old) => Err(format!(
                "table `{name}' is in conflict with table in line {}",
                old.line
            )),
            Item::Tables(list) => {
                let first = list.first().map_or(0, |t| t.line);
                Err(format!(
                    "table `{name}' is in conflict with array table in line {first}"
                ))
            }
            Item::Value(..) => Err(format!("table `{name}' is in conflict with line {}", slot.line)),
        }
    }

    /// `[[a.b]]`.
    pub fn open_array_table(&mut self, path: &[Name], new: Tab) -> Result<(), String> {
        let Some(((key, key_span), parents)) = path.split_last() else {
            return Ok(());
        };
        let line = new.line;
        let parent = self.descend(parents, line)?;
        let Some(slot) = parent.entries.iter_mut().find(|s| s.key == *key) else {
            parent.entries.push(Slot {
                key: key.clone(),
                key_span: *key_span,
                line,
                item: Item::Tables(vec![new]),
            });
            return Ok(());
        };
        let name = dotted(path);
        match &mut slot.item {
            Item::Tables(list) => {
                list.push(new);
                Ok(())
            }
            Item::Table(old) => Err(format!(
                "array table `{name}' is in conflict with table in line {}",
                old.line
            )),
            Item::Value(..) => Err(format!(
                "array table `{name}' is in conflict with line {}",
                slot.line
            )),
        }
    }

    /// `key = value`.
    pub fn set(&mut self, slot: Slot) -> Result<(), String> {
        let Some(old) = self.get(&slot.key) else {
            self.entries.push(slot);
            return Ok(());
        };
        let key = &slot.key;
        Err(match &old.item {
            Item::Table(t) => format!("key `{key}' is in conflict with table in line {}", t.line),
            // The letter behind the number is Telegraf's.
            Item::Value(..) => format!("key `{key}' is in conflict with line {}d", old.line),
            Item::Tables(_) => format!("key `{key}' is in conflict with table in line {}", old.line),
        })
    }

    /// The table as plugins read it.
    pub fn into_table(self) -> Table {
        let entry = |slot: Slot| Entry {
            key: slot.key,
            key_span: slot.key_span,
            value: slot.item.into_node(),
        };
        Table {
            span: self.span,
            entries: self.entries.into_iter().map(entry).collect(),
        }
    }
}

impl Item {
    pub fn into_node(self) -> Node {
        let table = |t: Tab| Node {
            span: t.span,
            from_env: false,
            kind: NodeKind::Table(t.into_table()),
        };
        match self {
            Item::Value(node, _) => node,
            Item::Table(t) => table(t),
            Item::Tables(list) => Node {
                span: list.first().map_or_else(Span::default, |t| t.span),
                from_env: false,
                kind: NodeKind::Array(list.into_iter().map(table).collect()),
            },
        }
    }
}

fn dotted(path: &[Name]) -> String {
    path.iter()
        .map(|(key, _)| key.as_str())
        .collect::<Vec<_>>()
        .join(".")
}
