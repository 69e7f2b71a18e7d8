//! The files of a disk buffer: where they lie, who may read them, and the few calls that a test wants to fail.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What the writing thread asks of the system. Tests put their own in its place; the compiler sees through this one.
pub(crate) trait Layer: Send + 'static {
    fn write(&mut self, file: &mut File, bytes: &[u8]) -> io::Result<()>;
    fn sync(&mut self, file: &File) -> io::Result<()>;
}

/// The system itself.
pub(crate) struct System;

impl Layer for System {
    #[inline]
    fn write(&mut self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }
    #[inline]
    fn sync(&mut self, file: &File) -> io::Result<()> {
        file.sync_data()
    }
}

const SEGMENT: &str = "seg";
const ASIDE: &str = "corrupt";

/// Twenty digits, so that names sort as numbers do.
pub(crate) fn segment_path(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("{id:020}.{SEGMENT}"))
}

/// The segments in `dir`, oldest first, and those set aside.
pub(crate) fn list(dir: &Path) -> io::Result<(Vec<u64>, Vec<PathBuf>)> {
    let (mut segments, mut aside) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let is = |wanted: &str| path.extension().is_some_and(|e| e == wanted);
        if is(ASIDE) {
            aside.push(path);
        } else if is(SEGMENT)
            && let Some(id) = path
                .file_stem()
                .and_then(|s| s.to_str())
                .and_then(|s| s.parse().ok())
        {
            segments.push(id);
        }
    }
    segments.sort_unstable();
    aside.sort_unstable();
    Ok((segments, aside))
}

/// Makes the folder, for its owner only.
pub(crate) fn make_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// A new segment's file. One that is there already is an error.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().write(true).create_new(true)).open(path)
}

/// Opens for reading and writing, and makes the file where it is missing.
pub(crate) fn open_or_create(path: &Path) -> io::Result<File> {
    private(
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false),
    )
    .open(path)
}

/// Makes what was created in or removed from `dir` last.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(dir)?.sync_all()
    } else {
        Ok(())
    }
}

/// Renames a segment that cannot be read to its end, and removes the oldest such files past `keep`.
pub(crate) fn set_aside(dir: &Path, id: u64, keep: usize) -> io::Result<PathBuf> {
    let from = segment_path(dir, id);
    let to = from.with_extension(ASIDE);
    fs::rename(from, &to)?;
    let (_, aside) = list(dir)?;
    for old in aside.iter().take(aside.len().saturating_sub(keep)) {
        fs::remove_file(old)?;
    }
    Ok(to)
}

/// Keeps other processes out while it lives; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct DirLock {
    #[cfg_attr(not(unix), allow(dead_code, reason = "it only has to be open"))]
    file: File,
}

#[cfg(unix)]
impl Drop for DirLock {
    /// Closing is not enough: a child that was forked and has not yet become its program has the file open too.
    fn drop(&mut self) {
        let _ = rustix::fs::flock(&self.file, rustix::fs::FlockOperation::Unlock);
    }
}

/// Locks `dir`. An error of the kind `WouldBlock` means that another process has it.
pub(crate) fn lock(dir: &Path) -> io::Result<DirLock> {
    let path = dir.join("lock");
    #[cfg(unix)]
    {
        let file = open_or_create(&path)?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)?;
        Ok(DirLock { file })
    }
    #[cfg(not(unix))]
    {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(windows)]
        std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 0);
        Ok(DirLock {
            _file: options.open(path)?,
        })
    }
}
