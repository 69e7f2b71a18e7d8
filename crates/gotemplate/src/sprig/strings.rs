//! Texts: cutting, searching, quoting, joining. Positions count bytes, as in Go.

use wheatstone_metric::CompactString;

use super::words;
use crate::call::Param::{Any, Int, Str};
use crate::call::{Fault, Function, Out, any, function, int, string, variadic};
use crate::format::{MAX_TEXT, display, quote};
use crate::value::{Elem, Map, Value};

pub(super) static FUNCTIONS: &[Function] = &[
    function("hello", &[], |_| Ok("Hello!".into())),
    function("trim", &[Str], |a| Ok(string(a, 0).trim().into())),
    function("upper", &[Str], |a| {
        Ok(string(a, 0).chars().map(words::upper).collect::<String>().into())
    }),
    function("lower", &[Str], |a| {
        Ok(string(a, 0).chars().map(words::lower).collect::<String>().into())
    }),
    function("trunc", &[Int, Str], trunc),
    function("substr", &[Int, Int, Str], substr),
    function("abbrev", &[Int, Str], |a| {
        Ok(abbreviate(string(a, 1), 0, int(a, 0)).into())
    }),
    function("abbrevboth", &[Int, Int, Str], |a| {
        Ok(abbreviate(string(a, 2), int(a, 0), int(a, 1)).into())
    }),
    function("repeat", &[Int, Str], repeat),
    function("trimall", &[Str, Str], trim_all),
    function("trimAll", &[Str, Str], trim_all),
    function("trimSuffix", &[Str, Str], |a| {
        let (suffix, text) = (string(a, 0), string(a, 1));
        Ok(text.strip_suffix(suffix).unwrap_or(text).into())
    }),
    function("trimPrefix", &[Str, Str], |a| {
        let (prefix, text) = (string(a, 0), string(a, 1));
        Ok(text.strip_prefix(prefix).unwrap_or(text).into())
    }),
    function("nospace", &[Str], |a| {
        Ok(string(a, 0)
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect::<String>()
            .into())
    }),
    function("contains", &[Str, Str], |a| {
        Ok(string(a, 1).contains(string(a, 0)).into())
    }),
    function("hasPrefix", &[Str, Str], |a| {
        Ok(string(a, 1).starts_with(string(a, 0)).into())
    }),
    function("hasSuffix", &[Str, Str], |a| {
        Ok(string(a, 1).ends_with(string(a, 0)).into())
    }),
    variadic("quote", &[], Any, |a| {
        Ok(joined(a, |value| quote(&text_of(value))).into())
    }),
    variadic("squote", &[], Any, |a| {
        Ok(joined(a, |value| format!("'{}'", display(value))).into())
    }),
    variadic("cat", &[], Any, |a| Ok(joined(a, display).into())),
    function("indent", &[Int, Str], |a| indented(a, "")),
    function("nindent", &[Int, Str], |a| indented(a, "\n")),
    function("replace", &[Str, Str, Str], replace),
    function("plural", &[Str, Str, Int], |a| {
        Ok(string(a, usize::from(int(a, 2) != 1)).into())
    }),
    function("toString", &[Any], |a| Ok(text_of(any(a, 0)).into())),
    function("toStrings", &[Any], |a| Ok(Value::strings(texts(any(a, 0))))),
    function("join", &[Str, Any], join),
    function("sortAlpha", &[Any], |a| {
        let mut texts = match any(a, 0) {
            list @ Value::List(_) => texts(list),
            other => vec![text_of(other)],
        };
        texts.sort_unstable();
        Ok(Value::strings(texts))
    }),
    function("split", &[Str, Str], |a| {
        numbered(split(string(a, 1), string(a, 0), -1))
    }),
    function("splitList", &[Str, Str], |a| {
        Ok(Value::strings(split(string(a, 1), string(a, 0), -1)))
    }),
    function("splitn", &[Str, Int, Str], |a| {
        numbered(split(string(a, 2), string(a, 0), int(a, 1)))
    }),
];

/// sprig's text of any value.
pub(super) fn text_of(value: &Value<'_>) -> String {
    display(value)
}

/// The texts of a list's values, those of nil left out; of any other value its text.
pub(super) fn texts(value: &Value<'_>) -> Vec<String> {
    match value {
        Value::List(list) => list
            .items()
            .iter()
            .filter(|v| !matches!(v, Value::Nil))
            .map(text_of)
            .collect(),
        Value::Nil => Vec::new(),
        other => vec![text_of(other)],
    }
}

fn joined(values: &[Value<'_>], show: impl Fn(&Value<'_>) -> String) -> String {
    let shown: Vec<String> = values
        .iter()
        .filter(|v| !matches!(v, Value::Nil))
        .map(show)
        .collect();
    shown.join(" ")
}

/// Some bytes of a text; a character that is cut in two becomes a replacement character.
pub(super) fn bytes(text: &str, from: i64, to: i64) -> Result<String, Fault> {
    let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
    let cut = range.and_then(|(from, to)| text.as_bytes().get(from..to));
    cut.map(|cut| String::from_utf8_lossy(cut).into_owned())
        .ok_or_else(|| {
            let len = text.len() as i64;
            Fault(if to > len || to < 0 {
                format!("runtime error: slice bounds out of range [:{to}] with length {len}")
            } else {
                format!("runtime error: slice bounds out of range [{from}:{to}]")
            })
        })
}

/// Whether a text of that length may be made.
pub(super) fn room(len: usize, times: usize) -> Result<(), Fault> {
    match len.checked_mul(times) {
        Some(total) if total <= MAX_TEXT => Ok(()),
        _ => Err(Fault(format!("exceeded {MAX_TEXT} bytes"))),
    }
}

fn trunc<'a>(a: &[Value<'a>]) -> Out<'a> {
    let (count, text) = (int(a, 0), string(a, 1));
    let len = text.len() as i64;
    if count < 0 && len.saturating_add(count) > 0 {
        return bytes(text, len + count, len).map(Value::from);
    }
    if count >= 0 && len > count {
        return bytes(text, 0, count).map(Value::from);
    }
    Ok(text.into())
}

fn substr<'a>(a: &[Value<'a>]) -> Out<'a> {
    let (start, end, text) = (int(a, 0), int(a, 1), string(a, 2));
    let len = text.len() as i64;
    let (from, to) = if start < 0 {
        (0, end)
    } else if end < 0 || end > len {
        (start, len)
    } else {
        (start, end)
    };
    bytes(text, from, to).map(Value::from)
}

/// At most `width` bytes of a text from `offset` on, with an ellipsis for what is left out.
fn abbreviate(text: &str, offset: i64, width: i64) -> String {
    let len = text.len() as i64;
    if width < 4 || (offset > 0 && width < 7) || len <= width {
        return text.to_owned();
    }
    let shown = width - 3;
    let offset = offset.min(len).min(len - shown);
    let part = |from, to| bytes(text, from, to).unwrap_or_default();
    if offset <= 4 {
        return format!("{}...", part(0, shown));
    }
    if offset + shown < len {
        let rest = part(offset, len);
        // Both ends are left out: the inner text is shortened once more.
        return format!("...{}", abbreviate_end(&rest, shown));
    }
    format!("...{}", part(len - shown, len))
}

fn abbreviate_end(text: &str, width: i64) -> String {
    if text.len() as i64 <= width {
        return text.to_owned();
    }
    match bytes(text, 0, width - 3) {
        Ok(part) if width >= 4 => format!("{part}..."),
        _ => String::new(),
    }
}

fn repeat<'a>(a: &[Value<'a>]) -> Out<'a> {
    let (count, text) = (int(a, 0), string(a, 1));
    let count = usize::try_from(count).map_err(|_| Fault::from("strings: negative Repeat count"))?;
    room(text.len(), count)?;
    Ok(text.repeat(count).into())
}

fn trim_all<'a>(a: &[Value<'a>]) -> Out<'a> {
    let set = string(a, 0);
    Ok(string(a, 1).trim_matches(|c| set.contains(c)).into())
}

fn indented<'a>(a: &[Value<'a>], before: &str) -> Out<'a> {
    let (spaces, text) = (int(a, 0), string(a, 1));
    let spaces = usize::try_from(spaces).map_err(|_| Fault::from("strings: negative Repeat count"))?;
    room(spaces, text.matches('\n').count() + 1)?;
    let pad = " ".repeat(spaces);
    let text = text.replace('\n', &format!("\n{pad}"));
    Ok(format!("{before}{pad}{text}").into())
}

fn replace<'a>(a: &[Value<'a>]) -> Out<'a> {
    let (old, new, text) = (string(a, 0), string(a, 1), string(a, 2));
    room(new.len(), text.matches(old).count())?;
    Ok(text.replace(old, new).into())
}

fn join<'a>(a: &[Value<'a>]) -> Out<'a> {
    let texts = texts(any(a, 1));
    room(string(a, 0).len(), texts.len())?;
    Ok(texts.join(string(a, 0)).into())
}

/// Go's `strings.SplitN`: at most `count` parts, all of them where it is negative.
fn split(text: &str, separator: &str, count: i64) -> Vec<String> {
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    if limit == 0 {
        return Vec::new();
    }
    if separator.is_empty() {
        // Character by character; the last part is the rest.
        let mut parts: Vec<String> = Vec::new();
        for (at, c) in text.char_indices() {
            if parts.len() + 1 == limit {
                parts.push(text[at..].to_owned());
                break;
            }
            parts.push(c.to_string());
        }
        return parts;
    }
    text.splitn(limit, separator).map(str::to_owned).collect()
}

fn numbered<'a>(parts: Vec<String>) -> Out<'a> {
    let entries = parts
        .into_iter()
        .enumerate()
        .map(|(i, part)| (CompactString::from(format!("_{i}")), Value::from(part)));
    Ok(Value::Map(Map::new(entries, Elem::Str)))
}
