//! What is wrong with a command line, in Telegraf's words; and the forms that Telegraf takes and clap does not.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ErrorKind};
use clap::{Arg, ArgAction, Command};

/// Makes two dashes of one, and of `--flag=true` the flag alone: Telegraf's own reader takes all of these.
pub(super) fn normalize(args: Vec<OsString>, command: &Command) -> Vec<OsString> {
    let mut switches = Vec::new();
    collect_switches(command, &mut switches);
    let mut rest_is_plain = false;
    let mut out = Vec::with_capacity(args.len());
    for (i, arg) in args.into_iter().enumerate() {
        rest_is_plain |= arg == "--";
        let Some(text) = arg
            .to_str()
            .filter(|text| i > 0 && !rest_is_plain && is_flag(text))
        else {
            out.push(arg);
            continue;
        };
        let flag = format!("--{}", text.trim_start_matches('-'));
        let Some((name, value)) = flag
            .split_once('=')
            .filter(|(name, _)| switches.iter().any(|s| s == &name[2..]))
        else {
            out.push(flag.into());
            continue;
        };
        match value {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => out.push(name.into()),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => {}
            _ => out.push(flag.into()),
        }
    }
    out
}

/// `-test` or `--test`; not `-h`, not a number.
fn is_flag(text: &str) -> bool {
    let name = text.trim_start_matches('-');
    text.starts_with('-') && name.len() > 1 && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn collect_switches(command: &Command, out: &mut Vec<String>) {
    let is_switch = |arg: &&Arg| matches!(arg.get_action(), ArgAction::SetTrue);
    out.extend(
        command
            .get_arguments()
            .filter(is_switch)
            .filter_map(|arg| arg.get_long().map(str::to_owned)),
    );
    command
        .get_subcommands()
        .for_each(|inner| collect_switches(inner, out));
}

/// Says what is wrong, with the help where Telegraf prints it; or prints the help that was asked for.
pub(super) fn explain(error: &clap::Error, command: &mut Command) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let context = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let (arg, value) = (
        context(ContextKind::InvalidArg),
        context(ContextKind::InvalidValue),
    );
    // Clap names a flag with its value's place: `--test-wait <SECONDS>`.
    let flag = arg
        .split([' ', '=', '['])
        .next()
        .unwrap_or_default()
        .trim_start_matches('-');
    let is_flag = arg.starts_with('-');
    let incorrect = match error.kind() {
        ErrorKind::UnknownArgument if is_flag => {
            let known: Vec<&str> = command.get_arguments().filter_map(Arg::get_long).collect();
            let meant = wheatstone_config::nearest(flag, known);
            let meant = meant.map_or_else(String::new, |name| format!(" (did you mean --{name}?)"));
            Some(format!("flag provided but not defined: -{flag}{meant}"))
        }
        ErrorKind::InvalidValue if is_flag && value.is_empty() => {
            Some(format!("flag needs an argument: -{flag}"))
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation if is_flag => {
            Some(format!("invalid value {value:?} for flag -{flag}: parse error"))
        }
        ErrorKind::TooManyValues if is_flag => Some(format!(
            "invalid boolean value {value:?} for -{flag}: parse error"
        )),
        _ => None,
    };
    if let Some(text) = incorrect {
        let _ = writeln!(
            std::io::stdout(),
            "Incorrect Usage: {text}\n\n{}",
            command.render_help()
        );
        crate::logging::early(&text);
        return ExitCode::FAILURE;
    }
    let stray = match error.kind() {
        ErrorKind::UnknownArgument => arg,
        ErrorKind::InvalidSubcommand => context(ContextKind::InvalidSubcommand),
        _ => String::new(),
    };
    if stray.is_empty() {
        crate::logging::early(error.to_string().trim().trim_start_matches("error: "));
        return ExitCode::FAILURE;
    }
    let known: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
    let meant = wheatstone_config::nearest(&stray, known);
    let meant = meant.map_or_else(String::new, |name| format!(" (did you mean {name}?)"));
    crate::logging::early(&format!("unknown command {stray:?}{meant}"));
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(args: &[&str]) -> Vec<String> {
        let args = args.iter().map(OsString::from).collect();
        normalize(args, &super::super::command("wheatstone"))
            .into_iter()
            .map(|a| a.into_string().unwrap())
            .collect()
    }

    #[test]
    fn one_dash_is_as_good_as_two() {
        assert_eq!(
            normal(&["x", "-config", "a", "-h", "--once"]),
            ["x", "--config", "a", "-h", "--once"]
        );
        assert_eq!(normal(&["x", "-config=a-b"]), ["x", "--config=a-b"]);
        assert_eq!(
            normal(&["x", "-config-url-retry-attempts", "-10"]),
            ["x", "--config-url-retry-attempts", "-10"]
        );
        assert_eq!(normal(&["x", "--", "-config"]), ["x", "--", "-config"]);
    }

    #[test]
    fn switches_take_values() {
        assert_eq!(
            normal(&["x", "--debug=true", "-test=1", "--once=false", "-quiet=F"]),
            ["x", "--debug", "--test"]
        );
        assert_eq!(normal(&["x", "--debug=maybe"]), ["x", "--debug=maybe"]);
        assert_eq!(
            normal(&["x", "config", "migrate", "-force=t"]),
            ["x", "config", "migrate", "--force"]
        );
    }
}
