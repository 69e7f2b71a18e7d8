//! The agent's life: start, run until a signal, and stop in the order in which data flows, so that nothing is cut off.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use wheatstone_plugin::time::now;
use wheatstone_plugin::{Log, Phase, debug, error, info};
use wheatstone_type_guard::TypeGuard;

use crate::fan_out::Pipeline;
use crate::running_input::{Handle, InputSink, Runner, RunningInput};
use crate::running_output::{Left, Orders, RunningOutput};
use crate::topology::{BuiltOutput, Topology};

/// How the agent runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Until it is told to stop.
    Run,
    /// Gather once, write, and end.
    Once {
        /// How long inputs that run by themselves are listened to.
        wait: Duration,
    },
    /// Gather once, print, and end; outputs are not used.
    Test {
        /// How long inputs that run by themselves are listened to.
        wait: Duration,
    },
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// Metrics that no output took.
    pub unsent: usize,
}

/// How long inputs have to hand over what they have read, and later to acknowledge and go.
const INPUT_GRACE: Duration = Duration::from_secs(5);
/// Inputs wait at most so long for outputs to connect.
const CONNECT_GRACE: Duration = Duration::from_secs(1);

/// Runs a topology until `stop` is done. Each change of `flush` makes all outputs write at once.
pub async fn run(
    topology: Topology,
    mode: Mode,
    stop: impl Future<Output = ()>,
    mut flush: watch::Receiver<u64>,
) -> anyhow::Result<Exit> {
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
    if !test {
        for BuiltOutput {
            plugin,
            queue,
            log,
            flush_interval,
            flush_jitter,
            startup,
        } in outputs
        {
            let queue = Arc::new(
                queue
                    .open(&log)
                    .await
                    .with_context(|| format!("output {}", log.name()))?,
            );
            opened.push(RunningOutput {
                plugin,
                queue,
                log,
                flush_interval: flush_interval.max(Duration::from_millis(1)),
                flush_jitter,
                startup,
                connected: false,
                not_before: None,
            });
        }
    }
    let queues = opened.iter().map(|o| o.queue.clone()).collect();
    let guard = match guard.filter(|_| !test) {
        Some(config) => Some(TypeGuard::new(config, "agent").context("opening the type guard's file")?),
        None => None,
    };
    let pipeline = Arc::new(Pipeline::new(before, aggregators, after, guard, queues, test));
    for aggregator in &pipeline.aggregators {
        aggregator.begin(started, aligned);
    }

    // Outputs connect side by side; one that takes long does not keep the inputs waiting.
    let (orders, orders_seen) = watch::channel(Orders::default());
    let (fatal, mut fatal_seen) = mpsc::unbounded_channel();
    let mut writers: JoinSet<Left> = JoinSet::new();
    let mut connecting = Vec::new();
    if !test {
        debug!(log, "Connecting outputs");
        for mut output in opened {
            let (done, connected) = watch::channel(false);
            connecting.push(connected);
            let orders = orders_seen.clone();
            let fatal = fatal.clone();
            writers.spawn(async move {
                let stays = output.start().await.unwrap_or_else(|e| {
                    // A closed channel: the agent is ending already.
                    drop(fatal.send(e));
                    false
                });
                done.send_replace(true);
                if stays {
                    output.run(orders).await
                } else {
                    Left::default()
                }
            });
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
        if let Ok(e) = fatal_seen.try_recv() {
            return Err(e);
        }
    }

    let (phase, phase_seen) = watch::channel(Phase::Running);
    let mut handles: Vec<Handle> = Vec::new();
    for input in inputs {
        let sink = InputSink::new(
            input.intake,
            pipeline.clone(),
            input.gathered,
            input.agent_gathered,
        );
        let runner = Runner {
            log: input.log,
            sink: Arc::new(sink),
            timing: input.timing,
            startup: input.startup,
            stats: input.stats,
        };
        handles.push(
            RunningInput {
                plugin: input.plugin,
                runner,
            }
            .spawn(phase_seen.clone(), mode != Mode::Run, fatal.clone()),
        );
    }
    let mut pushers: JoinSet<()> = JoinSet::new();
    for index in 0..pipeline.aggregators.len() {
        let pipeline = pipeline.clone();
        let mut phase = phase_seen.clone();
        pushers.spawn(async move {
            let aggregator = &pipeline.aggregators[index];
            loop {
                let left = u64::try_from(aggregator.end() - now()).unwrap_or(0);
                tokio::select! {
                    biased;
                    _ = phase.wait_for(|p| *p >= Phase::Stopping) => return,
                    () = tokio::time::sleep(Duration::from_nanos(left)) => {}
                }
                pipeline.push_aggregates(aggregator.push());
            }
        });
    }

    let (orders, flush_seen) = (Arc::new(orders), orders_seen);
    let forward = {
        let orders = orders.clone();
        tokio::spawn(async move {
            while flush.changed().await.is_ok() {
                orders.send_modify(|o| o.flush += 1);
            }
        })
    };
    drop(flush_seen);

    let end = async {
        match mode {
            Mode::Run => std::future::pending().await,
            Mode::Once { wait } | Mode::Test { wait } => listen(&mut handles, wait).await,
        }
    };
    // An input or output that cannot start ends the agent.
    let mut failure = tokio::select! {
        biased;
        () = stop => None,
        Some(e) = fatal_seen.recv() => Some(e),
        () = end => None,
    };

    // The way down: inputs read no more, aggregates go out, outputs write, acknowledgements leave, connections close.
    phase.send_replace(Phase::Stopping);
    let drained = async {
        for handle in &mut handles {
            let _ = handle.drained.wait_for(|d| *d).await;
        }
    };
    if tokio::time::timeout(INPUT_GRACE, drained).await.is_err() {
        error!(
            log,
            "Some inputs did not stop in time; what they still hold is not written"
        );
    }
    pushers.abort_all();
    while pushers.join_next().await.is_some() {}
    for aggregator in &pipeline.aggregators {
        pipeline.push_aggregates(aggregator.push());
    }
    if !test {
        info!(log, "Hang on, flushing any cached metrics before shutdown");
    }
    orders.send_modify(|o| o.stop = true);
    let mut exit = Exit::default();
    let mut unsaved = Vec::new();
    while let Some(ended) = writers.join_next().await {
        match ended {
            Ok(left) => {
                exit.unsent += left.unsent;
                unsaved.push(left.closed);
            }
            Err(e) => failure = failure.or_else(|| Some(e.into())),
        }
    }
    if !test {
        info!(log, "Stopping running outputs");
    }
    phase.send_replace(Phase::Closing);
    for handle in handles {
        let abort = handle.task.abort_handle();
        if tokio::time::timeout(INPUT_GRACE, handle.task).await.is_err() {
            abort.abort();
        }
    }
    // Only now, with the connections closed: dropping them earlier would acknowledge what is not safe.
    drop(unsaved);
    forward.abort();
    debug!(log, "Stopped Successfully");
    match failure {
        Some(e) => Err(e),
        None => Ok(exit),
    }
}

/// Test mode and once: waits until all inputs are up and have gathered, then for what runs by itself.
async fn listen(handles: &mut [Handle], wait: Duration) {
    for handle in handles.iter_mut() {
        let _ = handle.ready.wait_for(|r| *r).await;
    }
    tokio::time::sleep(wait).await;
}
