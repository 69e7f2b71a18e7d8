//! `faults`: many runs of the program with something breaking, and a sum of what was lost.
#![allow(clippy::print_stdout, reason = "a program for people at a terminal")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use parking_lot::Mutex;
use wheatstone_faults::{KINDS, Outcome, Plan, Tools, run};

const USAGE: &str = "\
usage: faults [--runs N] [--messages N] [--seed N] [--only KIND] [--jobs N] [--minutes N]

  --runs N      how many runs (20)
  --messages N  how many messages each publishes (50000)
  --seed N      the first run's seed; the others count on from it (1)
  --only KIND   only this kind of fault
  --jobs N      how many runs at a time (1)
  --minutes N   begin no run after so many minutes (no bound)
";

struct Options {
    runs: u64,
    messages: u64,
    seed: u64,
    only: Option<String>,
    jobs: u64,
    minutes: u64,
}

#[derive(Default)]
struct Sum {
    runs: u64,
    unable: u64,
    messages: u64,
    missing: u64,
    duplicates: u64,
    faults: BTreeMap<&'static str, u64>,
}

fn main() -> ExitCode {
    match options().and_then(|o| all(&o)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("faults: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options> {
    let mut options = Options {
        runs: 20,
        messages: 50_000,
        seed: 1,
        only: None,
        jobs: 1,
        minutes: 0,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let value = args.next().with_context(|| format!("{arg}: no value\n{USAGE}"))?;
        let number = || {
            value
                .parse::<u64>()
                .with_context(|| format!("{arg} {value}: not a number"))
        };
        match arg.as_str() {
            "--runs" => options.runs = number()?,
            "--messages" => options.messages = number()?,
            "--seed" => options.seed = number()?,
            "--jobs" => options.jobs = number()?.max(1),
            "--minutes" => options.minutes = number()?,
            "--only" if KINDS.contains(&value.as_str()) => options.only = Some(value),
            "--only" => bail!("no fault {value:?}: there are {}", KINDS.join(", ")),
            _ => bail!("unknown argument {arg:?}\n{USAGE}"),
        }
    }
    Ok(options)
}

/// Makes all runs. Gives whether nothing was lost and every run could be made.
fn all(options: &Options) -> Result<bool> {
    let tools = Tools::find();
    for missing in tools.missing() {
        println!("{missing}");
    }
    let (next, sum) = (AtomicU64::new(0), Mutex::new(Sum::default()));
    let begin = Instant::now();
    let late = || options.minutes > 0 && begin.elapsed() >= Duration::from_secs(60 * options.minutes);
    let work = || {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= options.runs || late() {
                return;
            }
            let plan = Plan::draw(
                options.seed + n,
                options.messages,
                options.only.as_deref(),
                &tools,
            );
            let started = Instant::now();
            let outcome = run(&plan, &tools);
            tell(&plan, &outcome, started.elapsed(), &mut sum.lock());
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(work);
        }
    });
    let sum = sum.into_inner();
    println!();
    for (kind, times) in &sum.faults {
        println!("{times:6} x {kind}");
    }
    println!(
        "{} runs, {} faults, {} messages, {} missing, {} duplicates{}",
        sum.runs,
        sum.faults.values().sum::<u64>(),
        sum.messages,
        sum.missing,
        sum.duplicates,
        match sum.unable {
            0 => String::new(),
            n => format!("; {n} runs could not be made"),
        },
    );
    Ok(sum.missing == 0 && sum.unable == 0 && sum.runs > 0)
}

fn tell(plan: &Plan, outcome: &Result<Outcome>, took: Duration, sum: &mut Sum) {
    match outcome {
        Ok(outcome) => {
            sum.runs += 1;
            sum.messages += outcome.taken;
            sum.missing += outcome.missing;
            sum.duplicates += outcome.duplicates;
            for (_, event) in &plan.events {
                *sum.faults.entry(event.kind()).or_default() += 1;
            }
            println!(
                "{} seed {} {:.0?}: {} taken, {} missing, {} duplicates: {plan}",
                if outcome.missing == 0 { "ok  " } else { "LOST" },
                plan.seed,
                took,
                outcome.taken,
                outcome.missing,
                outcome.duplicates,
            );
            if outcome.duplicates > 0 {
                println!("     more than once: {:?}", outcome.repeated);
            }
            if outcome.missing > 0 {
                println!("     missing {:?} ...\n{}", outcome.first_missing, outcome.log);
            }
        }
        Err(error) => {
            sum.unable += 1;
            println!("FAIL seed {} {took:.0?}: {plan}\n     {error:#}", plan.seed);
        }
    }
}
