//! All that runs: inputs, pipeline, aggregators and outputs, from their start to their end in the order in which data flows.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use wheatstone_plugin::time::now;
use wheatstone_plugin::{Log, Phase, debug, error, info};

use crate::aggregate::RunningAggregator;
use crate::clock::watch_clock;
use crate::fan_out::{Pipeline, Stages};
use crate::guard::Guard;
use crate::live_output::{LiveOutput, NextOutput};
use crate::run::Mode;
use crate::running_input::{INPUT_GRACE, IdleInput, RunningInput, Start};
use crate::running_output::RunningOutput;
use crate::topology::{BuiltOutput, Topology};

/// A running topology.
pub(crate) struct Live {
    pub(crate) log: Log,
    pub(crate) test: bool,
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) inputs: Vec<RunningInput>,
    pub(crate) outputs: Vec<LiveOutput>,
    pub(crate) pushers: Vec<Pusher>,
    /// Outputs that the configuration has no more, writing what they have.
    pub(crate) retiring: JoinSet<()>,
    /// Counts the jumps of the wall clock.
    jumped: watch::Receiver<u64>,
    clock: JoinHandle<()>,
    /// Where an error goes that ends the agent.
    pub(crate) fatal: mpsc::UnboundedSender<anyhow::Error>,
}

/// An aggregator and the task that pushes at the end of its periods.
pub(crate) struct Pusher {
    pub(crate) aggregator: Arc<RunningAggregator>,
    task: JoinHandle<()>,
}

/// Inputs wait at most so long for outputs to connect.
const CONNECT_GRACE: Duration = Duration::from_secs(1);

impl Live {
    /// Starts outputs, then inputs. `fatal_seen` gets what ends the agent, now or later.
    pub(crate) async fn start(
        topology: Topology,
        mode: Mode,
        fatal: mpsc::UnboundedSender<anyhow::Error>,
        fatal_seen: &mut mpsc::UnboundedReceiver<anyhow::Error>,
    ) -> anyhow::Result<Live> {
        let log = Log::new("agent", None, None);
        let test = matches!(mode, Mode::Test { .. });
        let Topology {
            inputs,
            before,
            after,
            aggregators,
            outputs,
            aligned,
            guard,
        } = topology;
        let started = now();
        let mut opened = Vec::new();
        for output in outputs.into_iter().filter(|_| !test) {
            opened.push(first(output).await?);
        }
        let guard = match guard.filter(|_| !test) {
            Some(config) => Some(Guard::open(config, "agent", None)?),
            None => None,
        };
        for next in &mut opened {
            next.output.seeds.agent_guard = guard.clone();
        }
        let aggregators: Vec<_> = aggregators.into_iter().map(Arc::new).collect();
        for aggregator in &aggregators {
            aggregator.begin(started, aligned);
        }
        let stages = Stages {
            aggregators: aggregators.clone(),
            guard,
            queues: opened.iter().map(|next| next.output.queue.clone()).collect(),
            ..Stages::default()
        };
        let pipeline = Arc::new(Pipeline::new(before, after, stages, test));
        let (jumped, jumped_seen) = watch::channel(0u64);
        let mut live = Live {
            clock: tokio::spawn(watch_clock(jumped)),
            jumped: jumped_seen,
            log,
            test,
            pipeline,
            inputs: Vec::new(),
            outputs: Vec::new(),
            pushers: Vec::new(),
            retiring: JoinSet::new(),
            fatal,
        };
        live.connect(opened, mode).await;
        if let Ok(e) = fatal_seen.try_recv() {
            return Err(e);
        }
        let (_, always) = watch::channel(true);
        for input in inputs {
            let idle = IdleInput::new(input, live.pipeline.clone(), always.clone());
            live.inputs.push(idle.start(Start {
                once: mode != Mode::Run,
                fatal: live.fatal.clone(),
            }));
        }
        live.pushers = aggregators.into_iter().map(|a| live.pusher(a)).collect();
        Ok(live)
    }

    /// Outputs connect side by side; one that takes long does not keep the inputs waiting.
    async fn connect(&mut self, opened: Vec<NextOutput>, mode: Mode) {
        if self.test {
            return;
        }
        debug!(self.log, "Connecting outputs");
        let mut connecting = Vec::new();
        for next in opened {
            let (done, connected) = watch::channel(false);
            connecting.push(connected);
            let output = LiveOutput::start(next, self.pipeline.clone(), done, self.fatal.clone());
            self.outputs.push(output);
        }
        let all = async {
            for connected in &mut connecting {
                let _ = connected.wait_for(|c| *c).await;
            }
        };
        if mode == Mode::Run {
            let _ = tokio::time::timeout(CONNECT_GRACE, all).await;
        } else {
            all.await;
        }
    }

    pub(crate) fn pusher(&self, aggregator: Arc<RunningAggregator>) -> Pusher {
        let (pipeline, pushed) = (self.pipeline.clone(), aggregator.clone());
        let mut jumped = self.jumped.clone();
        let task = tokio::spawn(async move {
            loop {
                let left = u64::try_from(pushed.end() - now()).unwrap_or(0);
                tokio::select! {
                    biased;
                    // A window that the clock has left would take nothing any more: it ends, and the next holds the present.
                    Ok(()) = jumped.changed() => {
                        if !pushed.is_lost(now()) {
                            continue;
                        }
                    }
                    () = tokio::time::sleep(Duration::from_nanos(left)) => {}
                }
                pipeline.push_aggregates(pushed.push());
            }
        });
        Pusher { aggregator, task }
    }

    /// All outputs write now.
    pub(crate) fn flush(&self) {
        for output in &self.outputs {
            output.orders.send_modify(|o| o.flush += 1);
        }
    }

    /// Test mode and once: waits until all inputs are up and have gathered, then for what runs by itself.
    pub(crate) async fn listen(&mut self, wait: Duration) {
        for input in &mut self.inputs {
            let _ = input.ready().wait_for(|ready| *ready).await;
        }
        tokio::time::sleep(wait).await;
    }

    /// The way down: inputs read no more, aggregates go out, outputs write, acknowledgements leave, connections close. Gives
    /// the number of metrics that no output took.
    pub(crate) async fn stop(mut self) -> anyhow::Result<usize> {
        drain(&mut self.inputs, &self.log).await;
        for pusher in self.pushers.drain(..) {
            pusher.end().await;
        }
        self.clock.abort();
        for aggregator in self.pipeline.aggregators() {
            self.pipeline.push_aggregates(aggregator.push());
        }
        self.pipeline.stop();
        if !self.test {
            info!(self.log, "Hang on, flushing any cached metrics before shutdown");
        }
        let (mut unsent, mut unsaved, mut failure) = (0, Vec::new(), None);
        let mut stopping: JoinSet<_> = self.outputs.drain(..).map(LiveOutput::stop).collect();
        while let Some(ended) = stopping.join_next().await {
            match ended.and_then(|ended| ended) {
                Ok(left) => {
                    unsent += left.unsent;
                    unsaved.push(left.closed);
                }
                Err(e) => failure = Some(e),
            }
        }
        while self.retiring.join_next().await.is_some() {}
        if !self.test {
            info!(self.log, "Stopping running outputs");
        }
        end_all(std::mem::take(&mut self.inputs)).await;
        // Only now, with the connections closed: dropping them earlier would acknowledge what is not safe.
        drop(unsaved);
        failure.map_or(Ok(unsent), |e| Err(e.into()))
    }
}

impl Pusher {
    pub(crate) async fn end(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// An output with a backlog of its own, not connected yet.
pub(crate) async fn first(built: BuiltOutput) -> anyhow::Result<NextOutput> {
    let place = built.queue.place.clone();
    let queue = built.queue.open(&built.log).await;
    let queue = queue.with_context(|| format!("output {}", built.log.name()))?;
    Ok(NextOutput {
        mark: built.mark,
        place,
        keeps_plugin: false,
        output: RunningOutput::new(
            built.plugin,
            Arc::new(queue),
            built.log,
            built.flush_interval,
            built.flush_jitter,
            built.startup,
        ),
    })
}

/// Tells inputs to read no more, and waits until they have handed over what they have.
pub(crate) async fn drain(inputs: &mut [RunningInput], log: &Log) {
    for input in inputs.iter() {
        input.phase.send_replace(Phase::Stopping);
    }
    let drained = async {
        for input in inputs {
            input.drained().await;
        }
    };
    if tokio::time::timeout(INPUT_GRACE, drained).await.is_err() {
        error!(
            log,
            "Some inputs did not stop in time; what they still hold is not written"
        );
    }
}

/// Lets inputs send their last acknowledgements and close, all at once.
pub(crate) async fn end_all(inputs: Vec<RunningInput>) -> Vec<Option<IdleInput>> {
    let mut ending = JoinSet::new();
    for (i, input) in inputs.into_iter().enumerate() {
        ending.spawn(async move { (i, input.end().await) });
    }
    let mut ended = Vec::new();
    while let Some(done) = ending.join_next().await {
        ended.extend(done);
    }
    ended.sort_by_key(|(i, _)| *i);
    ended.into_iter().map(|(_, idle)| idle).collect()
}
