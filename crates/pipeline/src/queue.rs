//! An output's queue and the way into it: the output's filter and names, its type guard, and the buffer.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::Context as _;
use parking_lot::Mutex;
use tokio::sync::Notify;
use wheatstone_buffer::{Buffer, Disk, DiskOptions};
use wheatstone_plugin::stats::Stat;
use wheatstone_plugin::{Log, Metric, info, warn};
use wheatstone_type_guard::{TypeGuard, TypeGuardConfig};

use crate::filter::Filter;
use crate::guard;
use crate::make_metric::Naming;

/// The way in: what the pipeline's side of an output holds.
pub(crate) struct Queue {
    pub(crate) filter: Filter,
    pub(crate) naming: Mutex<Naming>,
    pub(crate) renames: bool,
    pub(crate) batch_size: usize,
    /// Other outputs get the same metrics.
    pub(crate) has_siblings: bool,
    pub(crate) buffer: Buffer,
    pub(crate) guard: Option<Mutex<TypeGuard>>,
    pub(crate) name: String,
    /// A full batch waits.
    pub(crate) full: Notify,
    /// Somebody waits for what is in the queue.
    pub(crate) hurry: Notify,
    /// The write before the last flush failed: no early write before the next one.
    pub(crate) failing: AtomicBool,
    /// Dropped on overflow and not yet told.
    pub(crate) overflow: AtomicUsize,
    pub(crate) stats: Stats,
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

    pub(crate) fn note_dropped(&self, dropped: usize) {
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
pub(crate) fn progress<'a>(metrics: impl IntoIterator<Item = &'a Metric>) {
    for metric in metrics {
        if let Some(ack) = metric.ack() {
            ack.progress();
        }
    }
}
