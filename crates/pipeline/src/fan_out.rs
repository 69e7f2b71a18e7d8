//! From the chain to the queues: every output gets the batch, shared where it takes it as it is. All of it can be exchanged
//! between two batches.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;
use wheatstone_plugin::{Metric, Slack};

use crate::aggregate::RunningAggregator;
use crate::chain::Chain;
use crate::guard::Guard;
use crate::mark::Mark;
use crate::numbers::Series;
use crate::printer::Printer;
use crate::queue::{Pressure, Queue};

/// All that stands behind the inputs.
pub(crate) struct Pipeline {
    before: Mutex<Chain>,
    after: Mutex<Chain>,
    stages: RwLock<Stages>,
    /// `--test`: metrics are printed and go nowhere.
    printer: Option<Mutex<Printer>>,
}

/// What stands between the chains and behind them.
#[derive(Default)]
pub(crate) struct Stages {
    pub(crate) aggregators: Vec<Arc<RunningAggregator>>,
    pub(crate) guard: Option<Guard>,
    pub(crate) queues: Vec<Arc<Queue>>,
    pub(crate) has_processors: bool,
}

impl Pipeline {
    pub(crate) fn new(before: Chain, after: Chain, mut stages: Stages, print: bool) -> Pipeline {
        stages.has_processors = !before.is_empty();
        stages.count_siblings();
        Pipeline {
            before: Mutex::new(before),
            after: Mutex::new(after),
            stages: RwLock::new(stages),
            printer: print.then(Mutex::default),
        }
    }

    /// An input's batch. Says how the output that is furthest behind stands.
    pub(crate) fn push(&self, mut batch: Vec<Metric>) -> Pressure {
        // Held throughout: a batch passes one configuration, not two halves.
        let stages = self.stages.read();
        if stages.has_processors {
            self.before.lock().process(&mut batch);
        }
        if !stages.aggregators.is_empty() && !batch.is_empty() {
            let mut gone = vec![false; batch.len()];
            for aggregator in &stages.aggregators {
                aggregator.add(&batch, &mut gone);
            }
            let mut gone = gone.into_iter();
            batch.retain(|_| !gone.next().unwrap_or(false));
        }
        self.fan_out(&stages, batch)
    }

    /// What an aggregator made: it passes the second chain.
    pub(crate) fn push_aggregates(&self, mut batch: Vec<Metric>) {
        let stages = self.stages.read();
        self.after.lock().process(&mut batch);
        self.fan_out(&stages, batch);
    }

    /// The processors before the aggregators, for a replay.
    pub(crate) fn process(&self, batch: &mut Vec<Metric>) {
        self.before.lock().process(batch);
    }

    /// What an input read again, too late for any aggregator: it goes to the outputs, but for what an aggregator keeps from
    /// them.
    pub(crate) fn push_again(&self, mut batch: Vec<Metric>) {
        let stages = self.stages.read();
        self.process(&mut batch);
        batch.retain(|metric| !stages.aggregators.iter().any(|a| a.drops_original(metric)));
        self.fan_out(&stages, batch);
    }

    /// What an output refused and is not there any more: to all that are.
    pub(crate) fn push_to_outputs(&self, batch: Vec<Metric>) {
        self.fan_out(&self.stages.read(), batch);
    }

    /// To all outputs.
    fn fan_out(&self, stages: &Stages, mut batch: Vec<Metric>) -> Pressure {
        if let Some(guard) = &stages.guard {
            guard.pass(&mut batch, "wheatstone.type_guard");
        }
        if batch.is_empty() {
            return Pressure::None;
        }
        if let Some(printer) = &self.printer {
            printer.lock().print(&batch);
            return Pressure::None;
        }
        match stages.queues.as_slice() {
            [] => Pressure::None,
            [only] => only.push_own(batch),
            several => {
                let batch = Arc::new(batch);
                several
                    .iter()
                    .fold(Pressure::None, |most, queue| queue.push_shared(&batch).max(most))
            }
        }
    }

    /// Exchanges everything between two batches. Aggregators that are gone push what they have on the old way.
    pub(crate) fn change(&self, before: Chain, after: Chain, new: Stages) {
        let mut stages = self.stages.write();
        let (mut before_now, mut after_now) = (self.before.lock(), self.after.lock());
        let goes = |a: &&Arc<RunningAggregator>| !new.aggregators.iter().any(|n| Arc::ptr_eq(n, a));
        for aggregator in stages.aggregators.iter().filter(goes) {
            let mut batch = aggregator.push();
            after_now.process(&mut batch);
            self.fan_out(&stages, batch);
            aggregator.stop();
        }
        let is_new = |a: &&Arc<RunningAggregator>| !stages.aggregators.iter().any(|o| Arc::ptr_eq(o, a));
        new.aggregators.iter().filter(is_new).for_each(|a| a.renew());
        before_now.change_to(before);
        after_now.change_to(after);
        *stages = new;
        stages.has_processors = !before_now.is_empty();
        stages.count_siblings();
    }

    /// An output that gave up gets nothing any more.
    pub(crate) fn leave_out(&self, queue: &Arc<Queue>) {
        let mut stages = self.stages.write();
        stages.queues.retain(|q| !Arc::ptr_eq(q, queue));
        stages.count_siblings();
    }

    /// The numbers of the processors and aggregators of now.
    pub(crate) fn series(&self) -> Vec<Series> {
        let stages = self.stages.read();
        let (before, after) = (self.before.lock(), self.after.lock());
        let processors = before.0.iter().chain(&after.0).map(|p| &p.mark);
        let marks = processors.chain(stages.aggregators.iter().map(|a| &a.mark));
        marks.map(|mark| mark.series.clone()).collect()
    }
    /// What the processors and aggregators of now were made from.
    pub(crate) fn marks(&self) -> (Vec<Mark>, Vec<Mark>) {
        let stages = self.stages.read();
        let chain = match self.before.lock() {
            before if before.is_empty() => self.after.lock().marks(),
            before => before.marks(),
        };
        (chain, stages.aggregators.iter().map(|a| a.mark.clone()).collect())
    }
    /// The aggregators of now.
    pub(crate) fn aggregators(&self) -> Vec<Arc<RunningAggregator>> {
        self.stages.read().aggregators.clone()
    }
    /// The type guard of now.
    pub(crate) fn guard(&self) -> Option<Guard> {
        self.stages.read().guard.clone()
    }

    /// The end, after the last metric.
    pub(crate) fn stop(&self) {
        self.before.lock().stop();
        for aggregator in &self.stages.read().aggregators {
            aggregator.stop();
        }
        self.after.lock().stop();
    }

    /// For how long no output misses what comes next. Aggregators always do: their windows go by the clock.
    pub(crate) fn slack(&self) -> Slack {
        let stages = self.stages.read();
        if !stages.aggregators.is_empty() {
            return Slack::default();
        }
        let now = Instant::now();
        let all = stages.queues.iter().map(|queue| queue.slack(now));
        all.reduce(|a, b| Slack {
            time: a.time.min(b.time),
            metrics: a.metrics.min(b.metrics),
        })
        .unwrap_or_default()
    }

    /// Asks all outputs to write now.
    pub(crate) fn hurry(&self) {
        for queue in &self.stages.read().queues {
            queue.hurry();
        }
    }
}

impl Stages {
    fn count_siblings(&self) {
        for queue in &self.queues {
            queue.has_siblings.store(self.queues.len() > 1, Ordering::Relaxed);
        }
    }
}
