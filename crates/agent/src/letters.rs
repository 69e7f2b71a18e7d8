//! `wheatstone deadletter`: what was refused for good or could not be read, beside the running agent.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::Subcommand;
use wheatstone_dead_letter::{Filter, Letters, parse_since};
use wheatstone_plugin::time::now;

/// Commands about dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum LetterCommand {
    /// List letters, one a line, oldest first
    List {
        /// Only letters since then: a date, a time, or how long ago (1h, 2d)
        #[arg(long)]
        since: Option<String>,
        /// Only letters of these plugins, such as inputs.mqtt_consumer; wildcards work
        #[arg(long)]
        plugin: Vec<String>,
        /// Only letters from these topics or files; wildcards work
        #[arg(long)]
        topic: Vec<String>,
        /// How letters are shown: text or json
        #[arg(long, default_value = "text", value_parser = ["text", "json"])]
        format: String,
    },
    /// Show a letter with all that is known about it
    Show {
        /// Its number
        id: u64,
        /// How it is shown: text or json
        #[arg(long, default_value = "text", value_parser = ["text", "json"])]
        format: String,
    },
    /// Forget letters
    Remove {
        /// Their numbers
        ids: Vec<u64>,
    },
}

/// Runs one of them on the letters in `directory`.
pub(crate) fn run(directory: &PathBuf, command: LetterCommand) -> anyhow::Result<ExitCode> {
    let mut letters =
        Letters::open(directory).with_context(|| format!("no dead letters in {}", directory.display()))?;
    let mut out = std::io::stdout().lock();
    match command {
        LetterCommand::List {
            since,
            plugin,
            topic,
            format,
        } => {
            let since = since
                .map(|s| parse_since(&s, now()))
                .transpose()
                .map_err(|e| anyhow!(e))?;
            let filter = Filter::new(since, &plugin, &topic).map_err(|e| anyhow!(e))?;
            for entry in letters.list(filter)? {
                let entry = entry?;
                writeln!(
                    out,
                    "{}",
                    if format == "json" {
                        entry.json()
                    } else {
                        entry.line()
                    }
                )?;
            }
        }
        LetterCommand::Show { id, format } => {
            let entry = letters
                .show(id)?
                .with_context(|| format!("there is no letter {id}"))?;
            match format.as_str() {
                "json" => writeln!(out, "{}", entry.json())?,
                _ => write!(out, "{}", entry.text())?,
            }
        }
        LetterCommand::Remove { ids } => letters.remove(&ids)?,
    }
    Ok(ExitCode::SUCCESS)
}
