//! Batches on their way to the disk: what waits for it, what the writing thread has in its hands, and when acknowledgements
//! are let go.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use wheatstone_metric::Metric;

use super::{Entry, Pending, Release, State, untracked};

/// While the disk keeps up, so many metrics may wait for it, whatever the limit: a burst is not dropped for a slow sync.
const BURST: usize = 100_000;
/// How many metrics go to the disk in one piece, about.
const GROUP: usize = 8192;

impl State {
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
    pub(super) fn drop_pending(&mut self, room: usize, release: &mut Release) {
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

    /// Batches that never got to the disk.
    pub(crate) fn unsaved(&mut self) -> impl Iterator<Item = Arc<Vec<Metric>>> {
        self.pending_metrics = 0;
        self.pending.drain(..).map(|p| p.batch)
    }
}
