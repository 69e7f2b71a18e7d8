//! The processors, one after the other, over one batch.

use std::panic::{AssertUnwindSafe, catch_unwind};

use wheatstone_plugin::{Log, Metric, Processor, error};

use crate::filter::Filter;
use crate::supervise::panic_text;

/// One processor with its filter.
pub(crate) struct RunningProcessor {
    pub(crate) plugin: Box<dyn Processor>,
    pub(crate) filter: Filter,
    pub(crate) log: Log,
}

/// Processors in their order.
#[derive(Default)]
pub(crate) struct Chain(pub(crate) Vec<RunningProcessor>);

impl Chain {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn process(&mut self, batch: &mut Vec<Metric>) {
        for processor in &mut self.0 {
            if batch.is_empty() {
                return;
            }
            if processor.filter.selects() || processor.filter.modifies() {
                processor.process_selected(batch);
            } else {
                processor.process(batch);
            }
        }
    }
}

impl RunningProcessor {
    /// A panic loses the metrics that the plugin held, and nothing else.
    fn process(&mut self, metrics: &mut Vec<Metric>) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.plugin.process(metrics))) {
            error!(
                self.log,
                "panic in processor, {} metrics lost: {}",
                metrics.len(),
                panic_text(&panic)
            );
            for metric in metrics.drain(..) {
                metric.reject();
            }
        }
    }

    /// Metrics that the filter does not select go past unchanged, at their place.
    fn process_selected(&mut self, batch: &mut Vec<Metric>) {
        let mut out = Vec::with_capacity(batch.len());
        let mut selected = Vec::new();
        for mut metric in batch.drain(..) {
            if self.filter.select(&metric) {
                // Selected and left without fields by the filter: it is gone, as in Telegraf.
                if self.filter.modify(&mut metric) {
                    selected.push(metric);
                }
            } else {
                if !selected.is_empty() {
                    self.process(&mut selected);
                    out.append(&mut selected);
                }
                out.push(metric);
            }
        }
        if !selected.is_empty() {
            self.process(&mut selected);
            out.append(&mut selected);
        }
        *batch = out;
    }
}
