//! `wheatstone config check`: loads and builds, opens nothing, says all that is wrong.

use std::io::Write;
use std::process::ExitCode;

use wheatstone_config::{EnvMode, LoadOptions, Problem, problems_json};
use wheatstone_plugin::Level;

use crate::cli::Flags;
use crate::{load, logging, sources};

/// Checks the files of the flags; the exit code is 1 when any has a problem. `json` prints the problems as one array.
pub(crate) fn check(flags: &Flags, json: bool) -> anyhow::Result<ExitCode> {
    logging::init(flags.debug, flags.quiet || json);
    let vars = LoadOptions::default().vars;
    let (open, problems): (Vec<_>, Vec<_>) = problems(flags)
        .into_iter()
        .map(|problem| (problem.open(&*vars), problem))
        .partition(|(open, _)| open.is_some());
    // What only the place of use knows keeps no file from being right: a variable may be set there.
    for (reason, problem) in open {
        let problem =
            problem.with_help(reason.map(|r| format!("{r}: this is checked when the agent starts")));
        logging::say(Level::Warn, "", &problem.render());
    }
    let problems: Vec<Problem> = problems.into_iter().map(|(_, problem)| problem).collect();
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
    let checked = sources::read(flags).and_then(|sources| {
        let mut options = load::options(flags)?;
        // Nothing is opened, so no password is asked for.
        let password = flags.password.clone();
        options.passwords = std::sync::Arc::new(move |_, _| password.clone());
        if !flags.strict_env_handling && options.env == EnvMode::Strict {
            // As Telegraf's own check does it, unlike its run.
            options.env = EnvMode::NonStrict;
        }
        load::load(sources, &options, load::Purpose::Check)
    });
    checked.err().unwrap_or_default()
}
