//! The text of a path in, its first step and the rest out.

use std::borrow::Cow;

use super::modifiers;
use super::scan::{squash_end, string_end, unescape};

/// What stands behind a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rest<'a> {
    /// After a dot: goes on in the value's members.
    pub(super) path: Option<&'a str>,
    /// After a bar: goes on with the whole result.
    pub(super) pipe: Option<&'a str>,
}

impl<'a> Rest<'a> {
    fn after_dot(path: &'a str) -> Rest<'a> {
        if starts_as_pipe(path) {
            Rest::after_bar(path)
        } else {
            Rest {
                path: Some(path),
                pipe: None,
            }
        }
    }
    fn after_bar(path: &'a str) -> Rest<'a> {
        Rest {
            path: None,
            pipe: Some(path),
        }
    }
}

/// Whether a dot before it means a bar: modifiers and selections take the whole result.
fn starts_as_pipe(path: &str) -> bool {
    match path.as_bytes().first() {
        Some(b'@') => modifiers::exists(path[1..].split(['.', '|', ':']).next().unwrap_or_default()),
        Some(b'[' | b'{') => true,
        _ => false,
    }
}

/// A step into an object.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ObjectStep<'a> {
    pub(super) key: Cow<'a, str>,
    /// `key` is a pattern with `*` or `?`.
    pub(super) wild: bool,
    pub(super) rest: Rest<'a>,
}

impl<'a> ObjectStep<'a> {
    pub(super) fn new(path: &'a str) -> ObjectStep<'a> {
        let Some(at) = path.find(['|', '.', '\\']) else {
            return ObjectStep {
                key: path.into(),
                wild: path.contains(['*', '?']),
                rest: Rest::default(),
            };
        };
        let (plain, tail) = path.split_at(at);
        let mut wild = plain.contains(['*', '?']);
        if !tail.starts_with('\\') {
            return ObjectStep {
                key: plain.into(),
                wild,
                rest: rest_at(tail),
            };
        }
        // An escaped character loses its meaning, unless the key is a pattern anyway.
        let mut key = plain.to_owned();
        let mut chars = tail.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => key.extend(chars.next().map(|(_, c)| c)),
                '.' | '|' => {
                    return ObjectStep {
                        key: key.into(),
                        wild,
                        rest: rest_at(&tail[at..]),
                    };
                }
                c => {
                    wild |= matches!(c, '*' | '?');
                    key.push(c);
                }
            }
        }
        ObjectStep {
            key: key.into(),
            wild,
            rest: Rest::default(),
        }
    }
}

/// The rest that begins with its separator.
fn rest_at(tail: &str) -> Rest<'_> {
    match tail.strip_prefix('.') {
        Some(path) => Rest::after_dot(path),
        None => Rest::after_bar(&tail[1..]),
    }
}

/// A condition in `#(...)`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query<'a> {
    /// `#(...)#`: every element that fits, not only the first.
    pub(super) all: bool,
    pub(super) path: &'a str,
    /// Nothing where only the path's existence is asked for.
    pub(super) op: &'a str,
    pub(super) value: Cow<'a, str>,
}

/// What of an array is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Elements<'a> {
    /// The one at this place.
    At(Option<usize>),
    /// `#`: how many there are.
    Count,
    /// `#.path`: the path's values in all elements.
    Each(&'a str),
    /// `#(...)`: those that fit.
    Query(Query<'a>),
    /// A `#` that stands wrong: none.
    None,
}

/// A step into an array.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ArrayStep<'a> {
    pub(super) elements: Elements<'a>,
    pub(super) rest: Rest<'a>,
}

impl<'a> ArrayStep<'a> {
    pub(super) fn new(path: &'a str) -> ArrayStep<'a> {
        if let Some(each) = path.strip_prefix("#.") {
            return ArrayStep {
                elements: Elements::Each(each),
                rest: Rest::default(),
            };
        }
        let mut start = 0;
        let mut query = None;
        if path.starts_with("#(") || path.starts_with("#[") {
            match parse_query(path) {
                Some((mut parsed, end)) => {
                    parsed.all = path.as_bytes().get(end) == Some(&b'#');
                    query = Some(parsed);
                    start = end;
                }
                None => {
                    let elements = Elements::Query(Query::default());
                    return ArrayStep {
                        elements,
                        rest: Rest::default(),
                    };
                }
            }
        }
        let end = path[start..].find(['|', '.']).map(|at| at + start);
        let part = &path[..end.unwrap_or(path.len())];
        let rest = match end {
            None => Rest::default(),
            // Behind a `#` a dot always goes on in the elements.
            Some(end) if part.contains('#') && path[end..].starts_with('.') => Rest {
                path: Some(&path[end + 1..]),
                pipe: None,
            },
            Some(end) => rest_at(&path[end..]),
        };
        let elements = match query {
            Some(query) => Elements::Query(query),
            None if part == "#" => Elements::Count,
            None if part.contains('#') => Elements::None,
            None if part.bytes().all(|b| b.is_ascii_digit()) => Elements::At(part.parse().ok()),
            None => Elements::At(None),
        };
        ArrayStep { elements, rest }
    }
}

/// The query at the beginning of a path, and where it ends.
fn parse_query(path: &str) -> Option<(Query<'_>, usize)> {
    let bytes = path.as_bytes();
    let (mut at, mut depth, mut operator, mut escaped) = (2, 1, None, false);
    loop {
        match *bytes.get(at)? {
            b'!' | b'=' | b'<' | b'>' | b'%' if depth == 1 && operator.is_none() => operator = Some(at),
            b'\\' => at += 1,
            b'[' | b'(' => depth += 1,
            b']' | b')' => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            b'"' => {
                let end = string_end(bytes, at + 1)?;
                escaped |= bytes[at..end].contains(&b'\\');
                at = end - 1;
            }
            _ => {}
        }
        at += 1;
    }
    let Some(operator) = operator else {
        let query = Query {
            path: trim(&path[2..at]),
            ..Query::default()
        };
        return Some((query, at + 1));
    };
    let tail = trim(&path[operator..at]);
    let (op, value) = match tail.as_bytes() {
        [b'=', b'=', ..] => ("=", &tail[2..]),
        [b'!', b'=' | b'%', ..] | [b'<' | b'>', b'=', ..] => tail.split_at(2),
        [b'!', _, ..] => tail.split_at(0),
        _ => tail.split_at(1),
    };
    let value = trim(value);
    let value = match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
        Some(inner) if escaped => unescape(inner).into(),
        Some(inner) => inner.into(),
        None => value.into(),
    };
    let query = Query {
        all: false,
        path: trim(&path[2..operator]),
        op,
        value,
    };
    Some((query, at + 1))
}

/// Takes blanks and control characters off both ends.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

/// Cuts a path at its first bar outside of queries and selections.
pub(super) fn split_pipe(path: &str) -> Option<(&str, &str)> {
    let bytes = path.as_bytes();
    if !bytes.contains(&b'|') {
        return None;
    }
    if bytes.first() == Some(&b'{') {
        let end = squash_end(bytes, 0);
        return Some((&path[..end], path[end..].strip_prefix('|')?));
    }
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'.' if bytes.get(at + 1) == Some(&b'#') => {
                at += 2;
                if matches!(bytes.get(at)?, b'[' | b'(') {
                    at = squash_end(bytes, at) - 1;
                }
            }
            b'|' => return Some((&path[..at], &path[at + 1..])),
            _ => {}
        }
        at += 1;
    }
    None
}

/// One part of a selection `{name:path,...}` or `[path,...]`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Selector<'a> {
    pub(super) name: &'a str,
    pub(super) path: &'a str,
}

impl<'a> Selector<'a> {
    /// The name that its value gets where the selection gives none.
    pub(super) fn default_name(&self) -> &'a str {
        let path = self.path;
        let separator = path
            .bytes()
            .enumerate()
            .rev()
            .find(|(at, b)| matches!(b, b'|' | b'.') && (*at == 0 || path.as_bytes()[at - 1] != b'\\'));
        let last = separator.map_or(path, |(at, _)| &path[at + 1..]);
        let odd = |c: char| c < ' ' || "[]{}()#|!".contains(c);
        if last.contains(odd) { "_" } else { last }
    }
}

/// The parts of the selection that a path begins with, and what stands behind it.
pub(super) fn selectors(path: &str) -> Option<(Vec<Selector<'_>>, &str)> {
    let bytes = path.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut depth, mut start) = (1, 1, 1);
    let (mut colon, mut modifier) = (None::<usize>, false);
    while at < bytes.len() {
        let closes = matches!(bytes[at], b']' | b')' | b'}');
        depth -= usize::from(closes);
        if (closes && depth == 0) || (bytes[at] == b',' && depth == 1) {
            found.push(match colon.take() {
                None => Selector {
                    name: "",
                    path: &path[start..at],
                },
                Some(colon) => Selector {
                    name: &path[start..colon],
                    path: &path[colon + 1..at],
                },
            });
            (modifier, start) = (false, at + 1);
            if closes {
                return Some((found, &path[at + 1..]));
            }
        }
        match bytes[at] {
            b'\\' => at += 1,
            b'@' => modifier |= matches!(bytes[at - 1], b'.' | b'|'),
            b':' if !modifier && colon.is_none() && depth == 1 => colon = Some(at),
            b'"' => at = string_end(bytes, at + 1)? - 1,
            b'[' | b'(' | b'{' => depth += 1,
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(path: &str) -> (String, bool, Option<&str>, Option<&str>) {
        let step = ObjectStep::new(path);
        (step.key.into_owned(), step.wild, step.rest.path, step.rest.pipe)
    }

    #[test]
    fn steps_into_objects() {
        assert_eq!(object("a.b.c"), ("a".into(), false, Some("b.c"), None));
        assert_eq!(object("a|b"), ("a".into(), false, None, Some("b")));
        assert_eq!(object("a.@this"), ("a".into(), false, None, Some("@this")));
        assert_eq!(object("a.@other"), ("a".into(), false, Some("@other"), None));
        assert_eq!(object(r"a\.b*.c"), ("a.b*".into(), true, Some("c"), None));
        assert_eq!(object(r"a\*"), ("a*".into(), false, None, None));
    }

    #[test]
    fn steps_into_arrays() {
        let elements = |path| ArrayStep::new(path).elements;
        assert_eq!(elements("12.a"), Elements::At(Some(12)));
        assert_eq!(elements("x"), Elements::At(None));
        assert_eq!(elements("#|@this"), Elements::Count);
        assert_eq!(elements("#.a.b|c"), Elements::Each("a.b|c"));
        let step = ArrayStep::new(r#"#(a.b >= "x\"y")#.c"#);
        let query = Query {
            all: true,
            path: "a.b",
            op: ">=",
            value: "x\"y".into(),
        };
        assert_eq!(step.elements, Elements::Query(query));
        assert_eq!(step.rest.path, Some("c"));
    }

    #[test]
    fn pipes_and_selections() {
        assert_eq!(split_pipe("a.#(b|c).d|e"), Some(("a.#(b|c).d", "e")));
        assert_eq!(split_pipe("{a|b}|c"), Some(("{a|b}", "c")));
        let (found, rest) = selectors(r#"{"x":a.b,c.d,y:@pretty:{"k":1}}|z"#).expect("a selection");
        let names: Vec<_> = found.iter().map(|s| (s.name, s.path)).collect();
        assert_eq!(names, [("\"x\"", "a.b"), ("", "c.d"), ("y", "@pretty:{\"k\":1}")]);
        assert_eq!((found[1].default_name(), rest), ("d", "|z"));
    }
}
