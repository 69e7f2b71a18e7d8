//! What waits for one output: the buffer, in memory or on disk, and the signs between those who fill it and the one who
//! empties it. It outlives its output when a reload exchanges that.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;
use tokio::time::Instant;
use wheatstone_buffer::{Buffer, DiskOptions};
use wheatstone_plugin::{Log, Metric, error};

use crate::relocate::{exchange, open_disk, pour_into, try_out};

/// Where a backlog is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// `metric_buffer_limit`.
    pub(crate) limit: usize,
    /// The folder and settings of a disk buffer.
    pub(crate) disk: Option<(PathBuf, DiskOptions)>,
}

/// One output's backlog.
pub(crate) struct Backlog {
    buffer: RwLock<Arc<Buffer>>,
    place: Mutex<Place>,
    /// A full batch waits.
    pub(crate) full: Notify,
    /// Somebody waits for what is in the queue.
    pub(crate) hurry: Notify,
    /// The write before the last flush failed: no early write before the next one.
    pub(crate) failing: AtomicBool,
    /// When the output writes what waits, be it a full batch or not; nothing before it runs.
    pub(crate) next_flush: Mutex<Option<Instant>>,
    /// Dropped on overflow and not yet told.
    pub(crate) overflow: AtomicUsize,
}

impl Backlog {
    /// Opens the buffer; one on disk reads what an earlier run left.
    pub(crate) async fn open(place: Place, log: &Log) -> anyhow::Result<Backlog> {
        let Some((folder, options)) = place.disk.clone() else {
            return Ok(Backlog::memory(place.limit));
        };
        let log = log.clone();
        let disk = tokio::task::spawn_blocking(move || open_disk(&folder, options, &log)).await??;
        Ok(Backlog::new(Buffer::Disk(disk), place))
    }

    /// One in memory.
    pub(crate) fn memory(limit: usize) -> Backlog {
        Backlog::new(Buffer::memory(limit), Place { limit, disk: None })
    }

    fn new(buffer: Buffer, place: Place) -> Backlog {
        Backlog {
            buffer: RwLock::new(Arc::new(buffer)),
            place: Mutex::new(place),
            full: Notify::new(),
            hurry: Notify::new(),
            failing: AtomicBool::new(false),
            next_flush: Mutex::default(),
            overflow: AtomicUsize::new(0),
        }
    }

    /// The buffer as the output uses it: it is not exchanged while an output writes.
    pub(crate) fn buffer(&self) -> Arc<Buffer> {
        self.buffer.read().clone()
    }
    /// How many metrics wait.
    pub(crate) fn len(&self) -> usize {
        self.buffer.read().len()
    }
    /// How many metrics wait, and how many bytes they take on disk.
    pub(crate) fn sizes(&self) -> (usize, Option<u64>) {
        match &**self.buffer.read() {
            Buffer::Memory(memory) => (memory.lock().len(), None),
            Buffer::Disk(disk) => (disk.len(), Some(disk.bytes())),
        }
    }
    /// Puts a batch at the back. Returns how many metrics had to go.
    pub(crate) fn push(&self, batch: Arc<Vec<Metric>>) -> usize {
        // Held throughout: what is pushed after an exchange must go to the new buffer.
        self.buffer.read().push(batch)
    }
    /// Where it is kept.
    pub(crate) fn place(&self) -> Place {
        self.place.lock().clone()
    }
    /// Another output writes from now on: what the last one found out about its server does not hold.
    pub(crate) fn is_tried_again(&self) {
        self.failing.store(false, Ordering::Relaxed);
        self.hurry.notify_one();
    }
    /// Whether what was pushed no longer depends on the output: it is on disk.
    pub(crate) fn is_saved(&self) -> bool {
        match &**self.buffer.read() {
            Buffer::Memory(_) => false,
            Buffer::Disk(disk) => disk.is_saved(),
        }
    }

    /// Whether [`move_to`](Backlog::move_to) can be expected to succeed; an error says why not.
    pub(crate) async fn can_move_to(&self, place: &Place, log: &Log) -> anyhow::Result<()> {
        let folder = |place: &Place| place.disk.as_ref().map(|(folder, _)| folder.clone());
        let old = folder(&self.place.lock());
        match place.disk.clone() {
            Some((new, options)) if old.as_ref() != Some(&new) => {
                let log = log.clone();
                tokio::task::spawn_blocking(move || try_out(&new, options, &log)).await?
            }
            _ => Ok(()),
        }
    }

    /// Moves the backlog to another place, or gives it other bounds. Nobody writes from it meanwhile; what comes in waits in
    /// memory. What cannot be done is told in the log, and the backlog stays where it was. Returns how many had to go.
    pub(crate) async fn move_to(self: &Arc<Self>, place: Place, log: &Log) -> usize {
        if *self.place.lock() == place {
            return 0;
        }
        let (this, log) = (self.clone(), log.clone());
        let moved = tokio::task::spawn_blocking(move || this.move_now(place, &log)).await;
        moved.unwrap_or_default()
    }

    fn move_now(&self, to: Place, log: &Log) -> usize {
        let from = self.place.lock().clone();
        if let (None, None) = (&from.disk, &to.disk) {
            *self.place.lock() = to.clone();
            return match &**self.buffer.read() {
                Buffer::Memory(memory) => memory.lock().set_limit(to.limit),
                Buffer::Disk(_) => 0,
            };
        }
        let old = {
            let mut slot = self.buffer.write();
            // Another holder would be an output that writes, and there is none.
            if Arc::strong_count(&slot) > 1 {
                error!(log, "The buffer is in use and stays where it is");
                return 0;
            }
            // From here on what comes in is kept in memory, all of it.
            std::mem::replace(&mut *slot, Arc::new(Buffer::memory(usize::MAX)))
        };
        let Some(old) = Arc::into_inner(old) else { return 0 };
        let (new, place, unsaved) = exchange(old, &from, &to, log);
        let mut dropped = 0;
        for batch in unsaved {
            dropped += new.push(batch);
        }
        let mut slot = self.buffer.write();
        if let Buffer::Memory(memory) = &**slot {
            dropped += pour_into(&mut memory.lock(), &new);
        }
        *slot = Arc::new(new);
        *self.place.lock() = place;
        dropped
    }

    /// The end of a backlog whose output is gone: what is left is not written by anyone. Returns how many there were.
    pub(crate) fn refuse_rest(&self) -> usize {
        match &**self.buffer.read() {
            Buffer::Memory(memory) => {
                let rest = memory.lock().take(usize::MAX);
                rest.metrics().iter().for_each(|metric| metric.reject());
                rest.len()
            }
            Buffer::Disk(_) => 0,
        }
    }
}
