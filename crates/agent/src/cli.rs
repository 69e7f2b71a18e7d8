//! The command line, with Telegraf's words: one dash or two, flags before the command.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Collects metrics and writes them elsewhere: MQTT in, InfluxDB, MongoDB, files out. Runs Telegraf's configuration files.
#[derive(Debug, Parser)]
#[command(
    name = "wheatstone",
    disable_version_flag = true,
    args_conflicts_with_subcommands = false
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) flags: Flags,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Flags of a run.
#[derive(Debug, Default, Args)]
pub(crate) struct Flags {
    /// Configuration file to load; may be given several times
    #[arg(long, value_name = "FILE", action = clap::ArgAction::Append)]
    pub(crate) config: Vec<String>,
    /// Directory with further *.conf files; may be given several times
    #[arg(long, value_name = "DIR", action = clap::ArgAction::Append)]
    pub(crate) config_directory: Vec<PathBuf>,
    /// Gather once, print the metrics to stdout, and end; outputs are not used
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    pub(crate) test: bool,
    /// Like --test, and wait so many seconds for inputs that run by themselves
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub(crate) test_wait: u64,
    /// Gather once, write to the outputs, and end
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    pub(crate) once: bool,
    /// Log debug lines too
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    pub(crate) debug: bool,
    /// Log errors only
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    pub(crate) quiet: bool,
    /// Inputs to use, separated by colons; all where it is not given
    #[arg(long, value_name = "NAMES", default_value = "", hide_default_value = true)]
    pub(crate) input_filter: String,
    /// Outputs to use, separated by colons; all where it is not given
    #[arg(long, value_name = "NAMES", default_value = "", hide_default_value = true)]
    pub(crate) output_filter: String,
    /// Processors that `config create` prints, separated by colons
    #[arg(long, value_name = "NAMES", default_value = "", hide_default_value = true)]
    pub(crate) processor_filter: String,
    /// Aggregators that `config create` prints, separated by colons
    #[arg(long, value_name = "NAMES", default_value = "", hide_default_value = true)]
    pub(crate) aggregator_filter: String,
    /// Secret stores to use, separated by colons
    #[arg(long, value_name = "NAMES", default_value = "", hide_default_value = true)]
    pub(crate) secretstore_filter: String,
    /// Sections that `config create` prints, separated by colons
    #[arg(long, value_name = "NAMES", default_value = "", hide_default_value = true)]
    pub(crate) section_filter: String,
    /// Run plugins whose labels match: k=v;k2=v2; may be given several times
    #[arg(long, value_name = "LABELS", action = clap::ArgAction::Append)]
    pub(crate) select: Vec<String>,
    /// File to write the process id to
    #[arg(long, value_name = "FILE")]
    pub(crate) pidfile: Option<PathBuf>,
    /// Replace variables in string values only (the default)
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    pub(crate) strict_env_handling: bool,
    /// Replace variables in the text before it is read
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    pub(crate) non_strict_env_handling: bool,
    /// Replace variables as before Telegraf 1.27
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    pub(crate) old_env_behavior: bool,
    /// Print the version and end (deprecated, use the command)
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    pub(crate) version: bool,
    /// Print a sample configuration and end (deprecated, use `config create`)
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false)]
    pub(crate) sample_config: bool,
    /// Print the sample configuration of one input or output and end
    #[arg(long, value_name = "NAME")]
    pub(crate) usage: Option<String>,
}

/// Commands.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one of it, once")]
pub(crate) enum Command {
    /// Show the main job at work: an embedded broker, simulated sensors, metrics on stdout
    #[cfg(feature = "demo")]
    Demo(crate::demo::DemoArgs),
    /// Print, check and change configurations
    Config {
        #[command(flatten)]
        flags: Flags,
        #[command(subcommand)]
        command: Option<ConfigCommand>,
    },
    /// List the plugins of this program
    Plugins {
        /// Only this kind: inputs, outputs, processors, aggregators, parsers, serializers, secretstores
        kind: Option<String>,
    },
    /// Show and change the secrets of secret stores
    Secrets {
        #[command(flatten)]
        flags: Flags,
        #[command(subcommand)]
        command: Option<crate::secrets::SecretsCommand>,
    },
    /// Look at what was refused for good or could not be read
    #[command(name = "deadletter")]
    DeadLetter {
        /// The folder of the letters: `directory` under [wheatstone.dead_letter]
        #[arg(long, value_name = "DIR", default_value = "/var/lib/wheatstone/dead_letters")]
        directory: PathBuf,
        #[command(subcommand)]
        command: crate::letters::LetterCommand,
    },
    /// Print the version
    Version,
}

/// Commands about configurations.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Load files, build every plugin, open nothing, and say all that is wrong
    Check {
        #[command(flatten)]
        flags: Flags,
        /// Files to check, besides those of --config
        files: Vec<String>,
        /// How problems are shown: text or json
        #[arg(long, default_value = "text", value_parser = ["text", "json"])]
        format: String,
    },
    /// Print a sample configuration
    Create {
        #[command(flatten)]
        flags: Flags,
    },
    /// Print a JSON schema of the configuration for editors
    Schema,
}

/// Makes two dashes of one, as Telegraf's own reader takes both.
fn normalize(args: Vec<OsString>) -> Vec<OsString> {
    args.into_iter()
        .enumerate()
        .map(|(i, arg)| match arg.to_str() {
            Some(text) if i > 0 && text.len() > 2 && text.starts_with('-') && !text.starts_with("--") => {
                OsString::from(format!("-{text}"))
            }
            _ => arg,
        })
        .collect()
}

/// Adds what stands behind a command to what stands before it.
fn merged(mut a: Flags, b: Flags) -> Flags {
    a.config.extend(b.config);
    a.config_directory.extend(b.config_directory);
    a.select.extend(b.select);
    a.strict_env_handling |= b.strict_env_handling;
    a.non_strict_env_handling |= b.non_strict_env_handling;
    a.old_env_behavior |= b.old_env_behavior;
    for (a, b) in [
        (&mut a.input_filter, b.input_filter),
        (&mut a.output_filter, b.output_filter),
        (&mut a.processor_filter, b.processor_filter),
        (&mut a.aggregator_filter, b.aggregator_filter),
        (&mut a.section_filter, b.section_filter),
        (&mut a.secretstore_filter, b.secretstore_filter),
    ] {
        if !b.is_empty() {
            *a = b;
        }
    }
    a
}

pub(crate) fn main(args: Vec<OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(normalize(args)) {
        Ok(cli) => cli,
        Err(e) => return usage_error(&e),
    };
    let flags = cli.flags;
    let result = match cli.command {
        _ if flags.version => version(),
        _ if flags.sample_config => crate::sample::create(&flags),
        _ if flags.usage.is_some() => crate::sample::usage(flags.usage.as_deref().unwrap_or_default()),
        None => crate::run::run(&flags),
        #[cfg(feature = "demo")]
        Some(Command::Demo(args)) => crate::demo::run(&args),
        Some(Command::DeadLetter { directory, command }) => crate::letters::run(&directory, command),
        Some(Command::Version) => version(),
        Some(Command::Secrets { flags: more, command }) => crate::secrets::run(&merged(flags, more), command),
        Some(Command::Plugins { kind }) => crate::list::plugins(kind.as_deref()),
        Some(Command::Config { flags: more, command }) => {
            let flags = merged(flags, more);
            match command {
                Some(ConfigCommand::Check {
                    flags: more,
                    files,
                    format,
                }) => {
                    let mut flags = merged(flags, more);
                    flags.config.extend(files);
                    crate::check::check(&flags, format == "json")
                }
                Some(ConfigCommand::Create { flags: more }) => crate::sample::create(&merged(flags, more)),
                Some(ConfigCommand::Schema) => crate::sample::schema(),
                None => crate::sample::create(&flags),
            }
        }
    };
    match result {
        Ok(code) => code,
        Err(e) => {
            crate::logging::early(&format!("{e:#}"));
            ExitCode::FAILURE
        }
    }
}

fn usage_error(e: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind;
    if matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _ = e.print();
        return ExitCode::SUCCESS;
    }
    let unknown = e.get(clap::error::ContextKind::InvalidArg).map(|a| a.to_string());
    let stray = e
        .get(clap::error::ContextKind::InvalidSubcommand)
        .map(|a| a.to_string());
    let text = match (e.kind(), unknown, stray) {
        (ErrorKind::UnknownArgument, Some(arg), _) if arg.starts_with('-') => {
            let text = format!("flag provided but not defined: -{}", arg.trim_start_matches('-'));
            let _ = writeln!(std::io::stdout(), "Incorrect Usage: {text}\n\n{}", help());
            text
        }
        (ErrorKind::UnknownArgument, Some(word), _) | (ErrorKind::InvalidSubcommand, _, Some(word)) => {
            format!("unknown command {word:?}")
        }
        _ => e.to_string().trim().to_owned(),
    };
    crate::logging::early(&text);
    ExitCode::FAILURE
}

fn help() -> String {
    use clap::CommandFactory;
    Cli::command().render_help().to_string()
}

fn version() -> anyhow::Result<ExitCode> {
    writeln!(std::io::stdout(), "Wheatstone {}", crate::VERSION)?;
    Ok(ExitCode::SUCCESS)
}
