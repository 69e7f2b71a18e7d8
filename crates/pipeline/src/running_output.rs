//! An output with its filter, its queue and its pace: it writes when a batch is full, when its interval is over, or when
//! somebody waits for it; what a write does not take goes back to the front of the queue.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use wheatstone_buffer::{Buffer, Closed, Disk, DiskOptions, Notice, Taken};
use wheatstone_plugin::dead_letter::{self, Letter};
use wheatstone_plugin::stats::Stat;
use wheatstone_plugin::time::now;
use wheatstone_plugin::{Log, Metric, Output, StartError, Tracker, WriteError, debug, error, info, warn};
use wheatstone_type_guard::{TypeGuard, TypeGuardConfig};

use crate::filter::Filter;
use crate::guard;
use crate::make_metric::Naming;
use crate::schedule::random_below;
use crate::supervise::guarded;

/// The way in: what the pipeline's side of an output holds.
pub(crate) struct Queue {
    filter: Filter,
    naming: Mutex<Naming>,
    renames: bool,
    batch_size: usize,
    /// Other outputs get the same metrics.
    has_siblings: bool,
    buffer: Buffer,
    guard: Option<Mutex<TypeGuard>>,
    name: String,
    /// A full batch waits.
    full: Notify,
    /// Somebody waits for what is in the queue.
    hurry: Notify,
    /// The write before the last flush failed: no early write before the next one.
    failing: AtomicBool,
    /// Dropped on overflow and not yet told.
    overflow: AtomicUsize,
    stats: Stats,
}

/// What a queue is made of, before its buffer is opened.
pub(crate) struct QueueParts {
    pub(crate) filter: Filter,
    pub(crate) naming: Naming,
    pub(crate) batch_size: usize,
    /// Other outputs get the same metrics.
    pub(crate) has_siblings: bool,
    pub(crate) stats: Stats,
    /// `metric_buffer_limit`.
    pub(crate) limit: usize,
    /// The folder and settings of a disk buffer.
    pub(crate) disk: Option<(PathBuf, DiskOptions)>,
    /// The settings of a type guard of its own, and the name of its file.
    pub(crate) guard: Option<(TypeGuardConfig, String)>,
}

impl QueueParts {
    /// Opens the buffer; one on disk reads what an earlier run left.
    pub(crate) async fn open(mut self, log: &Log) -> anyhow::Result<Queue> {
        let guard = match self.guard.take() {
            Some((config, name)) => {
                Some(TypeGuard::new(config, &name).context("opening the type guard's file")?)
            }
            None => None,
        };
        let Some((folder, options)) = self.disk.clone() else {
            let buffer = Buffer::memory(self.limit);
            return Ok(Queue::new(self, buffer, guard, log.name()));
        };
        let shown = folder.display().to_string();
        let (disk, recovery) = tokio::task::spawn_blocking(move || Disk::open(folder, options))
            .await?
            .with_context(|| format!("opening the disk buffer {shown}"))?;
        for problem in &recovery.problems {
            warn!(log, "{problem}");
        }
        if recovery.metrics > 0 {
            info!(
                log,
                "{} metrics wait in the disk buffer {shown}", recovery.metrics
            );
        }
        Ok(Queue::new(self, Buffer::Disk(disk), guard, log.name()))
    }
}

/// The numbers of `internal_write`.
pub(crate) struct Stats {
    pub(crate) added: Stat,
    pub(crate) dropped: Stat,
    pub(crate) rejected: Stat,
    pub(crate) filtered: Stat,
    pub(crate) written: Stat,
    pub(crate) write_errors: Stat,
    pub(crate) startup_errors: Stat,
    pub(crate) write_time: Stat,
    pub(crate) buffer_size: Stat,
    pub(crate) agent_dropped: Stat,
    pub(crate) agent_rejected: Stat,
    pub(crate) agent_written: Stat,
    pub(crate) agent_write_errors: Stat,
}

impl Queue {
    fn new(parts: QueueParts, buffer: Buffer, guard: Option<TypeGuard>, name: &str) -> Queue {
        let QueueParts {
            filter,
            naming,
            batch_size,
            has_siblings,
            stats,
            ..
        } = parts;
        Queue {
            guard: guard.map(Mutex::new),
            name: name.to_owned(),
            filter,
            renames: !naming.is_none(),
            naming: Mutex::new(naming),
            batch_size,
            has_siblings,
            buffer,
            full: Notify::new(),
            hurry: Notify::new(),
            failing: AtomicBool::new(false),
            overflow: AtomicUsize::new(0),
            stats,
        }
    }

    /// How many metrics wait.
    pub(crate) fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether a shared batch can be taken as it is.
    fn takes_all(&self) -> bool {
        !self.filter.selects() && !self.filter.modifies() && !self.renames
    }

    /// A batch that nobody else gets. True when a full batch waits to be written.
    pub(crate) fn push_own(&self, mut batch: Vec<Metric>) -> bool {
        if !self.takes_all() {
            let before = batch.len();
            let mut naming = self.naming.lock();
            batch.retain_mut(|metric| self.filter.select(metric) && self.adapt(metric, &mut naming));
            self.stats.filtered.add((before - batch.len()) as i64);
        }
        self.guarded(&mut batch);
        self.enqueue(Arc::new(batch))
    }

    fn guarded(&self, batch: &mut Vec<Metric>) {
        if let Some(guard) = &self.guard {
            guard::pass(guard, batch, &self.name);
        }
    }

    /// A batch that other outputs get too. True when a full batch waits to be written.
    pub(crate) fn push_shared(&self, batch: &Arc<Vec<Metric>>) -> bool {
        if self.takes_all() {
            return match &self.guard {
                Some(guard) if !guard.lock().conforms(batch) => self.push_own(batch.to_vec()),
                _ => self.enqueue(batch.clone()),
            };
        }
        let mut naming = self.naming.lock();
        let mut own = Vec::new();
        for metric in batch.iter() {
            if self.filter.select(metric) {
                let mut metric = metric.clone();
                if self.adapt(&mut metric, &mut naming) {
                    own.push(metric);
                }
            }
        }
        self.stats.filtered.add((batch.len() - own.len()) as i64);
        drop(naming);
        self.guarded(&mut own);
        self.enqueue(Arc::new(own))
    }

    fn adapt(&self, metric: &mut Metric, naming: &mut Naming) -> bool {
        let fields_left = self.filter.modify(metric);
        if self.renames {
            naming.apply(metric);
        }
        fields_left
    }

    fn enqueue(&self, batch: Arc<Vec<Metric>>) -> bool {
        if batch.is_empty() {
            return false;
        }
        self.stats.added.add(batch.len() as i64);
        if self.failing.load(Ordering::Relaxed) {
            progress(batch.iter());
        }
        let dropped = self.buffer.push(batch);
        let len = self.buffer.len();
        self.stats.buffer_size.set(len as i64);
        self.note_dropped(dropped);
        let full = len >= self.batch_size && !self.failing.load(Ordering::Relaxed);
        if full {
            self.full.notify_one();
        }
        full
    }

    fn note_dropped(&self, dropped: usize) {
        if dropped > 0 {
            self.overflow.fetch_add(dropped, Ordering::Relaxed);
            self.stats.dropped.add(dropped as i64);
            self.stats.agent_dropped.add(dropped as i64);
        }
    }

    /// Asks for a write now.
    pub(crate) fn hurry(&self) {
        if !self.failing.load(Ordering::Relaxed) {
            self.hurry.notify_one();
        }
    }
}

/// Says of metrics that they wait for nobody but outputs that take their time: see `Ack::progress`.
fn progress<'a>(metrics: impl IntoIterator<Item = &'a Metric>) {
    for metric in metrics {
        if let Some(ack) = metric.ack() {
            ack.progress();
        }
    }
}

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
