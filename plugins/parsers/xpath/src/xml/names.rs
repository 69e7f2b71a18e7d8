//! Namespaces: a name with its prefix in, its URI and the prefix that XPath compares out.

use std::borrow::Cow;

const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// A name as the document keeps it.
pub(super) struct Name<'n> {
    pub(super) local: &'n str,
    pub(super) prefix: Cow<'n, str>,
    pub(super) uri: Cow<'n, str>,
}

/// What prefixes mean at a place, and which prefix stands for a URI.
pub(super) struct Names<'a> {
    /// Prefix and URI, with the depth of the element that declared them.
    declared: Vec<(usize, &'a str, String)>,
    /// The prefix of each URI that was met, and at which level; never forgotten.
    prefixes: Vec<(String, &'a str, u32)>,
}

impl Default for Names<'_> {
    fn default() -> Self {
        Names {
            declared: Vec::new(),
            prefixes: vec![(XML.to_owned(), "xml", 0)],
        }
    }
}

/// Splits at the colon where something stands on both sides.
fn split(name: &str) -> (&str, &str) {
    match name.split_once(':') {
        Some((prefix, local)) if !prefix.is_empty() && !local.is_empty() => (prefix, local),
        _ => ("", name),
    }
}

impl<'a> Names<'a> {
    /// Notes what the attributes of an element declare.
    pub(super) fn enter(&mut self, depth: usize, level: u32, attributes: &[(&'a str, String)]) {
        for (name, uri) in attributes {
            let (prefix, is_default) = match split(name) {
                ("xmlns", prefix) => (prefix, false),
                ("", "xmlns") => ("", true),
                // An attribute `p:xmlns` counts as a default namespace for the prefixes only.
                (_, "xmlns") => {
                    self.note(uri, "", level, true);
                    continue;
                }
                _ => continue,
            };
            self.declared.push((depth, prefix, uri.clone()));
            self.note(uri, prefix, level, is_default);
        }
    }

    fn note(&mut self, uri: &str, prefix: &'a str, level: u32, is_default: bool) {
        match self.prefixes.iter_mut().find(|(known, ..)| known == uri) {
            // A prefix from farther out is kept.
            Some((_, _, known_level)) if is_default && *known_level < level => {}
            Some(known) => (known.1, known.2) = (prefix, level),
            None => self.prefixes.push((uri.to_owned(), prefix, level)),
        }
    }

    /// Forgets what the element at this depth declared.
    pub(super) fn leave(&mut self, depth: usize) {
        while self.declared.last().is_some_and(|(at, ..)| *at >= depth) {
            self.declared.pop();
        }
    }

    fn uri(&self, prefix: &str) -> Option<&str> {
        let of = |(_, declared, uri): &&(usize, &str, String)| *declared == prefix && !uri.is_empty();
        self.declared.iter().rev().find(of).map(|(.., uri)| uri.as_str())
    }

    fn prefix(&self, uri: &str) -> Option<&'a str> {
        let known = self.prefixes.iter().find(|(known, ..)| known == uri);
        known.map(|(_, prefix, _)| *prefix)
    }

    /// An element's name. Its prefix counts where it is the one that stands for the URI.
    pub(super) fn element<'n>(&self, name: &'n str) -> Result<Name<'n>, String> {
        let (prefix, local) = split(name);
        let uri = match prefix {
            "xml" => XML,
            _ => self.uri(prefix).unwrap_or(prefix),
        };
        let known = self.prefix(uri);
        if !uri.is_empty() && known.is_none() {
            return Err(format!("namespace {uri} is missing"));
        }
        let same = !prefix.is_empty() && known == Some(prefix);
        Ok(Name {
            local,
            prefix: Cow::Borrowed(if same { prefix } else { "" }),
            uri: Cow::Owned(uri.to_owned()),
        })
    }

    /// An attribute's name. A prefix that nothing declares stands for itself.
    pub(super) fn attribute<'n>(&self, name: &'n str) -> Name<'n> {
        let (prefix, local) = split(name);
        let uri = match prefix {
            "" | "xmlns" => prefix,
            "xml" => XML,
            _ => self.uri(prefix).unwrap_or(prefix),
        };
        Name {
            local,
            prefix: match self.prefix(uri) {
                Some(prefix) => Cow::Owned(prefix.to_owned()),
                None => Cow::Owned(uri.to_owned()),
            },
            uri: Cow::Owned(uri.to_owned()),
        }
    }
}
