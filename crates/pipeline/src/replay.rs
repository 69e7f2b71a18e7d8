//! Dead letters on their way again: a message is read by the input that took it, a metric goes to the output that refused it;
//! each letter is told once its metrics are settled.

mod reader;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use wheatstone_plugin::dead_letter::{Body, Letter};
use wheatstone_plugin::{Ack, Log, Metric, Outcome, Tracker, error, warn};

use crate::fan_out::{Pipeline, Stages};
use crate::guard::Guard;
use crate::queue::Queue;
use crate::running_output::{Flushed, Orders, RunningOutput, Task};
use crate::topology::{BuiltOutput, Topology};
use reader::Reader;

/// The letters of a replay: what [`replay`] is given.
pub trait Letters {
    /// The next letter with its number. An error is of a letter or a file; others may follow.
    fn next(&mut self) -> Option<io::Result<(u64, Letter)>>;
    /// These letters were delivered. May wait for the disk, so it is called for many.
    fn delivered(&mut self, ids: &[u64]) -> io::Result<()>;
}

/// How letters are sent again.
#[derive(Clone, Copy, Debug)]
pub struct ReplayOptions {
    /// It ends when for so long no letter was settled.
    pub patience: Duration,
    /// Metrics pass the processors too, before they go to the output that refused them.
    pub processors: bool,
}

/// What became of the letters; those that were not delivered are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// All outputs have what was in it, or nobody wanted it.
    pub delivered: usize,
    /// An output or a processor refused some of it again.
    pub refused: usize,
    /// It could not be read this time either.
    pub unreadable: usize,
    /// No input of this configuration reads it.
    pub homeless: usize,
    /// It was not settled in time, or the replay was stopped.
    pub waiting: usize,
    /// Errors while letters were fetched.
    pub errors: usize,
}

impl Replayed {
    /// How many letters were looked at and are kept.
    pub fn kept(&self) -> usize {
        self.refused + self.unreadable + self.homeless + self.waiting
    }
}

/// So many letters are under way at once.
const WINDOW: usize = 1000;
/// No letter follows while an output has so many metrics waiting.
const FULL: usize = 10_000;
/// Delivered letters are told when there are so many, and at the end.
const TELL: usize = 500;
/// So many letters are told about one by one.
const COMPLAINTS: usize = 20;
/// How often outputs are asked to write.
const HURRY: Duration = Duration::from_millis(50);
/// An output that failed is tried again so soon, or at its own interval where that is shorter.
const RETRY: Duration = Duration::from_secs(1);
/// How long outputs have to close.
const CLOSE: Duration = Duration::from_secs(10);

/// Sends letters through a configuration until none is left, none was settled for [`patience`](ReplayOptions::patience), or
/// `stop` is done. Inputs are not started and aggregators see nothing: the windows of these metrics are over. Outputs use no
/// disk buffers, so that an agent may run on the same ones.
///
/// # Errors
/// An output cannot be connected, or it cannot be told what was delivered.
pub async fn replay(
    topology: Topology,
    letters: &mut dyn Letters,
    options: ReplayOptions,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<Replayed> {
    let guard = match topology.guard {
        Some(config) => Some(Guard::reading(config, "agent")?),
        None => None,
    };
    let (orders, orders_seen) = watch::channel(Orders::default());
    let mut writers = JoinSet::new();
    let mut queues = Vec::new();
    for output in topology.outputs {
        let mut output = open(output)?;
        output.seeds.agent_guard = guard.clone();
        queues.push(output.queue.clone());
        writers.spawn(write(output, orders_seen.clone()));
    }
    drop(orders_seen);
    let stages = Stages {
        aggregators: topology.aggregators.into_iter().map(Arc::new).collect(),
        guard,
        queues: queues.clone(),
        ..Stages::default()
    };
    let pipeline = Pipeline::new(topology.before, topology.after, stages, false);
    let mut replay = Replay {
        inputs: topology.inputs.into_iter().map(Reader::new).collect(),
        pipeline,
        queues,
        tracker: Tracker::new(WINDOW),
        letters,
        options,
        report: Replayed::default(),
        delivered: Vec::new(),
        settled_last: Instant::now(),
        log: Log::new("replay", None, None),
    };
    let sent = {
        tokio::pin!(stop);
        tokio::select! {
            biased;
            () = stop => Ok(()),
            failed = failure(&mut writers) => Err(failed),
            sent = replay.send_all() => sent,
        }
    };
    // What is still waiting is tried once more, then outputs close.
    orders.send_modify(|o| o.task = Task::Stop);
    let closed = async { while writers.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(CLOSE, closed).await;
    let told = replay.settle(true);
    replay.report.waiting = replay.tracker.in_flight();
    // From here on nobody listens: what is dropped now was not delivered.
    writers.abort_all();
    sent.and(told)?;
    Ok(replay.report)
}

/// An output with a queue of its own in memory.
fn open(output: BuiltOutput) -> anyhow::Result<RunningOutput> {
    let queue = Arc::new(output.queue.open_for_replay(&output.log)?);
    Ok(RunningOutput::new(
        output.plugin,
        queue,
        output.log,
        output.flush_interval.min(RETRY),
        Duration::ZERO,
        output.startup,
    ))
}

async fn write(mut output: RunningOutput, orders: watch::Receiver<Orders>) -> anyhow::Result<()> {
    if output.start().await? {
        output.run(orders, watch::Sender::new(Flushed::default())).await;
    }
    Ok(())
}

/// The error of the first output that cannot be connected.
async fn failure(writers: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Error {
    while let Some(ended) = writers.join_next().await {
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(e)) => return e,
            Err(e) => return e.into(),
        }
    }
    std::future::pending().await
}

struct Replay<'a> {
    inputs: Vec<Reader>,
    pipeline: Pipeline,
    queues: Vec<Arc<Queue>>,
    tracker: Tracker,
    letters: &'a mut dyn Letters,
    options: ReplayOptions,
    report: Replayed,
    /// Settled, and not told yet.
    delivered: Vec<u64>,
    settled_last: Instant,
    log: Log,
}

impl Replay<'_> {
    async fn send_all(&mut self) -> anyhow::Result<()> {
        loop {
            while self.tracker.room() == 0 || self.queues.iter().any(|q| q.len() >= FULL) {
                if !self.wait().await? {
                    return Ok(());
                }
            }
            match self.letters.next() {
                None => break,
                Some(Ok((id, letter))) => self.send(id, letter),
                Some(Err(e)) => {
                    self.report.errors += 1;
                    error!(self.log, "Reading letters failed: {e}");
                }
            }
        }
        while self.tracker.in_flight() > 0 {
            if !self.wait().await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Lets outputs write. False when they take too long.
    async fn wait(&mut self) -> anyhow::Result<bool> {
        self.pipeline.hurry();
        tokio::select! {
            () = self.tracker.changed() => {}
            () = sleep(HURRY) => {}
        }
        self.settle(false)?;
        Ok(self.settled_last.elapsed() < self.options.patience)
    }

    /// Sorts out what was settled since, and tells about it when there is enough, or at the end.
    fn settle(&mut self, end: bool) -> anyhow::Result<()> {
        let mut settled = Vec::new();
        self.tracker.take_settled(&mut settled);
        for one in settled {
            self.settled_last = Instant::now();
            match one.outcome {
                Outcome::Delivered => {
                    self.report.delivered += 1;
                    self.delivered.push(one.token);
                }
                Outcome::Rejected => {
                    self.report.refused += 1;
                    self.complain(one.token, "was refused again");
                }
            }
        }
        if self.delivered.len() >= TELL || end {
            let ids = std::mem::take(&mut self.delivered);
            self.letters
                .delivered(&ids)
                .map_err(|e| anyhow!("noting {} delivered letters failed: {e}", ids.len()))?;
        }
        Ok(())
    }

    fn complain(&self, id: u64, what: impl std::fmt::Display) {
        match self.report.kept() {
            ..COMPLAINTS => warn!(self.log, "Letter {id} {what}"),
            COMPLAINTS => warn!(
                self.log,
                "More letters are kept; they are only counted from here on"
            ),
            _ => {}
        }
    }

    fn send(&mut self, id: u64, letter: Letter) {
        match letter.body {
            Body::Metric(metric) => {
                let ack = self.tracker.issue(id);
                self.send_metric(&letter.plugin, metric, ack);
            }
            Body::Payload { ref bytes, .. } => match self.read(&letter, bytes) {
                Some(Ok(mut metrics)) => {
                    let ack = self.tracker.issue(id);
                    for metric in &mut metrics {
                        metric.set_ack(Some(ack.clone()));
                    }
                    self.pipeline.push_again(metrics);
                }
                Some(Err(e)) => {
                    self.report.unreadable += 1;
                    self.complain(id, format_args!("cannot be read: {e:#}"));
                }
                None => {
                    self.report.homeless += 1;
                    self.complain(
                        id,
                        format_args!(
                            "of {} is one that no input of this configuration reads",
                            letter.plugin
                        ),
                    );
                }
            },
        }
    }

    /// To the output that refused it: all of its name where it has no alias, all outputs where it is gone. What the agent's own
    /// type guard refused goes to all outputs.
    fn send_metric(&self, plugin: &str, mut metric: Metric, ack: Ack) {
        metric.set_ack(Some(ack));
        let mut batch = vec![metric];
        if self.options.processors {
            self.pipeline.process(&mut batch);
        }
        let own: Vec<_> = self.queues.iter().filter(|q| q.name == plugin).collect();
        match own.split_last() {
            None => self.pipeline.push_to_outputs(batch),
            Some((last, others)) => {
                for queue in others {
                    queue.push_again(batch.clone());
                }
                last.push_again(batch);
            }
        }
    }

    /// By the input of the letter's name; where several have it, by the first that says that the message is its own.
    fn read(&mut self, letter: &Letter, bytes: &[u8]) -> Option<anyhow::Result<Vec<Metric>>> {
        let bare = letter.plugin.split("::").next().unwrap_or_default();
        let exact = self.inputs.iter().any(|i| i.log.name() == letter.plugin);
        // An alias may have been given or taken away since: then the name is all there is to go by.
        let fits = |i: &Reader| match exact {
            true => i.log.name() == letter.plugin,
            false => i.log.name().split("::").next() == Some(bare),
        };
        self.inputs
            .iter_mut()
            .filter(|i| fits(i))
            .find_map(|input| input.read(letter, bytes))
    }
}
