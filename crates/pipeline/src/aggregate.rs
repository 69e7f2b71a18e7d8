//! An aggregator with its filter and its window of time.

use std::panic::{AssertUnwindSafe, catch_unwind};

use parking_lot::Mutex;
use wheatstone_plugin::stats::Stat;
use wheatstone_plugin::time::{now, round};
use wheatstone_plugin::{Aggregator, Log, Metric, Timestamp, debug, error};

use crate::filter::Filter;
use crate::make_metric::{DefaultTags, Naming};
use crate::mark::{Again, Mark};
use crate::supervise::panic_text;

/// One aggregator.
pub(crate) struct RunningAggregator {
    pub(crate) mark: Mark,
    pub(crate) again: Again<Box<dyn Aggregator>>,
    pub(crate) filter: Filter,
    pub(crate) drop_original: bool,
    /// Nanoseconds.
    pub(crate) period: i64,
    pub(crate) delay: i64,
    pub(crate) grace: i64,
    pub(crate) precision: i64,
    pub(crate) tags: DefaultTags,
    pub(crate) log: Log,
    pub(crate) state: Mutex<State>,
    pub(crate) pushed: Stat,
    pub(crate) filtered: Stat,
    pub(crate) dropped: Stat,
    pub(crate) push_time: Stat,
}

/// What changes as it runs.
pub(crate) struct State {
    pub(crate) plugin: Box<dyn Aggregator>,
    pub(crate) naming: Naming,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
}

impl RunningAggregator {
    /// Begins the first window: it ends at the next multiple of the period, or a period from now.
    pub(crate) fn begin(&self, start: Timestamp, aligned: bool) {
        let mut state = self.state.lock();
        state.end = if aligned {
            start - start.rem_euclid(self.period) + self.period
        } else {
            start + self.period
        };
        state.start = state.end - self.period;
    }

    /// Begins with the state that its predecessor has left.
    pub(crate) fn renew(&self) {
        match (self.again)() {
            None => {}
            Some(Ok(plugin)) => self.state.lock().plugin = plugin,
            Some(Err(e)) => error!(self.log, "{e:#}"),
        }
    }

    /// When the window ends.
    pub(crate) fn end(&self) -> Timestamp {
        self.state.lock().end
    }

    /// Whether the original of a metric does not go on, aggregated or not.
    pub(crate) fn drops_original(&self, metric: &Metric) -> bool {
        self.drop_original && self.filter.select(metric)
    }

    /// Whether the clock has left the window: it jumped, or the machine slept.
    pub(crate) fn is_lost(&self, now: Timestamp) -> bool {
        let state = self.state.lock();
        now < state.start || now > state.end.saturating_add(self.period)
    }

    /// Takes a batch in; `dropped[i]` is set for each metric whose original shall not go on.
    pub(crate) fn add(&self, batch: &[Metric], gone: &mut [bool]) {
        let mut state = self.state.lock();
        for (metric, gone) in batch.iter().zip(gone) {
            if !self.filter.select(metric) {
                continue;
            }
            *gone |= self.drop_original;
            let mut modified;
            let metric = if self.filter.modifies() {
                modified = metric.untracked();
                if !self.filter.modify(&mut modified) {
                    self.filtered.add(1);
                    continue;
                }
                &modified
            } else {
                metric
            };
            let time = metric.time();
            if time < state.start.saturating_sub(self.grace) || time > state.end.saturating_add(self.delay) {
                debug!(
                    self.log,
                    "Metric is outside aggregation window; discarding. {time}: m: {} e: {} g: {}",
                    state.start,
                    state.end,
                    self.grace
                );
                self.dropped.add(1);
                continue;
            }
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| state.plugin.add(metric))) {
                error!(self.log, "panic in aggregator: {}", panic_text(&panic));
            }
        }
    }

    /// The end: the plugin puts what it keeps over a restart.
    pub(crate) fn stop(&self) {
        let mut state = self.state.lock();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| state.plugin.stop())) {
            error!(self.log, "panic in aggregator: {}", panic_text(&panic));
        }
    }

    /// Ends the window, begins the next, and gives the aggregates.
    pub(crate) fn push(&self) -> Vec<Metric> {
        let mut out = Vec::new();
        let mut state = self.state.lock();
        let (mut start, mut end) = (state.end, state.end + self.period);
        let wall = now();
        if wall < start || wall > end {
            // The clock jumped, or the machine slept: the next window must hold the present.
            start = wall - wall.rem_euclid(self.period);
            end = start + self.period;
        }
        (state.start, state.end) = (start, end);
        let begun = std::time::Instant::now();
        let pushed = catch_unwind(AssertUnwindSafe(|| {
            state.plugin.push(round(wall, self.precision), &mut out)
        }));
        self.push_time.time(begun.elapsed());
        if let Err(panic) = pushed {
            error!(self.log, "panic in aggregator: {}", panic_text(&panic));
        }
        for metric in &mut out {
            state.naming.apply(metric);
            self.tags.apply(metric);
        }
        self.pushed.add(out.len() as i64);
        out
    }
}
