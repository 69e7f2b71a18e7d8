//! `wheatstone deadletter`: what was refused for good or could not be read, beside the running agent.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use wheatstone_dead_letter::{DeadLetterConfig, Filter, Letters, parse_since};
use wheatstone_plugin::time::now;

use crate::cli::Flags;

/// Commands about dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum LetterCommand {
    #[command(flatten)]
    Look(LookCommand),
    /// Send letters again, through a configuration that may have changed, to its outputs; what they take is not sent twice
    Replay(Box<crate::replay::ReplayArgs>),
}

/// Those that need no configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum LookCommand {
    /// List letters, one a line, oldest first
    List {
        #[command(flatten)]
        wanted: Wanted,
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

/// Which letters are wanted.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// Only letters since then: a date, a time, or how long ago (1h, 2d)
    #[arg(long)]
    since: Option<String>,
    /// Only letters of these plugins, such as inputs.mqtt_consumer; wildcards work
    #[arg(long)]
    plugin: Vec<String>,
    /// Only letters from these topics or files; wildcards work
    #[arg(long)]
    topic: Vec<String>,
}

impl Wanted {
    /// The same as the store takes it.
    pub(crate) fn filter(&self) -> anyhow::Result<Filter> {
        let since = self.since.as_ref().map(|s| parse_since(s, now()));
        let since = since.transpose().map_err(|e| anyhow!(e))?;
        Filter::new(since, &self.plugin, &self.topic).map_err(|e| anyhow!(e))
    }
}

/// Runs one of them on the letters in `directory`; where it is not given, a replay asks the configuration.
pub(crate) fn run(
    flags: Flags,
    directory: Option<PathBuf>,
    command: LetterCommand,
) -> anyhow::Result<ExitCode> {
    match command {
        LetterCommand::Replay(args) => crate::replay::run(flags, directory, *args),
        LetterCommand::Look(command) => look(&directory.unwrap_or_else(default_directory), command),
    }
}

fn default_directory() -> PathBuf {
    DeadLetterConfig::default().directory.into()
}

fn look(directory: &Path, command: LookCommand) -> anyhow::Result<ExitCode> {
    let mut letters =
        Letters::open(directory).with_context(|| format!("no dead letters in {}", directory.display()))?;
    let mut out = std::io::stdout().lock();
    match command {
        LookCommand::List { wanted, format } => {
            for entry in letters.list(wanted.filter()?)? {
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
        LookCommand::Show { id, format } => {
            let entry = letters
                .show(id)?
                .with_context(|| format!("there is no letter {id}"))?;
            match format.as_str() {
                "json" => writeln!(out, "{}", entry.json())?,
                _ => write!(out, "{}", entry.text())?,
            }
        }
        LookCommand::Remove { ids } => letters.remove(&ids)?,
    }
    Ok(ExitCode::SUCCESS)
}
