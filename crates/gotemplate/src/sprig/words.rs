//! Words: upper and lower case, camels and snakes, line breaks.

use super::cases;
use super::strings::{bytes, room};
use crate::call::Param::{Int, Str};
use crate::call::{Function, Out, function, int, string};
use crate::value::Value;

pub(super) static FUNCTIONS: &[Function] = &[
    function("title", &[Str], |a| Ok(title(string(a, 0)).into())),
    function("untitle", &[Str], |a| Ok(untitle(string(a, 0)).into())),
    function("initials", &[Str], |a| {
        let firsts = string(a, 0)
            .split_whitespace()
            .filter_map(|word| word.chars().next());
        Ok(firsts.collect::<String>().into())
    }),
    function("swapcase", &[Str], |a| Ok(swap_case(string(a, 0)).into())),
    function("snakecase", &[Str], |a| {
        Ok(cases::lower_with(string(a, 0), '_').into())
    }),
    function("kebabcase", &[Str], |a| {
        Ok(cases::lower_with(string(a, 0), '-').into())
    }),
    function("camelcase", &[Str], |a| Ok(cases::pascal(string(a, 0)).into())),
    function("wrap", &[Int, Str], |a| {
        wrap(string(a, 1), int(a, 0), "\n", false)
    }),
    function("wrapWith", &[Int, Str, Str], |a| {
        let line = if string(a, 1).is_empty() {
            "\n"
        } else {
            string(a, 1)
        };
        wrap(string(a, 2), int(a, 0), line, true)
    }),
];

pub(super) fn upper(c: char) -> char {
    // A character that would become several stays, as in Go.
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}
pub(super) fn lower(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

/// Go's `strings.Title`: the letters that begin words.
fn title(text: &str) -> String {
    let separates = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => false,
        c if c.is_ascii() => true,
        c => c.is_whitespace(),
    };
    let mut before = ' ';
    text.chars()
        .map(|c| {
            let shown = if separates(before) { upper(c) } else { c };
            before = c;
            shown
        })
        .collect()
}

fn untitle(text: &str) -> String {
    let mut begins = true;
    text.chars()
        .map(|c| {
            let shown = if begins && !c.is_whitespace() { lower(c) } else { c };
            begins = c.is_whitespace();
            shown
        })
        .collect()
}

fn swap_case(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_uppercase() {
                lower(c)
            } else if c.is_lowercase() {
                upper(c)
            } else {
                c
            }
        })
        .collect()
}

/// Breaks a text at its spaces into lines of at most `width` bytes; words that are longer are broken only on demand.
fn wrap<'a>(text: &str, width: i64, line: &str, break_words: bool) -> Out<'a> {
    let width = usize::try_from(width.max(1)).unwrap_or(usize::MAX);
    room(line.len(), text.len() / width.min(text.len().max(1)) + 1)?;
    let raw = text.as_bytes();
    let part = |from: usize, to: usize| bytes(text, from as i64, to as i64);
    let mut out = String::with_capacity(text.len() + 16);
    let mut offset = 0;
    while raw.len() - offset > width {
        if raw[offset] == b' ' {
            offset += 1;
            continue;
        }
        let end = offset + width;
        let space = raw[offset..=end].iter().rposition(|b| *b == b' ');
        let (to, next) = if let Some(space) = space {
            (offset + space, offset + space + 1)
        } else if break_words {
            (end, end)
        } else {
            match raw[end..].iter().position(|b| *b == b' ') {
                Some(space) => (end + space, end + space + 1),
                None => {
                    out.push_str(&part(offset, raw.len())?);
                    return Ok(out.into());
                }
            }
        };
        out.push_str(&part(offset, to)?);
        out.push_str(line);
        offset = next;
    }
    out.push_str(&part(offset, raw.len())?);
    Ok(Value::from(out))
}
