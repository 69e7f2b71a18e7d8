//! The records that are only on disk: how they leave the window, and how they are read back.

use std::sync::Arc;

use super::{Entry, Place, Plan, Read, State};
use crate::disk::Notice;
use crate::disk::segment::BODY;
use crate::disk::settled::Open;
use crate::taken::Run;

/// How many records the window holds at most, however small they are.
const WINDOW_RECORDS: usize = 8192;

impl State {
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
    pub(super) fn window_begin(&self) -> u64 {
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

    /// Forgets the oldest batches of the window that are on disk, while it is too large.
    pub(super) fn shrink_window(&mut self) {
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
}
