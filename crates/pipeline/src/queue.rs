//! The way into an output's backlog: the output's filter and names, and its type guard.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use wheatstone_plugin::stats::Stat;
use wheatstone_plugin::{Log, Metric, Slack};
use wheatstone_type_guard::TypeGuardConfig;

use crate::backlog::{Backlog, Place};
use crate::filter::Filter;
use crate::guard::Guard;
use crate::make_metric::Naming;

/// How an output is behind its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pressure {
    /// What waits is not yet a batch, or nothing can be done about it.
    None,
    /// A full batch waits to be written.
    Full,
    /// Several do, and the output writes.
    Behind,
}

/// So many full batches mean that an output does not keep pace.
const BEHIND: usize = 4;

/// What the pipeline's side of an output holds. A reload that changes any of it makes a new one in front of the same backlog.
pub(crate) struct Queue {
    filter: Filter,
    naming: Mutex<Naming>,
    renames: bool,
    pub(crate) batch_size: usize,
    /// Other outputs get the same metrics.
    pub(crate) has_siblings: AtomicBool,
    /// After how long a failing output is told about.
    pub(crate) alarm_after: Duration,
    pub(crate) backlog: Arc<Backlog>,
    pub(crate) guard: Option<Guard>,
    pub(crate) name: String,
    pub(crate) stats: Arc<Stats>,
}

/// What a queue is made of.
pub(crate) struct QueueParts {
    pub(crate) filter: Filter,
    pub(crate) naming: Naming,
    pub(crate) batch_size: usize,
    /// After how long a failing output is told about.
    pub(crate) alarm_after: Duration,
    pub(crate) stats: Arc<Stats>,
    pub(crate) place: Place,
    /// The settings of a type guard of its own, and the name of its file.
    pub(crate) guard: Option<(TypeGuardConfig, String)>,
}

impl QueueParts {
    /// A queue with a new backlog; one on disk reads what an earlier run left.
    pub(crate) async fn open(self, log: &Log) -> anyhow::Result<Queue> {
        let backlog = Backlog::open(self.place.clone(), log).await?;
        let guard = self.guard(None)?;
        Ok(self.in_front_of(Arc::new(backlog), guard, log))
    }

    /// A queue for a replay: in memory, and what the type guard learns is not kept.
    pub(crate) fn open_for_replay(mut self, log: &Log) -> anyhow::Result<Queue> {
        let guard = match self.guard.take() {
            Some((config, name)) => Some(Guard::reading(config, &name)?),
            None => None,
        };
        let backlog = Backlog::memory(REPLAY_LIMIT);
        Ok(self.in_front_of(Arc::new(backlog), guard, log))
    }

    /// A queue with the backlog of `old`, and its type guard where that stays the same.
    pub(crate) fn after(self, old: &Queue, log: &Log) -> anyhow::Result<Queue> {
        let guard = self.guard(old.guard.as_ref())?;
        Ok(self.in_front_of(old.backlog.clone(), guard, log))
    }

    fn guard(&self, old: Option<&Guard>) -> anyhow::Result<Option<Guard>> {
        let open = |(config, name): &(TypeGuardConfig, String)| Guard::open(config.clone(), name, old);
        self.guard.as_ref().map(open).transpose()
    }

    fn in_front_of(self, backlog: Arc<Backlog>, guard: Option<Guard>, log: &Log) -> Queue {
        Queue {
            guard,
            name: log.name().to_owned(),
            filter: self.filter,
            renames: !self.naming.is_none(),
            naming: Mutex::new(self.naming),
            batch_size: self.batch_size,
            has_siblings: AtomicBool::new(false),
            alarm_after: self.alarm_after,
            backlog,
            stats: self.stats,
        }
    }
}

/// How many metrics of a replay may wait: it gives no more letters long before.
const REPLAY_LIMIT: usize = usize::MAX / 2;

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
    pub(crate) buffer_limit: Stat,
    /// What a buffer takes on disk.
    pub(crate) buffer_bytes: Option<Stat>,
    /// For how many seconds writes have failed.
    pub(crate) failing: Stat,
    pub(crate) agent_dropped: Stat,
    pub(crate) agent_rejected: Stat,
    pub(crate) agent_written: Stat,
    pub(crate) agent_write_errors: Stat,
}

impl Queue {
    /// How many metrics wait.
    pub(crate) fn len(&self) -> usize {
        self.backlog.len()
    }

    /// Whether a shared batch can be taken as it is.
    fn takes_all(&self) -> bool {
        !self.filter.selects() && !self.filter.modifies() && !self.renames
    }

    /// A batch that nobody else gets.
    pub(crate) fn push_own(&self, mut batch: Vec<Metric>) -> Pressure {
        if !self.takes_all() {
            let before = batch.len();
            let mut naming = self.naming.lock();
            batch.retain_mut(|metric| self.filter.select(metric) && self.adapt(metric, &mut naming));
            self.stats.filtered.add((before - batch.len()) as i64);
        }
        self.guarded(&mut batch);
        self.enqueue(Arc::new(batch))
    }

    /// What this output refused in an earlier run: its filter and names were applied then.
    pub(crate) fn push_again(&self, mut batch: Vec<Metric>) {
        self.guarded(&mut batch);
        self.enqueue(Arc::new(batch));
    }

    fn guarded(&self, batch: &mut Vec<Metric>) {
        if let Some(guard) = &self.guard {
            guard.pass(batch, &self.name);
        }
    }

    /// A batch that other outputs get too.
    pub(crate) fn push_shared(&self, batch: &Arc<Vec<Metric>>) -> Pressure {
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

    fn enqueue(&self, batch: Arc<Vec<Metric>>) -> Pressure {
        if batch.is_empty() {
            return Pressure::None;
        }
        self.stats.added.add(batch.len() as i64);
        let backlog = &self.backlog;
        if backlog.failing.load(Ordering::Relaxed) {
            progress(batch.iter());
        }
        let dropped = backlog.push(batch);
        let len = self.note_size();
        self.note_dropped(dropped);
        if len < self.batch_size || backlog.failing.load(Ordering::Relaxed) {
            return Pressure::None;
        }
        backlog.full.notify_one();
        if len / BEHIND < self.batch_size {
            Pressure::Full
        } else {
            Pressure::Behind
        }
    }

    /// Shows how much waits; returns how many metrics.
    pub(crate) fn note_size(&self) -> usize {
        let (len, bytes) = self.backlog.sizes();
        self.stats.buffer_size.set(len as i64);
        if let (Some(bytes), Some(stat)) = (bytes, &self.stats.buffer_bytes) {
            stat.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
        len
    }

    pub(crate) fn note_dropped(&self, dropped: usize) {
        if dropped > 0 {
            self.backlog.overflow.fetch_add(dropped, Ordering::Relaxed);
            self.stats.dropped.add(dropped as i64);
            self.stats.agent_dropped.add(dropped as i64);
        }
    }

    /// For how long the output does not miss what comes next: one that has nothing misses it at once.
    pub(crate) fn slack(&self, now: Instant) -> Slack {
        let next_flush = *self.backlog.next_flush.lock();
        match (self.len() % self.batch_size, next_flush) {
            (0, _) | (_, None) => Slack::default(),
            (waiting, Some(at)) => Slack {
                time: at.saturating_duration_since(now),
                metrics: self.batch_size - waiting,
            },
        }
    }

    /// Asks for a write now.
    pub(crate) fn hurry(&self) {
        if !self.backlog.failing.load(Ordering::Relaxed) {
            self.backlog.hurry.notify_one();
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
