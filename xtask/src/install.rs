//! What the tests need and a machine may lack: Debian's servers, and a MongoDB-compatible one in a Python environment under
//! `target`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell::{has, output, run, succeeds, target};

/// Programs and the Debian packages that hold them.
const PROGRAMS: &[(&str, &str)] = &[
    ("mosquitto", "mosquitto"),
    ("mosquitto_passwd", "mosquitto"),
    ("mosquitto_pub", "mosquitto-clients"),
    ("influxd", "influxdb"),
    ("nats-server", "nats-server"),
    ("redis-server", "redis-server"),
    ("victoria-metrics", "victoria-metrics"),
    // They break the disk and the clock in fault runs.
    ("strace", "strace"),
    ("faketime", "faketime"),
];

/// Installs what is missing. What cannot be installed is in the error, each with what to do about it.
pub fn run_all() -> Result<()> {
    let steps = [
        ("servers", debian_packages as fn() -> Result<()>),
        ("secantusdb", secantus),
    ];
    let mut missing = Vec::new();
    for (what, step) in steps {
        if let Err(error) = step() {
            missing.push(format!("{what}: {error:#}"));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    bail!(
        "the tests need what could not be installed:\n  {}",
        missing.join("\n  ")
    )
}

/// Where the tests look for servers before the PATH.
fn servers() -> PathBuf {
    target().join("servers")
}

fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn debian_packages() -> Result<()> {
    let mut packages: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, _)| !has(program))
        .map(|(_, p)| *p)
        .collect();
    if !servers().join("venv/bin/python").exists()
        && !succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"]))
    {
        packages.push("python3-venv");
    }
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    let wanted = format!(
        "apt-get install -y --no-install-recommends {}",
        packages.join(" ")
    );
    if !has("apt-get") {
        bail!(
            "this machine has no apt-get; install by its own means: {}",
            packages.join(", ")
        );
    }
    if !is_root() {
        bail!("run as root: {wanted}");
    }
    let _no_daemons = NoDaemons::new()?;
    run(Command::new("apt-get").args(["-q", "update"]))?;
    let mut install = Command::new("apt-get");
    install
        .args(["-q", "install", "-y", "--no-install-recommends"])
        .args(&packages);
    run(install.env("DEBIAN_FRONTEND", "noninteractive")).with_context(|| format!("by hand: {wanted}"))
}

/// While it lives, packages do not start their daemons: `policy-rc.d` forbids it. One that was there is left alone.
struct NoDaemons(Option<PathBuf>);

impl NoDaemons {
    fn new() -> Result<NoDaemons> {
        let file = PathBuf::from("/usr/sbin/policy-rc.d");
        if file.exists() {
            return Ok(NoDaemons(None));
        }
        fs::write(&file, "#!/bin/sh\nexit 101\n").with_context(|| file.display().to_string())?;
        let made = NoDaemons(Some(file.clone()));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
        Ok(made)
    }
}

impl Drop for NoDaemons {
    fn drop(&mut self) {
        if let Some(file) = self.0.take() {
            let _ = fs::remove_file(file);
        }
    }
}

fn secantus() -> Result<()> {
    let venv = servers().join("venv");
    if has("secantusd-py") || venv.join("bin/secantusd-py").is_file() {
        return Ok(());
    }
    let by_hand = || {
        format!(
            "by hand: python3 -m venv {0} && {0}/bin/pip install secantusdb",
            venv.display()
        )
    };
    fs::create_dir_all(servers())?;
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv)).with_context(by_hand)?;
    run(Command::new(venv.join("bin/pip")).args(["install", "--quiet", "secantusdb"])).with_context(by_hand)
}
