//! Where an input puts its metrics; it gathers what is ready and sends one batch.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::error::cut;
use crate::{Log, Metric};

/// What takes an input's batches: the pipeline, or a test.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Takes a batch through filters, processors and into the outputs' buffers; returns when it is there.
    async fn send(&self, metrics: Vec<Metric>);
    /// Asks the outputs to write now what they have: the input waits for it.
    fn hurry(&self);
    /// For how long what comes next is not missed. Nothing, where nobody can say.
    fn slack(&self) -> Slack {
        Slack::default()
    }
}

/// For how long nobody misses what an input has not read yet: every output has metrics that it gathers for a write, and what
/// comes before that is not written any later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slack {
    /// Until the first of the outputs writes what it has.
    pub time: Duration,
    /// How many metrics more make the first of them write sooner.
    pub metrics: usize,
}

/// How far the agent's life has come, as an input sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Read.
    #[default]
    Running,
    /// Read no more; what was read is being written.
    Stopping,
    /// Everything that could be written is; acknowledge and return.
    Closing,
}

/// The signs between the core and one run of an input.
pub struct Lifecycle {
    /// Set by the core.
    pub phase: watch::Receiver<Phase>,
    /// Set by the input: it is up.
    pub ready: watch::Sender<bool>,
    /// Set by the input: nothing more will come.
    pub drained: watch::Sender<bool>,
}

/// Where an input puts its metrics.
pub struct Accumulator {
    sink: Arc<dyn Sink>,
    batch: Vec<Metric>,
    log: Log,
    life: Lifecycle,
}

/// A batch is sent on its own once it holds so many metrics.
const FULL: usize = 4096;

impl Accumulator {
    /// Made by the core for one run of an input.
    pub fn new(sink: Arc<dyn Sink>, log: Log, life: Lifecycle) -> Accumulator {
        Accumulator {
            sink,
            batch: Vec::new(),
            log,
            life,
        }
    }
    /// Another one on the same pipeline, for an input that reads from several places at once: each gathers by itself.
    /// [`ready`](Accumulator::ready) and [`drained`](Accumulator::drained) of any of them speak for the input.
    pub fn sibling(&self) -> Accumulator {
        let life = Lifecycle {
            phase: self.life.phase.clone(),
            ready: self.life.ready.clone(),
            drained: self.life.drained.clone(),
        };
        Accumulator::new(self.sink.clone(), self.log.clone(), life)
    }
    /// Adds a metric. It is sent with the next [`flush`](Accumulator::flush), at the latest when a polled input's gather ends.
    #[inline]
    pub fn add(&mut self, metric: Metric) {
        self.batch.push(metric);
    }
    /// The batch itself, for parsers to append to.
    #[inline]
    pub fn batch(&mut self) -> &mut Vec<Metric> {
        &mut self.batch
    }
    /// Whether enough has gathered to be sent.
    pub fn is_full(&self) -> bool {
        self.batch.len() >= FULL
    }
    /// Sends what has gathered.
    pub async fn flush(&mut self) {
        if !self.batch.is_empty() {
            let room = self.batch.len().min(FULL);
            let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(room));
            self.sink.send(batch).await;
        }
    }
    /// Logs and counts an error that does not end the gather or run.
    pub fn error(&self, error: impl std::fmt::Display) {
        crate::error!(self.log, "Error in plugin: {}", cut(error.to_string()));
    }
    /// Asks the outputs to write now: messages are under way, and no more come until they are settled.
    pub fn hurry(&self) {
        self.sink.hurry();
    }
    /// For how long what comes next is not missed.
    pub fn slack(&self) -> Slack {
        self.sink.slack()
    }
    /// Says that the input is up.
    pub fn ready(&self) {
        self.life.ready.send_replace(true);
    }
    /// Whether [`ready`](Accumulator::ready) was called; asked by the core.
    pub fn is_ready(&self) -> bool {
        *self.life.ready.borrow()
    }
    /// Drops what has gathered and was not sent, as not delivered: called by the core after a failed run.
    pub fn discard(&mut self) {
        for metric in self.batch.drain(..) {
            metric.reject();
        }
    }
    /// Waits until the input shall read no more.
    pub async fn stopping(&mut self) {
        // A core that is gone has stopped.
        let _ = self.life.phase.wait_for(|p| *p >= Phase::Stopping).await;
    }
    /// Whether the input shall read no more.
    pub fn is_stopping(&self) -> bool {
        *self.life.phase.borrow() >= Phase::Stopping
    }
    /// Says that nothing more will come: called after the last flush, once [`stopping`](Accumulator::stopping).
    pub fn drained(&self) {
        self.life.drained.send_replace(true);
    }
    /// Waits until everything that could be written is: acknowledge the rest and return.
    pub async fn closing(&mut self) {
        let _ = self.life.phase.wait_for(|p| *p >= Phase::Closing).await;
    }
    /// A receiver of the phase, for an input that waits for several things at once.
    pub fn phase(&self) -> watch::Receiver<Phase> {
        self.life.phase.clone()
    }
}
