//! `wheatstone plugins` and the flags that list: what is linked in, and what of it is deprecated.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

use wheatstone_config::{GONE, TELEGRAF_VERSION};
use wheatstone_plugin::{Kind, Registration, registrations};

use crate::cli::{Flags, names};

const KINDS: [Kind; 7] = [
    Kind::Input,
    Kind::Output,
    Kind::Processor,
    Kind::Aggregator,
    Kind::SecretStore,
    Kind::Parser,
    Kind::Serializer,
];

/// The plugins of a kind, sorted by name.
pub(crate) fn of_kind(kind: Kind) -> impl Iterator<Item = &'static Registration> {
    let sorted: BTreeMap<&str, &Registration> = registrations()
        .filter(|r| r.kind == kind)
        .map(|r| (r.name, r))
        .collect();
    sorted.into_values()
}

/// Prints one `kind.name` per line, sorted within its kind; `deprecated` prints what Telegraf deprecated.
pub(crate) fn plugins(kind: Option<&str>, deprecated: bool) -> anyhow::Result<ExitCode> {
    let wanted: Vec<Kind> = match kind {
        None => KINDS.to_vec(),
        Some(name) => KINDS.iter().copied().filter(|k| k.plural() == name).collect(),
    };
    if wanted.is_empty() {
        let word = kind.unwrap_or_default();
        let meant = wheatstone_config::nearest(word, KINDS.map(Kind::plural));
        let meant = meant.map_or_else(String::new, |name| format!(" (did you mean {name}?)"));
        anyhow::bail!("unknown command {word:?}{meant}");
    }
    let mut out = std::io::stdout().lock();
    for kind in wanted {
        if deprecated {
            let own = GONE
                .iter()
                .filter(|gone| gone.name.split('.').next() == Some(kind.plural()));
            for gone in own {
                writeln!(out, "{}", gone.name)?;
            }
            continue;
        }
        for plugin in of_kind(kind) {
            writeln!(out, "{}.{}", kind.plural(), plugin.name)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `--input-list` and `--output-list`.
pub(crate) fn old_list(kinds: &str, program: &str) -> anyhow::Result<ExitCode> {
    let (kind, word) = if kinds == "inputs" {
        (Kind::Input, "Input")
    } else {
        (Kind::Output, "Output")
    };
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "DEPRECATED: use {program} plugins {kinds}\nAvailable {word} Plugins:"
    )?;
    for plugin in of_kind(kind) {
        writeln!(out, "  {}", plugin.name)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `--deprecation-list`: the options that a schema says `x-deprecated` of.
pub(crate) fn deprecations(flags: &Flags) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    for (kind, title, filter) in [
        (Kind::Input, "Input", &flags.input_filter),
        (Kind::Output, "Output", &flags.output_filter),
        (Kind::Processor, "Processor", &flags.processor_filter),
        (Kind::Aggregator, "Aggregator", &flags.aggregator_filter),
    ] {
        writeln!(out, "Deprecated {title} Plugins:")?;
        let wanted = names(filter);
        let mut lines = Vec::new();
        for plugin in registrations().filter(|r| r.kind == kind) {
            if !wanted.is_empty() && !wanted.iter().any(|n| n == plugin.name) {
                continue;
            }
            let schema = (plugin.schema)();
            for (option, property) in schema["properties"].as_object().into_iter().flatten() {
                let Some(text) = property["x-deprecated"].as_str() else {
                    continue;
                };
                lines.push(deprecation(
                    &format!("{}.{}/{option}", kind.plural(), plugin.name),
                    text,
                ));
            }
        }
        lines.sort();
        out.write_all(lines.concat().as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `since;removed in;what instead` as a line in Telegraf's columns.
fn deprecation(name: &str, text: &str) -> String {
    let mut parts = text.splitn(3, ';');
    let (since, removal, instead) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let number = |version: &str| -> Vec<u32> { version.split('.').map(|n| n.parse().unwrap_or(0)).collect() };
    let level = if number(removal) <= number(TELEGRAF_VERSION) {
        "ERROR"
    } else {
        "WARN"
    };
    format!("  {name:<40} {level:<5} since {since:<5} removal in {removal:<5} {instead}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deprecated_option_has_telegrafs_columns() {
        assert_eq!(
            deprecation(
                "inputs.mqtt_consumer/client_trace",
                "1.37.0;1.45.0;use 'log_level' 'trace' instead"
            ),
            "  inputs.mqtt_consumer/client_trace        WARN  since 1.37.0 removal in 1.45.0 use 'log_level' 'trace' instead\n"
        );
        assert!(deprecation("a", "1.0.0;1.40.0;b").contains(" ERROR "));
    }
}
