//! What the core does to an input's batches before the processors: its filter, names, tags and times.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::watch;
use wheatstone_plugin::stats::Stat;
use wheatstone_plugin::time::{now, round};
use wheatstone_plugin::{Metric, Sink, Slack};

use crate::fan_out::Pipeline;
use crate::filter::Filter;
use crate::make_metric::{DefaultTags, Naming};
use crate::queue::Pressure;

/// Which time an input's metrics get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TimeSource {
    /// Their own.
    #[default]
    Metric,
    /// That of the gather's begin.
    CollectionStart,
    /// That of the gather's end.
    CollectionEnd,
}

/// What the core does to an input's metrics before the chain.
pub(crate) struct Intake {
    pub(crate) filter: Filter,
    pub(crate) naming: Naming,
    pub(crate) local_tags: DefaultTags,
    pub(crate) global_tags: DefaultTags,
    /// Tags added again behind the tag filter: `always_include_local_tags`, `always_include_global_tags`.
    pub(crate) local_again: bool,
    pub(crate) global_again: bool,
    pub(crate) precision: i64,
    pub(crate) time_source: TimeSource,
}

impl Intake {
    /// Every metric of a batch; those that do not pass are taken out.
    pub(crate) fn make_metrics(&mut self, batch: &mut Vec<Metric>, gather_start: i64) {
        let time = match self.time_source {
            TimeSource::Metric => None,
            TimeSource::CollectionStart => Some(gather_start),
            TimeSource::CollectionEnd => Some(now()),
        };
        let renames = !self.naming.is_none();
        batch.retain_mut(|metric| {
            if self.precision > 1 {
                metric.set_time(round(metric.time(), self.precision));
            }
            if !self.filter.select(metric) {
                return false;
            }
            if renames {
                self.naming.apply(metric);
            }
            self.local_tags.apply(metric);
            self.global_tags.apply(metric);
            if !self.filter.modify(metric) {
                return false;
            }
            if self.local_again {
                self.local_tags.apply(metric);
            }
            if self.global_again {
                self.global_tags.apply(metric);
            }
            if let Some(time) = time {
                metric.set_time(time);
            }
            true
        });
    }
}

/// How long an input rests that is ahead of an output which writes as fast as it can: a receiver on the same machine may
/// lack the very processor that the input takes.
const REST: Duration = Duration::from_millis(1);
/// After how many metrics, so that nobody is held up who sends them one by one.
const REST_AFTER: usize = 500;

/// Where an input's batches go.
pub(crate) struct InputSink {
    intake: Mutex<Intake>,
    pipeline: Arc<Pipeline>,
    gate: Gate,
    gather_start: AtomicI64,
    /// Metrics since the last rest.
    unrested: AtomicUsize,
    gathered: Stat,
    agent_gathered: Stat,
}

/// Holds an input's batches back until the configuration that it belongs to is in force.
pub(crate) struct Gate {
    is_open: AtomicBool,
    opened: watch::Receiver<bool>,
    /// Somebody waits: the input is up.
    reached: watch::Sender<bool>,
}

impl Gate {
    /// A gate that opens when `opened` becomes true; `reached` is told when somebody waits at it.
    pub(crate) fn new(opened: watch::Receiver<bool>, reached: watch::Sender<bool>) -> Gate {
        let is_open = *opened.borrow();
        Gate {
            is_open: AtomicBool::new(is_open),
            opened,
            reached,
        }
    }
    async fn pass(&self) {
        if self.is_open.load(Ordering::Relaxed) {
            return;
        }
        self.reached.send_replace(true);
        if self.opened.clone().wait_for(|o| *o).await.is_err() {
            // The configuration was given up. The input is about to be ended; what it holds is not delivered.
            std::future::pending::<()>().await;
        }
        self.is_open.store(true, Ordering::Relaxed);
    }
}

impl InputSink {
    pub(crate) fn new(
        intake: Intake,
        pipeline: Arc<Pipeline>,
        gate: Gate,
        gathered: Stat,
        agent_gathered: Stat,
    ) -> InputSink {
        InputSink {
            intake: Mutex::new(intake),
            pipeline,
            gate,
            gather_start: AtomicI64::new(0),
            unrested: AtomicUsize::new(0),
            gathered,
            agent_gathered,
        }
    }

    async fn rest(&self, sent: usize) {
        if self.unrested.fetch_add(sent, Ordering::Relaxed) + sent < REST_AFTER {
            return tokio::task::yield_now().await;
        }
        self.unrested.store(0, Ordering::Relaxed);
        tokio::time::sleep(REST).await;
    }

    /// From the next batch on.
    pub(crate) fn set_intake(&self, intake: Intake) {
        *self.intake.lock() = intake;
    }
    pub(crate) fn begin_gather(&self) {
        self.gather_start.store(now(), Ordering::Relaxed);
    }
}

#[async_trait]
impl Sink for InputSink {
    async fn send(&self, mut metrics: Vec<Metric>) {
        self.gate.pass().await;
        self.intake
            .lock()
            .make_metrics(&mut metrics, self.gather_start.load(Ordering::Relaxed));
        self.gathered.add(metrics.len() as i64);
        self.agent_gathered.add(metrics.len() as i64);
        let sent = metrics.len();
        match self.pipeline.push(metrics) {
            Pressure::None => {}
            // An input that always has more to read must let the output write, or the queue grows for nothing.
            Pressure::Full => tokio::task::yield_now().await,
            Pressure::Behind => self.rest(sent).await,
        }
    }
    fn hurry(&self) {
        self.pipeline.hurry();
    }
    fn slack(&self) -> Slack {
        // A time that the core sets shall be as near to the reading as ever.
        match self.intake.lock().time_source {
            TimeSource::Metric => self.pipeline.slack(),
            TimeSource::CollectionStart | TimeSource::CollectionEnd => Slack::default(),
        }
    }
}
