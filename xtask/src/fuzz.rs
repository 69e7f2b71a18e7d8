//! `cargo xtask fuzz`: the targets of `fuzz/`, one after another, from the seeds there and what earlier runs found.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::shell::{root, succeeds, target};

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub struct Options {
    /// The targets; all where it is empty.
    targets: Vec<String>,
    /// Minutes for each of them.
    minutes: f64,
}

impl Options {
    /// Reads the arguments.
    pub fn new(args: &[String]) -> Result<Options> {
        let mut options = Options {
            targets: Vec::new(),
            minutes: 1.0,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--minutes" => {
                    let minutes = args.next().context("--minutes needs a number")?;
                    options.minutes = minutes.parse().context("--minutes")?;
                }
                flag if flag.starts_with('-') => bail!("unknown argument {flag:?}"),
                target => options.targets.push(target.to_owned()),
            }
        }
        Ok(options)
    }
}

/// Runs them. Fails at the end where one found something; the input that did it lies under `fuzz/artifacts`.
pub fn run(options: &Options) -> Result<()> {
    let known = targets(&root().join("fuzz/fuzz_targets"))?;
    if let Some(unknown) = options.targets.iter().find(|t| !known.contains(t)) {
        bail!("no target {unknown:?}; there are {}", known.join(", "));
    }
    if !succeeds(Command::new("cargo").args(["+nightly", "fuzz", "--version"])) {
        bail!("fuzzing needs a nightly compiler and cargo-fuzz: `cargo install cargo-fuzz --locked`");
    }
    let chosen = if options.targets.is_empty() {
        &known
    } else {
        &options.targets
    };
    let mut failed = Vec::new();
    for name in chosen {
        if !one(name, options.minutes)? {
            failed.push(name.as_str());
        }
    }
    if !failed.is_empty() {
        bail!("fuzz: found something in {}", failed.join(", "));
    }
    Ok(())
}

/// The names of the targets, sorted.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

fn one(name: &str, minutes: f64) -> Result<bool> {
    let fuzz = root().join("fuzz");
    let corpus = fuzz.join("corpus").join(name);
    let seeds = fuzz.join("seeds").join(name);
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&seeds)?;
    let mut command = Command::new("cargo");
    command
        .args(["+nightly", "fuzz", "run", "--target-dir"])
        .arg(target().join("fuzz"))
        .arg(name)
        .args([&corpus, &seeds])
        .args(["--", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"])
        .arg(format!("-max_total_time={}", (minutes * 60.0).ceil().max(1.0)))
        .current_dir(root())
        .stderr(Stdio::piped());
    println!("fuzz {name}: {minutes} minutes");
    let mut child = command.spawn().context("cargo fuzz")?;
    let mut done = String::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines() {
            let line = line?;
            if line.starts_with("Done ") {
                done.clone_from(&line);
            }
            // What the fuzzer says of each new input is too much.
            if !line.starts_with('#') {
                eprintln!("{line}");
            }
        }
    }
    let good = child.wait()?.success();
    println!("fuzz {name}: {}", if good { done.as_str() } else { "FAILED" });
    Ok(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Result<Options, String> {
        let args: Vec<String> = args.iter().map(|a| (*a).to_owned()).collect();
        Options::new(&args).map_err(|e| e.to_string())
    }

    #[test]
    fn targets_and_minutes() {
        let options = read(&["gotime", "--minutes", "0.5", "parser_json"]).expect("options");
        assert_eq!(options.targets, ["gotime", "parser_json"]);
        assert!((options.minutes - 0.5).abs() < 1e-9);
        assert!(read(&["--minutes"]).is_err());
        assert!(read(&["--hours", "1"]).is_err());
    }

    #[test]
    fn every_target_has_its_line_and_the_other_way_round() {
        let fuzz = root().join("fuzz");
        let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).expect("a manifest");
        let mut listed: Vec<String> = manifest
            .lines()
            .filter_map(|line| {
                let path = line.strip_prefix("path = \"fuzz_targets/")?;
                Some(path.strip_suffix(".rs\"")?.to_owned())
            })
            .collect();
        listed.sort();
        assert_eq!(listed, targets(&fuzz.join("fuzz_targets")).expect("a folder"));
    }
}
