//! The agent's side: letters go into a bounded queue, a thread brings them to the disk, and only then their messages are
//! let go.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use wheatstone_metric::Ack;
use wheatstone_plugin::stats::{Stat, register};

use crate::DeadLetterConfig;
use crate::files::{self, Layer, System};
use crate::writer::Writer;
use wheatstone_plugin::dead_letter::{Body, DeadLetterSink, Letter};

/// How many bytes of letters may wait for the disk. What holds a message back is not counted: the input's own limit on
/// messages under way bounds it, and to drop it would lose a message that is acknowledged.
const QUEUE: usize = 8 << 20;
/// What a letter takes besides its texts.
const OVERHEAD: usize = 256;

/// A letter on its way to the disk.
pub(crate) struct Item {
    pub(crate) letter: Letter,
    keep: Option<Ack>,
    /// What it takes of the queue.
    pub(crate) weight: usize,
}

impl Item {
    fn new(letter: Letter, keep: Option<Ack>) -> Item {
        let mut item = Item {
            letter,
            keep,
            weight: 0,
        };
        if !item.is_tracked() {
            item.weight = item.size();
        }
        item
    }
    fn is_tracked(&self) -> bool {
        self.keep.is_some() || matches!(&self.letter.body, Body::Metric(m) if m.ack().is_some())
    }
    fn size(&self) -> usize {
        let letter = &self.letter;
        let body = match &letter.body {
            Body::Payload { bytes, .. } => bytes.len(),
            Body::Metric(metric) => metric.memory(),
        };
        let text = |t: &Option<String>| t.as_ref().map_or(0, String::len);
        OVERHEAD + body + letter.reason.len() + text(&letter.source) + text(&letter.answer)
    }
    /// It will not be kept: its message is told so.
    pub(crate) fn reject(&self) {
        if let Some(ack) = &self.keep {
            ack.reject();
        }
        if let Body::Metric(metric) = &self.letter.body {
            metric.reject();
        }
    }
}

/// How much is kept, and how safely: what may change while the agent runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) max_bytes: u64,
    pub(crate) max_age: Option<Duration>,
    pub(crate) sync: bool,
}

impl Limits {
    fn of(config: &DeadLetterConfig) -> Limits {
        let max_age = Some(config.max_age.0).filter(|age| !age.is_zero());
        Limits {
            max_bytes: config.max_size.0,
            max_age,
            sync: config.sync,
        }
    }
    /// A segment is followed by another at this size: small enough that the oldest can go without all the others.
    pub(crate) fn segment_bytes(&self) -> u64 {
        (self.max_bytes / 8).min(8 << 20)
    }
}

/// What the plugins' side and the writing thread share.
pub(crate) struct Shared {
    pub(crate) state: Mutex<State>,
    pub(crate) work: Condvar,
    /// All that was recorded is written, or the thread has ended.
    pub(crate) idle: Condvar,
    pub(crate) stats: Stats,
}

pub(crate) struct State {
    pub(crate) queue: Vec<Item>,
    /// The weights of what is in the queue and in the thread's hands.
    pub(crate) waiting: usize,
    /// How many letters the thread has in its hands.
    pub(crate) in_hand: usize,
    /// Dropped because the queue was full, and not told yet.
    pub(crate) overflow: usize,
    pub(crate) limits: Limits,
    pub(crate) closing: bool,
    pub(crate) closed: bool,
    /// How many letters the disk did not take until the end.
    pub(crate) unsaved: usize,
}

/// The numbers of `internal_dead_letter`.
pub(crate) struct Stats {
    /// Letters that are safe.
    pub(crate) recorded: Stat,
    /// Letters that could not be kept: too many at once, or too large.
    pub(crate) dropped: Stat,
    /// Letters that were deleted to make room, or for their age.
    pub(crate) deleted: Stat,
    /// Failed writes.
    pub(crate) errors: Stat,
    /// Bytes on disk.
    pub(crate) bytes: Stat,
}

impl Stats {
    fn new() -> Stats {
        let stat = |field| register("dead_letter", field, &[]);
        Stats {
            recorded: stat("letters_recorded"),
            dropped: stat("letters_dropped"),
            deleted: stat("letters_deleted"),
            errors: stat("write_errors"),
            bytes: stat("bytes"),
        }
    }
}

/// How a store was left. What could not be saved is leaked: to drop it would acknowledge messages that are nowhere.
#[derive(Debug)]
pub struct Closed {
    /// How many letters the disk did not take.
    pub unsaved: usize,
}

/// The store of the running agent. All calls may come from any thread; none but [`flush`](Store::flush) and
/// [`close`](Store::close) waits.
pub struct Store {
    shared: Arc<Shared>,
}

impl Store {
    /// Opens the folder, makes it where it is missing, and starts the writing thread. Damage in it is no error. An error means
    /// that it cannot be used: no permission, or another agent has it (`WouldBlock`).
    pub fn open(config: &DeadLetterConfig) -> io::Result<Store> {
        Store::open_on(config, System)
    }

    pub(crate) fn open_on<L: Layer>(config: &DeadLetterConfig, layer: L) -> io::Result<Store> {
        let dir = Path::new(&config.directory);
        let named =
            |e: io::Error| io::Error::new(e.kind(), format!("dead letters in {:?}: {e}", config.directory));
        files::make_dir(dir).map_err(named)?;
        let lock = files::lock(dir, "lock").map_err(named)?;
        let limits = Limits::of(config);
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                queue: Vec::new(),
                waiting: 0,
                in_hand: 0,
                overflow: 0,
                limits,
                closing: false,
                closed: false,
                unsaved: 0,
            }),
            work: Condvar::new(),
            idle: Condvar::new(),
            stats: Stats::new(),
        });
        let writer = Writer::open(shared.clone(), layer, dir.to_owned(), limits, lock).map_err(named)?;
        std::thread::Builder::new()
            .name("dead letters".into())
            .spawn(move || writer.run())?;
        Ok(Store { shared })
    }

    /// Takes over the sizes and the age of a changed configuration. A changed folder needs another store.
    pub fn set_limits(&self, config: &DeadLetterConfig) {
        self.shared.state.lock().limits = Limits::of(config);
        self.shared.work.notify_one();
    }

    /// Waits until all that was recorded is safe, at most `patience` long. False if it is not.
    pub fn flush(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut state = self.shared.state.lock();
        while state.in_hand > 0 || !state.queue.is_empty() {
            if state.closed || self.shared.idle.wait_until(&mut state, until).timed_out() {
                return false;
            }
        }
        true
    }

    /// Writes what waits and ends, at most `patience` from now. A letter that comes later is not kept, and its message
    /// is not acknowledged.
    pub fn close(&self, patience: Duration) -> Closed {
        let until = Instant::now() + patience;
        let mut state = self.shared.state.lock();
        state.closing = true;
        self.shared.work.notify_one();
        while !state.closed && !self.shared.idle.wait_until(&mut state, until).timed_out() {}
        let unsaved = state.unsaved + state.in_hand + state.queue.len();
        let held = std::mem::take(&mut state.queue);
        drop(state);
        std::mem::forget(held);
        Closed { unsaved }
    }
}

impl DeadLetterSink for Store {
    fn record(&self, letter: Letter, keep: Option<Ack>) {
        let item = Item::new(letter, keep);
        let mut state = self.shared.state.lock();
        if state.closing {
            drop(state);
            self.shared.stats.dropped.add(1);
            // To drop it would acknowledge it.
            return std::mem::forget(item);
        }
        if item.weight > 0 && state.waiting + item.weight > QUEUE {
            state.overflow += 1;
            drop(state);
            return self.shared.stats.dropped.add(1);
        }
        state.waiting += item.weight;
        state.queue.push(item);
        // While the thread is busy it looks by itself.
        let wake = state.queue.len() == 1 && state.in_hand == 0;
        drop(state);
        if wake {
            self.shared.work.notify_one();
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close(Duration::from_secs(5));
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}
