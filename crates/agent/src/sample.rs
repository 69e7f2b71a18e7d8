//! Sample configurations and schemas, made from the plugins' own option structs.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

use serde_json::{Map, json};
use wheatstone_config::{AgentConfig, agent_sample, sample};
use wheatstone_plugin::{Kind, Registration, registrations};

use crate::cli::Flags;

/// The sections of a sample, in the order in which they are printed, with the kind of plugin that they hold.
const SECTIONS: [(&str, Option<Kind>); 6] = [
    ("global_tags", None),
    ("agent", None),
    ("outputs", Some(Kind::Output)),
    ("processors", Some(Kind::Processor)),
    ("aggregators", Some(Kind::Aggregator)),
    ("inputs", Some(Kind::Input)),
];

/// Prints a sample configuration; the flags choose sections and plugins.
pub(crate) fn create(flags: &Flags) -> anyhow::Result<ExitCode> {
    std::io::stdout().lock().write_all(text(flags).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn text(flags: &Flags) -> String {
    let list = |text: &str| -> Vec<String> {
        text.split(':')
            .map(str::trim)
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let sections = list(&flags.section_filter);
    let mut out = String::from("# Wheatstone configuration. Telegraf's files work as they are.\n");
    for (section, kind) in SECTIONS {
        if !sections.is_empty() && !sections.iter().any(|s| s == section) {
            continue;
        }
        match kind {
            None if section == "agent" => {
                out.push('\n');
                out.push_str(&agent_sample());
            }
            None => out.push_str("\n# Tags that every metric gets.\n[global_tags]\n  # site = \"north\"\n"),
            Some(kind) => {
                let names = list(match kind {
                    Kind::Output => &flags.output_filter,
                    Kind::Processor => &flags.processor_filter,
                    Kind::Aggregator => &flags.aggregator_filter,
                    _ => &flags.input_filter,
                });
                for registration in of_kind(kind) {
                    let chosen = names.iter().any(|n| n == registration.name);
                    if names.is_empty() || chosen {
                        out.push('\n');
                        out.push_str(&block(registration, chosen));
                    }
                }
            }
        }
    }
    out
}

/// A plugin's block; one that was not asked for by name is commented out.
fn block(registration: &Registration, active: bool) -> String {
    let text = sample(registration);
    if active {
        return text;
    }
    text.lines()
        .map(|line| {
            if line.is_empty() {
                "#\n".into()
            } else {
                format!("# {line}\n")
            }
        })
        .collect()
}

fn of_kind(kind: Kind) -> impl Iterator<Item = &'static Registration> {
    let sorted: BTreeMap<&str, &Registration> = registrations()
        .filter(|r| r.kind == kind)
        .map(|r| (r.name, r))
        .collect();
    sorted.into_values()
}

/// Prints the sample of one input or output.
pub(crate) fn usage(name: &str) -> anyhow::Result<ExitCode> {
    let found: Vec<_> = registrations()
        .filter(|r| r.name == name && matches!(r.kind, Kind::Input | Kind::Output))
        .collect();
    anyhow::ensure!(
        !found.is_empty(),
        "input {name} not found and output {name} not found"
    );
    let mut out = std::io::stdout().lock();
    for registration in found {
        writeln!(out, "{}", sample(registration))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a JSON schema of the whole configuration.
pub(crate) fn schema() -> anyhow::Result<ExitCode> {
    let mut properties = Map::new();
    properties.insert("agent".into(), schemars::schema_for!(AgentConfig).to_value());
    let texts = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    properties.insert("global_tags".into(), texts);
    for (section, kind) in SECTIONS {
        let Some(kind) = kind else { continue };
        let mut plugins = Map::new();
        for registration in of_kind(kind) {
            // Its own keys only: the common ones and those of the data format are not listed, so others must pass.
            plugins.insert(
                registration.name.into(),
                json!({ "type": "array", "items": (registration.schema)() }),
            );
        }
        properties.insert(section.into(), json!({ "type": "object", "properties": plugins }));
    }
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Wheatstone configuration",
        "type": "object",
        "properties": properties,
    });
    writeln!(std::io::stdout(), "{schema:#}")?;
    Ok(ExitCode::SUCCESS)
}
