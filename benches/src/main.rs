//! The agent's program goes in, what it costs comes out: CPU-seconds per million messages in several scenes, each beside
//! floors that are measured in the same run.
//!
//! A broker double speaks just enough MQTT to blast packets that were encoded before; an HTTP double counts the lines that
//! arrive. Both live in this process, so that their work is not counted as the agent's.
#![allow(clippy::print_stdout, reason = "a program for people at a terminal")]

mod broker;
mod curves;
mod floor;
mod memory;
mod mosquitto;
mod packets;
mod peer;
mod report;
mod scene;
mod sink;
mod svg;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

const USAGE: &str = "\
usage: bench AGENT [--quick] [--compare OTHER] [--curves FOLDER]

  AGENT            the program to measure
  --quick          fewer messages and one round: a minute or so, for a first look
  --compare OTHER  a second build, measured in turn with the first; the table gives the ratio of the two
  --curves FOLDER  draw cost against the number of inputs, outputs, topics and the batch size into this folder
";

struct Options {
    agent: PathBuf,
    other: Option<PathBuf>,
    quick: bool,
    curves: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.split_first() {
        Some((first, rest)) if first == "floor" => floor::run(rest),
        Some((first, rest)) if first == "alone" => memory::run_alone(rest),
        _ => options(&args).and_then(|options| run(&options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn options(args: &[String]) -> Result<Options> {
    let mut options = Options {
        agent: PathBuf::new(),
        other: None,
        quick: false,
        curves: None,
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut path = || {
            args.next()
                .map(PathBuf::from)
                .with_context(|| format!("{arg} needs a path\n{USAGE}"))
        };
        match arg.as_str() {
            "--quick" => options.quick = true,
            "--compare" => options.other = Some(path()?),
            "--curves" => options.curves = Some(path()?),
            other if other.starts_with('-') => bail!("unknown argument {other}\n{USAGE}"),
            agent => options.agent = agent.into(),
        }
    }
    if options.agent.as_os_str().is_empty() {
        bail!("no program\n{USAGE}");
    }
    for program in std::iter::once(&mut options.agent).chain(&mut options.other) {
        *program = std::path::absolute(&*program)?;
        if !program.is_file() {
            bail!("{} is not there", program.display());
        }
    }
    Ok(options)
}

fn run(options: &Options) -> Result<()> {
    if let Some(folder) = &options.curves {
        return curves::run(&options.agent, folder, options.quick);
    }
    match &options.other {
        Some(other) => report::compare(&options.agent, other, options.quick),
        None => {
            report::table(&options.agent, options.quick)?;
            memory::run(&options.agent, options.quick)
        }
    }
}
