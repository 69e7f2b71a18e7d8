//! Which segments are still needed.

use super::{Doomed, Segment, State};
use crate::disk::Notice;

impl State {
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

    pub(super) fn is_drained(&self, s: &Segment) -> bool {
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
