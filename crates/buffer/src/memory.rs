//! The queue in memory: bounded by a number of metrics; past it the oldest are dropped first and counted.

use std::collections::VecDeque;
use std::sync::Arc;

use wheatstone_metric::Metric;

use crate::taken::{Run, Taken};

/// A queue in memory.
#[derive(Debug)]
pub struct Memory {
    runs: VecDeque<Run>,
    len: usize,
    limit: usize,
}

impl Memory {
    /// A queue of at most `limit` metrics (`metric_buffer_limit`).
    pub fn new(limit: usize) -> Memory {
        Memory {
            runs: VecDeque::new(),
            len: 0,
            limit: limit.max(1),
        }
    }
    /// How many metrics wait.
    pub fn len(&self) -> usize {
        self.len
    }
    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    /// How many may wait.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Puts a batch at the back. Returns how many of the oldest had to go; they are marked as rejected.
    pub fn push(&mut self, batch: Arc<Vec<Metric>>) -> usize {
        let to = batch.len();
        if to > 0 {
            self.len += to;
            self.runs.push_back(Run {
                batch,
                from: 0,
                to,
                seq: 0,
            });
        }
        self.trim()
    }

    /// Takes up to `max` metrics from the front.
    pub fn take(&mut self, max: usize) -> Taken {
        let mut taken = Taken::default();
        while taken.len < max {
            let Some(mut run) = self.runs.pop_front() else {
                break;
            };
            let room = max - taken.len;
            if run.len() > room {
                let head = run.split_front(room);
                self.runs.push_front(run);
                run = head;
            }
            taken.add(run);
        }
        self.len -= taken.len;
        taken
    }

    /// Puts back what `done(index)` does not name, to the front and in order. Returns how many had to go because new
    /// metrics took their room meanwhile.
    pub fn put_back(&mut self, taken: Taken, done: impl FnMut(usize) -> bool) -> usize {
        let (_settled, rest) = taken.sort_out(done);
        for run in rest.into_iter().rev() {
            self.len += run.len();
            self.runs.push_front(run);
        }
        self.trim()
    }

    /// Drops the oldest past the limit.
    fn trim(&mut self) -> usize {
        let over = self.len.saturating_sub(self.limit);
        if over > 0 {
            for metric in self.take(over).metrics() {
                metric.reject();
            }
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn batch(range: std::ops::Range<i64>) -> Arc<Vec<Metric>> {
        Arc::new(range.map(|t| Metric::new("m", t)).collect())
    }
    fn times(taken: &Taken) -> Vec<i64> {
        taken.metrics().iter().map(|m| m.time()).collect()
    }

    #[test]
    fn what_goes_in_first_comes_out_first() {
        let mut q = Memory::new(100);
        assert_eq!(q.push(batch(0..5)), 0);
        assert_eq!(q.push(batch(5..8)), 0);
        assert_eq!(times(&q.take(6)), [0, 1, 2, 3, 4, 5]);
        assert_eq!(times(&q.take(6)), [6, 7]);
        assert!(q.is_empty());
    }

    #[test]
    fn the_oldest_are_dropped_first() {
        let mut q = Memory::new(4);
        assert_eq!(q.push(batch(0..3)), 0);
        assert_eq!(q.push(batch(3..6)), 2);
        assert_eq!(times(&q.take(10)), [2, 3, 4, 5]);
    }

    #[test]
    fn what_was_not_taken_comes_back_in_order() {
        let mut q = Memory::new(10);
        q.push(batch(0..3));
        q.push(batch(3..6));
        let taken = q.take(5);
        q.push(batch(6..8));
        assert_eq!(q.put_back(taken, |i| i == 1 || i == 3), 0);
        assert_eq!(times(&q.take(10)), [0, 2, 4, 5, 6, 7]);
    }

    #[test]
    fn room_that_was_taken_meanwhile_costs_the_oldest() {
        let mut q = Memory::new(4);
        q.push(batch(0..4));
        let taken = q.take(4);
        q.push(batch(4..7));
        assert_eq!(q.put_back(taken, |_| false), 3);
        assert_eq!(times(&q.take(10)), [3, 4, 5, 6]);
    }

    proptest! {
        /// Nothing is lost but what is counted, nothing comes twice, and the order holds.
        #[test]
        fn like_a_plain_queue(ops in proptest::collection::vec((0..3u8, 1..20usize, any::<u32>()), 1..60), limit in 1..40usize) {
            let mut q = Memory::new(limit);
            let mut model: VecDeque<i64> = VecDeque::new();
            let mut next = 0i64;
            let mut dropped = 0;
            let mut model_dropped = 0;
            for (op, n, bits) in ops {
                match op {
                    0 => {
                        dropped += q.push(batch(next..next + n as i64));
                        model.extend(next..next + n as i64);
                        next += n as i64;
                    }
                    1 => {
                        let taken = q.take(n);
                        let k = n.min(model.len());
                        prop_assert_eq!(times(&taken), model.drain(..k).collect::<Vec<_>>());
                    }
                    _ => {
                        let taken = q.take(n);
                        let k = n.min(model.len());
                        let front: Vec<i64> = model.drain(..k).collect();
                        let done = |i: usize| bits >> (i % 32) & 1 == 1;
                        dropped += q.put_back(taken, done);
                        for (i, t) in front.iter().enumerate().rev() {
                            if !done(i) { model.push_front(*t); }
                        }
                    }
                }
                while model.len() > limit { model.pop_front(); model_dropped += 1; }
                prop_assert_eq!(q.len(), model.len());
                prop_assert_eq!(dropped, model_dropped);
            }
            prop_assert_eq!(times(&q.take(usize::MAX)), Vec::from(model));
        }
    }
}
