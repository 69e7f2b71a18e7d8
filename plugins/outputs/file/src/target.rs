//! Where the bytes end: files that are appended to and set aside in time, and the standard output.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use wheatstone_plugin::os_text;
use wheatstone_plugin::prelude::{Log, Result, anyhow, warn};

/// When a file is set aside.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// After so long; never where it is zero.
    pub interval: Duration,
    /// Once it has so many bytes; never where it is zero.
    pub max_size: u64,
    /// How many files that were set aside are kept; `None` keeps all.
    pub archives: Option<usize>,
}

/// All places that get the same bytes.
#[derive(Default)]
pub struct Targets {
    files: Vec<Target>,
    /// How often the standard output is named.
    stdout: usize,
}

impl Targets {
    /// Opens the files, making those that are not there.
    pub fn open(names: &[String], rotation: &Rotation, log: &Log) -> Result<Targets> {
        let mut targets = Targets::default();
        for name in names {
            if name == "stdout" {
                targets.stdout += 1;
            } else {
                targets
                    .files
                    .push(Target::open(name, rotation.clone(), log.clone())?);
            }
        }
        Ok(targets)
    }

    /// Writes to all or to none, as far as a file can be undone: the batch comes again after an error.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let mut result = Ok(());
        let mut tried = 0;
        for target in &mut self.files {
            tried += 1;
            result = target.append(bytes);
            if result.is_err() {
                break;
            }
        }
        // What was printed cannot be taken back, so it comes last.
        for _ in 0..self.stdout {
            if result.is_ok() {
                let mut stdout = io::stdout().lock();
                let printed = stdout.write_all(bytes).and_then(|()| stdout.flush());
                result = printed.map_err(|e| anyhow!("write /dev/stdout: {}", os_text(&e)));
            }
        }
        match result {
            Ok(()) => self.files.iter_mut().for_each(Target::rotate_if_due),
            // Backwards: one file may be named twice.
            Err(_) => self.files[..tried].iter_mut().rev().for_each(Target::undo),
        }
        result
    }

    /// Sets aside what is due and closes everything.
    pub fn close(&mut self) {
        for mut target in self.files.drain(..) {
            target.rotate_if_due();
        }
        self.stdout = 0;
    }
}

struct Target {
    path: PathBuf,
    file: fs::File,
    rotation: Rotation,
    /// Begins to count with what was there before, so that restarts do not put off the rotation.
    expires: Option<SystemTime>,
    size: u64,
    /// How long the file was before the last write; `None` where it is no file that can be cut.
    before: Option<u64>,
    /// How much of the last write went in.
    wrote: u64,
    log: Log,
}

impl Target {
    fn open(name: &str, rotation: Rotation, log: Log) -> Result<Target> {
        let path = PathBuf::from(name);
        let file = open(&path).map_err(|e| anyhow!("open {name}: {}", os_text(&e)))?;
        let mut target = Target {
            path,
            file,
            rotation,
            expires: None,
            size: 0,
            before: None,
            wrote: 0,
            log,
        };
        target.begin();
        target.rotate_if_due();
        Ok(target)
    }

    /// Takes age and size from the open file.
    fn begin(&mut self) {
        let metadata = self.file.metadata().ok();
        self.size = metadata.as_ref().map_or(0, fs::Metadata::len);
        // An empty file is as good as new.
        let modified = metadata.filter(|m| m.len() > 0).and_then(|m| m.modified().ok());
        self.expires = (!self.rotation.interval.is_zero())
            .then(|| {
                modified
                    .unwrap_or_else(SystemTime::now)
                    .checked_add(self.rotation.interval)
            })
            .flatten();
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.before = self
            .file
            .metadata()
            .ok()
            .filter(fs::Metadata::is_file)
            .map(|m| m.len());
        self.wrote = 0;
        let result = self.append_all(bytes);
        self.size += self.wrote;
        result.map_err(|e| anyhow!("write {}: {}", self.path.display(), os_text(&e)))
    }

    fn append_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.file.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    self.wrote += n as u64;
                    bytes = &bytes[n..];
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Takes back the last write, whole or in part, unless somebody else has written behind it.
    fn undo(&mut self) {
        let Some(before) = self.before.take() else { return };
        let ours = self.file.metadata().is_ok_and(|m| m.len() == before + self.wrote);
        if ours && self.wrote > 0 {
            match self.file.set_len(before) {
                Ok(()) => self.size = before,
                Err(e) => warn!(
                    self.log,
                    "Could not take back a batch from {:?}: {}",
                    self.path,
                    os_text(&e)
                ),
            }
        }
    }

    fn rotate_if_due(&mut self) {
        let old = self.expires.is_some_and(|t| SystemTime::now() > t);
        let large = self.rotation.max_size > 0 && self.size >= self.rotation.max_size;
        if self.size > 0
            && (old || large)
            && let Err(e) = self.rotate()
        {
            warn!(
                self.log,
                "Unable to rotate the file {:?}: {}",
                self.path,
                os_text(&e)
            );
        }
    }

    fn rotate(&mut self) -> io::Result<()> {
        let archive = archive_name(&self.path, wheatstone_plugin::time::now());
        if archive.exists() {
            // One was set aside in this very second. It must not be overwritten: this one waits for the next write.
            return Ok(());
        }
        fs::rename(&self.path, &archive)?;
        match open(&self.path) {
            Ok(file) => self.file = file,
            Err(e) => {
                fs::rename(&archive, &self.path)?;
                return Err(e);
            }
        }
        self.begin();
        self.purge()
    }

    /// Removes the oldest archives.
    fn purge(&self) -> io::Result<()> {
        let Some(keep) = self.rotation.archives else {
            return Ok(());
        };
        let folder = self
            .path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let (stem, extension) = split(&self.path);
        let mut archives: Vec<_> = fs::read_dir(folder)?
            .flatten()
            .map(|entry| entry.file_name())
            .filter(|name| name.to_str().is_some_and(|n| is_archive(n, &stem, &extension)))
            .collect();
        // The names begin with the date and the time.
        archives.sort_unstable();
        let surplus = archives.len().saturating_sub(keep);
        archives[..surplus]
            .iter()
            .try_for_each(|name| fs::remove_file(folder.join(name)))
    }
}

fn open(path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    // Reading as well: a pipe with a name can then be opened before anybody listens.
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o644);
    options.open(path)
}

/// The file's name before and from its last dot.
fn split(path: &Path) -> (String, String) {
    let name = path
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    match name.rfind('.') {
        Some(dot) => (name[..dot].to_owned(), name[dot..].to_owned()),
        None => (name, String::new()),
    }
}

/// `metrics.out` set aside on a day is `metrics.2026-11-21-1795252800.out`: the date on the local clock, then unix seconds.
fn archive_name(path: &Path, now: i64) -> PathBuf {
    let (stem, extension) = split(path);
    let date = wheatstone_gotime::format("2006-01-02", now, "Local")
        .or_else(|_| wheatstone_gotime::format("2006-01-02", now, "UTC"))
        .unwrap_or_default();
    path.with_file_name(format!("{stem}.{date}-{}{extension}", now / 1_000_000_000))
}

fn is_archive(name: &str, stem: &str, extension: &str) -> bool {
    let middle = name
        .strip_prefix(stem)
        .and_then(|n| n.strip_prefix('.'))
        .and_then(|n| n.strip_suffix(extension))
        .unwrap_or_default();
    let mut parts = middle.split('-');
    let mut digits = |min: usize| {
        parts
            .next()
            .is_some_and(|p| p.len() >= min && p.bytes().all(|b| b.is_ascii_digit()))
    };
    digits(4) && digits(2) && digits(2) && digits(1) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_have_telegrafs_names() {
        let name = archive_name(Path::new("/var/log/metrics.out"), 1_795_262_400_000_000_000);
        let name = name.to_str().unwrap_or_default();
        assert!(name.starts_with("/var/log/metrics.2026-11-2"), "{name}");
        assert!(name.ends_with("-1795262400.out"), "{name}");
        assert_eq!(split(Path::new("a/b.c/name")), ("name".to_owned(), String::new()));
    }

    #[test]
    fn only_archives_are_taken_for_archives() {
        assert!(is_archive("m.2026-11-21-1795262400.out", "m", ".out"));
        assert!(is_archive("m.2026-11-21-1795262400", "m", ""));
        for other in [
            "m.out",
            "m.my-notes.out",
            "m.2026-11-21.out",
            "x.2026-11-21-17.out",
            "m.2026-11-21-1-2.out",
        ] {
            assert!(!is_archive(other, "m", ".out"), "{other}");
        }
    }
}
