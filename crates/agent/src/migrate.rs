//! `config migrate`: files in, each with its deprecated parts replaced out, as `<file>.migrated` beside it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use wheatstone_config::{MIGRATIONS, Source, is_url};
use wheatstone_plugin::Level;

use crate::cli::Flags;
use crate::logging::{self, say};
use crate::sources;

/// Migrates the files of the flags; nothing is written for one that needs no migration. `force` overwrites.
pub(crate) fn migrate(flags: &Flags, force: bool) -> anyhow::Result<ExitCode> {
    logging::init(flags.debug, flags.quiet);
    let (general, plugins, options) = MIGRATIONS;
    let text =
        format!("{general} general, {plugins} plugin and {options} plugin-option migrations available");
    say(Level::Info, "", &text);
    let sources = sources::read(flags).map_err(|problems| {
        let all: Vec<String> = problems.iter().map(|p| p.render()).collect();
        anyhow!("{}", all.join("\n"))
    })?;
    for source in &sources {
        one(source, force)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn one(source: &Source, force: bool) -> anyhow::Result<()> {
    let name = sources::shown(&source.name);
    let migrated = wheatstone_config::migrate(&source.text).map_err(|e| anyhow!("{name}: {e}"))?;
    for note in &migrated.notes {
        say(Level::Info, "", note);
    }
    if migrated.applied == 0 {
        say(Level::Info, "", &format!("No migration applied for {name:?}"));
        return Ok(());
    }
    let target = target(&source.name);
    let shown = target.display();
    let text = format!(
        "{} migration applied for {name:?}, writing result as \"{shown}\"",
        migrated.applied
    );
    say(Level::Info, "", &text);
    if !force && target.exists() {
        bail!("output file \"{shown}\" already exists");
    }
    write(&target, &migrated.text).with_context(|| format!("writing output \"{shown}\" failed"))
}

/// Beside the file; what came from a URL goes into the current folder.
fn target(name: &str) -> PathBuf {
    if !is_url(name) {
        return format!("{name}.migrated").into();
    }
    let path = name.split(['?', '#']).next().unwrap_or_default();
    let last = path
        .rsplit('/')
        .find(|part| !part.is_empty())
        .unwrap_or("telegraf.conf");
    format!("{last}.migrated").into()
}

/// As readable as Telegraf makes it: configurations hold passwords.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    options.open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_stands_beside_the_file() {
        assert_eq!(target("/etc/x.conf"), Path::new("/etc/x.conf.migrated"));
        assert_eq!(target("https://h:1/a/b.conf?x=1"), Path::new("b.conf.migrated"));
    }
}
