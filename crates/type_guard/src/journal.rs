//! The types on disk: a line for each that was learned, written before the metric that taught it goes on.
//!
//! ```text
//! line = checksum, space, JSON, newline        1b2c3d4e ["weather","temperature","float"]
//! ```
//!
//! The checksum is the CRC-32 of the JSON, in eight hex digits. Of two lines for one field the later one holds. A damaged
//! line is left out; the others stand.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use wheatstone_metric::Key;

use crate::FieldType;

/// Synced at most so often while metrics pass, so that a flood of new fields does not wait for the disk each time.
const SYNC_EVERY: Duration = Duration::from_secs(1);

pub(crate) struct Journal {
    file: File,
    /// Lines that are not written yet.
    pending: Vec<u8>,
    unsynced: bool,
    synced: Option<Instant>,
    failing: bool,
}

/// What a file held.
#[derive(Default)]
pub(crate) struct Loaded {
    pub(crate) types: Vec<(Key, Key, FieldType)>,
    pub(crate) damaged: usize,
}

impl Journal {
    /// Reads the file, and opens it for more; makes it and its folder where they are missing.
    pub(crate) fn open(path: &Path) -> io::Result<(Journal, Loaded)> {
        if let Some(dir) = path.parent() {
            let mut builder = DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(dir)?;
        }
        let loaded = Journal::read(path)?;
        Ok((Journal::on(append(path)?), loaded))
    }

    /// Reads the file, and leaves it alone.
    pub(crate) fn read(path: &Path) -> io::Result<Loaded> {
        let mut loaded = Loaded::default();
        match fs::read(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            bytes => {
                for line in bytes?.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
                    match decode(line) {
                        Some(known) => loaded.types.push(known),
                        None => loaded.damaged += 1,
                    }
                }
            }
        }
        Ok(loaded)
    }

    fn on(file: File) -> Journal {
        Journal {
            file,
            pending: Vec::new(),
            unsynced: false,
            synced: None,
            failing: false,
        }
    }

    /// Writes the file anew, whole or not at all, with these types only.
    pub(crate) fn rewrite<'a>(
        path: &Path,
        types: impl Iterator<Item = (&'a Key, &'a Key, FieldType)>,
    ) -> io::Result<Journal> {
        let new: PathBuf = path.with_extension("new");
        let mut lines = Vec::new();
        types.for_each(|(measurement, field, kind)| encode(measurement, field, kind, &mut lines));
        let _ = fs::remove_file(&new);
        let mut file = append(&new)?;
        file.write_all(&lines)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        if let (true, Some(dir)) = (cfg!(unix), path.parent()) {
            File::open(dir)?.sync_all()?;
        }
        Ok(Journal::on(file))
    }

    /// Adds a line; it is written by the next [`write`](Journal::write).
    pub(crate) fn add(&mut self, measurement: &Key, field: &Key, kind: FieldType) {
        encode(measurement, field, kind, &mut self.pending);
    }

    /// Whether there is something to be written or synced.
    #[inline]
    pub(crate) fn is_dirty(&self) -> bool {
        self.unsynced || !self.pending.is_empty()
    }

    /// Writes what was added; syncs it unless that was done a moment ago. What fails is tried again the next time. The first
    /// error in a row is given.
    pub(crate) fn write(&mut self, sync_now: bool) -> io::Result<()> {
        match self.try_write(sync_now) {
            Ok(()) => {
                self.failing = false;
                Ok(())
            }
            Err(e) if !self.failing => {
                self.failing = true;
                Err(e)
            }
            Err(_) => Ok(()),
        }
    }

    fn try_write(&mut self, sync_now: bool) -> io::Result<()> {
        if !self.pending.is_empty() {
            self.unsynced = true;
            if let Err(e) = self.file.write_all(&self.pending) {
                // Half a line may stand there now: the next one begins on its own.
                if self.pending[0] != b'\n' {
                    self.pending.insert(0, b'\n');
                }
                return Err(e);
            }
            self.pending.clear();
        }
        if self.unsynced && (sync_now || self.synced.is_none_or(|at| at.elapsed() >= SYNC_EVERY)) {
            self.synced = Some(Instant::now());
            self.file.sync_data()?;
            self.unsynced = false;
        }
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.append(true).create(true).open(path)
}

fn encode(measurement: &Key, field: &Key, kind: FieldType, out: &mut Vec<u8>) {
    // Two texts and a name: nothing in it can fail.
    let json = serde_json::to_vec(&(measurement.as_str(), field.as_str(), kind)).unwrap_or_default();
    out.extend_from_slice(format!("{:08x} ", crc32fast::hash(&json)).as_bytes());
    out.extend_from_slice(&json);
    out.push(b'\n');
}

fn decode(line: &[u8]) -> Option<(Key, Key, FieldType)> {
    let (checksum, json) = (line.get(..8)?, line.get(9..)?);
    let checksum = u32::from_str_radix(std::str::from_utf8(checksum).ok()?, 16).ok()?;
    if crc32fast::hash(json) != checksum {
        return None;
    }
    let (measurement, field, kind): (String, String, FieldType) = serde_json::from_slice(json).ok()?;
    Some((Key::new(&measurement), Key::new(&field), kind))
}
