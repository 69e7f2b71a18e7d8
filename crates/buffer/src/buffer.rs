//! One output's queue, of whichever kind its settings ask for.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use wheatstone_metric::Metric;

use crate::{Closed, Disk, Memory, Notice, Taken};

/// A queue in memory or on disk; it needs no lock around it.
#[derive(Debug)]
pub enum Buffer {
    /// `buffer_strategy = "memory"`.
    Memory(Mutex<Memory>),
    /// `buffer_strategy = "disk"`.
    Disk(Disk),
}

impl Buffer {
    /// A queue in memory of at most `limit` metrics.
    pub fn memory(limit: usize) -> Buffer {
        Buffer::Memory(Mutex::new(Memory::new(limit)))
    }
    /// How many metrics wait.
    pub fn len(&self) -> usize {
        match self {
            Buffer::Memory(memory) => memory.lock().len(),
            Buffer::Disk(disk) => disk.len(),
        }
    }
    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// How many may wait in memory.
    pub fn limit(&self) -> usize {
        match self {
            Buffer::Memory(memory) => memory.lock().limit(),
            Buffer::Disk(disk) => disk.limit(),
        }
    }
    /// Puts a batch at the back. Returns how many metrics had to go.
    pub fn push(&self, batch: Arc<Vec<Metric>>) -> usize {
        match self {
            Buffer::Memory(memory) => memory.lock().push(batch),
            Buffer::Disk(disk) => disk.push(batch),
        }
    }
    /// Takes up to `max` metrics from the front. A disk buffer may have to read them from its files.
    pub fn take(&self, max: usize) -> Taken {
        match self {
            Buffer::Memory(memory) => memory.lock().take(max),
            Buffer::Disk(disk) => disk.take(max),
        }
    }
    /// All of it was written, or refused for good.
    pub fn settle(&self, taken: Taken) {
        match self {
            Buffer::Memory(_) => drop(taken),
            Buffer::Disk(disk) => disk.settle(taken),
        }
    }
    /// Settles what `done(index)` names and puts the rest back to the front. Returns how many metrics had to go.
    pub fn put_back(&self, taken: Taken, done: impl FnMut(usize) -> bool) -> usize {
        match self {
            Buffer::Memory(memory) => memory.lock().put_back(taken, done),
            Buffer::Disk(disk) => disk.put_back(taken, done),
        }
    }
    /// What a user should be told since this was asked last.
    pub fn notices(&self) -> Vec<Notice> {
        match self {
            Buffer::Memory(_) => Vec::new(),
            Buffer::Disk(disk) => disk.notices(),
        }
    }
    /// Ends it: see [`Disk::close`]. A queue in memory stays as it is.
    pub fn close(&self, patience: Duration) -> Closed {
        match self {
            Buffer::Memory(_) => Closed::default(),
            Buffer::Disk(disk) => disk.close(patience),
        }
    }
}
