//! Texts in, one configuration out, with everything that is wrong in any of them.

use wheatstone_plugin::Level;
use wheatstone_plugin::conf::{Node, NodeKind, Span, references};

use crate::agent::Settings;
use crate::plugins::{collect, plugin};
use crate::select::Selector;
use crate::tree::{Item, Slot, Tab};
use crate::{Config, EnvMode, LoadOptions, Note, Problem, Source, env, parse, text};

/// A configuration that can be built.
#[derive(Debug)]
pub struct Loaded {
    /// What the files say.
    pub config: Config,
    /// Lines for the log.
    pub notes: Vec<Note>,
    /// The texts, for later problems that point into them.
    pub sources: Vec<Source>,
}

/// Loads texts, one after the other, into one configuration. All problems of all texts come at once.
pub fn load(sources: Vec<Source>, options: &LoadOptions) -> Result<Loaded, Vec<Problem>> {
    let (loaded, problems) = load_all(sources, options);
    if problems.is_empty() {
        Ok(loaded)
    } else {
        Err(problems)
    }
}

/// The same, with as much of the configuration as could be read: its plugins may have problems of their own.
pub fn load_all(sources: Vec<Source>, options: &LoadOptions) -> (Loaded, Vec<Problem>) {
    let mut config = Config::default();
    let mut settings = Settings::default();
    let mut report = Report {
        sources: &sources,
        problems: Vec::new(),
        notes: Vec::new(),
    };
    let selector = Selector::new(&options.select).unwrap_or_else(|e| {
        report.problems.push(Problem::general(e));
        Selector::default()
    });
    for (number, source) in sources.iter().enumerate() {
        let Some(tree) = read(
            source,
            u32::try_from(number).unwrap_or(u32::MAX),
            options,
            &mut report,
        ) else {
            continue;
        };
        tree.entries
            .iter()
            .for_each(|slot| odd_references(&slot.item, &mut report));
        // Tags and settings first, as plugins may depend on them.
        let (settings_tables, rest): (Vec<Slot>, Vec<Slot>) = tree
            .entries
            .into_iter()
            .partition(|s| matches!(s.key.as_str(), "tags" | "global_tags" | "agent" | "wheatstone"));
        for slot in settings_tables {
            match slot.key.as_str() {
                "agent" => settings.agent(slot, &mut report),
                "wheatstone" => settings.wheatstone(slot, &mut report),
                _ => settings.global_tags(slot, &mut config.global_tags, &mut report),
            }
        }
        let mut plugins = collect(rest, &mut report);
        plugins.sort_by_key(|p| p.table.span);
        for found in plugins {
            config
                .plugins
                .extend(plugin(found, options, &selector, &mut report));
        }
    }
    settings.finish(options.hostname.as_deref(), &mut config, &mut report);
    let Report { problems, notes, .. } = report;
    let loaded = Loaded {
        config,
        notes,
        sources,
    };
    (loaded, problems)
}

/// The tree of one text, variables put in; none where it could not be read.
fn read(source: &Source, file: u32, options: &LoadOptions, report: &mut Report<'_>) -> Option<Tab> {
    let vars = |name: &str| (options.vars)(name);
    // Comments go first: a variable in one asks for nothing.
    let mut mapped = text::remove_comments(&source.text);
    if let Some(at) = mapped.text.find('\u{fffd}') {
        let start = u32::try_from(mapped.origin(at)).unwrap_or(u32::MAX);
        let message =
            "the file is not UTF-8, as if it was saved as Latin-1: characters here are replaced by U+FFFD";
        report.warn(
            Span {
                file,
                start,
                end: start + 1,
            },
            message.into(),
        );
    }
    if options.env == EnvMode::NonStrict {
        mapped = match env::substitute(&mapped.text, &vars, options.old_env) {
            Ok((substituted, _)) => substituted.through(&mapped),
            Err((at, missing)) => {
                let at = u32::try_from(mapped.origin(at)).unwrap_or(u32::MAX);
                let span = Span {
                    file,
                    start: at,
                    end: at + 1,
                };
                report.problem(span, format!("error parsing data: {missing}"));
                return None;
            }
        };
    }
    let (mut tree, faults) = parse::parse(&mapped, file);
    if !faults.is_empty() {
        for fault in faults {
            let problem = Problem::at(
                report.sources,
                fault.span,
                format!("error parsing data: {}", fault.message),
            );
            report.problems.push(problem.with_help(fault.help));
        }
        return None;
    }
    if options.env == EnvMode::Strict {
        let before = report.problems.len();
        for slot in &mut tree.entries {
            substitute_item(&mut slot.item, &vars, options.old_env, report);
        }
        if report.problems.len() > before {
            return None;
        }
    }
    Some(tree)
}

/// Says which texts look like references to secrets and are none: they are taken as they are.
fn odd_references(item: &Item, report: &mut Report<'_>) {
    match item {
        Item::Value(node, _) => odd_reference(node, report),
        Item::Table(t) => t.entries.iter().for_each(|s| odd_references(&s.item, report)),
        Item::Tables(list) => list
            .iter()
            .flat_map(|t| &t.entries)
            .for_each(|s| odd_references(&s.item, report)),
    }
}

fn odd_reference(node: &Node, report: &mut Report<'_>) {
    match &node.kind {
        NodeKind::String(text) if text.starts_with("@{") && references(text).next().is_none() => {
            let message = "this text is taken as it is, not as a secret: a reference is written @{store:key}, of letters, digits and underscores";
            report.warn(node.span, message.into());
        }
        NodeKind::Array(items) => items.iter().for_each(|n| odd_reference(n, report)),
        NodeKind::Table(t) => t.entries.iter().for_each(|e| odd_reference(&e.value, report)),
        _ => {}
    }
}

fn substitute_item(item: &mut Item, vars: env::Vars<'_>, old: bool, report: &mut Report<'_>) {
    match item {
        Item::Value(node, _) => substitute_node(node, vars, old, report),
        Item::Table(t) => t
            .entries
            .iter_mut()
            .for_each(|s| substitute_item(&mut s.item, vars, old, report)),
        Item::Tables(list) => list
            .iter_mut()
            .flat_map(|t| &mut t.entries)
            .for_each(|s| substitute_item(&mut s.item, vars, old, report)),
    }
}

fn substitute_node(node: &mut Node, vars: env::Vars<'_>, old: bool, report: &mut Report<'_>) {
    match &mut node.kind {
        NodeKind::String(s) => match env::substitute(s, vars, old) {
            Ok((mapped, used)) => {
                *s = mapped.text;
                node.from_env |= used;
            }
            Err((_, missing)) => report.problem(node.span, format!("error parsing data: {missing}")),
        },
        NodeKind::Array(items) => items
            .iter_mut()
            .for_each(|n| substitute_node(n, vars, old, report)),
        NodeKind::Table(t) => t
            .entries
            .iter_mut()
            .for_each(|e| substitute_node(&mut e.value, vars, old, report)),
        _ => {}
    }
}

/// What is found on the way.
pub(crate) struct Report<'a> {
    pub sources: &'a [Source],
    pub problems: Vec<Problem>,
    pub notes: Vec<Note>,
}

impl Report<'_> {
    pub fn push(&mut self, span: Span, message: String, help: Option<String>) {
        self.problems
            .push(Problem::at(self.sources, span, message).with_help(help.filter(|h| !h.is_empty())));
    }
    pub fn problem(&mut self, span: Span, message: String) {
        self.push(span, message, None);
    }
    pub fn help(&mut self, span: Span, message: String, help: String) {
        self.push(span, message, Some(help));
    }
    /// The files do not fit together: the place is shown, but no file is blamed.
    pub fn unfit(&mut self, span: Option<Span>, message: &str) {
        let problem = match span {
            Some(span) => Problem::at(self.sources, span, message),
            None => Problem::general(message),
        };
        self.problems.push(problem.of_no_file());
    }
    pub fn warn(&mut self, span: Span, message: String) {
        self.notes.push(Note {
            level: Level::Warn,
            message,
            span: Some(span),
        });
    }
    /// An option that goes with a version of Telegraf: an error's letter where that has come, else a warning's.
    pub fn deprecated_until(&mut self, span: Span, message: &str, removal: &str) {
        let number =
            |version: &str| -> Vec<u32> { version.split('.').map(|n| n.parse().unwrap_or(0)).collect() };
        if number(removal) <= number(crate::TELEGRAF_VERSION) {
            return self.deprecated(span, message);
        }
        self.warn(span, format!("DeprecationWarning: {message}"));
    }
    /// An option that Telegraf 1.40 no longer promises to take.
    pub fn deprecated(&mut self, span: Span, message: &str) {
        let message = format!("DeprecationError: {message}");
        self.notes.push(Note {
            level: Level::Error,
            message,
            span: Some(span),
        });
    }
}

#[cfg(test)]
mod tests;
