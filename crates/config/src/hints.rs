//! What a mistake in a file most likely means: the mistakes that real files hold.

use crate::parse::looks_like_statement;

/// The help for a syntax error: what was expected, and what the statement looks like.
pub(crate) fn syntax(text: &str, start: usize, at: usize, expected: &str) -> String {
    let line = text
        .get(start..)
        .unwrap_or_default()
        .lines()
        .next()
        .unwrap_or_default()
        .trim();
    let rest = text
        .get(at..)
        .unwrap_or_default()
        .lines()
        .next()
        .unwrap_or_default();
    let value = line.split_once('=').map_or("", |(_, v)| v.trim());
    let first = text
        .lines()
        .map(str::trim)
        .find(|l| !l.is_empty())
        .unwrap_or_default();
    if first.starts_with("apiVersion:") || first.starts_with("kind:") || first == "---" {
        return "this looks like a Kubernetes manifest: only the text under its `telegraf.conf: |` is the configuration".into();
    }
    if first.starts_with('{') {
        return "this looks like JSON: the configuration is TOML, with headers such as [agent] and lines such as key = \"value\"".into();
    }
    if let Some(header) = line
        .strip_prefix('[')
        .and_then(|l| l.strip_suffix("]]"))
        .filter(|l| !l.starts_with('['))
    {
        return format!("a bracket is missing: [[{header}]]");
    }
    if expected == "`=`" && rest.starts_with(':') {
        return "expected `=`, not a colon".into();
    }
    if let Some(quote) = unclosed(expected) {
        return format!("the text that begins in this line has no closing {quote}");
    }
    let stopped = text.get(..at).unwrap_or_default();
    let stopped_line = &text[stopped.rfind('\n').map_or(0, |n| n + 1)..];
    if expected.contains("`]`")
        && at > start + line.len()
        && looks_like_statement(stopped_line.lines().next().unwrap_or_default())
    {
        let begin = 1 + text[..start].matches('\n').count();
        return format!("the list that begins on line {begin} has no `]`");
    }
    if value.starts_with('$') {
        return format!(
            "variables stand in quotes, \"{value}\", or take --non-strict-env-handling for numbers and truth values"
        );
    }
    if value.starts_with("{$") {
        return format!(
            "a variable is written ${{NAME}}, in quotes: \"${}\"",
            value.replacen("{$", "{", 1)
        );
    }
    if value.is_empty() && line.ends_with('=') {
        return "the value is missing".into();
    }
    if value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false") {
        return format!(
            "truth values are written in small letters: {}",
            value.to_ascii_lowercase()
        );
    }
    if line.contains(['“', '”', '„', '‘', '’']) {
        return "the quotes are typographic ones: use \" or '".into();
    }
    if value.starts_with(|c: char| c.is_ascii_alphabetic())
        || (value.starts_with(|c: char| c.is_ascii_digit())
            && rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    {
        return format!("a text stands in quotes: \"{value}\"");
    }
    format!("expected {expected}")
}

/// The quote that a text was not closed with, by what was expected.
fn unclosed(expected: &str) -> Option<&'static str> {
    ["`\"`", "`'`"]
        .into_iter()
        .find(|quote| expected.starts_with(*quote))
}

/// The help for a header that does not go with one above it, by what the conflict was said to be.
pub(crate) fn conflict(header: &str, array: bool, message: &str) -> String {
    let line = message.rsplit("line ").next().unwrap_or_default();
    if array && message.contains("with table in") {
        format!("every block of a list has double brackets: write [[{header}]] in line {line} too")
    } else if message.contains("with array table in") {
        format!("the one in line {line} has double brackets: write [[{header}]] here too")
    } else if message.contains("with table in") && header == "agent" {
        format!("a file has one [agent]: move these options under the one in line {line}")
    } else if message.contains("with table in") {
        format!(
            "[{header}] stands in line {line} already: join the two, or write [[{header}]] for a second one"
        )
    } else {
        format!("`{header}` has a value in line {line} already: a name is an option or a table, not both")
    }
}
