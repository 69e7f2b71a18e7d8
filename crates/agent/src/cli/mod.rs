//! The command line, with Telegraf's words: one dash or two, flags before the command or behind it.

mod flags;
mod usage;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use wheatstone_plugin::Level;

pub(crate) use flags::{FileFlags, Flags, names};

/// Collects metrics and writes them elsewhere: MQTT in, InfluxDB, MongoDB, files out. Runs Telegraf's configuration files.
///
/// Without a command it runs the configuration of --config and --config-directory; where neither is given, that of
/// $TELEGRAF_CONFIG_PATH, ~/.telegraf/telegraf.conf, or /etc/telegraf/telegraf.conf with /etc/telegraf/telegraf.d.
#[derive(Debug, Parser)]
#[command(name = "wheatstone", disable_version_flag = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) flags: Flags,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Commands.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one of it, once")]
pub(crate) enum Command {
    /// Show the main job at work: an embedded broker, simulated sensors, metrics on stdout
    #[cfg(feature = "demo")]
    Demo(crate::demo::DemoArgs),
    /// Print, check and migrate configurations
    Config {
        #[command(flatten)]
        flags: FileFlags,
        #[command(subcommand)]
        command: Option<ConfigCommand>,
    },
    /// List the plugins of this program
    Plugins {
        /// Only this kind: inputs, outputs, processors, aggregators, secretstores, parsers, serializers
        kind: Option<String>,
        /// Only plugins that Telegraf deprecated
        #[arg(long)]
        deprecated: bool,
    },
    /// Show and change the secrets of secret stores
    Secrets {
        #[command(flatten)]
        flags: FileFlags,
        #[command(subcommand)]
        command: Option<crate::secrets::SecretsCommand>,
    },
    /// Look at what was refused for good or could not be read, and send it again
    #[command(name = "deadletter")]
    DeadLetter {
        /// The folder of the letters: `directory` under [wheatstone.dead_letter], or its default
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
        #[command(subcommand)]
        command: crate::letters::LetterCommand,
    },
    #[cfg(feature = "completions")]
    /// Print the completions of a shell: bash, elvish, fish, powershell, zsh
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    #[cfg(feature = "completions")]
    /// Print the man page
    Man,
    /// Print the version
    Version,
}

/// Commands about configurations.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Load files, build every plugin, open nothing, and say all that is wrong
    Check {
        #[command(flatten)]
        flags: FileFlags,
        /// Files to check, besides those of --config
        files: Vec<String>,
        /// How problems are shown: text or json
        #[arg(long, default_value = "text", value_parser = ["text", "json"], hide_possible_values = true)]
        format: String,
    },
    /// Print a sample configuration; the filters choose what it holds
    Create {
        #[command(flatten)]
        flags: FileFlags,
    },
    /// Replace deprecated plugins and options; the result stands beside the file, as FILE.migrated
    Migrate {
        #[command(flatten)]
        flags: FileFlags,
        /// Files to migrate, besides those of --config
        files: Vec<String>,
        /// Overwrite results of an earlier migration
        #[arg(long)]
        force: bool,
    },
    /// Print a JSON schema of the configuration for editors
    Schema,
}

/// The whole command line, under the name that the program is called by.
fn command(name: &str) -> clap::Command {
    fn repeatable(command: clap::Command) -> clap::Command {
        // Of a flag that is given twice, the last counts.
        command.args_override_self(true).mut_subcommands(repeatable)
    }
    repeatable(Cli::command()).name(name.to_owned()).bin_name(name)
}

/// The name that the program is called by: its own, or that of a link.
fn called_by(args: &[OsString]) -> String {
    let path = args.first().map(Path::new).and_then(Path::file_stem);
    path.map_or_else(|| "wheatstone".into(), |name| name.to_string_lossy().into_owned())
}

pub(crate) fn main(args: Vec<OsString>) -> ExitCode {
    let name = called_by(&args);
    let mut command = command(&name);
    let args = usage::normalize(args, &command);
    let matches = command.try_get_matches_from_mut(args);
    match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => run(cli, &name).unwrap_or_else(|e| {
            crate::logging::early(&format!("{e:#}"));
            ExitCode::FAILURE
        }),
        Err(e) => usage::explain(&e, &mut command),
    }
}

fn run(cli: Cli, name: &str) -> anyhow::Result<ExitCode> {
    let flags = cli.flags;
    match cli.command {
        Some(Command::Version) => version(name),
        Some(Command::Secrets { flags: more, command }) => crate::secrets::run(&flags.with(more), command),
        Some(Command::Plugins { kind, deprecated }) => crate::list::plugins(kind.as_deref(), deprecated),
        Some(Command::DeadLetter { directory, command }) => crate::letters::run(flags, directory, command),
        #[cfg(feature = "completions")]
        Some(Command::Completions { shell }) => {
            // Not to stdout at once: a reader that goes away is no reason to panic.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command(name), name, &mut script);
            std::io::stdout().write_all(&script)?;
            Ok(ExitCode::SUCCESS)
        }
        #[cfg(feature = "completions")]
        Some(Command::Man) => {
            clap_mangen::Man::new(command(name)).render(&mut std::io::stdout())?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Config { flags: more, command }) => config(flags.with(more), command),
        #[cfg(feature = "demo")]
        Some(Command::Demo(args)) => crate::demo::run(&args),
        None => bare(&flags, name),
    }
}

fn config(flags: Flags, command: Option<ConfigCommand>) -> anyhow::Result<ExitCode> {
    match command {
        None => crate::sample::create(&flags),
        Some(ConfigCommand::Create { flags: more }) => crate::sample::create(&flags.with(more)),
        Some(ConfigCommand::Schema) => crate::schema::print(),
        Some(ConfigCommand::Check {
            flags: more,
            files,
            format,
        }) => {
            let mut flags = flags.with(more);
            flags.config.extend(files);
            crate::check::check(&flags, format == "json")
        }
        Some(ConfigCommand::Migrate {
            flags: more,
            files,
            force,
        }) => {
            let mut flags = flags.with(more);
            flags.config.extend(files);
            crate::migrate::migrate(&flags, force)
        }
    }
}

/// Flags alone: a question, or a run.
fn bare(flags: &Flags, name: &str) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        flags.plugin_directory.is_empty(),
        "go plugin support is not enabled: plugins of other makes are linked in, or run through [[inputs.execd]]"
    );
    if flags.deprecation_list {
        return crate::list::deprecations(flags);
    }
    if flags.output_list {
        return crate::list::old_list("outputs", name);
    }
    if flags.input_list {
        return crate::list::old_list("inputs", name);
    }
    if let Some(plugin) = flags.usage.as_deref().filter(|name| !name.is_empty()) {
        return crate::sample::usage(plugin);
    }
    if flags.version {
        return version(name);
    }
    if flags.sample_config {
        return crate::sample::create(flags);
    }
    crate::logging::init(flags.debug, flags.quiet);
    if let Some(address) = &flags.pprof_addr {
        let text = format!(
            "--pprof-addr {address} is passed over: there are no Go profiles here; [[inputs.internal]] counts what goes on"
        );
        crate::logging::say(Level::Warn, "", &text);
    }
    if flags.unprotected {
        crate::logging::say(Level::Warn, "", "Running without secret protection!");
    }
    crate::run::run(flags)
}

/// One line. Called as `telegraf`, it begins as what reads Telegraf's expects.
fn version(name: &str) -> anyhow::Result<ExitCode> {
    let own = crate::VERSION;
    let line = match name {
        "telegraf" => format!(
            "Telegraf {} (wheatstone {own})",
            wheatstone_config::TELEGRAF_VERSION
        ),
        _ => format!("Wheatstone {own}"),
    };
    writeln!(std::io::stdout(), "{line}")?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_agree() {
        command("wheatstone").debug_assert();
    }

    #[test]
    fn a_link_gives_the_name() {
        let name = |path: &str| called_by(&[OsString::from(path)]);
        assert_eq!(name("/usr/bin/telegraf"), "telegraf");
        assert_eq!(name("target/debug/wheatstone"), "wheatstone");
        assert_eq!(called_by(&[]), "wheatstone");
        let help = command("telegraf").render_long_help().to_string();
        assert!(help.contains("Usage: telegraf [OPTIONS] [COMMAND]"), "{help}");
    }

    #[test]
    fn flags_stand_before_and_behind_a_command() {
        let args = [
            "x",
            "--config",
            "a",
            "--input-filter",
            "cpu",
            "config",
            "create",
            "--input-filter",
            "mem",
            "--config=b",
            "--debug",
        ];
        let matches = command("x").try_get_matches_from(args).unwrap();
        let cli = Cli::from_arg_matches(&matches).unwrap();
        let Some(Command::Config {
            command: Some(ConfigCommand::Create { flags }),
            ..
        }) = cli.command
        else {
            panic!("another command");
        };
        let flags = cli.flags.with(flags);
        assert_eq!(
            (flags.config.as_slice(), flags.input_filter.as_deref()),
            (&["a".to_owned(), "b".to_owned()][..], Some("cpu:mem"))
        );
        assert!(flags.debug && !flags.quiet);
    }
}
