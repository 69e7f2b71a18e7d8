//! JSON text and a GJSON path in, the value out that the path leads to, with its place in the text.
//!
//! The `gjson` crate is a port of an older GJSON: it lacks modifiers (`@keys`, `@dig`, `@group`...), static values and the
//! `~` of queries, and says no place for what `#` collects, which the parsers need to tell equal values apart.

mod modifiers;
mod path;
mod plain;
mod query;
mod scan;
mod valid;
mod walk;

use std::borrow::Cow;

pub(crate) use plain::Path;
pub(crate) use scan::Kind;
pub(crate) use valid::valid;

/// What a path leads to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found<'a> {
    pub(crate) kind: Kind,
    /// The value as it stands in the text; nothing where there is none.
    pub(crate) raw: Cow<'a, str>,
    /// Where `raw` begins in the text; 0 where it is not a part of it.
    pub(crate) index: usize,
    /// Where the elements of a collected array stood.
    pub(crate) indexes: Option<Vec<usize>>,
}

impl Default for Found<'_> {
    fn default() -> Self {
        Found {
            kind: Kind::Null,
            raw: Cow::Borrowed(""),
            index: 0,
            indexes: None,
        }
    }
}

impl<'a> Found<'a> {
    fn new(kind: Kind, raw: impl Into<Cow<'a, str>>) -> Found<'a> {
        Found {
            kind,
            raw: raw.into(),
            ..Found::default()
        }
    }

    /// The value that a text consists of.
    pub(crate) fn parse(json: &'a str) -> Found<'a> {
        let bytes = json.as_bytes();
        let Some(at) = bytes.iter().position(|b| *b > b' ') else {
            return Found::default();
        };
        let Some((kind, end)) = scan::value_at(bytes, at) else {
            return Found::default();
        };
        // An object or array is taken with all that follows it.
        let end = if kind == Kind::Json { json.len() } else { end };
        Found {
            index: at,
            ..Found::new(kind, &json[at..end])
        }
    }

    pub(crate) fn exists(&self) -> bool {
        self.kind != Kind::Null || !self.raw.is_empty()
    }
    pub(crate) fn is_object(&self) -> bool {
        self.kind == Kind::Json && self.raw.starts_with('{')
    }
    pub(crate) fn is_array(&self) -> bool {
        self.kind == Kind::Json && self.raw.starts_with('[')
    }

    /// The text of a string.
    fn text(&self) -> Cow<'_, str> {
        let inner = self.raw.strip_prefix('"').unwrap_or(&self.raw);
        let inner = inner.strip_suffix('"').unwrap_or(inner);
        if inner.contains('\\') {
            scan::unescape(inner).into()
        } else {
            inner.into()
        }
    }

    /// The number, infinite where it is too large; 0 for other values.
    pub(crate) fn number(&self) -> f64 {
        if self.kind == Kind::Number {
            parse_number(&self.raw)
        } else {
            0.0
        }
    }

    /// The value as a text: strings without their quotes, objects and arrays as they stand, nothing for null.
    pub(crate) fn string(&self) -> Cow<'_, str> {
        match self.kind {
            Kind::Null => "".into(),
            Kind::False => "false".into(),
            Kind::True => "true".into(),
            Kind::String => self.text(),
            Kind::Json => self.raw.as_ref().into(),
            Kind::Number => {
                let digits = self.raw.strip_prefix('-').unwrap_or(&self.raw);
                if digits.bytes().all(|b| b.is_ascii_digit()) {
                    return self.raw.as_ref().into();
                }
                match self.number() {
                    f64::INFINITY => "+Inf".into(),
                    f64::NEG_INFINITY => "-Inf".into(),
                    number => number.to_string().into(),
                }
            }
        }
    }

    /// The members of an object or the elements of an array, until `each` says false. Members have their keys.
    pub(crate) fn for_each(&self, mut each: impl FnMut(Option<&Found<'_>>, Found<'_>) -> bool) {
        let bytes = self.raw.as_bytes();
        let Some(open) = bytes.iter().position(|b| matches!(b, b'{' | b'[')) else {
            return;
        };
        if self.kind != Kind::Json {
            return;
        }
        let (mut at, mut count) = (open + 1, 0);
        while at < bytes.len() {
            let mut key = None;
            if bytes[open] == b'{' {
                let Some(end) = self.next_key(at) else { return };
                key = Some(Found::new(Kind::String, &self.raw[end.0..end.1]));
                at = end.1;
            }
            let Some((kind, start, end)) = walk::next_value(bytes, at) else {
                return;
            };
            let mut value = Found::new(kind, &self.raw[start..end]);
            value.index = match &self.indexes {
                None => start + self.index,
                Some(indexes) => indexes.get(count).copied().unwrap_or(0),
            };
            if !each(key.as_ref(), value) {
                return;
            }
            (at, count) = (end, count + 1);
        }
    }

    /// Where the next key stands, with its quotes.
    fn next_key(&self, at: usize) -> Option<(usize, usize)> {
        let bytes = self.raw.as_bytes();
        let start = at + bytes[at..].iter().position(|b| matches!(b, b'"' | b'}'))?;
        let end = scan::string_end(bytes, start + 1)?;
        (bytes[start] == b'"').then_some((start, end))
    }

    /// What a path leads to from here; its place counts from the beginning of this value.
    pub(crate) fn inside(&self, path: &'a str) -> Found<'a> {
        match &self.raw {
            Cow::Borrowed(raw) => get(raw, path),
            Cow::Owned(raw) => get(raw, path).into_owned(),
        }
    }

    /// What a path leads to from here; its place counts from where this value's does.
    fn get(&self, path: &'a str) -> Found<'a> {
        let mut found = self.inside(path);
        match &mut found.indexes {
            Some(indexes) => indexes.iter_mut().for_each(|index| *index += self.index),
            None => found.index += self.index,
        }
        found
    }

    fn into_owned<'b>(self) -> Found<'b> {
        Found {
            kind: self.kind,
            raw: Cow::Owned(self.raw.into_owned()),
            index: self.index,
            indexes: self.indexes,
        }
    }
}

/// The number that a text begins as JSON writes it.
fn parse_number(text: &str) -> f64 {
    text.parse().unwrap_or(0.0)
}

/// What `path` leads to in `json`, which must be valid; in a text that is not, something or nothing is found.
pub(crate) fn get<'a>(json: &'a str, path: &'a str) -> Found<'a> {
    match path.as_bytes() {
        [b'@', _, ..] => {
            if let Some((made, rest)) = modifiers::run(json, path) {
                return go_on(made, rest);
            }
        }
        [b'!', _, ..] => {
            if let Some((made, rest)) = static_value(path) {
                return go_on(Cow::Borrowed(made), rest);
            }
        }
        [b'[' | b'{', _, ..] => {
            if let Some((selectors, rest)) = path::selectors(path)
                && (rest.is_empty() || rest.starts_with(['|', '.']))
            {
                let mut found = select(json, &selectors, path.starts_with('{'));
                if !rest.is_empty() {
                    found = found.get(&rest[1..]);
                }
                found.index = 0;
                return found;
            }
        }
        _ => {}
    }
    walk::walk(json, path)
}

/// Goes on with the rest of the path in a text that a modifier made.
fn go_on<'a>(made: Cow<'a, str>, rest: &'a str) -> Found<'a> {
    fn step<'t>(text: &'t str, rest: &'t str) -> Found<'t> {
        match rest.strip_prefix(['|', '.']) {
            Some(rest) => Found {
                index: 0,
                indexes: None,
                ..get(text, rest)
            },
            None => Found::parse(text),
        }
    }
    match made {
        Cow::Borrowed(text) => step(text, rest),
        Cow::Owned(text) => step(&text, rest).into_owned(),
    }
}

/// The value that stands in the path itself, as in `!"text"`, and what stands behind it.
fn static_value(path: &str) -> Option<(&str, &str)> {
    let name = &path[1..];
    if name.starts_with(|c: char| "{[\"+-".contains(c) || c.is_ascii_digit()) {
        return Some(name.split_at(scan::squash_end(name.as_bytes(), 0)));
    }
    let (name, rest) = name.split_at(name.find(['|', '.']).unwrap_or(name.len()));
    let known = ["true", "false", "null", "nan", "inf"];
    known
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
        .then_some((name, rest))
}

/// The array or object that a selection makes of several paths.
fn select<'a>(json: &str, selectors: &[path::Selector<'_>], object: bool) -> Found<'a> {
    let mut out = String::from(if object { "{" } else { "[" });
    for selector in selectors {
        let value = get(json, selector.path);
        if !value.exists() {
            continue;
        }
        if out.len() > 1 {
            out.push(',');
        }
        if object {
            match selector.name {
                "" => scan::push_json_string(&mut out, selector.default_name()),
                name if name.starts_with('"') && valid(name) => out.push_str(name),
                name => scan::push_json_string(&mut out, name),
            }
            out.push(':');
        }
        out.push_str(if value.raw.is_empty() { "null" } else { &value.raw });
    }
    out.push(if object { '}' } else { ']' });
    Found::new(Kind::Json, out)
}

#[cfg(test)]
mod tests;
