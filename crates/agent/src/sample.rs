//! Sample configurations and schemas, made from the plugins' own option structs.

use std::io::Write;
use std::process::ExitCode;

use wheatstone_config::{agent_sample, sample};
use wheatstone_plugin::{Kind, Registration, registrations};

use crate::cli::{Flags, names};
use crate::list::of_kind;

/// The sections of a sample, in the order in which they are printed, with the kind of plugin that they hold.
const SECTIONS: [(&str, Option<Kind>); 7] = [
    ("global_tags", None),
    ("agent", None),
    ("secretstores", Some(Kind::SecretStore)),
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
    let sections = names(&flags.section_filter);
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
                let wanted = names(match kind {
                    Kind::Output => &flags.output_filter,
                    Kind::Processor => &flags.processor_filter,
                    Kind::Aggregator => &flags.aggregator_filter,
                    Kind::SecretStore => &flags.secretstore_filter,
                    _ => &flags.input_filter,
                });
                for registration in of_kind(kind) {
                    let chosen = wanted.iter().any(|n| n == registration.name);
                    if wanted.is_empty() || chosen {
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
