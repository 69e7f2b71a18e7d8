//! The files of the store: where they lie, who may read them, and the few calls that a test wants to fail.
//!
//! ```text
//! 00000000000000000001.letters    the letters from number 1 on, one a line
//! 00000000000000004711.letters    the next segment; the newest is appended to, and is never deleted
//! marks                           which were replayed or removed, see `marks`
//! lock, replay.lock               held by the agent, and by the command that replays
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What the writing thread asks of the system. Tests put their own in its place.
pub(crate) trait Layer: Send + 'static {
    fn write(&mut self, file: &mut File, bytes: &[u8]) -> io::Result<()>;
    fn sync(&mut self, file: &File) -> io::Result<()>;
}

/// The system itself.
pub(crate) struct System;

impl Layer for System {
    fn write(&mut self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }
    fn sync(&mut self, file: &File) -> io::Result<()> {
        file.sync_data()
    }
}

const SEGMENT: &str = "letters";

/// Twenty digits, so that names sort as numbers do.
pub(crate) fn segment_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.{SEGMENT}"))
}

/// The numbers of the first letters of all segments, oldest first.
pub(crate) fn segments(dir: &Path) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let number = || path.file_stem()?.to_str()?.parse().ok();
        if path.extension().is_some_and(|e| e == SEGMENT)
            && let Some(first) = number()
        {
            found.push(first);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Makes the folder, for its owner only. One that is there keeps its mode: it may be shared on purpose.
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

/// Opens for appending; `new` makes the file, and one that is there is an error then.
pub(crate) fn open_append(path: &Path, new: bool) -> io::Result<File> {
    private(OpenOptions::new().append(true).create_new(new)).open(path)
}

/// Opens for appending, and makes the file where it is missing.
pub(crate) fn append_or_create(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().append(true).create(true)).open(path)
}

/// Puts `bytes` in the place of the file, whole or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = private(OpenOptions::new().write(true).create(true).truncate(true)).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// Makes what was created in or removed from `dir` last.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(dir)?.sync_all()
    } else {
        Ok(())
    }
}

/// Keeps others out while it lives; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Takes the lock `name` of the folder. An error of the kind `WouldBlock` means that somebody has it.
pub(crate) fn lock(dir: &Path, name: &str) -> io::Result<Lock> {
    let mut options = OpenOptions::new();
    private(options.read(true).write(true).create(true).truncate(false));
    #[cfg(windows)]
    std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, 0);
    let file = options.open(dir.join(name))?;
    #[cfg(unix)]
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)?;
    Ok(Lock { _file: file })
}
