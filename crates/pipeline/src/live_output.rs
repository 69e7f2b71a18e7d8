//! The core's side of one output's life: its task, the orders to it, and how another takes its place.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinHandle};
use wheatstone_buffer::Buffer;
use wheatstone_plugin::{Log, error, warn};

use crate::backlog::Place;
use crate::fan_out::Pipeline;
use crate::mark::Mark;
use crate::queue::Queue;
use crate::running_output::{Ended, Flushed, Left, Orders, RunningOutput, Task};

/// An output as the core holds it.
pub(crate) struct LiveOutput {
    pub(crate) mark: Mark,
    pub(crate) log: Log,
    pub(crate) queue: Arc<Queue>,
    pub(crate) orders: watch::Sender<Orders>,
    pub(crate) flushed: watch::Receiver<Flushed>,
    state: State,
}

enum State {
    Runs(JoinHandle<Ended>),
    /// It has handed over and waits for what becomes of a reload.
    Parked(Mutex<Box<RunningOutput>>),
    /// It gave up, or its task is lost.
    Gone,
}

/// An output that is ready to run.
pub(crate) struct NextOutput {
    pub(crate) mark: Mark,
    pub(crate) output: RunningOutput,
    /// Where its backlog shall be.
    pub(crate) place: Place,
    /// The plugin before it goes on; the one in `output` is only there for want of that.
    pub(crate) keeps_plugin: bool,
}

/// After how long a write that does not end is given up for the output that follows.
const WRITE_GRACE: Duration = Duration::from_secs(10);

impl LiveOutput {
    /// Connects an output and lets it write, in a task of its own. `connected` is told when it has tried.
    pub(crate) fn start(
        next: NextOutput,
        pipeline: Arc<Pipeline>,
        connected: watch::Sender<bool>,
        fatal: mpsc::UnboundedSender<anyhow::Error>,
    ) -> LiveOutput {
        LiveOutput::spawn(next, move |mut output, orders, flushed| async move {
            let mut called = orders.clone();
            let stays = tokio::select! {
                biased;
                stays = output.start() => stays.unwrap_or_else(|e| {
                    // A closed channel: the agent is ending already.
                    drop(fatal.send(e));
                    false
                }),
                _ = called.wait_for(|o| o.task != Task::Write) => true,
            };
            connected.send_replace(true);
            if stays {
                return output.run(orders, flushed).await;
            }
            pipeline.leave_out(&output.queue);
            if let Buffer::Memory(memory) = &*output.queue.backlog.buffer() {
                drop(memory.lock().take(usize::MAX));
            }
            Ended::GaveUp
        })
    }

    /// Lets an output write whose connection was seen to.
    pub(crate) fn resume(next: NextOutput) -> LiveOutput {
        LiveOutput::spawn(next, |output, orders, flushed| output.run(orders, flushed))
    }

    /// Lets `next` write as soon as this one has finished its last write; what waits goes along.
    pub(crate) fn followed_by(mut self, next: NextOutput) -> LiveOutput {
        let (place, keeps_plugin) = (next.place.clone(), next.keeps_plugin);
        LiveOutput::spawn(next, move |mut output, orders, flushed| async move {
            let old = self.hand_over().await;
            let dropped = output.queue.backlog.move_to(place, &output.log).await;
            output.queue.note_dropped(dropped);
            if let Some(mut old) = old {
                if keeps_plugin {
                    (output.plugin, output.connected, output.closed) =
                        (old.plugin, old.connected, old.closed);
                    (output.not_before, output.watch) = (old.not_before, old.watch);
                    output.seeds.go_on(old.seeds);
                } else {
                    old.close_plugin().await;
                    output.queue.backlog.is_tried_again();
                }
            }
            output.run(orders, flushed).await
        })
    }

    fn spawn<F>(
        next: NextOutput,
        life: impl FnOnce(RunningOutput, watch::Receiver<Orders>, watch::Sender<Flushed>) -> F,
    ) -> LiveOutput
    where
        F: Future<Output = Ended> + Send + 'static,
    {
        let NextOutput { mark, output, .. } = next;
        let (orders, orders_seen) = watch::channel(Orders::default());
        let (flushed, flushed_seen) = watch::channel(Flushed::default());
        let (queue, output_log) = (output.queue.clone(), output.log.clone());
        queue
            .stats
            .buffer_limit
            .set(queue.backlog.buffer().limit() as i64);
        LiveOutput {
            mark,
            log: output_log,
            queue,
            orders,
            flushed: flushed_seen,
            state: State::Runs(tokio::spawn(life(output, orders_seen, flushed))),
        }
    }

    /// Whether it goes on writing.
    pub(crate) fn lives(&self) -> bool {
        match &self.state {
            State::Runs(task) => !task.is_finished(),
            State::Parked(_) => true,
            State::Gone => false,
        }
    }

    fn order(&self, task: Task) {
        self.orders.send_modify(|o| o.task = task);
    }

    /// Ends it between two writes. Nothing where it has ended by itself.
    async fn hand_over(&mut self) -> Option<Box<RunningOutput>> {
        self.order(Task::HandOver);
        let mut task = match std::mem::replace(&mut self.state, State::Gone) {
            State::Runs(task) => task,
            State::Parked(output) => return Some(output.into_inner()),
            State::Gone => return None,
        };
        let ended = match tokio::time::timeout(WRITE_GRACE, &mut task).await {
            Ok(ended) => ended,
            Err(_) => {
                self.order(Task::HandOverNow);
                task.await
            }
        };
        match ended {
            Ok(Ended::HandedOver(output)) => Some(output),
            Ok(_) => None,
            Err(e) => {
                error!(self.log, "The output failed: {e}");
                None
            }
        }
    }

    /// Takes it out of its task and closes its connection; its backlog fills on. [`unpark`](LiveOutput::unpark) undoes it.
    pub(crate) async fn park(&mut self) {
        if let Some(mut output) = self.hand_over().await {
            output.close_plugin().await;
            self.state = State::Parked(Mutex::new(output));
        }
    }

    /// Lets it write again.
    pub(crate) async fn unpark(&mut self) {
        let mut output = match std::mem::replace(&mut self.state, State::Gone) {
            State::Parked(output) => output.into_inner(),
            other => {
                self.state = other;
                return;
            }
        };
        if let Err(e) = output.connect().await {
            warn!(output.log, "Connecting again failed: {:#}; retrying...", e.error);
        }
        *self = LiveOutput::resume(NextOutput {
            mark: self.mark.clone(),
            place: output.queue.backlog.place(),
            output: *output,
            keeps_plugin: false,
        });
    }

    /// Writes what is left and closes.
    pub(crate) async fn stop(self) -> Result<Left, JoinError> {
        self.order(Task::Stop);
        match self.state {
            State::Runs(task) => match task.await? {
                Ended::Closed(left) => Ok(left),
                Ended::HandedOver(_) | Ended::GaveUp => Ok(Left::default()),
            },
            State::Parked(_) | State::Gone => Ok(Left::default()),
        }
    }

    /// The end of an output that the configuration has no more. What it cannot write is not written by anyone: it is refused
    /// and counted, or stays on disk.
    pub(crate) async fn retire(mut self) {
        self.unpark().await;
        let (queue, log) = (self.queue.clone(), self.log.clone());
        let left = match self.stop().await {
            Ok(left) => left,
            Err(e) => {
                error!(log, "The output failed: {e}");
                Left::default()
            }
        };
        for batch in left.closed.unsaved {
            batch.iter().for_each(|metric| metric.reject());
        }
        let refused = queue.backlog.refuse_rest();
        queue.note_dropped(refused);
        if refused > 0 {
            error!(
                log,
                "The output was removed; {refused} metrics could not be written and have been dropped"
            );
        }
        if left.closed.waiting > 0 {
            let waiting = left.closed.waiting;
            warn!(
                log,
                "The output was removed; {waiting} metrics stay in its disk buffer"
            );
        }
    }
}
