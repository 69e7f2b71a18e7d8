//! `wheatstone config check`: loads and builds, opens nothing, says all that is wrong.

use std::io::Write;
use std::process::ExitCode;

use wheatstone_config::{EnvMode, Problem, list_files, problems_json, read_sources};
use wheatstone_plugin::Level;

use crate::cli::Flags;
use crate::{load, logging};

/// Checks the files of the flags; the exit code is 1 when any has a problem. `json` prints the problems as one array.
pub(crate) fn check(flags: &Flags, json: bool) -> anyhow::Result<ExitCode> {
    logging::init(flags.debug, flags.quiet || json);
    let problems = problems(flags);
    if json {
        writeln!(std::io::stdout(), "{:#}", problems_json(&problems))?;
    } else {
        for problem in &problems {
            logging::say(Level::Error, "", &problem.render());
        }
    }
    Ok(if problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn problems(flags: &Flags) -> Vec<Problem> {
    let checked = list_files(&flags.config, &flags.config_directory)
        .map_err(|problem| vec![problem])
        .and_then(|(files, _)| {
            read_sources(&files, |url| {
                Err(format!("configurations from URLs are not supported yet: {url}"))
            })
        })
        .and_then(|sources| {
            let mut options = load::options(flags)?;
            if !flags.strict_env_handling && options.env == EnvMode::Strict {
                // As Telegraf's own check does it, unlike its run.
                options.env = EnvMode::NonStrict;
            }
            load::load(sources, &options, false)
        });
    checked.err().unwrap_or_default()
}
