//! `cargo xtask size`: how large the release binary is.

use anyhow::{Context, Result};

use crate::shell::release_binary;

/// Builds it where its sources have changed, and prints its size.
pub fn run() -> Result<()> {
    let binary = release_binary()?;
    let bytes = std::fs::metadata(&binary)
        .with_context(|| binary.display().to_string())?
        .len();
    println!(
        "{}: {bytes} bytes ({:.1} MiB)",
        binary.display(),
        bytes as f64 / f64::from(1 << 20)
    );
    Ok(())
}
