//! `cargo xtask docs`: what is generated from the plugins' option structs. The test that finds it stale writes it.

use anyhow::Result;

use crate::shell::{cargo, run as execute};

/// Writes sample.conf, docs/plugins.md and the option tables of the READMEs.
pub fn run() -> Result<()> {
    execute(cargo(&["test", "--quiet", "--workspace", "--test", "docs"]).env("WHEATSTONE_WRITE_DOCS", "1"))
}
