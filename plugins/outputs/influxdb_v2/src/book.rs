//! What waits of a batch, and what became of the rest: from here the core is told.

use std::collections::VecDeque;
use std::time::Duration;

use wheatstone_net::influx::Settling;
use wheatstone_plugin::anyhow::Error;
use wheatstone_plugin::prelude::*;

use crate::batches::Batch;

/// Said of a batch that only went in parts; the first words are Telegraf's.
pub(crate) const SPLIT: &str = "not all metrics have been sent in one request: it was too large and went in parts, so metric_batch_size is too high";

/// The books of one write: what waits, and what became of the rest. A point that is neither accepted nor rejected in the
/// end stays in the output's buffer.
pub(crate) struct Book {
    /// Parts of the batch that were not sent yet.
    pub fresh: VecDeque<Batch>,
    /// By bucket: what is sent again after a refusal.
    again: Vec<(String, Settling)>,
    /// The last error that was met.
    pub error: Option<Error>,
    /// A request was too large and went in halves.
    pub split: bool,
    /// Some points are kept that wait in neither of them.
    pub kept: bool,
    /// No server shall be asked for more now.
    pub halted: bool,
    /// When it makes sense to write again.
    pub retry_after: Option<Duration>,
}

impl Book {
    /// The books of a batch that was dealt out so.
    pub(crate) fn new(batches: Vec<Batch>) -> Book {
        let again = Vec::new();
        Book {
            fresh: batches.into(),
            again,
            error: None,
            split: false,
            kept: false,
            halted: false,
            retry_after: None,
        }
    }

    /// Whether another server shall be tried.
    pub(crate) fn may_go_elsewhere(&self) -> bool {
        !self.halted && !self.fresh.is_empty()
    }

    /// What became of a bucket's points.
    pub(crate) fn settling(&mut self, bucket: &str) -> &mut Settling {
        let at = match self.again.iter().position(|(b, _)| b == bucket) {
            Some(at) => at,
            None => {
                self.again.push((bucket.to_owned(), Settling::new(Vec::new())));
                self.again.len() - 1
            }
        };
        &mut self.again[at].1
    }

    /// The next request's points, and whether they are sent for the first time.
    pub(crate) fn next(&mut self) -> Option<(Batch, bool)> {
        for (bucket, settling) in &mut self.again {
            if let Some(points) = settling.next() {
                return Some((
                    Batch {
                        bucket: bucket.clone(),
                        points,
                    },
                    false,
                ));
            }
        }
        self.fresh.pop_front().map(|batch| (batch, true))
    }

    /// What the core is told.
    pub(crate) fn result(self, retry_after: Option<Duration>) -> Result<(), WriteError> {
        let (mut accepted, mut rejected) = (Vec::new(), Vec::new());
        let mut open = self.kept || !self.fresh.is_empty();
        for (_, mut settling) in self.again {
            open |= settling.is_open();
            accepted.append(&mut settling.accepted);
            rejected.append(&mut settling.rejected);
        }
        if !open && rejected.is_empty() {
            return match self.split {
                // Everything is there, but every such batch costs a request too many: the user should hear of it.
                true => Err(WriteError::partial(anyhow!(SPLIT), accepted, rejected)),
                // What one server could not do another did.
                false => Ok(()),
            };
        }
        let error = self
            .error
            .unwrap_or_else(|| anyhow!("failed to send metrics to any configured server(s)"));
        Err(WriteError {
            retry_after,
            ..WriteError::partial(error, accepted, rejected)
        })
    }
}
