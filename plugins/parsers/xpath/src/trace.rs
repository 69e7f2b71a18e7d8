//! A query that selects nothing: shorter and shorter ones are tried until one does, and the log says which.

use wheatstone_plugin::Level;
use wheatstone_plugin::prelude::*;

use crate::engine::Expression;
use crate::tree::{Cursor, Document};

/// Writes how far a query leads.
pub(crate) struct Trace {
    log: Log,
    level: Level,
}

impl Trace {
    pub(crate) fn new(log: &Log, asked_for: bool) -> Trace {
        Trace {
            log: log.clone(),
            level: if asked_for { Level::Debug } else { Level::Trace },
        }
    }

    /// Says how many nodes something has, at the level debug.
    pub(crate) fn count(&self, what: &str, count: usize) {
        debug!(self.log, "Number of selected {what} nodes: {count}");
    }

    /// Looks for the part of `query` at which nothing is left.
    pub(crate) fn empty(&self, operation: &str, doc: &Document, root: Cursor, query: &str) {
        if !self.log.enabled(self.level) {
            return;
        }
        let say = |text: String| self.log.write(self.level, format_args!("{text}"));
        say(format!("got 0 nodes for query {query:?} in {operation}"));
        let mut query = query.to_owned();
        loop {
            let parts = split_last(&query);
            let Some(first) = parts.first().cloned() else {
                return;
            };
            for part in parts.iter().rev() {
                let mut nodes = Vec::new();
                let selected = Expression::compile(part).and_then(|mut e| e.select(doc, root, &mut nodes));
                if let Err(error) = selected {
                    return say(format!("executing query {part:?} in {operation} failed: {error}"));
                }
                say(format!(
                    "got {} nodes for query {part:?} in {operation}",
                    nodes.len()
                ));
                if !nodes.is_empty() {
                    return;
                }
            }
            query = first;
        }
    }
}

/// Shorter queries: without the last step, without what follows its axis, without its predicate or attribute.
fn split_last(query: &str) -> Vec<String> {
    if matches!(query, "" | "/" | "//" | ".") {
        return Vec::new();
    }
    let whole = match query.contains('/') {
        true => query.to_owned(),
        false => format!("./{query}"),
    };
    let mut slash = whole.rfind('/').unwrap_or_default();
    if slash > 0 && whole.as_bytes()[slash - 1] == b'/' {
        slash -= 1;
    }
    let base = if slash == 0 { "/" } else { &whole[..slash] };
    let mut parts = vec![base.to_owned()];
    let mut from = slash;
    if let Some(axis) = whole[from..].find("::") {
        from += axis;
        parts.push(format!("{}::*", &whole[..from]));
    }
    if let Some(end) = whole[from..].find('[').or_else(|| whole[from..].find('@')) {
        parts.push(whole[..from + end].to_owned());
    }
    // A query that does not become shorter ends the search.
    parts.retain(|part| part.len() < whole.len() + 3 && part != query);
    if parts.first().is_some_and(|first| first.len() >= query.len()) {
        return Vec::new();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_become_shorter() {
        for (query, parts) in [
            ("/a/b", &["/a"][..]),
            ("/a/child::b", &["/a", "/a/child::*"]),
            ("/a/b[c]", &["/a", "/a/b"]),
            ("/a/b@c", &["/a", "/a/b"]),
            ("//a", &["/"]),
            ("a//b", &["a"]),
            ("abc", &["."]),
            ("/", &[]),
        ] {
            assert_eq!(split_last(query), parts, "{query}");
        }
    }
}
