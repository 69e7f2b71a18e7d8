//! Where a server's program lies on this machine, and a port for it to listen on.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// A TCP port of 127.0.0.1 on which nobody listened a moment ago.
pub fn free_port() -> Result<u16> {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(socket.local_addr()?.port())
}

/// The workspace's folder: where its Cargo.lock lies.
pub(crate) fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().and_then(Path::parent).unwrap_or(here)
}

/// The folder of build results.
pub(crate) fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => workspace().join(dir),
        None => workspace().join("target"),
    }
}

/// Finds a program: first among what `cargo xtask test` put under `target/servers`, then on the PATH, then where Debian
/// keeps daemons. `package` is what the error tells the reader to install.
pub(crate) fn find(program: &str, package: &str) -> Result<PathBuf> {
    let servers = target_dir().join("servers");
    let own = [
        servers.join("venv/bin"),
        servers.join("debian/usr/bin"),
        servers.join("debian/usr/sbin"),
    ];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"].map(PathBuf::from);
    for dir in own.into_iter().chain(std::env::split_paths(&path)).chain(system) {
        let file = dir.join(program);
        if file.is_file() {
            return Ok(file);
        }
    }
    bail!("`{program}` is not installed: install {package}, or run `cargo xtask test`, which does so")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_names_its_package() {
        let error = find("no-such-daemon", "the Debian package `no-such`")
            .err()
            .map(|e| e.to_string());
        assert_eq!(
            error.as_deref(),
            Some(
                "`no-such-daemon` is not installed: install the Debian package `no-such`, or run `cargo xtask test`, which does so"
            )
        );
    }

    #[test]
    fn the_workspace_is_found() {
        assert!(workspace().join("Cargo.lock").is_file());
    }
}
