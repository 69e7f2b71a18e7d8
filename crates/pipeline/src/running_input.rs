//! An input in its task: what the core holds of it, how it is started, stopped and told of changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use wheatstone_plugin::stats::Stat;
use wheatstone_plugin::{Accumulator, Input, Lifecycle, Log, Phase, ServiceInput, StartError, error, info};

use crate::fan_out::Pipeline;
use crate::intake::{Gate, InputSink, Intake};
use crate::mark::Mark;
use crate::running_output::Startup;
use crate::topology::BuiltInput;

/// When a polled input is gathered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Timing {
    pub(crate) interval: Duration,
    pub(crate) jitter: Duration,
    pub(crate) offset: Duration,
    pub(crate) aligned: bool,
}

/// What the core knows of an input besides its plugin, while it runs.
pub(crate) struct Runner {
    pub(crate) log: Log,
    pub(crate) sink: Arc<InputSink>,
    pub(crate) timing: watch::Receiver<Timing>,
    pub(crate) startup: Startup,
    /// It came with a reload that is through: it is tried again instead of ending the agent.
    pub(crate) stays: Arc<AtomicBool>,
    pub(crate) stats: Arc<Stats>,
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

/// What the core holds of an input, whether it runs or not.
struct Held {
    mark: Mark,
    log: Log,
    sink: Arc<InputSink>,
    timing: watch::Sender<Timing>,
    startup: Startup,
    stats: Arc<Stats>,
    /// The input is up, or it has ended.
    ready: watch::Sender<bool>,
}

/// An input that is not running: what its next start needs.
pub(crate) struct IdleInput {
    plugin: InputPlugin,
    held: Held,
}

/// The core's side of one input's life.
pub(crate) struct RunningInput {
    held: Held,
    /// Nothing more will come from it.
    drained: watch::Receiver<bool>,
    pub(crate) phase: watch::Sender<Phase>,
    pub(crate) stays: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<InputPlugin>,
}

/// How an input is started.
#[derive(Clone)]
pub(crate) struct Start {
    /// Gather a single time.
    pub(crate) once: bool,
    /// Where an error goes that must end the agent, or the reload.
    pub(crate) fatal: mpsc::UnboundedSender<anyhow::Error>,
}

/// How long inputs have to hand over what they have read, and later to acknowledge and go.
pub(crate) const INPUT_GRACE: Duration = Duration::from_secs(5);

impl IdleInput {
    /// Nothing of it gets into the pipeline before `opened` is true.
    pub(crate) fn new(
        input: BuiltInput,
        pipeline: Arc<Pipeline>,
        opened: watch::Receiver<bool>,
    ) -> IdleInput {
        let ready = watch::Sender::new(false);
        let sink = InputSink::new(
            input.intake,
            pipeline,
            Gate::new(opened, ready.clone()),
            input.gathered,
            input.agent_gathered,
        );
        IdleInput {
            plugin: input.plugin,
            held: Held {
                mark: input.mark,
                log: input.log,
                sink: Arc::new(sink),
                timing: watch::Sender::new(input.timing),
                startup: input.startup,
                stats: Arc::new(input.stats),
                ready,
            },
        }
    }

    /// Starts the input in a task of its own.
    pub(crate) fn start(self, Start { once, fatal }: Start) -> RunningInput {
        let IdleInput { mut plugin, held } = self;
        held.ready.send_replace(false);
        let (phase, phase_seen) = watch::channel(Phase::Running);
        let (drained, drained_seen) = watch::channel(false);
        let life = Lifecycle {
            phase: phase_seen,
            ready: held.ready.clone(),
            drained: drained.clone(),
        };
        let stays = Arc::new(AtomicBool::new(false));
        let runner = Runner {
            log: held.log.clone(),
            sink: held.sink.clone(),
            timing: held.timing.subscribe(),
            startup: held.startup,
            stays: stays.clone(),
            stats: held.stats.clone(),
        };
        let acc = Accumulator::new(held.sink.clone(), held.log.clone(), life);
        let up = held.ready.clone();
        let task = tokio::spawn(async move {
            let result = match &mut plugin {
                InputPlugin::Polled(plugin) => runner.run_polled(plugin.as_mut(), acc, once).await,
                InputPlugin::Service(plugin) => runner.run_service(plugin.as_mut(), acc).await,
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
            up.send_replace(true);
            drained.send_replace(true);
            plugin
        });
        RunningInput {
            held,
            drained: drained_seen,
            phase,
            stays,
            task,
        }
    }
}

impl RunningInput {
    pub(crate) fn mark(&self) -> &Mark {
        &self.held.mark
    }
    /// Becomes true when the input is up, or has ended.
    pub(crate) fn ready(&self) -> watch::Receiver<bool> {
        self.held.ready.subscribe()
    }
    /// Waits until nothing more will come from it.
    pub(crate) async fn drained(&mut self) {
        let _ = self.drained.wait_for(|d| *d).await;
    }
    /// Whether its task goes on.
    pub(crate) fn lives(&self) -> bool {
        !self.task.is_finished()
    }

    /// The core does other things for it from now on; the plugin does not notice.
    pub(crate) fn adjust(&mut self, mark: Mark, intake: Intake, timing: Timing) {
        self.held.mark = self.held.mark.continued_as(&mark);
        self.held.sink.set_intake(intake);
        self.held.timing.send_if_modified(|old| {
            let other = *old != timing;
            *old = timing;
            other
        });
    }

    /// Waits for its end, [`INPUT_GRACE`] at most; one that hangs is broken off. Gives what another start needs, where its
    /// plugin is still there.
    pub(crate) async fn end(self) -> Option<IdleInput> {
        self.phase.send_replace(Phase::Closing);
        let abort = self.task.abort_handle();
        let Ok(Ok(plugin)) = tokio::time::timeout(INPUT_GRACE, self.task).await else {
            abort.abort();
            return None;
        };
        Some(IdleInput {
            plugin,
            held: self.held,
        })
    }

    /// Ends it at once, without the connection's last words: it belongs to a configuration that is given up.
    pub(crate) async fn break_off(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

impl Runner {
    /// What becomes of an input that did not start: true to try again, false to do without it, an error to end.
    pub(crate) fn start_failed(&self, e: StartError) -> anyhow::Result<bool> {
        self.stats.startup_errors.add(1);
        match self.startup {
            Startup::Error if self.stays.load(Ordering::Relaxed) => {
                error!(self.log, "Startup failed: {:#}; retrying...", e.error);
                Ok(true)
            }
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
