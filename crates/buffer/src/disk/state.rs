//! Where each metric of a disk buffer stands: waiting, taken, settled; in memory, on disk, or on the way there. No files are
//! touched here, and no acknowledgement is dropped here: what is to be dropped is handed out, so that it can be done when
//! the lock is free.
//!
//! A queue is, from its front: `front` (what came back, and what was read from disk), the region (records that are only on
//! disk), the window (the newest records, still in memory). Records leave the window for the region when it is full.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use wheatstone_metric::{Ack, Metric};

use super::Notice;
use super::cursor::Cursor;
use super::segment::{BODY, Head};
use super::settled::{Done, Open};
use crate::taken::{Run, Taken};

mod hand_over;
mod region;
mod segments;

/// How many notices wait to be read.
const NOTICES: usize = 64;

/// A file of records.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) head: Head,
    /// The numbers of its records; `last` is 0 while it has none.
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// Up to where it is good.
    pub(crate) bytes: u64,
    /// Metrics of the region in it.
    pub(crate) unread: usize,
    /// Nothing is appended any more.
    pub(crate) sealed: bool,
    /// What is wrong with it.
    pub(crate) damage: Option<String>,
}

impl Segment {
    pub(crate) fn new(head: Head) -> Segment {
        Segment {
            head,
            first: 0,
            last: 0,
            bytes: BODY,
            unread: 0,
            sealed: false,
            damage: None,
        }
    }
}

/// Where the region begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    /// No record from here on has a lower number.
    pub(crate) seq: u64,
}

/// A record in memory.
#[derive(Debug)]
struct Entry {
    seq: u64,
    batch: Arc<Vec<Metric>>,
    /// Whether no metric in it carries an acknowledgement.
    clean: bool,
    /// Its place on disk, once it has one.
    at: Option<(u64, u64)>,
}

/// A record that is not on disk yet. It holds the batch's acknowledgements.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) seq: u64,
    pub(crate) batch: Arc<Vec<Metric>>,
}

/// A segment that is to be deleted, or set aside when it is damaged.
#[derive(Debug)]
pub(crate) struct Doomed {
    pub(crate) id: u64,
    pub(crate) bytes: u64,
    pub(crate) damage: Option<String>,
}

/// What is to be dropped when the lock is free: dropping it tells inputs.
#[derive(Debug, Default)]
#[must_use = "drop it when the lock is free"]
pub(crate) struct Release {
    batches: Vec<Arc<Vec<Metric>>>,
    acks: Vec<Ack>,
    rejected: Vec<Arc<Vec<Metric>>>,
}

impl Drop for Release {
    fn drop(&mut self) {
        for batch in &self.rejected {
            batch.iter().for_each(Metric::reject);
        }
    }
}

/// What is to be read of the region, and how far.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) place: Place,
    pub(crate) head: Head,
    pub(crate) end: u64,
    /// Records from this number on are in the window.
    pub(crate) before: u64,
}

/// What was read from the region in one go.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) records: Vec<(u64, Vec<Metric>)>,
    /// Where to go on.
    pub(crate) next: u64,
    /// Nothing more is in the segment.
    pub(crate) ended: bool,
    pub(crate) damage: Option<String>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) segments: VecDeque<Segment>,
    /// Bytes of all segments, those included that are about to be deleted.
    pub(crate) bytes: u64,
    pub(crate) next_seq: u64,
    pub(crate) open: BTreeMap<u64, Open>,
    pub(crate) done: Done,
    pub(crate) region: Option<Place>,
    pub(crate) region_metrics: usize,
    pub(crate) limit: usize,
    front: VecDeque<Run>,
    front_metrics: usize,
    window: VecDeque<Entry>,
    window_metrics: usize,
    pub(crate) pending: VecDeque<Pending>,
    pending_metrics: usize,
    /// The writing thread has all pending records up to this number in its hands.
    writing: u64,
    /// Records before it were dropped.
    floor: u64,
    dropped: usize,
    /// The disk takes nothing at the moment.
    pub(crate) failing: bool,
    pub(crate) cursor_changed: bool,
    pub(crate) doomed: Vec<Doomed>,
    pub(crate) closing: bool,
    pub(crate) closed: bool,
    notices: VecDeque<Notice>,
}

impl State {
    pub(crate) fn new(limit: usize) -> State {
        State {
            segments: VecDeque::new(),
            bytes: 0,
            next_seq: 1,
            open: BTreeMap::new(),
            done: Done::default(),
            region: None,
            region_metrics: 0,
            limit: limit.max(1),
            front: VecDeque::new(),
            front_metrics: 0,
            window: VecDeque::new(),
            window_metrics: 0,
            pending: VecDeque::new(),
            pending_metrics: 0,
            writing: 0,
            floor: 0,
            dropped: 0,
            failing: false,
            cursor_changed: false,
            doomed: Vec::new(),
            closing: false,
            closed: false,
            notices: VecDeque::new(),
        }
    }

    /// How many metrics wait; what was taken is not among them.
    pub(crate) fn len(&self) -> usize {
        self.front_metrics + self.region_metrics + self.window_metrics
    }

    /// How many were dropped since this was asked last.
    pub(crate) fn take_dropped(&mut self) -> usize {
        std::mem::take(&mut self.dropped)
    }

    pub(crate) fn notice(&mut self, notice: Notice) {
        if self.notices.len() == NOTICES {
            self.notices.pop_front();
        }
        self.notices.push_back(notice);
    }

    pub(crate) fn take_notices(&mut self) -> Vec<Notice> {
        self.notices.drain(..).collect()
    }

    /// Moves up to `room` metrics that are in memory to `taken`.
    pub(crate) fn take(&mut self, room: usize, taken: &mut Taken) {
        let max = taken.len() + room;
        while taken.len() < max {
            if self.front.is_empty() && (self.region_metrics > 0 || !self.open_window()) {
                return;
            }
            let Some(mut run) = self.front.pop_front() else {
                return;
            };
            let room = max - taken.len();
            if run.len() > room {
                let head = run.split_front(room);
                self.front.push_front(run);
                run = head;
            }
            self.front_metrics -= run.len();
            taken.add(run);
        }
    }

    /// Moves the window's oldest record to the front. What goes to an output carries no acknowledgement: it is the disk
    /// that answers for it, and a write that hangs must not hold it up.
    fn open_window(&mut self) -> bool {
        let Some(entry) = self.window.pop_front() else {
            return false;
        };
        let len = entry.batch.len();
        let batch = if entry.clean {
            entry.batch
        } else {
            untracked(&entry.batch)
        };
        self.window_metrics -= len;
        self.front_metrics += len;
        self.open.insert(entry.seq, Open::new(len));
        self.front.push_back(Run {
            batch,
            from: 0,
            to: len,
            seq: entry.seq,
        });
        true
    }

    /// Settles runs: they were written to the database, or refused for good.
    pub(crate) fn settle(&mut self, runs: &[Run]) -> Release {
        let mut release = Release::default();
        for run in runs {
            let Some(open) = self.open.get_mut(&run.seq) else {
                continue;
            };
            if !open.mark(run.from, run.to) {
                continue;
            }
            self.open.remove(&run.seq);
            self.done.add(run.seq, run.seq);
            // What is settled before it was on disk need not go there.
            if run.seq > self.writing
                && let Ok(at) = self.pending.binary_search_by_key(&run.seq, |p| p.seq)
                && let Some(gone) = self.pending.remove(at)
            {
                self.pending_metrics -= gone.batch.len();
                release.batches.push(gone.batch);
            }
        }
        self.cursor_changed = true;
        self.done.forget_below(self.watermark());
        self.doom();
        release
    }

    /// Puts runs back to the front, in their order.
    pub(crate) fn put_back(&mut self, runs: Vec<Run>) {
        for run in runs.into_iter().rev() {
            if run.seq < self.floor || !self.open.contains_key(&run.seq) {
                self.dropped += run.len();
                continue;
            }
            self.front_metrics += run.len();
            self.front.push_front(run);
        }
    }

    /// The first record that is not settled.
    pub(crate) fn watermark(&self) -> u64 {
        let unread = match (self.region, self.window.front()) {
            (Some(place), _) => place.seq,
            (None, Some(entry)) => entry.seq,
            (None, None) => self.next_seq,
        };
        self.open.keys().next().map_or(unread, |open| unread.min(*open))
    }

    pub(crate) fn cursor(&self) -> Cursor {
        let seq = self.watermark();
        let marks = self.open.iter().filter(|(_, open)| !open.marks().is_empty());
        Cursor {
            seq,
            done: self.done.iter().filter(|(_, to)| *to >= seq).collect(),
            marks: marks.map(|(seq, open)| (*seq, open.marks().clone())).collect(),
        }
    }
}

/// A copy that carries no acknowledgement.
pub(crate) fn untracked(batch: &[Metric]) -> Arc<Vec<Metric>> {
    Arc::new(batch.iter().map(Metric::untracked).collect())
}
