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
    if value.starts_with(|c: char| c.is_ascii_alphabetic())
        || (value.starts_with(|c: char| c.is_ascii_digit())
            && rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    {
        return format!("a text stands in quotes: \"{value}\"");
    }
    if line.contains(['“', '”', '‘', '’']) {
        return "the quotes are typographic ones: use \" or '".into();
    }
    format!("expected {expected}")
}
