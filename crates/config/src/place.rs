//! What a plugin says about its options is text without a place: the place is found by what the text quotes and names.

use wheatstone_plugin::conf::{Node, NodeKind, Span};

use crate::parse::looks_like_statement;
use crate::suggest::nearest;
use crate::{PluginConfig, Source};

/// Something in a value that only the place of use knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Open {
    /// A variable, by its name: it may be set, or not.
    Variable(String),
    /// `<your token>`, `{{ token }}`: text that the user shall replace.
    Placeholder(String),
}

/// The option that `said` is about: one whose value it quotes, else one that it names, else one under `[agent]` with a
/// value that it quotes.
pub(crate) fn locate(sources: &[Source], plugin: &PluginConfig, said: &str) -> Option<Span> {
    let mut quoted = quotes(said);
    quoted.sort_by_key(|q| std::cmp::Reverse(q.len()));
    let nodes = || plugin.table.entries.iter().map(|e| &e.value);
    let value = |matches: &dyn Fn(&str) -> bool| nodes().find_map(|node| text_in(node, matches));
    for piece in &quoted {
        if let Some(span) = value(&|text| text == *piece) {
            return Some(span);
        }
    }
    for piece in quoted.iter().filter(|q| q.chars().count() >= 4) {
        if let Some(span) = value(&|text| text.contains(piece)) {
            return Some(span);
        }
    }
    let source = sources.get(plugin.span.file as usize)?;
    let own = format!("{}.{}.", plugin.kind.plural(), plugin.name);
    let options = section(&source.text, plugin.span.end as usize, &own);
    let span = |(start, end): (usize, usize)| Span {
        file: plugin.span.file,
        start: u32::try_from(start).unwrap_or(u32::MAX),
        end: u32::try_from(end).unwrap_or(u32::MAX),
    };
    // `qos value must be …`, `'startup_error_behavior' is …`, `persistent_session requires …`: a word of prose is none.
    let words = said.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let named = words
        .enumerate()
        .filter(|(i, word)| word.len() > 1 && (*i == 0 || word.contains('_') || quoted.contains(word)));
    for (_, word) in named {
        if let Some(place) = options.iter().find(|o| o.key == word) {
            return Some(
                plugin
                    .table
                    .get(word)
                    .map_or_else(|| span(place.value), |n| n.span),
            );
        }
    }
    // Plugins refuse some of what the agent hands them.
    quoted
        .iter()
        .find_map(|piece| of_agent(sources, &|_, value| value == *piece))
}

/// What stands in quotes of any kind, and between the braces of a pattern such as `%{NAME}`.
fn quotes(said: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (open, close) in [("\"", '"'), ("'", '\''), ("`", '`'), ("%{", '}')] {
        let mut rest = said;
        while let Some((_, behind)) = rest.split_once(open) {
            let Some(end) = behind.find(close) else { break };
            if end > 0 {
                found.push(&behind[..end]);
            }
            rest = &behind[end + close.len_utf8()..];
        }
    }
    found
}

/// The first text under a node for which `matches` holds.
fn text_in(node: &Node, matches: &dyn Fn(&str) -> bool) -> Option<Span> {
    match &node.kind {
        NodeKind::String(text) => matches(text).then_some(node.span),
        NodeKind::Array(items) => items.iter().find_map(|n| text_in(n, matches)),
        NodeKind::Table(table) => table.entries.iter().find_map(|e| text_in(&e.value, matches)),
        _ => None,
    }
}

/// A line `key = value` of a file.
struct Setting<'a> {
    key: &'a str,
    value: (usize, usize),
}

/// The lines with options behind a header that ends at `from`, those under headers that begin with `own` included.
fn section<'a>(text: &'a str, from: usize, own: &str) -> Vec<Setting<'a>> {
    let mut found = Vec::new();
    let mut at = from;
    for line in text.get(from..).unwrap_or_default().split_inclusive('\n') {
        let begin = at;
        at += line.len();
        let trimmed = line.trim_start();
        if !looks_like_statement(line) {
            continue;
        }
        if let Some(header) = trimmed.strip_prefix('[') {
            if begin > from && !header.trim_start_matches(['[', ' ']).starts_with(own) {
                break;
            }
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let start = begin + key.len() + 1 + (value.len() - value.trim_start().len());
        let end = start + value.trim().len();
        let key = key.trim();
        found.push(Setting {
            key,
            value: (start, end),
        });
    }
    found
}

/// The value of the first option under `[agent]` for whose key and value `matches` holds.
pub(crate) fn of_agent(sources: &[Source], matches: &dyn Fn(&str, &str) -> bool) -> Option<Span> {
    for (file, source) in sources.iter().enumerate() {
        let Some(header) = source.text.find("[agent]") else {
            continue;
        };
        for setting in section(&source.text, header + "[agent]".len(), "agent.") {
            let (start, end) = setting.value;
            if matches(setting.key, source.text[start..end].trim_matches(['"', '\''])) {
                return Some(Span {
                    file: u32::try_from(file).unwrap_or(u32::MAX),
                    start: u32::try_from(start).unwrap_or(u32::MAX),
                    end: u32::try_from(end).unwrap_or(u32::MAX),
                });
            }
        }
    }
    None
}

/// What in a value only the place of use knows.
pub(crate) fn open_ends(value: &str) -> Vec<Open> {
    let variables = crate::env::names(value).into_iter().map(Open::Variable);
    variables
        .chain(placeholder(value).map(|text| Open::Placeholder(text.to_owned())))
        .collect()
}

/// `<your token>`, `{{ token }}`, or a word in the place of a host's brackets.
fn placeholder(value: &str) -> Option<&str> {
    let between = |open: &str, close: &str, is_name: &dyn Fn(&str) -> bool| {
        let start = value.find(open)?;
        let inner = &value[start + open.len()..];
        let len = inner.find(close)?;
        is_name(&inner[..len]).then(|| &value[start..start + open.len() + len + close.len()])
    };
    let words = |text: &str| text.starts_with(|c: char| c.is_alphabetic());
    between("{{", "}}", &|text| !text.trim().is_empty())
        .or_else(|| between("<", ">", &|text| words(text) && !text.contains('=')))
        .or_else(|| {
            let no_address = |text: &str| words(text) && !text.contains(':');
            between("://[", "]", &no_address).map(|text| &text[3..])
        })
}

/// How a value is written that is of another type than its option; `said` is the reader's line about it.
pub(crate) fn type_help(sources: &[Source], span: Span, said: &str) -> Option<String> {
    let expected = said.split_once("invalid type: ")?.1.rsplit_once(", expected ")?.1;
    let source = sources.get(span.file as usize)?;
    let written = source.text.get(span.start as usize..span.end as usize)?;
    let plain = written.trim_matches(['"', '\'']);
    let one_line = !written.contains('\n');
    Some(
        match expected.trim_start_matches("a ").trim_start_matches("an ") {
            what if what.starts_with("sequence") && one_line => format!("write a list: [{written}]"),
            what if what.starts_with("sequence") => "write a list, in square brackets".into(),
            "boolean" => match plain.to_lowercase().as_str() {
                yes @ ("true" | "yes" | "on" | "1") => {
                    format!(
                        "write true, without quotes{}",
                        if yes == "true" { "" } else { ", or false" }
                    )
                }
                "false" | "no" | "off" | "0" => "write false, without quotes".into(),
                _ => "write true or false, without quotes".into(),
            },
            "i64" | "i32" | "i16" | "i8" | "u64" | "u32" | "u16" | "u8" | "usize" | "isize" => {
                match plain.trim().parse::<i64>() {
                    Ok(n) => format!("numbers stand without quotes: {n}"),
                    Err(_) => "write a whole number, without quotes".into(),
                }
            }
            "f64" | "f32" => match plain.trim().parse::<f64>() {
                Ok(_) => format!("numbers stand without quotes: {}", plain.trim()),
                Err(_) => "write a number, without quotes".into(),
            },
            "string" if one_line && !written.starts_with(['[', '{']) => {
                format!("a text stands in quotes: \"{plain}\"")
            }
            "string" => "write one text, in quotes".into(),
            what if what.starts_with("map") || what.starts_with("struct") => {
                "this is a table: it has a header of its own, or braces".into()
            }
            what if what.starts_with("duration") => {
                "write numbers with units, such as \"10s\", \"500ms\" or \"1h30m\"".into()
            }
            what if what.starts_with("size") => {
                "write a number of bytes, or one with a unit, such as \"10MB\" or \"1GiB\"".into()
            }
            _ => return None,
        },
    )
}

/// Words of which a refusal is recognized, and the values that there are.
const CHOICES: &[(&str, &[&str])] = &[
    ("'startup_error_behavior'", &["error", "retry", "ignore", "probe"]),
    ("'time_source'", &["metric", "collection_start", "collection_end"]),
    ("buffer strategy", &["memory", "disk", "disk_write_through"]),
    ("unsupported log-format", &["text", "structured"]),
    ("unsupported scheme", &["http", "https", "unix"]),
];

/// What may be meant by a value that is none of those that there are, and which those are.
pub(crate) fn value_help(said: &str) -> Option<String> {
    if said.contains("token recognition error at: '= '") {
        return Some("equality is written ==".into());
    }
    let (_, choices) = CHOICES.iter().find(|(words, _)| said.contains(words))?;
    let written = said.rsplit('"').nth(1).unwrap_or_default();
    let meant = nearest(written, choices.iter().copied());
    let all = choices.join(", ");
    Some(match meant {
        Some(meant) => format!("did you mean \"{meant}\"? There are: {all}"),
        None => format!("there are: {all}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LoadOptions, load};

    /// The piece of the text that is pointed at.
    fn pointed(text: &str, said: &str) -> Option<String> {
        let source = Source {
            name: "t.conf".into(),
            text: text.into(),
        };
        let options = LoadOptions {
            plugins: |_| vec!["x", "y"],
            ..LoadOptions::default()
        };
        let loaded = load(vec![source], &options).unwrap();
        let span = locate(&loaded.sources, &loaded.config.plugins[0], said)?;
        Some(text[span.start as usize..span.end as usize].to_owned())
    }

    #[test]
    fn the_option_that_is_meant_is_found() {
        let text = "[agent]\n  buffer_strategy = \"disc\"\n[[inputs.x]]\n  # qos = 9\n  servers = [\n    \"tcp://a\",\n    \"mqqt://b\",\n  ]\n  \
                    qos = 3\n  time_source = \"sometimes\"\n  client = \"\"\n  [[inputs.x.field]]\n    pattern = '%{NOSUCH:a}'\n[[inputs.y]]\n  time_out = 1\n";
        for (said, place) in [
            (
                "server \"mqqt://b\": unknown protocol \"mqqt\"",
                Some("\"mqqt://b\""),
            ),
            ("qos value must be 0, 1, or 2: 3", Some("3")),
            ("the value of qos is wrong", None),
            ("option 'qos' is wrong", Some("3")),
            ("invalid 'time_source' setting", Some("\"sometimes\"")),
            ("time_source is odd", Some("\"sometimes\"")),
            ("no pattern found for %{NOSUCH}", Some("'%{NOSUCH:a}'")),
            ("invalid buffer strategy \"disc\"", Some("\"disc\"")),
            ("time_out of another plugin", None),
            ("nothing of it is here: \"\" '' ``", None),
        ] {
            assert_eq!(pointed(text, said).as_deref(), place, "{said}");
        }
    }

    #[test]
    fn what_only_the_place_of_use_knows() {
        let variable = |name: &str| Open::Variable(name.into());
        let placeholder = |text: &str| Open::Placeholder(text.into());
        for (value, open) in [
            (
                "\"http://${HOST}:$PORT\"",
                vec![variable("HOST"), variable("PORT")],
            ),
            ("\"<your token>\"", vec![placeholder("<your token>")]),
            ("\"{{ influx.url }}\"", vec![placeholder("{{ influx.url }}")]),
            ("\"http://[SERVER]:8086\"", vec![placeholder("[SERVER]")]),
            ("\"http://[fe80::1]:8086\"", vec![]),
            ("\"a < b and c > d\"", vec![]),
            ("\"http://h:8086\"", vec![]),
            ("\"<<\"", vec![]),
        ] {
            assert_eq!(open_ends(value), open, "{value}");
        }
    }

    #[test]
    fn values_that_are_none_of_the_choices() {
        for (said, help) in [
            (
                "invalid 'startup_error_behavior' setting \"retri\"",
                Some("did you mean \"retry\"? There are: error, retry, ignore, probe"),
            ),
            (
                "invalid buffer strategy \"disc\"",
                Some("did you mean \"disk\"? There are: memory, disk, disk_write_through"),
            ),
            (
                "unsupported scheme [\"htp://h\"]: \"htp\"",
                Some("did you mean \"http\"? There are: http, https, unix"),
            ),
            (
                "syntax error: token recognition error at: '= '",
                Some("equality is written =="),
            ),
            ("something else \"x\"", None),
        ] {
            assert_eq!(value_help(said).as_deref(), help);
        }
    }

    #[test]
    fn wrong_types_say_how_it_is_written() {
        for (written, expected, help) in [
            ("\"a\"", "a sequence", "write a list: [\"a\"]"),
            ("\"yes\"", "a boolean", "write true, without quotes, or false"),
            ("\"true\"", "a boolean", "write true, without quotes"),
            ("\"1\"", "i64", "numbers stand without quotes: 1"),
            ("\"one\"", "usize", "write a whole number, without quotes"),
            ("'1.5'", "f64", "numbers stand without quotes: 1.5"),
            ("5", "a string", "a text stands in quotes: \"5\""),
            ("[5]", "a string", "write one text, in quotes"),
        ] {
            let sources = [Source {
                name: "t".into(),
                text: written.into(),
            }];
            let span = Span {
                file: 0,
                start: 0,
                end: u32::try_from(written.len()).unwrap(),
            };
            let said = format!("option \"o\": invalid type: x, expected {expected}");
            assert_eq!(type_help(&sources, span, &said).as_deref(), Some(help));
        }
        assert_eq!(
            type_help(&[], Span::default(), "invalid type: x, expected i64"),
            None
        );
    }
}
