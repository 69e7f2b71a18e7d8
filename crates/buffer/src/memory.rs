//! The queue in memory: bounded by a number of metrics; past it the oldest are dropped first and counted. Metrics whose sender
//! waits for their end are not dropped: the sender's window bounds them.

use std::collections::VecDeque;
use std::sync::Arc;

use wheatstone_metric::{Ack, Metric};

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
    /// Changes how many may wait. Returns how many had to go.
    pub fn set_limit(&mut self, limit: usize) -> usize {
        self.limit = limit.max(1);
        self.trim()
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

    fn over(&self) -> usize {
        self.len.saturating_sub(self.limit)
    }

    /// Drops the oldest past the limit. Where the oldest are awaited, the newest that nobody waits for go instead, so that
    /// the awaited of one input never make room for another input's to grow without end.
    fn trim(&mut self) -> usize {
        let before = self.len;
        while self.over() > 0 {
            let over = self.over();
            let Some(front) = self.runs.front_mut() else { break };
            let free = front.metrics().iter().take(over).take_while(|m| !is_awaited(m));
            let free = free.inspect(|m| m.reject()).count();
            if free == 0 {
                break;
            }
            front.split_front(free);
            if front.len() == 0 {
                self.runs.pop_front();
            }
            self.len -= free;
        }
        if self.over() > 0
            && let Some(newest) = self.runs.pop_back()
        {
            self.len -= newest.len();
            let mut over = (self.len + newest.len()).saturating_sub(self.limit);
            let mut taken = Taken::default();
            taken.add(newest);
            let last = taken.len - 1;
            let goes: Vec<bool> = taken
                .metrics()
                .iter()
                .rev()
                .map(|metric| {
                    let goes = over > 0 && !is_awaited(metric);
                    if goes {
                        over -= 1;
                        metric.reject();
                    }
                    goes
                })
                .collect();
            let (_gone, rest) = taken.sort_out(|n| goes[last - n]);
            self.len += rest.iter().map(Run::len).sum::<usize>();
            self.runs.extend(rest);
        }
        before - self.len
    }
}

fn is_awaited(metric: &Metric) -> bool {
    metric.ack().is_some_and(Ack::is_awaited)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use wheatstone_metric::{Outcome, Settle};

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

    #[derive(Default)]
    struct Told(parking_lot::Mutex<Vec<(u64, Outcome)>>);
    impl Settle for Told {
        fn settle(&self, token: u64, outcome: Outcome) {
            self.0.lock().push((token, outcome));
        }
    }

    #[test]
    fn what_a_sender_waits_for_is_never_dropped() {
        let told = Arc::new(Told::default());
        let awaited = |range: std::ops::Range<i64>| {
            let metrics = range.map(|t| {
                let mut metric = Metric::new("m", t);
                metric.set_ack(Some(Ack::new(told.clone(), t as u64)));
                metric
            });
            Arc::new(metrics.collect::<Vec<_>>())
        };
        let mut q = Memory::new(4);
        assert_eq!(q.push(batch(0..2)), 0);
        // The oldest go while nobody waits for them, and then no more.
        assert_eq!(q.push(awaited(2..8)), 2);
        // Others do not get in beside them.
        assert_eq!(q.push(batch(8..11)), 3);
        assert_eq!(q.push(awaited(11..12)), 0);
        assert!(told.0.lock().is_empty());
        assert_eq!(times(&q.take(100)), [2, 3, 4, 5, 6, 7, 11]);
        let told = std::mem::take(&mut *told.0.lock());
        assert_eq!(told.len(), 7);
        assert!(told.iter().all(|(_, outcome)| *outcome == Outcome::Delivered));
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
