//! The agent's program goes in, what it costs comes out: CPU-seconds per million messages in several scenes, each beside
//! floors that are measured in the same run.
//!
//! A broker double speaks just enough MQTT to blast packets that were encoded before; an HTTP double counts the lines that
//! arrive. Both live in this process, so that their work is not counted as the agent's.
#![allow(clippy::print_stdout, reason = "a program for people at a terminal")]

mod broker;
mod curves;
mod floor;
mod instructions;
mod latency;
mod memory;
mod mosquitto;
mod origin;
mod packets;
mod peer;
mod report;
mod scene;
mod sink;
mod soak;
mod svg;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

const USAGE: &str = "\
usage: bench AGENT [--quick] [--only TEXT] [--compare OTHER | --curves FOLDER | --latency | --instructions | --soak MINUTES]

  AGENT            the program to measure
  --quick          fewer messages and one round: a minute or so, for a first look
  --only TEXT      of the table and of --compare only the rows with this text in their names
  --compare OTHER  a second build, measured in turn with the first; the table gives the ratio of the two
  --curves FOLDER  draw cost against the number of inputs, outputs, topics and the batch size into this folder
  --latency        CPU against the way of a message, at several pauses between two reads behind mosquitto
  --instructions   instructions per message, by callgrind
  --soak MINUTES   memory over time, at 20,000 messages a second behind mosquitto
";

/// What is measured.
enum Work {
    Table,
    Compare(PathBuf),
    Curves(PathBuf),
    Latency,
    Instructions,
    Soak(u64),
}

struct Options {
    agent: PathBuf,
    quick: bool,
    only: String,
    work: Work,
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
        quick: false,
        only: String::new(),
        work: Work::Table,
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || {
            args.next()
                .with_context(|| format!("{arg} needs a value\n{USAGE}"))
        };
        match arg.as_str() {
            "--quick" => options.quick = true,
            "--only" => options.only = value()?.clone(),
            "--compare" => options.work = Work::Compare(program(value()?)?),
            "--curves" => options.work = Work::Curves(value()?.into()),
            "--latency" => options.work = Work::Latency,
            "--instructions" => options.work = Work::Instructions,
            "--soak" => options.work = Work::Soak(value()?.parse().context("--soak takes whole minutes")?),
            other if other.starts_with('-') => bail!("unknown argument {other}\n{USAGE}"),
            agent => options.agent = program(agent)?,
        }
    }
    if options.agent.as_os_str().is_empty() {
        bail!("no program\n{USAGE}");
    }
    Ok(options)
}

/// Where a program lies.
fn program(path: &str) -> Result<PathBuf> {
    let program = std::path::absolute(path)?;
    if !program.is_file() {
        bail!("{} is not there", program.display());
    }
    Ok(program)
}

fn run(options: &Options) -> Result<()> {
    let Options {
        agent,
        quick,
        only,
        work,
    } = options;
    let scenes = || {
        let all = scene::Scene::all(*quick).into_iter();
        all.filter(|scene| scene.name.contains(only))
    };
    match work {
        Work::Table => {
            report::table(agent, scenes(), *quick)?;
            if only.is_empty() {
                memory::run(agent, *quick)?;
            }
            Ok(())
        }
        Work::Compare(other) => report::compare(agent, other, scenes(), *quick),
        Work::Curves(folder) => curves::run(agent, folder, *quick),
        Work::Latency => latency::run(agent, *quick),
        Work::Instructions => instructions::run(agent),
        Work::Soak(minutes) => soak::run(agent, *minutes),
    }
}
