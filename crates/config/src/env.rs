//! Environment variables in a text: `$NAME`, `${NAME:-default}` and their kin, as Telegraf's template engine reads them.

use crate::text::Mapped;

/// Looks a variable up.
pub(crate) type Vars<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable that must be set and is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    name: String,
    reason: String,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "required variable {} is missing a value", self.name)?;
        if self.reason.is_empty() {
            Ok(())
        } else {
            write!(f, ": {}", self.reason)
        }
    }
}

enum Failure {
    /// Not a template at all, such as `${1}`: the text stays as it is.
    Invalid,
    Missing(Missing),
}

/// One place where a variable may stand.
struct Found<'a> {
    start: usize,
    end: usize,
    what: What<'a>,
}
enum What<'a> {
    /// `$$`.
    Escaped,
    /// `$NAME`.
    Named(&'a str),
    /// What stands between the braces.
    Braced(&'a str),
    /// `${` of something else.
    Invalid,
}

fn word_len(s: &str) -> usize {
    let b = s.as_bytes();
    if b.first().is_some_and(|c| c.is_ascii_alphabetic() || *c == b'_') {
        b.iter()
            .take_while(|c| c.is_ascii_alphanumeric() || **c == b'_')
            .count()
    } else {
        0
    }
}

/// The next place at or behind `from`. A braced form with an operator reaches to the last `}` of the line: what
/// belongs to it is decided when it is replaced.
fn find(text: &str, from: usize, old: bool) -> Option<Found<'_>> {
    let mut at = from;
    loop {
        let start = at + text.get(at..)?.find('$')?;
        let rest = &text[start + 1..];
        let named = word_len(rest);
        if rest.starts_with('$') && !old {
            return Some(Found {
                start,
                end: start + 2,
                what: What::Escaped,
            });
        }
        if named > 0 {
            return Some(Found {
                start,
                end: start + 1 + named,
                what: What::Named(&rest[..named]),
            });
        }
        if let Some(inner) = rest.strip_prefix('{') {
            return Some(match braced_len(inner) {
                Some(len) => Found {
                    start,
                    end: start + 3 + len,
                    what: What::Braced(&inner[..len]),
                },
                None => Found {
                    start,
                    end: start + 2,
                    what: What::Invalid,
                },
            });
        }
        at = start + 1;
    }
}

fn braced_len(inner: &str) -> Option<usize> {
    let word = word_len(inner);
    if word == 0 {
        return None;
    }
    let tail = &inner[word..];
    if tail
        .strip_prefix(':')
        .unwrap_or(tail)
        .starts_with(['-', '+', '?'])
    {
        let line = tail.find('\n').map_or(tail, |n| &tail[..n]);
        return line.rfind('}').map(|n| word + n);
    }
    tail.starts_with('}').then_some(word)
}

/// The brace that closes the first `${`.
fn closing_brace(s: &str) -> Option<usize> {
    let b = s.as_bytes();
    let (mut open, mut i) = (0i64, 0);
    while i < b.len() {
        if b[i] == b'}' {
            open -= 1;
            if open == 0 {
                return Some(i);
            }
        }
        if b[i..].starts_with(b"${") {
            open += 1;
            i += 1;
        }
        i += 1;
    }
    None
}

/// Replaces one place; `None` where no variable applied.
fn replace(
    found: &Found<'_>,
    text: &str,
    vars: Vars<'_>,
    old: bool,
    depth: u8,
) -> Result<Option<String>, Failure> {
    let whole = &text[found.start..found.end];
    let inner = match found.what {
        What::Escaped => return Ok(Some("$".to_owned())),
        What::Invalid => return Err(Failure::Invalid),
        What::Named(name) => return Ok(vars(name)),
        What::Braced(inner) => inner,
    };
    if depth > 32 {
        return Err(Failure::Invalid);
    }
    let operator = [":?", "?", ":-", "-", ":+", "+"]
        .into_iter()
        .filter_map(|op| whole.find(op).map(|at| (at, op)))
        .min_by_key(|(at, _)| *at)
        .map(|(_, op)| op);
    let (inner, rest) = match closing_brace(whole) {
        Some(close) => (
            inner.get(..close.saturating_sub(2)).unwrap_or(inner),
            &whole[close + 1..],
        ),
        None => (inner, ""),
    };
    let Some((operator, (name, word))) =
        operator.and_then(|op| inner.split_once(op).map(|parts| (op, parts)))
    else {
        return Ok(vars(inner));
    };
    let word = substitute_all(word, vars, false, depth + 1)?;
    let value = vars(name);
    let empty_counts = operator.starts_with(':');
    let set = value.as_ref().is_some_and(|v| !empty_counts || !v.is_empty());
    let value = value.unwrap_or_default();
    let value = match operator.trim_start_matches(':') {
        "-" if !set => word,
        "+" if set => word,
        "?" if !set => {
            return Err(Failure::Missing(Missing {
                name: name.to_owned(),
                reason: word,
            }));
        }
        _ => value,
    };
    Ok(Some(value + &substitute_all(rest, vars, old, depth + 1)?))
}

/// The inner rule, for defaults and for what follows them on a line: what is not set becomes empty.
fn substitute_all(text: &str, vars: Vars<'_>, old: bool, depth: u8) -> Result<String, Failure> {
    let mut out = String::new();
    let mut from = 0;
    while let Some(found) = find(text, from, old) {
        out.push_str(&text[from..found.start]);
        out.push_str(&replace(&found, text, vars, old, depth)?.unwrap_or_default());
        from = found.end;
    }
    out.push_str(&text[from..]);
    Ok(out)
}

/// Replaces the variables of a text. What is not set, and what is not a template, stays as it is. The answer says
/// whether a variable was used. An error comes with its place.
pub(crate) fn substitute(text: &str, vars: Vars<'_>, old: bool) -> Result<(Mapped, bool), (usize, Missing)> {
    let mut out = Mapped::default();
    let (mut from, mut used) = (0, false);
    while let Some(found) = find(text, from, old) {
        out.copy(&text[from..found.start], from);
        match replace(&found, text, vars, old, 0) {
            Ok(Some(value)) => {
                used |= !matches!(found.what, What::Escaped);
                out.replace(&value, found.start);
            }
            Ok(None) | Err(Failure::Invalid) => out.copy(&text[found.start..found.end], found.start),
            Err(Failure::Missing(missing)) => return Err((found.start, missing)),
        }
        from = found.end;
    }
    out.copy(&text[from..], from);
    Ok((out, used))
}

/// The variables of a text that stay as they are where they are not set.
pub(crate) fn names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut from = 0;
    while let Some(found) = find(text, from, false) {
        from = found.end;
        match found.what {
            What::Named(name) => names.push(name.to_owned()),
            What::Braced(inner) if word_len(inner) == inner.len() => names.push(inner.to_owned()),
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vars(name: &str) -> Option<String> {
        match name {
            "V" => Some("val".into()),
            "E" => Some(String::new()),
            "low" => Some("ok".into()),
            "N" => Some("2".into()),
            "D" => Some("$V".into()),
            _ => None,
        }
    }
    fn run(text: &str, old: bool) -> String {
        substitute(text, &vars, old).map_or_else(|(_, e)| e.to_string(), |(m, _)| m.text)
    }

    #[test]
    fn every_form() {
        for (text, result) in [
            ("$V", "val"),
            ("${V}", "val"),
            ("a-${V}-b", "a-val-b"),
            ("$Vx", "$Vx"),
            ("$low", "ok"),
            ("${X}", "${X}"),
            ("$X", "$X"),
            ("${E}", ""),
            ("${E:-d}", "d"),
            ("${E-d}", ""),
            ("${X:-d}", "d"),
            ("${X-d}", "d"),
            ("${V:-d}", "val"),
            ("${V:+alt}", "alt"),
            ("${E:+alt}", ""),
            ("${E+alt}", "alt"),
            ("${X+alt}", ""),
            ("${X:-${N}}", "2"),
            ("${X:-${Y:-deep}}", "deep"),
            ("${X:-a} ${N} }", "a 2 }"),
            ("${X:-a}${Y}!", "a!"),
            ("${X:-a}\n${Y}", "a\n${Y}"),
            ("${V:?m}", "val"),
            (
                "${X:?must be set}",
                "required variable X is missing a value: must be set",
            ),
            ("${X:?}", "required variable X is missing a value"),
            ("${E?m}", ""),
            ("${E:?m}", "required variable E is missing a value: m"),
            ("$$V", "$V"),
            ("$$", "$"),
            ("x$", "x$"),
            ("${1}", "${1}"),
            ("$1", "$1"),
            ("${}", "${}"),
            ("${V", "${V"),
            ("${V:-", "${V:-"),
            ("{$V}", "{val}"),
            ("$share/g/t", "$share/g/t"),
            ("$D", "$V"),
            ("é${V}é", "évalé"),
        ] {
            assert_eq!(run(text, false), result, "{text}");
        }
    }

    #[test]
    fn names_of_what_may_stay() {
        assert_eq!(names("${A}:$B/${C:-x}/$$D/${1}"), ["A", "B"]);
    }

    #[test]
    fn the_old_way_has_no_escape() {
        assert_eq!(run("$$V", true), "$val");
        assert_eq!(run("${X:-d}", true), "d");
    }

    #[test]
    fn says_whether_a_variable_was_used() {
        for (text, used) in [
            ("$V", true),
            ("${X:-1}", true),
            ("$$", false),
            ("$X ${1}", false),
            ("", false),
        ] {
            assert_eq!(substitute(text, &vars, false).unwrap().1, used, "{text}");
        }
    }
}
