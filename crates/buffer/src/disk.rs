//! The queue on disk: a batch that was pushed is acknowledged as soon as it is synced, and stays until it is written to the
//! database, over restarts and crashes.
//!
//! A push costs no disk access: a thread writes what was pushed and syncs it, all that came meanwhile at once. Outputs read
//! from memory while they keep up, and from the files when they do not. Delivery is at least once: after a crash the batches
//! that were being written are written again.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use wheatstone_metric::Metric;

use crate::codec;
use crate::taken::{Run, Taken};

mod cursor;
mod files;
mod recover;
mod segment;
mod settled;
mod state;
#[cfg(test)]
mod tests;
mod writer;

use files::{Layer, System};
pub use recover::{Problem, Recovery};
use segment::{Reader, Step};
use state::{Pending, Plan, Read, State};
use writer::Writer;

/// What happens when the buffer has reached its size, or the disk is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFull {
    /// The oldest segment is dropped and its metrics are counted. When the disk is full and there is only one segment, new
    /// batches wait in memory instead.
    #[default]
    DropOldest,
    /// New batches wait in memory, not acknowledged, until there is room. Past the limit of metrics in memory the oldest of
    /// these are dropped and counted; what is on disk stays.
    Block,
}

/// How a disk buffer behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskOptions {
    /// How many bytes all segments may take together.
    pub max_bytes: u64,
    /// A segment is followed by another when it has reached so many bytes. At most a quarter of `max_bytes` is used, so
    /// that dropping the oldest does not drop all.
    pub segment_bytes: u64,
    /// Whether a batch is acknowledged only after it was synced (`buffer_disk_sync`). Otherwise once it was written: that
    /// survives a kill of the agent, not a crash of the system.
    pub sync: bool,
    /// What happens when it is full.
    pub on_full: OnFull,
    /// How many metrics are kept in memory: to be read back cheaply, and to wait while the disk takes nothing
    /// (`metric_buffer_limit`).
    pub memory_limit: usize,
}

impl Default for DiskOptions {
    fn default() -> DiskOptions {
        DiskOptions {
            max_bytes: 1 << 30,
            segment_bytes: 16 << 20,
            sync: true,
            on_full: OnFull::DropOldest,
            memory_limit: 10_000,
        }
    }
}

/// Something that a user should be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The disk did not take something. Nothing is lost and nothing is acknowledged; it is tried again.
    Failing {
        /// What the system said.
        error: String,
    },
    /// It does again.
    Recovered,
    /// The oldest segment was dropped to make room.
    Dropped {
        /// How many metrics waited in it.
        metrics: usize,
    },
    /// Metrics on disk cannot be read any more.
    Lost {
        /// How many.
        metrics: usize,
        /// Why.
        reason: String,
    },
    /// What was good in a damaged segment was written; the file is kept for whoever wants to look at it.
    SetAside {
        /// Its new name.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Failing { error } => write!(f, "Disk buffer: {error}; trying again"),
            Notice::Recovered => f.write_str("Disk buffer: the disk works again"),
            Notice::Dropped { metrics } => {
                write!(
                    f,
                    "Disk buffer is full; the oldest {metrics} metrics have been dropped"
                )
            }
            Notice::Lost { metrics, reason } => {
                write!(f, "Disk buffer: {metrics} metrics are lost: {reason}")
            }
            Notice::SetAside { file, reason } => {
                write!(
                    f,
                    "Disk buffer: damaged segment kept as {}: {reason}",
                    file.display()
                )
            }
        }
    }
}

/// How a disk buffer was left.
#[derive(Debug, Default)]
#[must_use = "`unsaved` must be kept until nothing can be acknowledged any more"]
pub struct Closed {
    /// How many metrics wait on disk for the next start.
    pub waiting: usize,
    /// Batches that the disk did not take, with their acknowledgements. To drop them is to acknowledge them: keep them until
    /// the inputs have gone.
    pub unsaved: Vec<Arc<Vec<Metric>>>,
}

/// What the pipeline's side and the writing thread share.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    work: Condvar,
    closed: Condvar,
}

/// Where a [`Taken`] goes back to when nobody says what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Home(Arc<Shared>);

impl Home {
    pub(crate) fn give_back(&self, runs: Vec<Run>) {
        self.0.state.lock().put_back(runs);
    }
}

/// A queue on disk. All calls may come from any thread.
#[derive(Debug)]
pub struct Disk {
    shared: Arc<Shared>,
    dir: PathBuf,
    reader: Mutex<Option<Reader>>,
    limit: usize,
}

impl Disk {
    /// Opens the queue in `dir`, which is made where it is missing. Damage in it is reported, never an error; an error means
    /// that the folder cannot be used: no permission, or another process has it (`WouldBlock`).
    pub fn open(dir: impl AsRef<Path>, options: DiskOptions) -> io::Result<(Disk, Recovery)> {
        Disk::open_on(dir.as_ref(), options, System)
    }

    pub(crate) fn open_on<L: Layer>(
        dir: &Path,
        mut options: DiskOptions,
        layer: L,
    ) -> io::Result<(Disk, Recovery)> {
        files::make_dir(dir)?;
        let lock = files::lock(dir)?;
        options.segment_bytes = options.segment_bytes.min(options.max_bytes / 4);
        let found = recover::recover(dir, options.memory_limit, writer::KEEP_ASIDE)?;
        let shared = Arc::new(Shared {
            state: Mutex::new(found.state),
            work: Condvar::new(),
            closed: Condvar::new(),
        });
        let writer = Writer::new(
            shared.clone(),
            layer,
            dir.to_owned(),
            options,
            found.cursor,
            found.next_id,
            lock,
        );
        std::thread::Builder::new()
            .name("disk buffer".into())
            .spawn(move || writer.run())?;
        let disk = Disk {
            shared,
            dir: dir.to_owned(),
            reader: Mutex::new(None),
            limit: options.memory_limit.max(1),
        };
        Ok((disk, found.report))
    }

    /// How many metrics wait, on disk and in memory.
    pub fn len(&self) -> usize {
        self.shared.state.lock().len()
    }
    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// How many are kept in memory at most; how many wait on disk is bounded by bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }
    /// Bytes of all segments.
    pub fn bytes(&self) -> u64 {
        self.shared.state.lock().bytes
    }
    /// Whether all that was pushed is safe on disk, or settled.
    pub fn is_saved(&self) -> bool {
        self.shared.state.lock().pending.is_empty()
    }
    /// What happened since this was asked last; at most 64 are remembered.
    pub fn notices(&self) -> Vec<Notice> {
        self.shared.state.lock().take_notices()
    }

    /// Puts a batch at the back; never waits for the disk. The batch's acknowledgements are held until it is safe. Returns
    /// how many metrics had to go since the last call that says so.
    pub fn push(&self, batch: Arc<Vec<Metric>>) -> usize {
        if batch.is_empty() {
            return self.shared.state.lock().take_dropped();
        }
        let tracked = is_tracked(&batch);
        let mut state = self.shared.state.lock();
        let release = state.push(batch, tracked);
        let dropped = state.take_dropped();
        drop(state);
        self.shared.work.notify_one();
        drop(release);
        dropped
    }

    /// Takes up to `max` metrics from the front. What is not in memory is read from the disk; pushes do not wait for that.
    pub fn take(&self, max: usize) -> Taken {
        let mut reader = self.reader.lock();
        let mut taken = Taken::for_home(Home(self.shared.clone()));
        loop {
            let mut state = self.shared.state.lock();
            state.take(max - taken.len(), &mut taken);
            let plan = if taken.len() < max { state.plan() } else { None };
            drop(state);
            let Some(plan) = plan else { return taken };
            let read = self.read(&mut reader, &plan, max - taken.len());
            self.shared.state.lock().read_in(&plan, read);
            self.shared.work.notify_one();
        }
    }

    /// Reads records until there are `enough` metrics or none is left in the segment.
    fn read(&self, reader: &mut Option<Reader>, plan: &Plan, enough: usize) -> Read {
        let mut read = Read {
            next: plan.place.offset,
            ..Read::default()
        };
        if let Err(e) = self.try_read(reader, plan, enough, &mut read) {
            *reader = None;
            read.ended = true;
            read.damage = Some(e.to_string());
        }
        read
    }

    fn try_read(
        &self,
        reader: &mut Option<Reader>,
        plan: &Plan,
        enough: usize,
        read: &mut Read,
    ) -> io::Result<()> {
        if reader.as_ref().is_none_or(|r| r.head != plan.head) {
            let file = std::fs::File::open(files::segment_path(&self.dir, plan.head.id))?;
            *reader = Some(Reader::new(plan.head, file, plan.end));
        }
        let Some(reader) = reader else { return Ok(()) };
        reader.set_end(plan.end);
        let (mut metrics, mut after) = (0, plan.place.seq.saturating_sub(1));
        while metrics < enough {
            match reader.step(read.next, after)? {
                Step::End => {
                    read.ended = true;
                    return Ok(());
                }
                Step::Record { seq, .. } if seq >= plan.before => {
                    read.ended = true;
                    return Ok(());
                }
                Step::Record { seq, at, len, next } => {
                    match codec::decode(reader.bytes(at, len)?.unwrap_or_default()) {
                        Ok(batch) => {
                            metrics += batch.len();
                            read.records.push((seq, batch));
                        }
                        Err(e) => read.damage = Some(format!("record {seq}: {e}")),
                    }
                    after = after.max(seq);
                    read.next = next;
                }
                Step::Damage { next } => {
                    read.damage
                        .get_or_insert_with(|| format!("damaged at {}", read.next));
                    match next {
                        Some(next) => read.next = next,
                        None => {
                            read.ended = true;
                            return Ok(());
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// All of it was written, or refused for good: it is not needed any more.
    pub fn settle(&self, taken: Taken) {
        let runs = taken.release();
        let release = self.shared.state.lock().settle(&runs);
        self.shared.work.notify_one();
        drop(release);
    }

    /// Settles what `done(index)` names and puts the rest back to the front, in order. Returns how many metrics had to go
    /// since the last call that says so.
    pub fn put_back(&self, taken: Taken, done: impl FnMut(usize) -> bool) -> usize {
        let (settled, rest) = taken.sort_out(done);
        let mut state = self.shared.state.lock();
        let release = state.settle(&settled);
        state.put_back(rest);
        let dropped = state.take_dropped();
        drop(state);
        self.shared.work.notify_one();
        drop(release);
        dropped
    }

    /// Writes what was pushed and the cursor to the disk, and ends. Waits for that, at most `patience` long: not to be
    /// called where waiting is forbidden. A batch pushed later is neither kept nor acknowledged.
    pub fn close(&self, patience: Duration) -> Closed {
        let until = Instant::now() + patience;
        let mut state = self.shared.state.lock();
        state.closing = true;
        self.shared.work.notify_one();
        while !state.closed && !self.shared.closed.wait_until(&mut state, until).timed_out() {}
        let unsaved: Vec<_> = state.unsaved().collect();
        Closed {
            waiting: state.len(),
            unsaved,
        }
    }
}

impl Disk {
    /// Ends it as [`close`](Disk::close) does, and lets go of what was not saved: the caller has it, and its acknowledgements,
    /// from now on.
    pub fn hand_over(self, patience: Duration) -> Closed {
        let closed = self.close(patience);
        self.shared.state.lock().pending.clear();
        closed
    }
}

impl Drop for Disk {
    /// A queue that nobody closed is closed. What could not be saved is leaked: to drop it would acknowledge it.
    fn drop(&mut self) {
        let closed = self.shared.state.lock().closed;
        let unsaved = if closed {
            self.shared.state.lock().unsaved().collect()
        } else {
            self.close(Duration::from_secs(5)).unsaved
        };
        std::mem::forget(unsaved);
    }
}

fn is_tracked(batch: &[Metric]) -> bool {
    batch.iter().any(|m| m.ack().is_some())
}

impl Pending {
    fn is_tracked(&self) -> bool {
        is_tracked(&self.batch)
    }
}
