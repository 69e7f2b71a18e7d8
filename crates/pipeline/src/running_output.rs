//! An output in its task: it writes when a batch is full, when its interval is over, or when somebody waits for it, until it
//! is told to stop or to hand over to another.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use wheatstone_buffer::{Buffer, Closed, Notice};
use wheatstone_plugin::{Log, Output, error, info, warn};

use crate::queue::Queue;
use crate::relocate::CLOSE_PATIENCE;
use crate::schedule::random_below;
use crate::seeds::Seeds;
use crate::supervise::guarded;
use crate::watch::Watch;

/// What the core tells an output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orders {
    /// Counts up: write now.
    pub(crate) flush: u64,
    pub(crate) task: Task,
}

/// What an output is there for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Task {
    /// Write.
    #[default]
    Write,
    /// End between two writes and leave the rest to another.
    HandOver,
    /// The same, and a write that takes too long is given up.
    HandOverNow,
    /// Write what is left, then close.
    Stop,
}

/// How an output answered the last order to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flushed {
    /// The number of the order.
    pub(crate) order: u64,
    /// All that waited then was written.
    pub(crate) all: bool,
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
    /// It was closed, and not connected since.
    pub(crate) closed: bool,
    pub(crate) not_before: Option<Instant>,
    pub(crate) watch: Watch,
    pub(crate) seeds: Seeds,
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

/// How an output's task ended.
pub(crate) enum Ended {
    /// It has closed.
    Closed(Left),
    /// Another one shall go on with its backlog, and perhaps with its plugin.
    HandedOver(Box<RunningOutput>),
    /// It did not start and is not wanted any more.
    GaveUp,
}

impl RunningOutput {
    pub(crate) fn new(
        plugin: Box<dyn Output>,
        queue: Arc<Queue>,
        log: Log,
        flush_interval: Duration,
        flush_jitter: Duration,
        startup: Startup,
    ) -> RunningOutput {
        RunningOutput {
            plugin,
            watch: Watch::new(queue.alarm_after, queue.stats.failing.clone()),
            queue,
            log,
            flush_interval: flush_interval.max(Duration::from_millis(1)),
            flush_jitter,
            startup,
            connected: false,
            closed: false,
            not_before: None,
            seeds: Seeds::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.log.name()
    }

    /// Writes until it is told to stop, then writes what is left; or until another shall go on.
    pub(crate) async fn run(
        mut self,
        mut orders: watch::Receiver<Orders>,
        flushed: watch::Sender<Flushed>,
    ) -> Ended {
        let mut next_flush = self.plan_flush();
        let mut seen = Orders::default();
        loop {
            let now = *orders.borrow_and_update();
            match now.task {
                Task::Write => {}
                Task::HandOver | Task::HandOverNow => return Ended::HandedOver(Box::new(self)),
                Task::Stop => break,
            }
            if now.flush != seen.flush {
                let all = self.flush(&orders).await;
                flushed.send_replace(Flushed {
                    order: now.flush,
                    all,
                });
            }
            seen = now;
            let queue = self.queue.clone();
            tokio::select! {
                biased;
                changed = orders.changed() => if changed.is_err() {
                    break;
                },
                () = tokio::time::sleep_until(next_flush) => {
                    self.flush(&orders).await;
                    next_flush = self.plan_flush();
                }
                () = queue.backlog.hurry.notified() => {
                    if !queue.backlog.failing.load(Ordering::Relaxed) {
                        self.flush(&orders).await;
                    }
                }
                () = queue.backlog.full.notified() => self.write_full_batches(&orders).await,
            }
        }
        self.flush(&orders).await;
        Ended::Closed(self.close().await)
    }

    /// Ends a disk buffer and the plugin.
    async fn close(mut self) -> Left {
        let buffer = self.queue.backlog.buffer();
        let mut left = Left {
            unsent: buffer.len(),
            ..Left::default()
        };
        if let Buffer::Disk(_) = &*buffer {
            // What is on disk is not lost: it is sent at the next start.
            match tokio::task::spawn_blocking(move || buffer.close(CLOSE_PATIENCE)).await {
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
        self.close_plugin().await;
        left
    }

    /// Ends the plugin alone.
    pub(crate) async fn close_plugin(&mut self) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        if let Err(e) = guarded(self.plugin.close()).await.and_then(|r| r) {
            error!(self.log, "Error closing output: {e:#}");
        }
        self.connected = false;
    }

    /// What the buffer has to say.
    pub(crate) fn tell_notices(&self) {
        for notice in self.queue.backlog.buffer().notices() {
            match &notice {
                Notice::Lost { .. } => error!(self.log, "{notice}"),
                Notice::Recovered => info!(self.log, "{notice}"),
                _ => warn!(self.log, "{notice}"),
            }
        }
    }

    /// When it writes next at the latest, which the inputs may know too.
    fn plan_flush(&self) -> Instant {
        let next = Instant::now() + self.flush_interval + random_below(self.flush_jitter);
        *self.queue.backlog.next_flush.lock() = Some(next);
        next
    }
}
