//! The processors, one after the other, over one batch.

use std::panic::{AssertUnwindSafe, catch_unwind};

use wheatstone_plugin::{Log, Metric, Processor, error};

use crate::diff::{Fate, compare};
use crate::filter::Filter;
use crate::mark::{Again, Mark};
use crate::supervise::panic_text;

/// One processor with its filter.
pub(crate) struct RunningProcessor {
    pub(crate) mark: Mark,
    pub(crate) plugin: Box<dyn Processor>,
    pub(crate) again: Again<Box<dyn Processor>>,
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

    /// The end: processors put what they keep over a restart.
    pub(crate) fn stop(&mut self) {
        self.0.iter_mut().for_each(RunningProcessor::stop);
    }

    pub(crate) fn marks(&self) -> Vec<Mark> {
        self.0.iter().map(|p| p.mark.clone()).collect()
    }

    /// Becomes `new`; processors that are the same go on with what they know.
    pub(crate) fn change_to(&mut self, new: Chain) {
        let mut old: Vec<Option<RunningProcessor>> = self.0.drain(..).map(Some).collect();
        let marks: Vec<&Mark> = old.iter().flatten().map(|p| &p.mark).collect();
        let wanted: Vec<&Mark> = new.0.iter().map(|p| &p.mark).collect();
        let (fates, _) = compare(&marks, |_| true, &wanted);
        let stays = |i| fates.contains(&Fate::Same(i)) || fates.contains(&Fate::Adjusted(i));
        for (i, gone) in old.iter_mut().enumerate() {
            if let Some(gone) = gone.as_mut().filter(|_| !stays(i)) {
                gone.stop();
            }
        }
        for (mut processor, fate) in new.0.into_iter().zip(fates) {
            match fate {
                Fate::Same(i) | Fate::Adjusted(i) => {
                    if let Some(old) = old[i].take() {
                        processor.mark = old.mark.continued_as(&processor.mark);
                        processor.plugin = old.plugin;
                        processor.log = old.log;
                        processor.again = old.again;
                    }
                }
                Fate::Changed(_) | Fate::New => processor.renew(),
            }
            self.0.push(processor);
        }
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
    /// Begins with the state that its predecessor has left.
    fn renew(&mut self) {
        match (self.again)() {
            None => {}
            Some(Ok(plugin)) => self.plugin = plugin,
            Some(Err(e)) => error!(self.log, "{e:#}"),
        }
    }

    fn stop(&mut self) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.plugin.stop())) {
            error!(self.log, "panic in processor: {}", panic_text(&panic));
        }
    }

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
