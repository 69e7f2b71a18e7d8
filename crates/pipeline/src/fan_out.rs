//! From the chain to the queues: every output gets the batch, shared where it takes it as it is.

use std::io::Write;
use std::sync::Arc;

use parking_lot::Mutex;
use wheatstone_plugin::Metric;
use wheatstone_plugin::line_protocol::{Encoder, Options};
use wheatstone_type_guard::TypeGuard;

use crate::aggregate::RunningAggregator;
use crate::chain::Chain;
use crate::guard;
use crate::queue::Queue;

/// All that stands behind the inputs.
pub(crate) struct Pipeline {
    before: Mutex<Chain>,
    has_processors: bool,
    pub(crate) aggregators: Vec<RunningAggregator>,
    after: Mutex<Chain>,
    guard: Option<Mutex<TypeGuard>>,
    queues: Vec<Arc<Queue>>,
    /// `--test`: metrics are printed and go nowhere.
    printer: Option<Mutex<Printer>>,
}

impl Pipeline {
    pub(crate) fn new(
        before: Chain,
        aggregators: Vec<RunningAggregator>,
        after: Chain,
        guard: Option<TypeGuard>,
        queues: Vec<Arc<Queue>>,
        print: bool,
    ) -> Pipeline {
        Pipeline {
            has_processors: !before.is_empty(),
            before: Mutex::new(before),
            aggregators,
            after: Mutex::new(after),
            guard: guard.map(Mutex::new),
            queues,
            printer: print.then(Mutex::default),
        }
    }

    /// An input's batch. True when an output has a full batch to write.
    pub(crate) fn push(&self, mut batch: Vec<Metric>) -> bool {
        if self.has_processors {
            self.before.lock().process(&mut batch);
        }
        if !self.aggregators.is_empty() && !batch.is_empty() {
            let mut gone = vec![false; batch.len()];
            for aggregator in &self.aggregators {
                aggregator.add(&batch, &mut gone);
            }
            let mut gone = gone.into_iter();
            batch.retain(|_| !gone.next().unwrap_or(false));
        }
        self.fan_out(batch)
    }

    /// What an aggregator made: it passes the second chain.
    pub(crate) fn push_aggregates(&self, mut batch: Vec<Metric>) {
        self.after.lock().process(&mut batch);
        self.fan_out(batch);
    }

    fn fan_out(&self, mut batch: Vec<Metric>) -> bool {
        if let Some(guard) = &self.guard {
            guard::pass(guard, &mut batch, "wheatstone.type_guard");
        }
        if batch.is_empty() {
            return false;
        }
        if let Some(printer) = &self.printer {
            printer.lock().print(&batch);
            return false;
        }
        match self.queues.as_slice() {
            [] => false,
            [only] => only.push_own(batch),
            several => {
                let batch = Arc::new(batch);
                several
                    .iter()
                    .fold(false, |full, queue| queue.push_shared(&batch) | full)
            }
        }
    }

    /// Asks all outputs to write now.
    pub(crate) fn hurry(&self) {
        for queue in &self.queues {
            queue.hurry();
        }
    }
}

/// Prints metrics as Telegraf's test mode does.
struct Printer {
    encoder: Encoder,
    line: Vec<u8>,
}

impl Default for Printer {
    fn default() -> Printer {
        let options = Options {
            sort_fields: true,
            uint_support: true,
            ..Options::default()
        };
        Printer {
            encoder: Encoder::new(options),
            line: Vec::new(),
        }
    }
}

impl Printer {
    fn print(&mut self, batch: &[Metric]) {
        let mut out = std::io::stdout().lock();
        for metric in batch {
            self.line.clear();
            self.line.extend_from_slice(b"> ");
            if self.encoder.encode(metric, &mut self.line).is_ok() {
                // A closed stdout is the reader's choice; there is nobody to tell.
                let _ = out.write_all(&self.line);
            }
        }
        let _ = out.flush();
    }
}
