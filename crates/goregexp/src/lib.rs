//! Patterns as Telegraf's users write them, Go's regular expressions, on top of the crate `regex`.
//!
//! Both stem from RE2 and match alike; what differs is the syntax, which is translated from one into the other, and the
//! replacement, which a [`Template`] expands.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod class;
mod template;
mod translate;

use std::borrow::Cow;

pub use template::Template;

/// Why a pattern is none, in Go's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    what: &'static str,
    /// The part of the pattern that is wrong.
    part: String,
}

impl SyntaxError {
    fn new(what: &'static str, part: &str) -> SyntaxError {
        SyntaxError {
            what,
            part: part.to_owned(),
        }
    }
}
impl std::fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "error parsing regexp: {}: `{}`", self.what, self.part)
    }
}
impl std::error::Error for SyntaxError {}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Regexp {
    regex: regex::Regex,
    /// The groups' names; empty where a group has none, and for the whole match, which is the first.
    names: Vec<String>,
}

impl Regexp {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// It is none in Go's syntax.
    pub fn new(pattern: &str) -> Result<Regexp, SyntaxError> {
        let (translated, names) = translate::translate(pattern)?;
        let regex = regex::Regex::new(&translated).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => SyntaxError::new("expression too large", pattern),
            _ => SyntaxError::new("invalid or unsupported syntax", pattern),
        })?;
        Ok(Regexp { regex, names })
    }

    /// Whether the pattern matches somewhere in the text.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Where the pattern matches, from left to right and without overlaps.
    pub fn matches(&self, text: &str) -> impl Iterator<Item = std::ops::Range<usize>> {
        self.regex.find_iter(text).map(|found| found.range())
    }

    /// The groups of the first match; those that took no part are `None`. The first of them is the whole match.
    pub fn groups<'t>(&self, text: &'t str) -> Option<impl Iterator<Item = Option<&'t str>> + use<'t>> {
        let captures = self.regex.captures(text)?;
        let groups: Vec<_> = captures.iter().map(|group| group.map(|m| m.as_str())).collect();
        Some(groups.into_iter())
    }

    /// The names of the groups, the whole match left out.
    pub fn group_names(&self) -> &[String] {
        self.names.get(1..).unwrap_or_default()
    }

    /// Replaces every match; borrows where there is none.
    pub fn replace_all<'t>(&self, text: &'t str, template: &Template) -> Cow<'t, str> {
        match template.literal() {
            Some(literal) => self.regex.replace_all(text, regex::NoExpand(literal)),
            None => self
                .regex
                .replace_all(text, |groups: &regex::Captures<'_>| template.expand(groups)),
        }
    }

    /// Makes a replacement ready for this pattern.
    pub fn template(&self, text: &str) -> Template {
        Template::new(text, &self.names)
    }
}

/// A pattern that matches the text and nothing else.
pub fn quote_meta(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

#[cfg(test)]
mod tests;
