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

/// How many records the window holds at most, however small they are.
const WINDOW_RECORDS: usize = 8192;
/// While the disk keeps up, so many metrics may wait for it, whatever the limit: a burst is not dropped for a slow sync.
const BURST: usize = 100_000;
/// How many metrics go to the disk in one piece, about.
const GROUP: usize = 8192;
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

    /// Batches that never got to the disk.
    pub(crate) fn unsaved(&mut self) -> impl Iterator<Item = Arc<Vec<Metric>>> {
        self.pending_metrics = 0;
        self.pending.drain(..).map(|p| p.batch)
    }

    // --- in at the back ---

    /// Takes a batch that is not empty. Its acknowledgements are held until it is on disk or settled.
    pub(crate) fn push(&mut self, batch: Arc<Vec<Metric>>, tracked: bool) -> Release {
        let mut release = Release::default();
        if self.closed {
            // Nobody would write it any more. It is held for good: it must not look delivered.
            self.pending_metrics += batch.len();
            self.pending.push_back(Pending {
                seq: self.next_seq,
                batch,
            });
            self.next_seq += 1;
            return release;
        }
        let seq = self.next_seq;
        self.next_seq += 1;
        self.window_metrics += batch.len();
        self.pending_metrics += batch.len();
        self.window.push_back(Entry {
            seq,
            batch: batch.clone(),
            clean: !tracked,
            at: None,
        });
        self.pending.push_back(Pending { seq, batch });
        let room = if self.failing {
            self.limit
        } else {
            self.limit.saturating_mul(4).max(BURST)
        };
        if self.pending_metrics > room {
            self.drop_pending(room, &mut release);
        }
        release
    }

    /// Drops the oldest batches that wait for the disk until `room` metrics are left, or only the newest batch.
    fn drop_pending(&mut self, room: usize, release: &mut Release) {
        let mut at = self.pending.partition_point(|p| p.seq <= self.writing);
        let mut dropped = 0;
        while self.pending_metrics > room && at + 1 < self.pending.len() {
            let seq = self.pending[at].seq;
            let Ok(entry) = self.window.binary_search_by_key(&seq, |e| e.seq) else {
                // An output has it in its hands.
                at += 1;
                continue;
            };
            self.window.remove(entry);
            if let Some(gone) = self.pending.remove(at) {
                self.pending_metrics -= gone.batch.len();
                self.window_metrics -= gone.batch.len();
                dropped += gone.batch.len();
                self.done.add(seq, seq);
                release.rejected.push(gone.batch);
            }
        }
        self.dropped += dropped;
    }

    // --- out at the front ---

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

    /// What is to be read next, when the region is next in turn.
    pub(crate) fn plan(&self) -> Option<Plan> {
        let place = self.region.filter(|_| self.front.is_empty())?;
        let segment = self.segments.iter().find(|s| s.head.id == place.segment)?;
        Some(Plan {
            place,
            head: segment.head,
            end: segment.bytes,
            before: self.window_begin(),
        })
    }

    /// The number of the first record that is no longer of the region.
    fn window_begin(&self) -> u64 {
        self.window.front().map_or(u64::MAX, |e| e.seq)
    }

    /// Puts what was read to the front, unless the region begins elsewhere meanwhile.
    pub(crate) fn read_in(&mut self, plan: &Plan, read: Read) {
        let place = plan.place;
        if self.region != Some(place) {
            return;
        }
        let Some(at) = self.segments.iter().position(|s| s.head.id == place.segment) else {
            return;
        };
        // What was written or left the window since the plan was made has not been looked for.
        let ended = read.ended && self.segments[at].bytes == plan.end && self.window_begin() == plan.before;
        let mut seq_next = place.seq;
        for (seq, batch) in read.records {
            if seq < seq_next || self.done.contains(seq) {
                continue;
            }
            seq_next = seq + 1;
            let len = batch.len();
            if len == 0 {
                continue;
            }
            let open = self.open.entry(seq).or_insert_with(|| Open::new(len));
            let batch = Arc::new(batch);
            let mut n = 0;
            for (from, to) in open.gaps(len) {
                n += to - from;
                self.front.push_back(Run {
                    batch: batch.clone(),
                    from,
                    to,
                    seq,
                });
            }
            self.front_metrics += n;
            let segment = &mut self.segments[at];
            segment.unread = segment.unread.saturating_sub(n);
            self.region_metrics = self.region_metrics.saturating_sub(n);
        }
        let segment = &mut self.segments[at];
        if let Some(damage) = read.damage {
            segment.damage.get_or_insert(damage);
        }
        if ended && segment.unread > 0 {
            let lost = std::mem::take(&mut segment.unread);
            let reason = segment
                .damage
                .get_or_insert_with(|| "records are missing".into())
                .clone();
            self.region_metrics = self.region_metrics.saturating_sub(lost);
            self.dropped += lost;
            self.notice(Notice::Lost {
                metrics: lost,
                reason,
            });
        }
        self.region = Some(Place {
            segment: place.segment,
            offset: read.next,
            seq: seq_next,
        });
        self.advance_region();
    }

    /// Moves the region's begin out of segments in which nothing is left to read.
    pub(crate) fn advance_region(&mut self) {
        let Some(place) = self.region else { return };
        let here = self
            .segments
            .iter()
            .any(|s| s.head.id == place.segment && s.unread > 0);
        if here {
            return;
        }
        let next = self
            .segments
            .iter()
            .find(|s| s.head.id > place.segment && s.unread > 0);
        self.region = next.map(|s| Place {
            segment: s.head.id,
            offset: BODY,
            seq: place.seq.max(s.first),
        });
        if self.region.is_none() {
            self.region_metrics = 0;
        }
        self.doom();
    }

    // --- settled, or back to the front ---

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

    // --- segments ---

    /// What goes to the disk next; it stays pending until [`State::written`].
    pub(crate) fn group(&mut self) -> Vec<Pending> {
        let mut group = Vec::new();
        let mut metrics = 0;
        for p in &self.pending {
            metrics += p.batch.len();
            group.push(Pending {
                seq: p.seq,
                batch: p.batch.clone(),
            });
            if metrics >= GROUP {
                break;
            }
        }
        self.writing = group.last().map_or(self.writing, |p| p.seq);
        group
    }

    /// The group could not be written: it is only in memory. What was settled meanwhile need not be written any more.
    pub(crate) fn not_written(&mut self) -> Release {
        self.writing = 0;
        let mut release = Release::default();
        let (open, window) = (&self.open, &self.window);
        let waits = |seq| open.contains_key(&seq) || window.binary_search_by_key(&seq, |e| e.seq).is_ok();
        let (keep, settled): (VecDeque<_>, VecDeque<_>) = self.pending.drain(..).partition(|p| waits(p.seq));
        self.pending = keep;
        for gone in Vec::<Pending>::from(settled) {
            self.pending_metrics -= gone.batch.len();
            release.batches.push(gone.batch);
        }
        release
    }

    /// Gives up a record that cannot be written.
    pub(crate) fn refuse(&mut self, seq: u64) -> Release {
        let mut release = Release::default();
        if let Ok(at) = self.window.binary_search_by_key(&seq, |e| e.seq)
            && let Some(entry) = self.window.remove(at)
        {
            self.window_metrics -= entry.batch.len();
            self.dropped += entry.batch.len();
            self.done.add(seq, seq);
        }
        if let Ok(at) = self.pending.binary_search_by_key(&seq, |p| p.seq)
            && let Some(gone) = self.pending.remove(at)
        {
            self.pending_metrics -= gone.batch.len();
            release.rejected.push(gone.batch);
        }
        release
    }

    /// The group is safe in the last segment, each record at its offset; the segment ends at `end`. `copies` are untracked
    /// copies of batches that others hold too.
    pub(crate) fn written(
        &mut self,
        group: Vec<Pending>,
        offsets: &[u64],
        end: u64,
        mut copies: BTreeMap<u64, Arc<Vec<Metric>>>,
    ) -> Release {
        let mut release = Release::default();
        let Some(segment) = self.segments.back_mut() else {
            return release;
        };
        let id = segment.head.id;
        self.bytes += end - segment.bytes;
        segment.bytes = end;
        for (mine, offset) in group.into_iter().zip(offsets) {
            if segment.last == 0 {
                segment.first = mine.seq;
            }
            segment.last = mine.seq;
            let mut held = vec![mine.batch];
            if self.pending.front().is_some_and(|p| p.seq == mine.seq)
                && let Some(gone) = self.pending.pop_front()
            {
                self.pending_metrics -= gone.batch.len();
                held.push(gone.batch);
            }
            let Ok(at) = self.window.binary_search_by_key(&mine.seq, |e| e.seq) else {
                release.batches.append(&mut held);
                continue;
            };
            // The entry holds the batch too: nothing is told by this. Then its share is the only one, unless other outputs
            // have the batch as well.
            drop(held);
            let entry = &mut self.window[at];
            entry.at = Some((id, *offset));
            if entry.clean {
                continue;
            }
            match Arc::get_mut(&mut entry.batch) {
                Some(metrics) => {
                    for metric in metrics {
                        release.acks.extend(metric.ack().cloned());
                        metric.set_ack(None);
                    }
                }
                None => {
                    let copy = copies
                        .remove(&mine.seq)
                        .unwrap_or_else(|| untracked(&entry.batch));
                    release.batches.push(std::mem::replace(&mut entry.batch, copy));
                }
            }
            entry.clean = true;
        }
        self.shrink_window();
        // What was settled while it was on its way may have emptied a segment.
        self.doom();
        release
    }

    /// Forgets the oldest batches of the window that are on disk, while it is too large.
    fn shrink_window(&mut self) {
        while self.window_metrics > self.limit || self.window.len() > WINDOW_RECORDS {
            let Some(&Entry {
                at: Some((segment, offset)),
                clean: true,
                seq,
                ..
            }) = self.window.front()
            else {
                return;
            };
            let Some(entry) = self.window.pop_front() else {
                return;
            };
            let len = entry.batch.len();
            self.window_metrics -= len;
            if let Some(s) = self.segments.iter_mut().rev().find(|s| s.head.id == segment) {
                s.unread += len;
                self.region_metrics += len;
                self.region.get_or_insert(Place { segment, offset, seq });
            }
        }
    }

    /// Drops the oldest segment with all that waits in it. False when there is none that is sealed.
    pub(crate) fn drop_oldest(&mut self) -> bool {
        if !self.segments.front().is_some_and(|s| s.sealed) {
            return false;
        }
        let Some(segment) = self.segments.pop_front() else {
            return false;
        };
        let last = segment.last;
        let mut dropped = segment.unread;
        self.region_metrics = self.region_metrics.saturating_sub(segment.unread);
        while self.front.front().is_some_and(|run| run.seq <= last) {
            let n = self.front.pop_front().map_or(0, |run| run.len());
            self.front_metrics -= n;
            dropped += n;
        }
        while self.window.front().is_some_and(|e| e.seq <= last) {
            let n = self.window.pop_front().map_or(0, |e| e.batch.len());
            self.window_metrics -= n;
            dropped += n;
        }
        self.open = self.open.split_off(&(last + 1));
        self.floor = self.floor.max(last + 1);
        if let Some(place) = &mut self.region {
            place.seq = place.seq.max(last + 1);
        }
        self.doomed.push(Doomed {
            id: segment.head.id,
            bytes: segment.bytes,
            damage: segment.damage,
        });
        self.advance_region();
        self.dropped += dropped;
        self.cursor_changed = true;
        self.done.forget_below(self.watermark());
        if dropped > 0 {
            self.notice(Notice::Dropped { metrics: dropped });
        }
        true
    }

    /// Nothing is appended to the last segment any more.
    pub(crate) fn seal(&mut self) {
        if let Some(segment) = self.segments.back_mut() {
            segment.sealed = true;
        }
        self.doom();
    }

    /// Whether the last segment holds nothing that is still wanted.
    pub(crate) fn last_is_drained(&self) -> bool {
        self.segments
            .back()
            .is_some_and(|s| !s.sealed && s.last > 0 && self.is_drained(s))
    }

    fn is_drained(&self, s: &Segment) -> bool {
        s.unread == 0
            && (s.last == 0
                || (self.open.range(s.first..=s.last).next().is_none()
                    && self.window.front().is_none_or(|e| e.seq > s.last)))
    }

    /// Gives up the segments in which everything is settled.
    pub(crate) fn doom(&mut self) {
        let mut at = 0;
        while let Some(segment) = self.segments.get(at) {
            if segment.unread > 0 {
                return;
            }
            if segment.sealed && self.is_drained(segment) {
                if let Some(s) = self.segments.remove(at) {
                    self.doomed.push(Doomed {
                        id: s.head.id,
                        bytes: s.bytes,
                        damage: s.damage,
                    });
                }
            } else {
                at += 1;
            }
        }
    }
}

/// A copy that carries no acknowledgement.
pub(crate) fn untracked(batch: &[Metric]) -> Arc<Vec<Metric>> {
    Arc::new(batch.iter().map(Metric::untracked).collect())
}
