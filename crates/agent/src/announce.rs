//! What the program says of its configuration at its start, in Telegraf's lines.

use std::collections::BTreeMap;

use wheatstone_config::Config;
use wheatstone_pipeline::Mode;
use wheatstone_plugin::{Kind, Level, registrations};

use crate::logging::say;

/// Says what was loaded. `files` are the names of the files, where `--print-plugin-config-source` asks for them.
pub(crate) fn announce(config: &Config, mode: Mode, files: Option<&[String]>) {
    let info = |text: &str| say(Level::Info, "", text);
    info(&format!("Starting Wheatstone {}", crate::VERSION));
    let count = |kind| registrations().filter(|r| r.kind == kind).count();
    info(&format!(
        "Available plugins: {} inputs, {} aggregators, {} processors, {} parsers, {} outputs, {} secret stores",
        count(Kind::Input),
        count(Kind::Aggregator),
        count(Kind::Processor),
        count(Kind::Parser),
        count(Kind::Output),
        count(Kind::SecretStore)
    ));
    for kind in [
        Kind::Input,
        Kind::Aggregator,
        Kind::Processor,
        Kind::SecretStore,
        Kind::Output,
    ] {
        if kind == Kind::Output && matches!(mode, Mode::Test { .. }) {
            say(Level::Warn, "", "Outputs are not used in testing mode!");
            continue;
        }
        let plugins = config.plugins.iter().filter(|p| p.kind == kind);
        let found: Vec<(&str, u32)> = plugins.map(|p| (p.name.as_str(), p.span.file)).collect();
        let names: Vec<String> = counted(found.iter().map(|(name, _)| *name));
        let table = files.map_or_else(String::new, |files| sources_table(&found, files));
        let line = format!("Loaded {}: {}{table}", kind.plural(), names.join(" "));
        info(line.trim_end());
    }
    let tags: Vec<String> = config
        .global_tags
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    info(format!("Tags enabled: {}", tags.join(" ")).trim_end());
    let has = |kind| config.plugins.iter().any(|p| p.kind == kind);
    if config.agent.skip_processors_after_aggregators.is_none()
        && has(Kind::Aggregator)
        && has(Kind::Processor)
    {
        let text = "The default value of 'skip_processors_after_aggregators' will change to 'true' with Telegraf \
                    v1.40.0! If you need the current default behavior, please explicitly set the option to 'false'!";
        say(Level::Warn, "agent", text);
    }
}

/// Names in their order, each once: `cpu (2x)`.
fn counted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|(name, n)| {
            if n > 1 {
                format!("{name} ({n}x)")
            } else {
                name.to_owned()
            }
        })
        .collect()
}

/// A table of names and the files that they were found in, on lines of its own; those found most often first.
fn sources_table(found: &[(&str, u32)], files: &[String]) -> String {
    let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, file) in found {
        let file = files.get(*file as usize).map_or("", String::as_str);
        by_name.entry(name).or_default().push(file);
    }
    let mut rows: Vec<(String, Vec<String>)> = by_name
        .into_iter()
        .map(|(name, files)| {
            (
                counted(std::iter::repeat_n(name, files.len())).concat(),
                counted(files.into_iter()),
            )
        })
        .collect();
    rows.sort_by_key(|(_, files)| std::cmp::Reverse(files.len()));
    if rows.is_empty() {
        return String::new();
    }
    let width =
        |texts: &mut dyn Iterator<Item = &str>| texts.map(|t| t.chars().count()).max().unwrap_or_default();
    let left = width(&mut rows.iter().map(|r| r.0.as_str()).chain(["NAME"]));
    let right = width(
        &mut rows
            .iter()
            .flat_map(|r| r.1.iter().map(String::as_str))
            .chain(["SOURCE(S)"]),
    );
    let line = format!("\n+{}+{}+", "-".repeat(left + 2), "-".repeat(right + 2));
    let mut out = format!("{line}\n| {:left$} | {:right$} |{line}", "NAME", "SOURCE(S)");
    for (name, files) in rows {
        for (i, file) in files.iter().enumerate() {
            let name = if i == 0 { name.as_str() } else { "" };
            out.push_str(&format!("\n| {name:left$} | {file:right$} |"));
        }
    }
    out + &line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_and_their_files_shown() {
        assert_eq!(counted(["cpu", "mem", "cpu"].into_iter()), ["cpu (2x)", "mem"]);
        let files = ["/tmp/o.conf".to_owned(), "b".to_owned()];
        assert_eq!(
            sources_table(&[("file", 0), ("file", 0)], &files),
            "\n+-----------+------------------+\n| NAME      | SOURCE(S)        |\n+-----------+------------------+\n\
             | file (2x) | /tmp/o.conf (2x) |\n+-----------+------------------+"
        );
        assert!(
            sources_table(&[("a", 0), ("c", 0), ("c", 1)], &files)
                .contains("| c (2x) | /tmp/o.conf |\n|        | b           |")
        );
        assert_eq!(sources_table(&[], &files), "");
    }
}
