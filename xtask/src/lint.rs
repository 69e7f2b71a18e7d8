//! `cargo xtask lint`: format, clippy, the arrows between crates, crates that must not be linked, licences and advisories.

use anyhow::{Result, bail};

use crate::arrows;
use crate::shell::{cargo, output, run as execute, succeeds};

/// TLS is rustls with ring, everywhere: one of these in the tree means that some feature brought another.
const BANNED: &[&str] = &["openssl", "openssl-sys", "native-tls", "aws-lc-rs", "aws-lc-sys"];

/// Runs all of them, and fails at the end where one failed. `install_deny` installs cargo-deny where it is missing.
pub fn run(install_deny: bool) -> Result<()> {
    let mut failed = Vec::new();
    let mut step = |name: &'static str, result: Result<()>| {
        if let Err(error) = result {
            eprintln!("{name}: {error:#}");
            failed.push(name);
        }
    };
    step("format", execute(&mut cargo(&["fmt", "--all", "--check"])));
    step(
        "clippy",
        execute(&mut cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ])),
    );
    step("arrows", arrows::check());
    step("banned crates", banned());
    step("cargo-deny", deny(install_deny));
    if !failed.is_empty() {
        bail!("lint: failed: {}", failed.join(", "));
    }
    println!("lint: all is well");
    Ok(())
}

fn banned() -> Result<()> {
    let tree = output(&mut cargo(&[
        "tree",
        "--workspace",
        "--all-features",
        "--target",
        "all",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]))?;
    let found = linked(&tree);
    if !found.is_empty() {
        bail!(
            "{} in the tree; `cargo tree --all-features -i NAME` shows who asks for it",
            found.join(", ")
        );
    }
    Ok(())
}

fn linked(tree: &str) -> Vec<&'static str> {
    let names: std::collections::HashSet<&str> = tree.lines().filter_map(|l| l.split(' ').next()).collect();
    BANNED.iter().copied().filter(|b| names.contains(b)).collect()
}

fn deny(install: bool) -> Result<()> {
    let is_there = || succeeds(&mut cargo(&["deny", "--version"]));
    if !is_there() {
        if !install {
            println!(
                "cargo-deny is not installed: licences and advisories were NOT checked (`cargo xtask lint --deny` installs it)"
            );
            return Ok(());
        }
        execute(&mut cargo(&["install", "cargo-deny", "--locked"]))?;
    }
    let check = |what: &[&str]| {
        let words = ["deny", "--all-features", "check"].iter().chain(what);
        execute(&mut cargo(&words.copied().collect::<Vec<_>>()))
    };
    check(&["licenses", "bans", "sources"])?;
    // Their list is fetched anew each time. A desk without a network may do without; CI may not.
    if succeeds(&mut cargo(&["deny", "fetch", "db"])) {
        return check(&["advisories"]);
    }
    if std::env::var_os("CI").is_some() {
        bail!("the list of advisories cannot be fetched");
    }
    println!("the list of advisories cannot be fetched: they were NOT checked");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banned_crate_is_found_by_its_whole_name() {
        let tree = "ring v0.17.0\nopenssl-probe v0.1.0\naws-lc-rs v1.0.0 (*)\n\nserde v1.0.0";
        assert_eq!(linked(tree), ["aws-lc-rs"]);
    }
}
