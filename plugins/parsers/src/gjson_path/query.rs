//! A condition and a value in, whether the value fits out.

use std::borrow::Cow;

use super::path::Query;
use super::{Found, Kind, parse_number};

/// Whether the value that the query's path led to fits its condition.
pub(super) fn matches(query: &Query<'_>, value: &Found<'_>) -> bool {
    let (value, wanted) = match query.value.strip_prefix('~') {
        None => (Cow::Borrowed(value), &*query.value),
        Some(like) => {
            let is_like = match like {
                "*" => value.exists(),
                "null" => value.kind == Kind::Null,
                "true" => truth(value) == Some(true),
                "false" => value.kind == Kind::Null || truth(value) == Some(false),
                _ => return false,
            };
            let kind = if is_like { Kind::True } else { Kind::False };
            (Cow::Owned(Found::new(kind, "")), "true")
        }
    };
    if !value.exists() {
        return false;
    }
    if query.op.is_empty() {
        return true;
    }
    let is = |word: &str| wanted == word;
    match value.kind {
        Kind::String => {
            let text = value.string();
            match query.op {
                "%" => wildcard(&text, wanted),
                "!%" => !wildcard(&text, wanted),
                op => compare(op, &*text, wanted),
            }
        }
        Kind::Number => compare(query.op, &value.number(), &parse_number(wanted)),
        Kind::True => match query.op {
            "=" => is("true"),
            "!=" => !is("true"),
            ">" => is("false"),
            ">=" => true,
            _ => false,
        },
        Kind::False => match query.op {
            "=" => is("false"),
            "!=" => !is("false"),
            "<" => is("true"),
            "<=" => true,
            _ => false,
        },
        Kind::Null | Kind::Json => false,
    }
}

fn compare<T: PartialOrd + ?Sized>(op: &str, value: &T, wanted: &T) -> bool {
    match op {
        "=" => value == wanted,
        "!=" => value != wanted,
        "<" => value < wanted,
        "<=" => value <= wanted,
        ">" => value > wanted,
        ">=" => value >= wanted,
        _ => false,
    }
}

/// What a value is as a truth value; nothing for texts that are none, null, objects and arrays.
pub(super) fn truth(value: &Found<'_>) -> Option<bool> {
    match value.kind {
        Kind::True => Some(true),
        Kind::False => Some(false),
        Kind::Number => Some(value.number() != 0.0),
        Kind::String => match value.string().to_lowercase().as_str() {
            "1" | "t" | "true" => Some(true),
            "0" | "f" | "false" => Some(false),
            _ => None,
        },
        Kind::Null | Kind::Json => None,
    }
}

/// Whether a text fits a pattern: `*` any characters, `?` one, `\` takes the next one for itself.
pub(super) fn wildcard(text: &str, pattern: &str) -> bool {
    let (mut text, mut pattern) = (text.chars(), pattern.chars());
    // Where to go on when the last star takes one character more.
    let mut star = None;
    loop {
        let mut ahead = pattern.clone();
        let wanted = ahead.next();
        let mut rest = text.clone();
        let next = rest.next();
        let fits = match (wanted, next) {
            (Some('*'), _) => {
                star = Some((ahead.clone(), text.clone()));
                pattern = ahead;
                continue;
            }
            (None, None) => return true,
            (Some('?'), Some(_)) => true,
            (Some('\\'), Some(c)) => ahead.next() == Some(c),
            (Some(wanted), Some(c)) => wanted == c,
            _ => false,
        };
        if fits {
            (pattern, text) = (ahead, rest);
            continue;
        }
        let Some((after, from)) = &mut star else {
            return false;
        };
        if from.next().is_none() {
            return false;
        }
        (pattern, text) = (after.clone(), from.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (text, pattern, fits) in [
            ("abcd", "a*d", true),
            ("abcd", "*b*", true),
            ("abcd", "a?d", false),
            ("aéb", "a?b", true),
            ("a*b", r"a\*b", true),
            ("axb", r"a\*b", false),
            ("", "*", true),
            ("", "?", false),
            ("aab", "*ab", true),
        ] {
            assert_eq!(wildcard(text, pattern), fits, "{text} {pattern}");
        }
    }
}
