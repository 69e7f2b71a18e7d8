//! An output with its filter, its queue and its pace: it writes when a batch is full, when its interval is over, or when
//! somebody waits for it; what a write does not take goes back to the front of the queue.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::anyhow;
use tokio::sync::watch;
use tokio::time::Instant;
use wheatstone_buffer::{Buffer, Closed, Notice, Taken};
use wheatstone_plugin::dead_letter::{self, Letter};
use wheatstone_plugin::time::now;
use wheatstone_plugin::{Log, Output, StartError, Tracker, WriteError, debug, error, info, warn};

use crate::queue::{Queue, progress};
use crate::schedule::random_below;
use crate::supervise::guarded;

/// What the core tells its outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orders {
    /// Counts up with each SIGUSR1.
    pub(crate) flush: u64,
    /// Write what is left, then close.
    pub(crate) stop: bool,
}

/// One output in its task.
pub(crate) struct RunningOutput {
    pub(crate) plugin: Box<dyn Output>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) log: Log,
    pub(crate) flush_interval: Duration,
    pub(crate) flush_jitter: Duration,
    pub(crate) startup: Startup,
    pub(crate) connected: bool,
    pub(crate) not_before: Option<Instant>,
}

/// `startup_error_behavior`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Startup {
    /// The agent ends.
    #[default]
    Error,
    /// It is tried again as the plugin runs.
    Retry,
    /// The plugin is removed.
    Ignore,
}

/// What an output could not write before it closed.
#[derive(Default)]
pub(crate) struct Left {
    /// Metrics that are neither written nor safe on disk.
    pub(crate) unsent: usize,
    /// What the disk did not take, with its acknowledgements: kept until the inputs have disconnected.
    pub(crate) closed: Closed,
}

/// How long the last sync of a disk buffer may take.
const CLOSE_PATIENCE: Duration = Duration::from_secs(10);
/// After how long a failed connect is tried once more.
const SECOND_TRY: Duration = Duration::from_secs(15);

impl RunningOutput {
    fn name(&self) -> &str {
        self.log.name()
    }

    /// Connects as Telegraf does at its start. `Ok(false)` means that the plugin shall be removed.
    pub(crate) async fn start(&mut self) -> anyhow::Result<bool> {
        let log = Log::new("agent", None, None);
        debug!(log, "Attempting connection to [{}]", self.name());
        let mut failed = match self.connect().await {
            Ok(()) => {
                debug!(log, "Successfully connected to {}", self.name());
                return Ok(true);
            }
            Err(e) => e,
        };
        for second in [false, true] {
            self.queue.stats.startup_errors.add(1);
            match self.startup {
                Startup::Retry if failed.retry => {
                    info!(self.log, "Connect failed: {:#}; retrying...", failed.error);
                    return Ok(true);
                }
                Startup::Ignore if failed.retry => {
                    info!(
                        log,
                        "Failed to connect to [{}], error was {:?};  shutting down plugin...",
                        self.name(),
                        format!("{:#}", failed.error)
                    );
                    return Ok(false);
                }
                _ if second => break,
                _ => {}
            }
            error!(
                log,
                "Failed to connect to [{}], retrying in 15s, error was {:?}",
                self.name(),
                format!("{:#}", failed.error)
            );
            tokio::time::sleep(SECOND_TRY).await;
            match self.connect().await {
                Ok(()) => return Ok(true),
                Err(e) => failed = e,
            }
        }
        Err(failed.error.context(format!("connecting output {}", self.name())))
    }

    async fn connect(&mut self) -> Result<(), StartError> {
        match guarded(self.plugin.connect()).await {
            Ok(Ok(())) => {
                self.connected = true;
                Ok(())
            }
            Ok(Err(e)) => Err(e),
            Err(panic) => Err(StartError {
                error: panic,
                retry: false,
            }),
        }
    }

    /// Writes until it is told to stop; then writes what is left.
    pub(crate) async fn run(mut self, mut orders: watch::Receiver<Orders>) -> Left {
        let mut next_flush = self.next_flush();
        let mut seen = *orders.borrow();
        while !seen.stop {
            let queue = self.queue.clone();
            tokio::select! {
                biased;
                changed = orders.changed() => {
                    let now = *orders.borrow();
                    if changed.is_err() || now.stop {
                        break;
                    }
                    if now.flush != seen.flush {
                        self.flush().await;
                    }
                    seen = now;
                }
                () = tokio::time::sleep_until(next_flush) => {
                    self.flush().await;
                    next_flush = self.next_flush();
                }
                () = queue.hurry.notified() => {
                    if !queue.failing.load(Ordering::Relaxed) {
                        self.flush().await;
                    }
                }
                () = queue.full.notified() => self.write_full_batches().await,
            }
        }
        self.flush().await;
        let mut left = Left {
            unsent: self.queue.len(),
            ..Left::default()
        };
        if let Buffer::Disk(_) = &self.queue.buffer {
            let queue = self.queue.clone();
            // What is on disk is not lost: it is sent at the next start.
            match tokio::task::spawn_blocking(move || queue.buffer.close(CLOSE_PATIENCE)).await {
                Ok(closed) => {
                    left = Left {
                        unsent: closed.unsaved.iter().map(|b| b.len()).sum(),
                        closed,
                    }
                }
                Err(e) => error!(self.log, "Error closing the disk buffer: {e}"),
            }
        }
        self.tell_notices();
        if let Err(e) = guarded(self.plugin.close()).await.and_then(|r| r) {
            error!(self.log, "Error closing output: {e:#}");
        }
        left
    }

    /// What the buffer has to say.
    fn tell_notices(&self) {
        for notice in self.queue.buffer.notices() {
            match &notice {
                Notice::Lost { .. } => error!(self.log, "{notice}"),
                Notice::Recovered => info!(self.log, "{notice}"),
                _ => warn!(self.log, "{notice}"),
            }
        }
    }

    fn next_flush(&self) -> Instant {
        Instant::now() + self.flush_interval + random_below(self.flush_jitter)
    }

    /// Writes all that waits now, batch by batch, until the first error.
    async fn flush(&mut self) {
        self.tell_notices();
        let waiting = self.queue.len();
        debug!(
            self.log,
            "Buffer fullness: {waiting} / {} metrics",
            self.queue.buffer.limit()
        );
        let batches = waiting.div_ceil(self.queue.batch_size);
        for _ in 0..batches {
            if !self.write_batch().await {
                return;
            }
        }
    }

    async fn write_full_batches(&mut self) {
        while self.queue.len() >= self.queue.batch_size
            && !self.queue.failing.load(Ordering::Relaxed)
            && self.write_batch().await
        {}
    }

    /// Writes one batch. False when it failed or must not be tried yet.
    async fn write_batch(&mut self) -> bool {
        if self.not_before.is_some_and(|at| Instant::now() < at) {
            return false;
        }
        if !self.connected
            && let Err(e) = self.connect().await
        {
            self.queue.stats.startup_errors.add(1);
            self.failed(anyhow!("not connected").context(format!("{:#}", e.error)));
            return false;
        }
        let taken = self.queue.buffer.take(self.queue.batch_size);
        if taken.is_empty() {
            return true;
        }
        let overflow = self.queue.overflow.swap(0, Ordering::Relaxed);
        if overflow > 0 {
            warn!(
                self.log,
                "Metric buffer overflow; {overflow} metrics have been dropped"
            );
        }
        let begun = Instant::now();
        let result = self.call_write(&taken).await;
        let took = begun.elapsed();
        self.queue.stats.write_time.time(took);
        match result {
            Ok(()) => {
                debug!(self.log, "Wrote batch of {} metrics in {took:?}", taken.len());
                self.settle_written(taken.len());
                self.queue.failing.store(false, Ordering::Relaxed);
                self.not_before = None;
                if self.queue.has_siblings {
                    progress(taken.metrics());
                }
                self.queue.buffer.settle(taken);
                self.queue.stats.buffer_size.set(self.queue.len() as i64);
                true
            }
            Err(e) => self.settle_failed(taken, e).await,
        }
    }

    /// Calls the plugin, and says so when it takes longer than the flush interval.
    async fn call_write(&mut self, taken: &Taken) -> Result<(), WriteError> {
        let metrics = taken.metrics();
        let interval = self.flush_interval.max(Duration::from_millis(1));
        let name = self.log.name().to_owned();
        let write = guarded(self.plugin.write(&metrics));
        tokio::pin!(write);
        loop {
            tokio::select! {
                result = &mut write => return result.unwrap_or_else(|panic| Err(WriteError::retry(panic))),
                () = tokio::time::sleep(interval) => {
                    let log = Log::new("agent", None, None);
                    warn!(log, "[{name:?}] did not complete within its flush interval");
                }
            }
        }
    }

    fn settle_written(&self, n: usize) {
        self.queue.stats.written.add(n as i64);
        self.queue.stats.agent_written.add(n as i64);
    }

    /// Sorts out what a failed write did. True when nothing of the batch is left to be written again.
    async fn settle_failed(&mut self, taken: Taken, e: WriteError) -> bool {
        let kept = Tracker::counting(e.rejected.len());
        let (accepted, rejected) = (e.accepted.len(), e.rejected.len());
        let mut done = vec![false; taken.len()];
        let metrics = taken.metrics();
        for index in e.accepted {
            if let Some(done) = done.get_mut(index) {
                *done = true;
            }
        }
        for rejection in &e.rejected {
            if let Some(done) = done.get_mut(rejection.index) {
                *done = true;
                let metric = metrics[rejection.index];
                if dead_letter::enabled() {
                    // The copy carries the message's acknowledgement, or, out of a disk buffer, one that is waited for here.
                    let letter = Letter::metric(now(), metric.clone(), rejection.reason.as_str());
                    dead_letter::record(letter.plugin(self.name()), Some(kept.issue(0)));
                } else {
                    metric.reject();
                }
            }
        }
        drop(metrics);
        while matches!(self.queue.buffer, Buffer::Disk(_)) && kept.in_flight() > 0 {
            kept.changed().await;
        }
        self.settle_written(accepted);
        self.queue.stats.rejected.add(rejected as i64);
        self.queue.stats.agent_rejected.add(rejected as i64);
        let settled = done.iter().all(|done| *done);
        let dropped = self.queue.buffer.put_back(taken, |i| done[i]);
        self.queue.note_dropped(dropped);
        self.queue.stats.buffer_size.set(self.queue.len() as i64);
        self.not_before = e.retry_after.map(|after| Instant::now() + after);
        self.failed(e.error);
        // Something was taken: the rest may be tried as soon as a batch is full.
        self.queue
            .failing
            .store(accepted == 0 && !settled, Ordering::Relaxed);
        settled
    }

    fn failed(&mut self, e: anyhow::Error) {
        if !self.queue.failing.swap(true, Ordering::Relaxed) {
            // What waits here must not keep permits from inputs that feed other outputs.
            if let Buffer::Memory(memory) = &self.queue.buffer {
                let mut memory = memory.lock();
                let waiting = memory.take(usize::MAX);
                progress(waiting.metrics());
                memory.put_back(waiting, |_| false);
            }
        }
        self.queue.stats.write_errors.add(1);
        self.queue.stats.agent_write_errors.add(1);
        let log = Log::new("agent", None, None);
        error!(log, "Error writing to {}: {e:#}", self.name());
    }
}
