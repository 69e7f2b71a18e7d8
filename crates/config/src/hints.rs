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
    if let Some(help) = foreign(text, line, first) {
        return help;
    }
    if first.starts_with('{') && !first.starts_with("{{") && !first.starts_with("{%") {
        return "this looks like JSON: the configuration is TOML, with headers such as [agent] and lines such as key = \"value\"".into();
    }
    if let Some(header) = line
        .strip_prefix('[')
        .and_then(|l| l.strip_suffix("]]"))
        .filter(|l| !l.starts_with('['))
    {
        return format!("a bracket is missing: [[{header}]]");
    }
    if let Some(help) = header_help(line, expected) {
        return help;
    }
    if let Some(help) = rest.chars().next().and_then(lookalike) {
        return help;
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
    let next = text.get(start..).unwrap_or_default().lines().nth(1);
    if value.is_empty() && line.ends_with('=') {
        return if next.is_some_and(|next| next.trim_start().starts_with("- ")) {
            format!("this is a list as YAML writes it: {line} [\"…\", \"…\"]")
        } else {
            "the value is missing".into()
        };
    }
    if expected == "`,` or `]`" && rest.starts_with(['"', '\'', '{', '[']) {
        return "a comma is missing between two values of the list".into();
    }
    if expected == "the end of the line" && rest.starts_with([',', ';']) {
        return format!("delete the `{}`: an option ends with its line", &rest[..1]);
    }
    if expected.starts_with("an escape") || expected.starts_with("a character's number") {
        return "a backslash in double quotes begins an escape: write the text in single quotes, or each backslash twice"
            .into();
    }
    if expected.starts_with("three quotes") {
        let begin = 1 + text[..start].matches('\n').count();
        return format!("the text that begins on line {begin} has no closing three quotes");
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

/// Text that is something else than TOML.
fn foreign(text: &str, line: &str, first: &str) -> Option<String> {
    let conflict = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"];
    if conflict.iter().any(|mark| line.starts_with(mark)) {
        return Some(
            "a merge conflict: keep one of the two sides, and delete the lines <<<<<<<, ======= and >>>>>>>"
                .into(),
        );
    }
    if first.starts_with('<') {
        return Some(
            "this looks like HTML or XML, such as a page that says what went wrong with a download".into(),
        );
    }
    if line.contains("{{") || line.contains("{%") {
        return Some("this is a template: let the tool that it was written for fill it in first".into());
    }
    let yaml = |l: &str| {
        let key = l.trim_start_matches("- ");
        key.split_once(':').is_some_and(|(key, value)| {
            !key.is_empty()
                && key
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
                && (value.is_empty() || value.starts_with(' '))
        })
    };
    if yaml(first) && !text.lines().any(looks_like_statement) {
        return Some(
            "this looks like YAML: the configuration is TOML, with headers such as [agent] and lines such as key = \"value\""
                .into(),
        );
    }
    if [";", "//", "--", "/*", "rem ", "REM "]
        .iter()
        .any(|mark| line.starts_with(mark))
    {
        return Some("a comment begins with #".into());
    }
    if ["export ", "set "].iter().any(|word| line.starts_with(word)) && line.contains('=') {
        return Some(
            "this is a line of a shell script: variables are set outside of the configuration".into(),
        );
    }
    None
}

/// What is wrong with a line that begins like a header.
fn header_help(line: &str, expected: &str) -> Option<String> {
    let inner = line.strip_prefix('[')?;
    let list = inner.starts_with('[');
    let name = inner.trim_start_matches('[');
    let name = &name[..name.find(']').unwrap_or(name.len())];
    let whole = if list {
        format!("[[{}]]", name.trim())
    } else {
        format!("[{}]", name.trim())
    };
    match expected {
        "`]]`" => Some(format!("a bracket is missing: {whole}")),
        "`]`" if name.trim().contains(char::is_whitespace) => {
            Some("names have no blanks: plugins' names have underscores".into())
        }
        "`]`" if !line.contains(']') => Some(format!("the brackets are not closed: {whole}")),
        "the end of the line" => Some(if line.ends_with(']') && !line.contains(char::is_whitespace) {
            format!("there is a bracket too many: {whole}")
        } else {
            format!("a header stands alone in its line: {whole}")
        }),
        _ => None,
    }
}

/// A character that looks like one that may stand here, or like none at all.
fn lookalike(c: char) -> Option<String> {
    let meant = match c {
        '“' | '”' | '„' | '‘' | '’' | '«' | '»' | '＂' => {
            return Some("the quotes are typographic ones: use \" or '".into());
        }
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{3000}' => "a blank",
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => "nothing",
        '＝' => "=",
        '，' | '、' => ",",
        '［' | '【' => "[",
        '］' | '】' => "]",
        '–' | '—' | '−' => "-",
        '：' => "=",
        '＃' => "#",
        '`' => "\"",
        c if !c.is_ascii() => return Some(format!("{c:?} cannot stand outside of quotes")),
        _ => return None,
    };
    Some(format!(
        "the character U+{:04X} stands here: replace it by {meant}",
        u32::from(c)
    ))
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

#[cfg(test)]
mod tests;
