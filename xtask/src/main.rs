//! The project's automation: `cargo xtask`.
#![allow(clippy::print_stdout, reason = "a program for people at a terminal")]

mod arrows;
mod bench;
mod conformance;
mod docs;
mod faults;
mod fuzz;
mod install;
mod lint;
mod shell;
mod size;
mod test;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test [--no-install] [--fast]  install what the tests need, build, run every test against real servers
                                --no-install: use what is there; --fast: only the tests that need no server
  install                       only install what the tests need
  lint [--deny]                 format, clippy, arrows between crates, banned crates, cargo-deny where it is installed
                                --deny: install cargo-deny first (it compiles for minutes)
  conformance [--debug] [PREFIX]...
                                run the conformance cases beside the checkout, on the release binary or the tests'
  faults [ARGUMENT]...          hundreds of runs in which something breaks (--runs N, --messages N, --seed N, --only KIND,
                                --jobs N, --minutes N), and the sum of what was lost: 0
  docs                          write what is generated: sample.conf, docs/plugins.md, option tables of the READMEs
  fuzz [TARGET]... [--minutes N]  run the fuzz targets of fuzz/, one minute each (needs nightly and cargo-fuzz)
  bench [--quick] [--only TEXT] [--curves | --compare PROGRAM | --latency | --instructions | --soak MINUTES]
                                what the program costs beside its floors, and the crates' benchmarks; --curves draws
                                docs/performance; --compare measures two builds in turn; --latency: CPU against the way
                                of a message; --instructions: by callgrind; --soak: memory over time
  size                          the size of the release binary, with every plugin and with the least
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<()> {
    let Some((command, rest)) = args.split_first() else {
        bail!("no command\n{USAGE}")
    };
    match command.as_str() {
        "test" => test::run(&test::Options {
            install: !flag(rest, "--no-install", &["--fast"])?,
            fast: flag(rest, "--fast", &["--no-install"])?,
        }),
        "install" => flag(rest, "", &[]).and_then(|_| install::run_all()),
        "lint" => lint::run(flag(rest, "--deny", &[])?),
        "conformance" => conformance::run(rest),
        "faults" => faults::run(rest),
        "docs" => docs::run(),
        "fuzz" => fuzz::run(&fuzz::Options::new(rest)?),
        "bench" => bench::run(&bench::Options::new(rest)?),
        "size" => size::run(),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        other => bail!("unknown command {other:?}\n{USAGE}"),
    }
}

/// Whether `wanted` is among the arguments; one that is neither it nor one of `others` is an error.
fn flag(args: &[String], wanted: &str, others: &[&str]) -> Result<bool> {
    if let Some(unknown) = args
        .iter()
        .find(|a| *a != wanted && !others.contains(&a.as_str()))
    {
        bail!("unknown argument {unknown:?}\n{USAGE}");
    }
    Ok(args.iter().any(|a| a == wanted))
}
