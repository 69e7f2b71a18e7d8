//! Steps through objects and arrays, as a path tells: the part of a path that is neither modifier nor selection.

use std::borrow::Cow;

use super::path::{ArrayStep, Elements, ObjectStep, Query, split_pipe};
use super::query;
use super::scan::{self, Kind};
use super::{Found, get};

/// The next value from `at` on: its kind, its beginning and its end.
pub(super) fn next_value(bytes: &[u8], mut at: usize) -> Option<(Kind, usize, usize)> {
    while at < bytes.len() {
        if let Some((kind, end)) = scan::value_at(bytes, at) {
            return Some((kind, at, end));
        }
        at += 1;
    }
    None
}

/// A member of an object: its key's text, without the quotes, and where its value is to be looked for.
pub(super) struct Member {
    pub(super) key: (usize, usize),
    pub(super) value: usize,
}

/// The next member from `at` on; an error is the object's end.
pub(super) fn next_member(bytes: &[u8], at: usize) -> Result<Member, usize> {
    let rest = bytes.get(at..).unwrap_or_default();
    let Some(skip) = rest.iter().position(|b| matches!(b, b'"' | b'}')) else {
        return Err(bytes.len());
    };
    let start = at + skip + 1;
    if bytes[start - 1] == b'}' {
        return Err(start);
    }
    let end = scan::string_end(bytes, start).ok_or(bytes.len())?;
    let between = |b: &&u8| **b <= b' ' || matches!(**b, b':' | b',');
    Ok(Member {
        key: (start, end - 1),
        value: end + bytes[end..].iter().take_while(between).count(),
    })
}

/// What a path leads to in a text.
pub(super) fn walk<'a>(json: &'a str, path: &'a str) -> Found<'a> {
    let mut walk = Walk {
        json,
        value: Found::default(),
        pipe: None,
    };
    if let Some(path) = path.strip_prefix("..") {
        // JSON lines: the values of the text are the elements of one array.
        walk.array(0, path);
    } else if let Some(at) = json.find(['{', '[']) {
        walk.inside(at, path);
    }
    if let Some(pipe) = walk.pipe {
        return Found {
            index: 0,
            ..walk.value.get(pipe)
        };
    }
    let mut value = walk.value;
    value.index = place(json, &value);
    value
}

/// Where a part of a text stands in it; 0 where it is none.
fn place(json: &str, found: &Found<'_>) -> usize {
    match &found.raw {
        Cow::Borrowed(raw) if !raw.is_empty() => {
            let at = (raw.as_ptr() as usize).wrapping_sub(json.as_ptr() as usize);
            if at < json.len() { at } else { 0 }
        }
        _ => 0,
    }
}

struct Walk<'a> {
    json: &'a str,
    value: Found<'a>,
    /// The path with which to go on from the value.
    pipe: Option<&'a str>,
}

/// Where a step ended, and whether it found what the path asks for.
type Step = (usize, bool);

impl<'a> Walk<'a> {
    fn hit(&mut self, (kind, start, end): (Kind, usize, usize)) -> Step {
        self.value = Found::new(kind, &self.json[start..end]);
        (end, true)
    }

    /// Goes into the object or array that opens at `at`.
    fn inside(&mut self, at: usize, path: &'a str) -> Step {
        if self.json.as_bytes()[at] == b'{' {
            self.object(at + 1, path)
        } else {
            self.array(at + 1, path)
        }
    }

    fn object(&mut self, mut at: usize, path: &'a str) -> Step {
        let bytes = self.json.as_bytes();
        let step = ObjectStep::new(path);
        if step.rest.pipe.is_some() {
            self.pipe = step.rest.pipe;
        }
        loop {
            let member = match next_member(bytes, at) {
                Ok(member) => member,
                Err(end) => return (end, false),
            };
            let key = &self.json[member.key.0..member.key.1];
            let key = if key.contains('\\') {
                Cow::Owned(scan::unescape(key))
            } else {
                Cow::Borrowed(key)
            };
            let fits = if step.wild {
                query::wildcard(&key, &step.key)
            } else {
                key == step.key
            };
            at = member.value;
            if let (true, Some(path), Some(b'{' | b'[')) = (fits, step.rest.path, bytes.get(at)) {
                let (end, found) = self.inside(at, path);
                if found {
                    return (end, true);
                }
                at = end;
                continue;
            }
            let Some(value) = next_value(bytes, at) else {
                return (bytes.len(), false);
            };
            if fits && step.rest.path.is_none() {
                return self.hit(value);
            }
            at = value.2;
        }
    }

    fn array(&mut self, mut at: usize, path: &'a str) -> Step {
        let bytes = self.json.as_bytes();
        let step = ArrayStep::new(path);
        if step.rest.pipe.is_some() {
            self.pipe = step.rest.pipe;
        }
        let mut elements = Vec::new();
        let mut collected = Collected::default();
        let mut count = 0;
        loop {
            let start = bytes[at.min(bytes.len())..]
                .iter()
                .position(|b| *b == b']' || starts_value(*b))
                .map(|skip| at + skip);
            let Some(start) = start.filter(|start| bytes[*start] != b']') else {
                at = start.unwrap_or(bytes.len());
                break;
            };
            let wanted = matches!(step.elements, Elements::At(Some(place)) if place == count);
            if let (true, Some(path), b'{' | b'[') = (wanted, step.rest.path, bytes[start]) {
                let (end, found) = self.inside(start, path);
                if found {
                    return (end, true);
                }
                at = end;
                count += 1;
                continue;
            }
            let Some((kind, end)) = scan::value_at(bytes, start) else {
                at = start + 1;
                continue;
            };
            count += 1;
            at = end;
            let value = (kind, start, end);
            match &step.elements {
                Elements::At(_) if wanted && step.rest.path.is_none() => return self.hit(value),
                Elements::Each(_) => elements.push(value),
                Elements::Query(query) if self.query(query, step.rest.path, value, &mut collected) => {
                    return (end, true);
                }
                _ => {}
            }
        }
        match step.elements {
            Elements::Each(path) => {
                self.value = self.each(path, &elements);
                (at + 1, true)
            }
            Elements::Count => {
                self.value = Found::new(Kind::Number, count.to_string());
                (at + 1, true)
            }
            Elements::Query(query) if query.all && !self.value.exists() => {
                self.value = collected.finish();
                (at + 1, false)
            }
            _ => (at + 1, false),
        }
    }

    /// The values of a path in every element.
    fn each(&mut self, path: &'a str, elements: &[(Kind, usize, usize)]) -> Found<'a> {
        let (path, pipe) = split_pipe(path).map_or((path, None), |(path, pipe)| (path, Some(pipe)));
        if pipe.is_some() {
            self.pipe = pipe;
        }
        let mut collected = Collected::default();
        for &(kind, start, end) in elements {
            let offset = if kind == Kind::Json { start } else { 0 };
            let found = get(&self.json[start..end], path);
            if found.exists() {
                // What a path collected has no one place.
                let place = if found.indexes.is_some() {
                    found.index
                } else {
                    found.index + offset
                };
                collected.push(&found, place);
            }
        }
        collected.indexes.get_or_insert_default();
        collected.finish()
    }

    /// Looks at one element; true where it is the one.
    fn query(
        &mut self,
        query: &Query<'_>,
        rest: Option<&'a str>,
        (kind, start, end): (Kind, usize, usize),
        collected: &mut Collected,
    ) -> bool {
        let element = Found::new(kind, &self.json[start..end]);
        let fits = if kind == Kind::Json {
            let found = get(&self.json[start..end], query.path);
            query::matches(query, &found)
        } else {
            query.path.is_empty() && query::matches(query, &element)
        };
        if !fits {
            return false;
        }
        let found = match rest {
            None => element,
            Some(rest) => {
                let (path, pipe) = split_pipe(rest).map_or((rest, None), |(path, pipe)| (path, Some(pipe)));
                if pipe.is_some() {
                    self.pipe = pipe;
                }
                element.get(path)
            }
        };
        if query.all {
            if !found.raw.is_empty() {
                collected.push(&found, found.index + start);
            }
            return false;
        }
        self.value = found;
        true
    }
}

fn starts_value(byte: u8) -> bool {
    matches!(
        byte,
        b'"' | b'{' | b'[' | b't' | b'f' | b'n' | b'i' | b'I' | b'N' | b'+' | b'-' | b'0'..=b'9'
    )
}

/// An array in the making, with the places of its elements.
#[derive(Default)]
struct Collected {
    json: String,
    indexes: Option<Vec<usize>>,
}

impl Collected {
    fn push(&mut self, found: &Found<'_>, index: usize) {
        self.json.push(if self.json.is_empty() { '[' } else { ',' });
        self.json
            .push_str(if found.raw.is_empty() { "null" } else { &found.raw });
        self.indexes.get_or_insert_default().push(index);
    }

    fn finish<'a>(mut self) -> Found<'a> {
        if self.json.is_empty() {
            self.json.push('[');
        }
        self.json.push(']');
        Found {
            indexes: self.indexes,
            ..Found::new(Kind::Json, self.json)
        }
    }
}
