//! The thread that brings letters to the disk: all that wait go in one write and one sync, and what comes meanwhile goes
//! with the next.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wheatstone_plugin::{Log, error, info, warn};

use crate::files::{Layer, Lock};
use crate::marks::Marks;
use crate::record;
use crate::segments::Segments;
use crate::store::{Item, Limits, Shared};

/// How long until the disk is tried again after an error: first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// How often old letters are looked for, and an overflow is told, at most.
const TIDY_EVERY: Duration = Duration::from_secs(10);

pub(crate) struct Writer<L> {
    shared: Arc<Shared>,
    layer: L,
    limits: Limits,
    segments: Segments,
    next_id: u64,
    /// What is to be written: letters leave once they are safe.
    group: Vec<Item>,
    lines: Vec<u8>,
    retry: Option<Instant>,
    retry_after: Duration,
    tidy_due: Instant,
    log: Log,
    lock: Lock,
}

/// What is to be done next.
enum Work {
    Write,
    Tidy,
    Close,
}

impl<L: Layer> Writer<L> {
    /// Finds out where the store stands. Nothing that is there is changed.
    pub(crate) fn open(
        shared: Arc<Shared>,
        layer: L,
        dir: PathBuf,
        limits: Limits,
        lock: Lock,
    ) -> io::Result<Writer<L>> {
        let marked = Marks::load(&dir).map_or(0, |marks| marks.max());
        let (segments, next_id) = Segments::open(dir)?;
        Ok(Writer {
            shared,
            layer,
            limits,
            segments,
            next_id: next_id.max(marked.saturating_add(1)),
            group: Vec::new(),
            lines: Vec::new(),
            retry: None,
            retry_after: RETRY.0,
            tidy_due: Instant::now(),
            log: Log::new("wheatstone.dead_letter", None, None),
            lock,
        })
    }

    /// Works until it is told to close and has tried to write what was left.
    pub(crate) fn run(mut self) {
        loop {
            match self.wait() {
                Work::Write => self.write_group(),
                Work::Tidy => self.tidy(),
                Work::Close => {
                    self.write_group();
                    return self.close();
                }
            }
        }
    }

    fn wait(&mut self) -> Work {
        let shared = self.shared.clone();
        let mut state = shared.state.lock();
        loop {
            let now = Instant::now();
            self.group.append(&mut state.queue);
            state.in_hand = self.group.len();
            if state.closing {
                return Work::Close;
            }
            if state.in_hand == 0 {
                shared.idle.notify_all();
            }
            if state.limits != self.limits {
                self.limits = state.limits;
                return Work::Tidy;
            }
            if now >= self.tidy_due {
                self.tidy_due = now + TIDY_EVERY;
                let overflow = std::mem::take(&mut state.overflow);
                drop(state);
                if overflow > 0 {
                    warn!(
                        self.log,
                        "{overflow} letters have been dropped: they came faster than the disk took them"
                    );
                }
                return Work::Tidy;
            }
            if state.in_hand > 0 && self.retry.is_none_or(|due| now >= due) {
                return Work::Write;
            }
            let due = self
                .retry
                .filter(|_| state.in_hand > 0)
                .unwrap_or(self.tidy_due)
                .min(self.tidy_due);
            shared.work.wait_until(&mut state, due);
        }
    }

    /// Writes what it has in its hands, or says when to try again.
    fn write_group(&mut self) {
        while !self.group.is_empty() {
            match self.write_some() {
                Ok(written) => self.let_go(written),
                Err(e) => {
                    self.shared.stats.errors.add(1);
                    if self.retry.is_none() {
                        error!(self.log, "Dead letters cannot be written: {e}; trying again");
                    }
                    self.retry = Some(Instant::now() + self.retry_after);
                    self.retry_after = (self.retry_after * 2).min(RETRY.1);
                    return;
                }
            }
        }
        if self.retry.take().is_some() {
            self.retry_after = RETRY.0;
            info!(self.log, "Dead letters are written again");
        }
    }

    /// Writes the first letters of the group, as many as the segment takes; returns how many need not be written any more.
    fn write_some(&mut self) -> io::Result<usize> {
        if !self.segments.is_open() {
            self.segments.begin(self.next_id, self.limits.sync)?;
        }
        let held = self.segments.held();
        self.lines.clear();
        let (mut written, mut full) = (0, false);
        for item in &self.group {
            let begin = self.lines.len();
            // A number is never given twice, not even after a failed write.
            let encoded = record::encode(self.next_id, &item.letter, &mut self.lines);
            let line = (self.lines.len() - begin) as u64;
            if !encoded || line > self.limits.max_bytes {
                self.lines.truncate(begin);
                if written > 0 {
                    break;
                }
                item.reject();
                self.shared.stats.dropped.add(1);
                warn!(
                    self.log,
                    "A letter from {} has {line} bytes and cannot be kept", item.letter.plugin
                );
                return Ok(1);
            }
            if held + self.lines.len() as u64 > self.limits.segment_bytes() && held + begin as u64 > 0 {
                self.lines.truncate(begin);
                full = true;
                break;
            }
            self.next_id = self.next_id.saturating_add(1);
            written += 1;
        }
        if !self.lines.is_empty() {
            let (limits, stats) = (&self.limits, &self.shared.stats);
            self.segments
                .make_room(self.lines.len() as u64, limits.max_bytes, stats)?;
            self.segments.append(&self.lines, limits.sync, &mut self.layer)?;
            stats.recorded.add(written as i64);
            self.note_bytes();
        }
        if full {
            self.segments.end();
        }
        Ok(written)
    }

    /// The first letters of the group are safe, or lost: their messages may go.
    fn let_go(&mut self, n: usize) {
        let weight: usize = self.group[..n].iter().map(|item| item.weight).sum();
        self.shared.state.lock().waiting -= weight;
        self.group.drain(..n);
    }

    /// Deletes what is too much or too old.
    fn tidy(&mut self) {
        if let Err(e) = self.segments.tidy(&self.limits, self.next_id, &self.shared.stats) {
            self.shared.stats.errors.add(1);
            warn!(self.log, "Old dead letters cannot be deleted: {e}");
        }
        self.note_bytes();
    }

    fn note_bytes(&self) {
        self.shared.stats.bytes.set(self.segments.total() as i64);
    }

    fn close(self) {
        if !self.group.is_empty() {
            error!(self.log, "{} dead letters could not be written", self.group.len());
        }
        // Whoever sees it closed may open the folder again.
        drop(self.lock);
        let mut state = self.shared.state.lock();
        state.unsaved = self.group.len();
        state.in_hand = 0;
        state.closed = true;
        self.shared.idle.notify_all();
        drop(state);
        // To drop them would acknowledge them.
        std::mem::forget(self.group);
    }
}
