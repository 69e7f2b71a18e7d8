//! An input with its filter, names and tags, driven by the clock or running by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use wheatstone_plugin::stats::Stat;
use wheatstone_plugin::time::{now, round};
use wheatstone_plugin::{
    Accumulator, Input, Lifecycle, Log, Metric, Phase, ServiceInput, Sink, StartError, debug, error, info,
    warn,
};

use crate::fan_out::Pipeline;
use crate::filter::Filter;
use crate::make_metric::{DefaultTags, Naming};
use crate::running_output::Startup;
use crate::schedule::{Schedule, random_below};
use crate::supervise::guarded;

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
    fn make_metrics(&mut self, batch: &mut Vec<Metric>, gather_start: i64) {
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

/// Where an input's batches go.
pub(crate) struct InputSink {
    intake: Mutex<Intake>,
    pipeline: Arc<Pipeline>,
    gather_start: AtomicI64,
    gathered: Stat,
    agent_gathered: Stat,
}

impl InputSink {
    pub(crate) fn new(
        intake: Intake,
        pipeline: Arc<Pipeline>,
        gathered: Stat,
        agent_gathered: Stat,
    ) -> InputSink {
        InputSink {
            intake: Mutex::new(intake),
            pipeline,
            gather_start: AtomicI64::new(0),
            gathered,
            agent_gathered,
        }
    }
}

#[async_trait]
impl Sink for InputSink {
    async fn send(&self, mut metrics: Vec<Metric>) {
        self.intake
            .lock()
            .make_metrics(&mut metrics, self.gather_start.load(Ordering::Relaxed));
        self.gathered.add(metrics.len() as i64);
        self.agent_gathered.add(metrics.len() as i64);
        if self.pipeline.push(metrics) {
            // An input that always has more to read must let the output write, or the queue grows for nothing.
            tokio::task::yield_now().await;
        }
    }
    fn hurry(&self) {
        self.pipeline.hurry();
    }
}

/// When a polled input is gathered.
#[derive(Clone, Debug)]
pub(crate) struct Timing {
    pub(crate) interval: Duration,
    pub(crate) jitter: Duration,
    pub(crate) offset: Duration,
    pub(crate) aligned: bool,
}

/// One input in its task.
pub(crate) struct RunningInput {
    pub(crate) plugin: InputPlugin,
    pub(crate) runner: Runner,
}

/// What the core knows of an input besides its plugin.
pub(crate) struct Runner {
    pub(crate) log: Log,
    pub(crate) sink: Arc<InputSink>,
    pub(crate) timing: Timing,
    pub(crate) startup: Startup,
    pub(crate) stats: Stats,
}

/// The numbers of `internal_gather`.
pub(crate) struct Stats {
    pub(crate) gather_time: Stat,
    pub(crate) gather_errors: Stat,
    pub(crate) gather_timeouts: Stat,
    pub(crate) startup_errors: Stat,
    pub(crate) agent_gather_errors: Stat,
    pub(crate) agent_gather_timeouts: Stat,
}

/// A plugin that is asked, or one that runs.
pub(crate) enum InputPlugin {
    Polled(Box<dyn Input>),
    Service(Box<dyn ServiceInput>),
}

/// The core's side of one input's life.
pub(crate) struct Handle {
    /// The input is up, or it has ended.
    pub(crate) ready: watch::Receiver<bool>,
    /// Nothing more will come from it.
    pub(crate) drained: watch::Receiver<bool>,
    pub(crate) task: tokio::task::JoinHandle<()>,
}

/// How long the next start waits after an input that ran has failed: doubles from the first to the second.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

impl RunningInput {
    /// Starts the input in a task of its own. `once` gathers a single time. An error that must end the agent goes to
    /// `fatal`.
    pub(crate) fn spawn(
        self,
        phase: watch::Receiver<Phase>,
        once: bool,
        fatal: mpsc::UnboundedSender<anyhow::Error>,
    ) -> Handle {
        let (ready, ready_seen) = watch::channel(false);
        let (drained, drained_seen) = watch::channel(false);
        let life = Lifecycle {
            phase,
            ready: ready.clone(),
            drained: drained.clone(),
        };
        let RunningInput { plugin, runner } = self;
        let acc = Accumulator::new(runner.sink.clone(), runner.log.clone(), life);
        let task = tokio::spawn(async move {
            let result = match plugin {
                InputPlugin::Polled(plugin) => runner.run_polled(plugin, acc, once).await,
                InputPlugin::Service(plugin) => runner.run_service(plugin, acc).await,
            };
            match result {
                Ok(()) => {}
                Err(e) if once => {
                    let log = Log::new("agent", None, None);
                    error!(log, "{e:#}");
                }
                // A closed channel: the agent is ending already.
                Err(e) => drop(fatal.send(e)),
            }
            ready.send_replace(true);
            drained.send_replace(true);
        });
        Handle {
            ready: ready_seen,
            drained: drained_seen,
            task,
        }
    }
}

impl Runner {
    async fn run_polled(
        self,
        mut plugin: Box<dyn Input>,
        mut acc: Accumulator,
        once: bool,
    ) -> anyhow::Result<()> {
        let mut started = match guarded(plugin.start()).await.unwrap_or_else(|p| Err(p.into())) {
            Ok(()) => true,
            Err(e) => {
                if !self.start_failed(e)? {
                    return Ok(());
                }
                false
            }
        };
        if once {
            self.gather(plugin.as_mut(), &mut acc).await;
            plugin.stop().await;
            return Ok(());
        }
        acc.ready();
        let Timing {
            interval,
            jitter,
            offset,
            aligned,
        } = self.timing.clone();
        let mut schedule = Schedule::new(interval, jitter, offset, aligned);
        loop {
            let at = schedule.next();
            tokio::select! {
                biased;
                () = acc.stopping() => break,
                () = tokio::time::sleep_until(at) => {}
            }
            if !started {
                match guarded(plugin.start()).await.unwrap_or_else(|p| Err(p.into())) {
                    Ok(()) => started = true,
                    Err(e) => {
                        self.stats.startup_errors.add(1);
                        debug!(self.log, "start failed again: {:#}", e.error);
                        continue;
                    }
                }
            }
            self.gather(plugin.as_mut(), &mut acc).await;
        }
        plugin.stop().await;
        Ok(())
    }

    async fn gather(&self, plugin: &mut dyn Input, acc: &mut Accumulator) {
        self.sink.gather_start.store(now(), Ordering::Relaxed);
        let begun = Instant::now();
        let result = {
            let gather = guarded(plugin.gather(acc));
            tokio::pin!(gather);
            loop {
                tokio::select! {
                    result = &mut gather => break result,
                    () = tokio::time::sleep(self.timing.interval.max(Duration::from_millis(1))) => {
                        warn!(
                            self.log,
                            "Collection took longer than expected; not complete after interval of {}",
                            wheatstone_plugin::conf::Duration(self.timing.interval)
                        );
                        self.stats.gather_timeouts.add(1);
                        self.stats.agent_gather_timeouts.add(1);
                    }
                }
            }
        };
        self.stats.gather_time.time(begun.elapsed());
        if let Err(e) = result.and_then(|r| r) {
            self.stats.gather_errors.add(1);
            self.stats.agent_gather_errors.add(1);
            acc.error(format_args!("{e:#}"));
        }
        acc.flush().await;
    }

    async fn run_service(
        self,
        mut plugin: Box<dyn ServiceInput>,
        mut acc: Accumulator,
    ) -> anyhow::Result<()> {
        let mut pause = BACK_OFF.0;
        let mut was_ready = false;
        loop {
            let begun = Instant::now();
            let result = guarded(plugin.run(&mut acc)).await.and_then(|r| r);
            was_ready |= acc.is_ready();
            match result {
                Ok(()) => {
                    acc.flush().await;
                    return Ok(());
                }
                Err(e) => {
                    // What the run had not handed over is lost to it: its messages are not delivered.
                    acc.discard();
                    if !was_ready {
                        if !self.start_failed(StartError::from(e))? {
                            return Ok(());
                        }
                        pause = self.timing.interval;
                    } else {
                        error!(self.log, "Error in plugin: {e:#}; it is started again");
                        pause = if begun.elapsed() > BACK_OFF.1 {
                            BACK_OFF.0
                        } else {
                            (pause * 2).min(BACK_OFF.1)
                        };
                    }
                }
            }
            tokio::select! {
                () = acc.stopping() => return Ok(()),
                () = tokio::time::sleep(pause + random_below(pause / 10)) => {}
            }
        }
    }

    /// What becomes of an input that did not start: true to try again, false to do without it, an error to end.
    fn start_failed(&self, e: StartError) -> anyhow::Result<bool> {
        self.stats.startup_errors.add(1);
        match self.startup {
            Startup::Retry if e.retry => {
                info!(self.log, "Startup failed: {:#}; retrying...", e.error);
                Ok(true)
            }
            Startup::Ignore if e.retry => {
                let log = Log::new("agent", None, None);
                info!(
                    log,
                    "Failed to start {}, shutting down plugin: {:#}",
                    self.log.name(),
                    e.error
                );
                Ok(false)
            }
            _ => Err(e.error.context(format!("starting input {}", self.log.name()))),
        }
    }
}
