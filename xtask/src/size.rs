//! `cargo xtask size`: how large the release binary is, with every plugin and with the least, beside the goals.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::shell::{cargo, run as execute, target};

/// A set of features with the profile that it is built with, and the most megabytes that its binary may have.
const SETS: [(&str, &str, &[&str], f64); 2] = [
    (
        "minimal: MQTT and InfluxDB",
        "small",
        &["--no-default-features", "--features", "minimal"],
        8.0,
    ),
    ("default: every plugin", "release", &[], 40.0),
];

/// Builds both where their sources have changed, and prints their sizes. One beyond its goal is an error.
pub fn run() -> Result<()> {
    let mut lines = Vec::new();
    let mut beyond = Vec::new();
    for (name, profile, features, goal) in SETS {
        let mut build = cargo(&["build", "--profile", profile, "--package", "wheatstone"]);
        execute(build.args(features))?;
        let binary = target().join(profile).join("wheatstone");
        let bytes = fs::metadata(&binary)
            .with_context(|| binary.display().to_string())?
            .len();
        let (line, fits) = told(name, bytes, goal);
        lines.push(line);
        if !fits {
            beyond.push(name);
        }
    }
    println!("{}", lines.join("\n"));
    if !beyond.is_empty() {
        bail!("beyond the goal: {}", beyond.join("; "));
    }
    Ok(())
}

fn told(name: &str, bytes: u64, goal: f64) -> (String, bool) {
    let megabytes = bytes as f64 / 1e6;
    let line = format!("{name:<28} {bytes:>11} bytes  {megabytes:>5.1} MB, goal {goal} MB");
    (line, megabytes <= goal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_goal_is_held_to() {
        assert!(told("x", 8_000_000, 8.0).1);
        let (line, fits) = told("x", 8_100_000, 8.0);
        assert!(!fits && line.contains("8.1 MB, goal 8 MB"), "{line}");
    }
}
