//! One write after the other: what the plugin took leaves the backlog, what it did not take goes back to the front.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::anyhow;
use tokio::sync::watch;
use tokio::time::Instant;
use wheatstone_buffer::{Buffer, Taken};
use wheatstone_plugin::dead_letter::{self, Letter};
use wheatstone_plugin::time::now;
use wheatstone_plugin::{Log, Tracker, WriteError, debug, error, warn};

use crate::queue::progress;
use crate::running_output::{Orders, RunningOutput, Task};
use crate::supervise::guarded;

impl RunningOutput {
    /// Writes all that waits now, batch by batch, until the first error. Whether all of it was written.
    pub(crate) async fn flush(&mut self, orders: &watch::Receiver<Orders>) -> bool {
        self.tell_notices();
        let waiting = self.queue.len();
        self.watch.look(&self.log, waiting);
        self.queue.note_size();
        debug!(
            self.log,
            "Buffer fullness: {waiting} / {} metrics",
            self.queue.backlog.buffer().limit()
        );
        let batches = waiting.div_ceil(self.queue.batch_size);
        for _ in 0..batches {
            if hands_over(orders) || !self.write_batch(orders).await {
                return false;
            }
        }
        true
    }

    pub(crate) async fn write_full_batches(&mut self, orders: &watch::Receiver<Orders>) {
        while self.queue.len() >= self.queue.batch_size
            && !self.queue.backlog.failing.load(Ordering::Relaxed)
            && !hands_over(orders)
            && self.write_batch(orders).await
        {}
    }

    /// Writes one batch. False when it failed or must not be tried yet.
    async fn write_batch(&mut self, orders: &watch::Receiver<Orders>) -> bool {
        if self.not_before.is_some_and(|at| Instant::now() < at) {
            return false;
        }
        if !self.connected
            && let Err(e) = self.connect().await
        {
            self.queue.stats.startup_errors.add(1);
            self.failed(anyhow!("not connected").context(format!("{:#}", e.error)));
            return false;
        }
        let buffer = self.queue.backlog.buffer();
        let taken = buffer.take(self.queue.batch_size);
        if taken.is_empty() {
            return true;
        }
        let overflow = self.queue.backlog.overflow.swap(0, Ordering::Relaxed);
        if overflow > 0 {
            warn!(
                self.log,
                "Metric buffer overflow; {overflow} metrics have been dropped"
            );
        }
        let begun = Instant::now();
        let result = self.call_write(&taken, orders.clone()).await;
        let took = begun.elapsed();
        self.queue.stats.write_time.time(took);
        match result {
            Ok(()) => {
                debug!(self.log, "Wrote batch of {} metrics in {took:?}", taken.len());
                self.settle_written(taken.len());
                self.watch.succeeded(&self.log);
                self.seeds.ask(self.plugin.as_mut(), &self.queue, &self.log).await;
                self.queue.backlog.failing.store(false, Ordering::Relaxed);
                self.not_before = None;
                if self.queue.has_siblings.load(Ordering::Relaxed) {
                    progress(taken.metrics());
                }
                buffer.settle(taken);
                self.queue.note_size();
                true
            }
            Err(e) => self.settle_failed(&buffer, taken, e).await,
        }
    }

    /// Calls the plugin, and says so when it takes longer than the flush interval.
    async fn call_write(
        &mut self,
        taken: &Taken,
        mut orders: watch::Receiver<Orders>,
    ) -> Result<(), WriteError> {
        let metrics = taken.metrics();
        let interval = self.flush_interval.max(Duration::from_millis(1));
        let name = self.log.name().to_owned();
        let write = guarded(self.plugin.write(&metrics));
        tokio::pin!(write);
        loop {
            tokio::select! {
                result = &mut write => return result.unwrap_or_else(|panic| Err(WriteError::retry(panic))),
                Ok(_) = orders.wait_for(|o| o.task == Task::HandOverNow) => {
                    return Err(WriteError::retry(anyhow!("given up for a reload, and written again after it")));
                }
                () = tokio::time::sleep(interval) => {
                    let log = Log::new("agent", None, None);
                    warn!(log, "[{name:?}] did not complete within its flush interval");
                    self.watch.failed(|| "the write does not come back".into());
                    self.watch.look(&self.log, self.queue.len() + taken.len());
                }
            }
        }
    }

    fn settle_written(&self, n: usize) {
        self.queue.stats.written.add(n as i64);
        self.queue.stats.agent_written.add(n as i64);
    }

    /// Sorts out what a failed write did. True when nothing of the batch is left to be written again.
    async fn settle_failed(&mut self, buffer: &Buffer, taken: Taken, e: WriteError) -> bool {
        let kept = Tracker::counting(e.rejected.len());
        let (accepted, rejected) = (e.accepted.len(), e.rejected.len());
        let mut done = vec![false; taken.len()];
        let metrics = taken.metrics();
        for index in e.accepted {
            if let Some(done) = done.get_mut(index) {
                *done = true;
            }
        }
        for rejection in &e.rejected {
            if let Some(done) = done.get_mut(rejection.index) {
                *done = true;
                let metric = metrics[rejection.index];
                if dead_letter::enabled() {
                    // The copy carries the message's acknowledgement, or, out of a disk buffer, one that is waited for here.
                    let letter = Letter::metric(now(), metric.clone(), rejection.reason.as_str());
                    dead_letter::record(letter.plugin(self.name()), Some(kept.issue(0)));
                } else {
                    metric.reject();
                }
            }
        }
        drop(metrics);
        while matches!(buffer, Buffer::Disk(_)) && kept.in_flight() > 0 {
            kept.changed().await;
        }
        self.settle_written(accepted);
        self.queue.stats.rejected.add(rejected as i64);
        self.queue.stats.agent_rejected.add(rejected as i64);
        let settled = done.iter().all(|done| *done);
        let dropped = buffer.put_back(taken, |i| done[i]);
        self.queue.note_dropped(dropped);
        self.queue.note_size();
        self.not_before = e.retry_after.map(|after| Instant::now() + after);
        self.failed(e.error);
        if accepted > 0 || settled {
            self.watch.succeeded(&self.log);
        }
        // Something was taken: the rest may be tried as soon as a batch is full.
        self.queue
            .backlog
            .failing
            .store(accepted == 0 && !settled, Ordering::Relaxed);
        settled
    }

    fn failed(&mut self, e: anyhow::Error) {
        if !self.queue.backlog.failing.swap(true, Ordering::Relaxed) {
            // What waits here must not keep permits from inputs that feed other outputs.
            if let Buffer::Memory(memory) = &*self.queue.backlog.buffer() {
                let mut memory = memory.lock();
                let waiting = memory.take(usize::MAX);
                progress(waiting.metrics());
                memory.put_back(waiting, |_| false);
            }
        }
        self.watch.failed(|| format!("{e:#}"));
        self.queue.stats.write_errors.add(1);
        self.queue.stats.agent_write_errors.add(1);
        let log = Log::new("agent", None, None);
        error!(log, "Error writing to {}: {e:#}", self.name());
    }
}

/// Whether another shall go on with what waits.
fn hands_over(orders: &watch::Receiver<Orders>) -> bool {
    matches!(orders.borrow().task, Task::HandOver | Task::HandOverNow)
}
