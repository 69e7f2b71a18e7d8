//! A buffer moves house: from memory to disk, from one folder to another, and back, with all that waits in it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use wheatstone_buffer::{Buffer, Closed, Disk, DiskOptions, Memory};
use wheatstone_plugin::{Log, Metric, error, info, warn};

use crate::backlog::Place;

/// How long the last sync of a disk buffer may take.
pub(crate) const CLOSE_PATIENCE: Duration = Duration::from_secs(10);
/// How long a piece of one folder may take to be safe in the other.
const POUR_PATIENCE: Duration = Duration::from_secs(30);
/// How many metrics go from one folder to the other at a time.
const POUR: usize = 4096;

/// Opens a disk buffer, and says what an earlier run left in it.
pub(crate) fn open_disk(folder: &Path, options: DiskOptions, log: &Log) -> anyhow::Result<Disk> {
    let shown = folder.display();
    let (disk, recovery) =
        Disk::open(folder, options).with_context(|| format!("opening the disk buffer {shown}"))?;
    for problem in &recovery.problems {
        warn!(log, "{problem}");
    }
    if recovery.metrics > 0 {
        info!(
            log,
            "{} metrics wait in the disk buffer {shown}", recovery.metrics
        );
    }
    Ok(disk)
}

/// Opens a disk buffer to see whether that is possible.
pub(crate) fn try_out(folder: &Path, options: DiskOptions, log: &Log) -> anyhow::Result<()> {
    let _ = open_disk(folder, options, log)?.hand_over(CLOSE_PATIENCE);
    Ok(())
}

/// Moves what waits in memory to the back of another buffer. Returns how many metrics had to go.
pub(crate) fn pour_into(memory: &mut Memory, buffer: &Buffer) -> usize {
    let waiting = memory.take(usize::MAX);
    let batch: Vec<Metric> = waiting.metrics().into_iter().cloned().collect();
    buffer.push(Arc::new(batch))
}

/// Ends a buffer and gives one at the new place with all that waited in it; where that fails, one at the old place. With it
/// come the place where it really is, and batches that the old disk had not taken, which belong behind the rest.
pub(crate) fn exchange(
    old: Buffer,
    from: &Place,
    to: &Place,
    log: &Log,
) -> (Buffer, Place, Vec<Arc<Vec<Metric>>>) {
    match old {
        Buffer::Memory(memory) => {
            let mut memory = memory.into_inner();
            let new = match &to.disk {
                Some((folder, options)) => open_disk(folder, *options, log).map(Buffer::Disk),
                None => Ok(Buffer::memory(to.limit)),
            };
            let (new, place) = new.map(|new| (new, to.clone())).unwrap_or_else(|e| {
                error!(log, "The buffer stays in memory: {e:#}");
                (Buffer::memory(from.limit), from.clone())
            });
            pour_into(&mut memory, &new);
            (new, place, Vec::new())
        }
        Buffer::Disk(disk) => {
            let Closed { unsaved, .. } = disk.hand_over(CLOSE_PATIENCE);
            let (new, place) = from_disk(from, to, log).unwrap_or_else(|e| {
                error!(log, "The buffer cannot be moved: {e:#}");
                back(from, to, log)
            });
            (new, place, unsaved)
        }
    }
}

/// A buffer at the new place with what lies in the old folder. Which place that became is said besides: a backlog that is too
/// large for memory stays on disk.
fn from_disk(from: &Place, to: &Place, log: &Log) -> anyhow::Result<(Buffer, Place)> {
    let Some((folder, options)) = &from.disk else {
        return Ok((Buffer::memory(to.limit), to.clone()));
    };
    let Some((new, new_options)) = &to.disk else {
        let disk = open_disk(folder, *options, log)?;
        if disk.len() > to.limit {
            warn!(
                log,
                "{} metrics wait on disk, more than metric_buffer_limit: the disk buffer stays in use until the next start",
                disk.len()
            );
            return Ok((Buffer::Disk(disk), from.clone()));
        }
        let buffer = Buffer::memory(to.limit);
        let taken = disk.take(usize::MAX);
        buffer.push(Arc::new(taken.metrics().into_iter().cloned().collect()));
        disk.settle(taken);
        let _ = disk.hand_over(CLOSE_PATIENCE);
        // Empty by now; where it cannot be removed it does no harm.
        let _ = std::fs::remove_dir_all(folder);
        return Ok((buffer, to.clone()));
    };
    if new == folder {
        return Ok((Buffer::Disk(open_disk(new, *new_options, log)?), to.clone()));
    }
    if make_way(new, *new_options, log)? && std::fs::rename(folder, new).is_ok() {
        let disk = open_disk(new, *new_options, log).inspect_err(|_| {
            // Where that fails too, the folder's new name is in the error.
            let _ = std::fs::rename(new, folder);
        });
        return Ok((Buffer::Disk(disk?), to.clone()));
    }
    let (old, disk) = (
        open_disk(folder, *options, log)?,
        open_disk(new, *new_options, log)?,
    );
    pour(&old, &disk).with_context(|| format!("metrics are left in {}", folder.display()))?;
    let _ = old.hand_over(CLOSE_PATIENCE);
    // Empty by now; where it cannot be removed it does no harm.
    let _ = std::fs::remove_dir_all(folder);
    Ok((Buffer::Disk(disk), to.clone()))
}

/// Whether the folder is free to be taken: there is none, or nothing waits in it.
fn make_way(folder: &Path, options: DiskOptions, log: &Log) -> anyhow::Result<bool> {
    if !folder.exists() {
        if let Some(parent) = folder.parent() {
            std::fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
        }
        return Ok(true);
    }
    let waiting = open_disk(folder, options, log)?.hand_over(CLOSE_PATIENCE).waiting;
    Ok(waiting == 0 && std::fs::remove_dir_all(folder).is_ok())
}

/// Moves all that waits from one folder to another, a piece at a time; each is safe there before it is settled here.
fn pour(from: &Disk, into: &Disk) -> anyhow::Result<()> {
    loop {
        let taken = from.take(POUR);
        if taken.is_empty() {
            return Ok(());
        }
        into.push(Arc::new(taken.metrics().into_iter().cloned().collect()));
        let until = Instant::now() + POUR_PATIENCE;
        while !into.is_saved() {
            // Given up, the piece goes back to the front of the old one: it may then be written twice.
            anyhow::ensure!(Instant::now() < until, "the disk does not take them");
            std::thread::sleep(Duration::from_millis(1));
        }
        from.settle(taken);
    }
}

/// The old place again, or memory where even that is gone.
fn back(from: &Place, to: &Place, log: &Log) -> (Buffer, Place) {
    let memory = || {
        let place = Place {
            limit: to.limit,
            disk: None,
        };
        (Buffer::memory(to.limit), place)
    };
    let Some((folder, options)) = &from.disk else {
        return memory();
    };
    match open_disk(folder, *options, log) {
        Ok(disk) => (Buffer::Disk(disk), from.clone()),
        Err(e) => {
            error!(log, "{e:#}; new metrics wait in memory until the next start");
            memory()
        }
    }
}
