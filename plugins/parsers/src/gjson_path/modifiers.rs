//! JSON text and a modifier such as `@reverse` in, the text that it makes out.

use std::borrow::Cow;
use std::collections::HashMap;

use super::path::trim;
use super::scan::{self, push_json_string};
use super::{Found, query, valid};

/// Whether there is a modifier of this name.
pub(super) fn exists(name: &str) -> bool {
    matches!(
        name,
        "this"
            | "valid"
            | "pretty"
            | "ugly"
            | "reverse"
            | "flatten"
            | "join"
            | "keys"
            | "values"
            | "tostr"
            | "fromstr"
            | "group"
            | "dig"
    )
}

/// Runs the modifier that a path begins with; gives the text it makes and the rest of the path.
pub(super) fn run<'a>(json: &'a str, path: &'a str) -> Option<(Cow<'a, str>, &'a str)> {
    let path = &path[1..];
    let end = path.find([':', '|', '.']).unwrap_or(path.len());
    let (name, mut rest) = path.split_at(end);
    if !exists(name) {
        return None;
    }
    let mut argument = "";
    if let Some(tail) = rest.strip_prefix(':') {
        (argument, rest) = tail.split_at(argument_end(tail));
    }
    let made = match name {
        "this" => return Some((Cow::Borrowed(json), rest)),
        "valid" => return Some((Cow::Borrowed(if valid(json) { json } else { "" }), rest)),
        "pretty" => pretty(json, argument),
        "ugly" => ugly(json),
        "reverse" => return Some((reverse(json), rest)),
        "flatten" => return Some((flatten(json, flag(argument, "deep")), rest)),
        "join" => return Some((join(json, flag(argument, "preserve")), rest)),
        "keys" => keys(json),
        "values" => return Some((values(json), rest)),
        "tostr" => {
            let mut out = String::with_capacity(json.len() + 16);
            push_json_string(&mut out, json);
            out
        }
        "fromstr" if valid(json) => Found::parse(json).string().into_owned(),
        "fromstr" => String::new(),
        "group" => group(json),
        _ => dig(json, argument),
    };
    Some((Cow::Owned(made), rest))
}

/// Where a modifier's argument ends: behind a JSON value, else at the next bar.
fn argument_end(tail: &str) -> usize {
    let bytes = tail.as_bytes();
    let quoted = |at: usize| match bytes[at] {
        b'"' => scan::string_end(bytes, at + 1).unwrap_or(bytes.len()),
        _ => scan::squash_end(bytes, at),
    };
    if matches!(bytes.first(), Some(b'{' | b'[' | b'"')) {
        return quoted(0);
    }
    let mut at = 0;
    while at < bytes.len() && bytes[at] != b'|' {
        at = match bytes[at] {
            b'{' | b'[' | b'"' | b'(' => quoted(at),
            _ => at + 1,
        };
    }
    at
}

/// A truth value among a modifier's arguments.
fn flag(argument: &str, name: &str) -> bool {
    let mut set = false;
    Found::parse(argument).for_each(|key, value| {
        if key.is_some_and(|key| key.string() == name) {
            set = query::truth(&value) == Some(true);
        }
        true
    });
    set
}

fn pretty(json: &str, argument: &str) -> String {
    let path = match argument {
        "" => "@pretty".to_owned(),
        argument => format!("@pretty:{argument}"),
    };
    let mut made = gjson::get(json, &path).json().to_owned();
    if !made.ends_with('\n') {
        made.push('\n');
    }
    made
}

/// Takes all blanks out that stand between values.
fn ugly(json: &str) -> String {
    let bytes = json.as_bytes();
    let mut out = String::with_capacity(json.len());
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        at = match bytes[at] {
            b'"' => scan::string_end(bytes, at + 1).unwrap_or(bytes.len()),
            _ => at + json[at..].chars().next().map_or(1, char::len_utf8),
        };
        if bytes[start] > b' ' {
            out.push_str(&json[start..at]);
        }
    }
    out
}

/// Writes parts with commas between them.
struct List(String);

impl List {
    fn new(open: char) -> List {
        List(String::from(open))
    }
    fn push(&mut self, parts: &[&str]) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        parts.iter().for_each(|part| self.0.push_str(part));
    }
    fn close(mut self, close: char) -> String {
        self.0.push(close);
        self.0
    }
}

fn reverse(json: &str) -> Cow<'_, str> {
    let value = Found::parse(json);
    let mut parts = Vec::new();
    value.for_each(|key, value| {
        parts.push(match key {
            Some(key) => format!("{}:{}", key.raw, value.raw),
            None => value.raw.into_owned(),
        });
        true
    });
    let (open, close) = match () {
        () if value.is_array() => ('[', ']'),
        () if value.is_object() => ('{', '}'),
        () => return Cow::Borrowed(json),
    };
    let mut list = List::new(open);
    parts.iter().rev().for_each(|part| list.push(&[part]));
    Cow::Owned(list.close(close))
}

/// The text between the brackets.
fn unwrap(json: &str) -> &str {
    let json = trim(json);
    if json.len() >= 2 && json.starts_with(['[', '{']) {
        return json.get(1..json.len() - 1).unwrap_or_default();
    }
    json
}

fn flatten(json: &str, deep: bool) -> Cow<'_, str> {
    let value = Found::parse(json);
    if !value.is_array() {
        return Cow::Borrowed(json);
    }
    let mut list = List::new('[');
    value.for_each(|_, value| {
        let flat = if value.is_array() && deep {
            flatten(&value.raw, true)
        } else {
            Cow::Borrowed(&*value.raw)
        };
        let part = if value.is_array() { unwrap(&flat) } else { &flat }.trim();
        if !part.is_empty() {
            list.push(&[part]);
        }
        true
    });
    Cow::Owned(list.close(']'))
}

fn join(json: &str, preserve: bool) -> Cow<'_, str> {
    let value = Found::parse(json);
    if !value.is_array() {
        return Cow::Borrowed(json);
    }
    let mut list = List::new('{');
    let mut places = HashMap::new();
    let mut members: Vec<(String, String)> = Vec::new();
    value.for_each(|_, value| {
        if !value.is_object() {
            return true;
        }
        if preserve {
            list.push(&[unwrap(&value.raw)]);
            return true;
        }
        value.for_each(|key, value| {
            let Some(key) = key else { return true };
            let place = *places.entry(key.string().into_owned()).or_insert(members.len());
            match members.get_mut(place) {
                Some(member) => member.1 = value.raw.into_owned(),
                None => members.push((key.raw.to_string(), value.raw.into_owned())),
            }
            true
        });
        true
    });
    for (key, value) in &members {
        list.push(&[key, ":", value]);
    }
    Cow::Owned(list.close('}'))
}

fn keys(json: &str) -> String {
    let mut list = List::new('[');
    let value = Found::parse(json);
    if value.exists() && !value.is_object() && !value.is_array() {
        list.push(&["null"]);
    }
    value.for_each(|key, _| {
        list.push(&[key.map_or("null", |key| &key.raw)]);
        true
    });
    list.close(']')
}

fn values(json: &str) -> Cow<'_, str> {
    let value = Found::parse(json);
    if value.is_array() {
        return Cow::Borrowed(json);
    }
    let mut list = List::new('[');
    value.for_each(|_, value| {
        list.push(&[&value.raw]);
        true
    });
    if !value.raw.is_empty() && !value.is_object() {
        list.push(&[&value.raw]);
    }
    Cow::Owned(list.close(']'))
}

/// `{"a":[1,2],"b":[3,4]}` becomes `[{"a":1,"b":3},{"a":2,"b":4}]`.
fn group(json: &str) -> String {
    let value = Found::parse(json);
    if !value.is_object() {
        return String::new();
    }
    let mut groups: Vec<List> = Vec::new();
    value.for_each(|key, value| {
        if let Some(key) = key
            && value.is_array()
        {
            let mut place = 0;
            value.for_each(|_, value| {
                if place == groups.len() {
                    groups.push(List::new('{'));
                }
                groups[place].push(&[&key.raw, ":", &value.raw]);
                place += 1;
                true
            });
        }
        true
    });
    let mut list = List::new('[');
    for group in groups {
        list.push(&[&group.close('}')]);
    }
    list.close(']')
}

/// What a path leads to from the value and from everything in it.
fn dig(json: &str, path: &str) -> String {
    fn search(value: &Found<'_>, path: &str, list: &mut List) {
        let found = super::get(&value.raw, path);
        if found.exists() {
            list.push(&[&found.raw]);
        }
        value.for_each(|_, value| {
            search(&value, path, list);
            true
        });
    }
    let mut list = List::new('[');
    search(&Found::parse(json), path, &mut list);
    list.close(']')
}
