//! What is wrong with a configuration, where, and what would be right: for people and for machines.

use std::fmt::Write as _;
use std::io::ErrorKind;

use serde::Serialize;
use wheatstone_plugin::conf::{ConfigError, Span};
use wheatstone_plugin::{Kind, Level, registrations};

use crate::place::{Open, locate, of_agent, open_ends, type_help, value_help};
use crate::{PluginConfig, Source, known, mask};

/// Something that keeps the agent from starting. Its first line is Telegraf's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file that it is in.
    pub file: Option<String>,
    /// What is wrong, in Telegraf's words where it has any.
    pub message: String,
    /// Where.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// What may be meant.
    pub help: Option<String>,
    /// The files could be read, but a plugin refuses its options: Telegraf says that as its agent starts.
    #[serde(skip)]
    pub starting: bool,
    /// The files do not fit together: Telegraf's line blames none of them, though the place is known.
    #[serde(skip)]
    pub unfit: bool,
    /// It comes of a file that is not there, or not to be read: another machine may have it.
    #[serde(skip)]
    pub lacks_file: bool,
}

/// A place in a file, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// How many characters are meant.
    pub width: usize,
    /// The line, values that may be secrets hidden.
    pub text: String,
    /// What is hidden in it: no message may tell it either.
    #[serde(skip)]
    hidden: Vec<String>,
    /// What stands there for something that only the place of use knows.
    #[serde(skip)]
    open: Vec<Open>,
}

impl Place {
    fn of(span: Span, source: &Source) -> Place {
        let text = source.text.as_str();
        let mut start = (span.start as usize).min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = (span.end as usize).clamp(start, text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        let line_start = text[..start].rfind('\n').map_or(0, |n| n + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |n| start + n);
        let shown = text[line_start..line_end].trim_end_matches('\r');
        let width = text[start..end.min(line_end)].trim_end().chars().count();
        Place {
            line: 1 + text[..start].matches('\n').count(),
            column: 1 + text[line_start..start].chars().count(),
            width: width.max(1),
            text: mask::mask(shown),
            hidden: mask::hidden(shown),
            open: open_ends(&text[start..end.min(line_end)]),
        }
    }
}

impl Problem {
    /// A problem that has no file: it is shown without one.
    pub fn general(message: impl Into<String>) -> Problem {
        Problem {
            file: None,
            message: message.into(),
            place: None,
            help: None,
            starting: false,
            unfit: false,
            lacks_file: false,
        }
    }
    /// A file that could not be loaded at all.
    pub fn file(name: &str, message: impl Into<String>) -> Problem {
        Problem {
            file: Some(name.to_owned()),
            ..Problem::general(message)
        }
    }
    /// A problem at a place in one of the loaded files.
    pub fn at(sources: &[Source], span: Span, message: impl Into<String>) -> Problem {
        let source = sources.get(span.file as usize);
        let place = source.map(|s| Place::of(span, s));
        Problem {
            file: source.map(|s| s.name.clone()),
            ..Problem::general(conceal(message.into(), place.as_ref()))
        }
        .placed(place)
    }
    /// What a plugin says when it is built: it cannot be, and the file is refused. A [`ConfigError`] in `error` gives the
    /// place, else it is the plugin's header.
    pub fn of_plugin(sources: &[Source], plugin: &PluginConfig, error: &anyhow::Error) -> Problem {
        let span = error
            .chain()
            .find_map(|e| e.downcast_ref::<ConfigError>())
            .and_then(|e| e.span);
        let array = if plugin.header.list && plugin.kind == Kind::Output {
            " array"
        } else {
            ""
        };
        let text = format!("{error:#}");
        let missing = text
            .strip_prefix("undefined but requested parser: ")
            .map(|name| (Kind::Parser, name))
            .or(text
                .strip_prefix("undefined but requested serializer: ")
                .map(|name| (Kind::Serializer, name)));
        let help = missing.map(|(kind, name)| {
            let there: Vec<&str> = registrations()
                .filter(|r| r.kind == kind)
                .map(|r| r.name)
                .collect();
            known::format_help(kind, name, &there)
        });
        let help = help
            .or_else(|| type_help(sources, span?, &text))
            .or_else(|| value_help(&text));
        let data_format = || missing.and(plugin.table.get("data_format")).map(|node| node.span);
        let span = span
            .or_else(data_format)
            .or_else(|| locate(sources, plugin, &text));
        // Telegraf's words depend on whether an input makes one parser or many.
        let many = ["directory_monitor", "file", "http", "tail"];
        let text = match text.strip_prefix("undefined but requested parser: ") {
            Some(_) if many.contains(&plugin.name.as_str()) => format!("parser not found: {text}"),
            Some(_) => format!("adding parser failed: {text}"),
            None => text,
        };
        Problem::at(
            sources,
            span.unwrap_or(plugin.span),
            format!("error parsing {}{array}, {text}", plugin.name),
        )
        .with_help(help)
        .lacking(error)
    }
    /// What a plugin, or a part of one, says of options that can be read but make no sense. It stands where the option that
    /// `said` tells of does, if that can be found.
    pub fn of_options(
        sources: &[Source],
        plugin: &PluginConfig,
        message: String,
        said: &anyhow::Error,
    ) -> Problem {
        let said_whole = format!("{said:#}");
        let span = locate(sources, plugin, &said_whole).unwrap_or(plugin.span);
        Problem::at(sources, span, message)
            .with_help(value_help(&said_whole))
            .lacking(said)
    }
    /// What is wrong with an option under `[agent]` that can be read.
    pub fn of_agent(sources: &[Source], option: &str, message: String) -> Problem {
        let help = value_help(&message);
        let problem = match of_agent(sources, &|key, _| key == option) {
            Some(span) => Problem::at(sources, span, message).of_no_file(),
            None => Problem::general(message),
        };
        problem.with_help(help)
    }
    fn lacking(self, error: &anyhow::Error) -> Problem {
        let is_lack =
            |e: &std::io::Error| matches!(e.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied);
        let lacks_file = error
            .chain()
            .any(|e| e.downcast_ref::<std::io::Error>().is_some_and(is_lack));
        Problem { lacks_file, ..self }
    }
    fn placed(self, place: Option<Place>) -> Problem {
        Problem { place, ..self }
    }
    /// The same, said when the agent starts.
    pub fn at_start(self) -> Problem {
        Problem {
            starting: true,
            ..self
        }
    }
    /// The same, with no file to blame.
    pub fn of_no_file(self) -> Problem {
        Problem { unfit: true, ..self }
    }
    /// What keeps this from being known for sure where the file is only checked: a variable that is not set here, a
    /// placeholder for the user's own value, a file that is not on this machine. Nothing for what is wrong in any case.
    pub fn open(&self, vars: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        if self.message.starts_with("error parsing data: ") {
            return None;
        }
        let unset = |open: &&Open| !matches!(open, Open::Variable(name) if vars(name).is_some());
        let open = self.place.as_ref().and_then(|p| p.open.iter().find(unset));
        match open {
            Some(Open::Variable(name)) => Some(format!("the variable `{name}` is not set")),
            Some(Open::Placeholder(text)) => Some(format!("`{text}` stands for a value of yours")),
            None => self
                .lacks_file
                .then(|| "the file is not there, or not to be read".to_owned()),
        }
    }
    /// With what may be meant.
    pub fn with_help(self, help: impl Into<Option<String>>) -> Problem {
        let help = help.into().map(|text| conceal(text, self.place.as_ref()));
        Problem { help, ..self }
    }

    /// Telegraf's line, without its level.
    pub fn headline(&self) -> String {
        match &self.file {
            _ if self.starting => format!("[telegraf] Error running agent: {}", self.message),
            Some(file) if !self.unfit => format!("loading config file {file} failed: {}", self.message),
            _ => self.message.clone(),
        }
    }

    /// The headline, then the place with a mark under it, then the help.
    pub fn render(&self) -> String {
        let mut out = self.headline();
        if let (Some(file), Some(place)) = (&self.file, &self.place) {
            let number = place.line.to_string();
            let gap = " ".repeat(number.len());
            // A tab stays a tab, so that the mark stands under the text.
            let indent: String = place
                .text
                .chars()
                .take(place.column - 1)
                .map(|c| if c == '\t' { c } else { ' ' })
                .collect();
            let _ = write!(
                out,
                "\n{gap}--> {file}:{}:{}\n{gap} |\n{number} | {}\n{gap} | {indent}{}",
                place.line,
                place.column,
                place.text,
                "^".repeat(place.width)
            );
        }
        if let Some(help) = &self.help {
            let _ = write!(out, "\n  help: {help}");
        }
        out
    }
}

/// A text without what is hidden in the line that it is about.
fn conceal(text: String, place: Option<&Place>) -> String {
    let hidden = place.map(|p| p.hidden.as_slice()).unwrap_or_default();
    hidden
        .iter()
        .fold(text, |text, secret| text.replace(secret, "***"))
}

/// Several problems as one JSON array: objects with `file`, `message`, `line`, `column`, `width`, `text` and `help`.
pub fn problems_json(problems: &[Problem]) -> serde_json::Value {
    serde_json::to_value(problems).unwrap_or_default()
}

/// A line for the log that keeps nothing from starting.
#[derive(Clone, Debug)]
pub struct Note {
    /// Warning or error.
    pub level: Level,
    /// The line, in Telegraf's words where it has any.
    pub message: String,
    /// Where, for those that point into a file.
    pub span: Option<Span>,
}

impl Note {
    /// The message with its place, where it has one.
    pub fn render(&self, sources: &[Source]) -> String {
        let found = self.span.map(|span| Problem::at(sources, span, ""));
        match found.and_then(|p| Some((p.file?, p.place?))) {
            Some((file, place)) => format!("{} ({file}:{}:{})", self.message, place.line, place.column),
            None => self.message.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Vec<Source> {
        vec![Source {
            name: "t.conf".into(),
            text: text.into(),
        }]
    }

    #[test]
    fn points_at_the_place() {
        let sources = source("[agent]\n\tinterval = \"é\" # x\nb = 1\n");
        let span = Span {
            file: 0,
            start: 20,
            end: 24,
        };
        let problem = Problem::at(&sources, span, "wrong").with_help(Some("write it right".into()));
        assert_eq!(
            problem.render(),
            "loading config file t.conf failed: wrong\n --> t.conf:2:13\n  |\n2 | \tinterval = \"é\" # x\n  | \t           ^^^\n  help: write it right"
        );
        let json = problems_json(&[problem]);
        assert_eq!(
            (json[0]["line"].as_u64(), json[0]["column"].as_u64()),
            (Some(2), Some(13))
        );
        assert_eq!(json[0]["help"], "write it right");
    }

    #[test]
    fn a_span_beside_the_text_is_harmless() {
        let sources = source("é");
        for (start, end) in [(1, 1), (0, 1), (9, 3), (2, 99)] {
            let _ = Problem::at(&sources, Span { file: 0, start, end }, "x").render();
        }
        assert_eq!(
            Problem::at(
                &sources,
                Span {
                    file: 7,
                    start: 0,
                    end: 1
                },
                "x"
            )
            .headline(),
            "x"
        );
    }
}
