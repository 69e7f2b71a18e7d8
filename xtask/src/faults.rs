//! `cargo xtask faults`: many runs of the release binary while agent, broker, databases, network, disk and clock break.

use std::process::Command;

use anyhow::{Result, bail};

use crate::install;
use crate::shell::{cargo, release_binary, run as execute, target, watch};

/// Installs what the runs need, builds, and hands `arguments` on to the program `faults` of the package `wheatstone-e2e`.
pub fn run(arguments: &[String]) -> Result<()> {
    install::run_all()?;
    let binary = release_binary()?;
    execute(&mut cargo(&["build", "--workspace", "--bin", "faults"]))?;
    let mut faults = Command::new(target().join("debug/faults"));
    faults.args(arguments).env("WHEATSTONE_BIN", binary);
    if !watch(&mut faults, |_| ())? {
        bail!("something was lost, or runs could not be made");
    }
    Ok(())
}
