//! What a write took from the front of a queue: ranges of shared batches.

use std::sync::Arc;

use wheatstone_metric::Metric;

use crate::disk::Home;

/// A run of metrics of one shared batch.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) batch: Arc<Vec<Metric>>,
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// The number of the record it is kept in. A queue in memory has none: 0.
    pub(crate) seq: u64,
}

impl Run {
    pub(crate) fn len(&self) -> usize {
        self.to - self.from
    }
    pub(crate) fn metrics(&self) -> &[Metric] {
        &self.batch[self.from..self.to]
    }
    /// Takes the first `n` away and gives them.
    pub(crate) fn split_front(&mut self, n: usize) -> Run {
        let head = Run {
            batch: self.batch.clone(),
            from: self.from,
            to: self.from + n,
            seq: self.seq,
        };
        self.from += n;
        head
    }
}

/// What a write took from the front.
///
/// Taken from memory, dropping it drops the metrics: they are settled. Taken from a disk buffer, they go back to the front
/// when it is dropped; only [`Buffer::settle`](crate::Buffer::settle) and [`Buffer::put_back`](crate::Buffer::put_back)
/// settle them there, so that a write that panics loses nothing.
#[derive(Debug, Default)]
pub struct Taken {
    pub(crate) runs: Vec<Run>,
    pub(crate) len: usize,
    pub(crate) home: Option<Home>,
}

impl Taken {
    /// The metrics, oldest first.
    pub fn metrics(&self) -> Vec<&Metric> {
        let mut all = Vec::with_capacity(self.len);
        for run in &self.runs {
            all.extend(run.metrics());
        }
        all
    }
    /// How many they are.
    pub fn len(&self) -> usize {
        self.len
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    pub(crate) fn for_home(home: Home) -> Taken {
        Taken {
            runs: Vec::new(),
            len: 0,
            home: Some(home),
        }
    }
    pub(crate) fn add(&mut self, run: Run) {
        self.len += run.len();
        self.runs.push(run);
    }
    /// The runs, with nobody to give them back to any more.
    pub(crate) fn release(mut self) -> Vec<Run> {
        self.home = None;
        std::mem::take(&mut self.runs)
    }
    /// Sorts the metrics into those that `done(index)` names and the rest, as runs in their order.
    pub(crate) fn sort_out(self, mut done: impl FnMut(usize) -> bool) -> (Vec<Run>, Vec<Run>) {
        let (mut settled, mut rest): (Vec<Run>, Vec<Run>) = (Vec::new(), Vec::new());
        let mut index = 0;
        for mut run in self.release() {
            let mut flags = Vec::with_capacity(run.len());
            for _ in 0..run.len() {
                flags.push(done(index));
                index += 1;
            }
            for same in flags.chunk_by(|a, b| a == b) {
                let head = run.split_front(same.len());
                if same[0] { &mut settled } else { &mut rest }.push(head);
            }
        }
        (settled, rest)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            home.give_back(std::mem::take(&mut self.runs));
        }
    }
}
