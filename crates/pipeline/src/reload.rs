//! From one configuration to the next while metrics flow: everything new stands ready before anything old is touched, then all
//! that differs is exchanged, and what does not differ does not notice.
//!
//! 1. New and changed outputs are opened and connected. A failure ends the reload here.
//! 2. Changed and removed inputs stop, what they read is written and acknowledged; new ones start and wait at a gate. A failure
//!    brings the old ones back.
//! 3. Between two batches processors, aggregators and queues are exchanged. Outputs hand their backlogs over, the gate opens.

use std::time::Duration;

use tokio::sync::watch;

use crate::changes::Changes;
use crate::diff::{Fate, compare};
use crate::fan_out::Stages;
use crate::guard::Guard;
use crate::live::{Live, Pusher};
use crate::mark::Mark;
use crate::new_outputs::NewOutputs;
use crate::running_input::RunningInput;
use crate::topology::Topology;

/// How long a reload may wait for things; not at all once the agent shall stop.
#[derive(Clone)]
pub(crate) struct Patience(watch::Receiver<bool>);

impl Patience {
    /// It ends when the sender says so.
    pub(crate) fn new() -> (watch::Sender<bool>, Patience) {
        let (hurry, over) = watch::channel(false);
        (hurry, Patience(over))
    }
    /// Waits for something, so long at most.
    pub(crate) async fn within<T>(&self, limit: Duration, what: impl Future<Output = T>) -> Option<T> {
        let mut over = self.0.clone();
        tokio::select! {
            biased;
            done = what => Some(done),
            Ok(_) = over.wait_for(|over| *over) => None,
            () = tokio::time::sleep(limit) => None,
        }
    }
    pub(crate) fn is_over(&self) -> bool {
        *self.0.borrow()
    }
}

impl Live {
    /// Goes over to another topology. An error says why nothing has changed.
    pub(crate) async fn reload(&mut self, new: Topology, patience: Patience) -> anyhow::Result<Changes> {
        let Topology {
            inputs,
            before,
            after,
            aggregators,
            outputs,
            aligned,
            guard,
        } = new;
        let mut changes = Changes::default();
        let old_series = self.series();

        let guard = guard
            .map(|config| Guard::open(config, "agent", self.pipeline.guard().as_ref()))
            .transpose()?;
        let new_outputs = NewOutputs::prepare(self, outputs, &guard, &mut changes).await?;
        let new_inputs = match self.new_inputs(inputs, &patience, &mut changes).await {
            Ok(new_inputs) => new_inputs,
            Err(e) => {
                new_outputs.give_up(self).await;
                return Err(e);
            }
        };

        // From here on nothing fails.
        let (old_processors, old_aggregators) = self.pipeline.marks();
        let processors = if before.is_empty() {
            after.marks()
        } else {
            before.marks()
        };
        let (fates, gone) = compare_all(&old_processors, &processors);
        changes.note(&old_processors, &processors, &fates, &gone);
        let marks: Vec<Mark> = aggregators.iter().map(|a| a.mark.clone()).collect();
        let (mut fates, gone) = compare_all(&old_aggregators, &marks);
        for fate in &mut fates {
            // An aggregator and what the core does for it are one: the window belongs to both.
            if let Fate::Adjusted(old) = *fate {
                *fate = Fate::Changed(old);
            }
        }
        changes.note(&old_aggregators, &marks, &fates, &gone);

        let mut pushers: Vec<Option<Pusher>> = self.pushers.drain(..).map(Some).collect();
        let mut kept = Vec::new();
        for (aggregator, fate) in aggregators.into_iter().zip(fates) {
            let old = match fate {
                Fate::Same(old) => pushers[old].take(),
                _ => None,
            };
            kept.push(old.unwrap_or_else(|| {
                aggregator.begin(wheatstone_plugin::time::now(), aligned);
                self.pusher(aggregator.into())
            }));
        }
        for pusher in pushers.into_iter().flatten() {
            // Its last push comes with the exchange.
            pusher.end().await;
        }
        self.pushers = kept;
        let stages = Stages {
            aggregators: self.pushers.iter().map(|p| p.aggregator.clone()).collect(),
            guard,
            queues: new_outputs.queues(self),
            ..Stages::default()
        };
        self.pipeline.change(before, after, stages);
        new_outputs.take_over(self);
        self.take_inputs(new_inputs);

        let series = self.series();
        old_series
            .iter()
            .filter(|old| !series.contains(old))
            .for_each(|old| old.forget());
        Ok(changes)
    }

    /// The numbers of everything that runs.
    fn series(&self) -> Vec<crate::numbers::Series> {
        let inputs = self.inputs.iter().map(RunningInput::mark);
        let marks = inputs.chain(self.outputs.iter().map(|o| &o.mark));
        let mut all: Vec<_> = marks.map(|mark| mark.series.clone()).collect();
        all.extend(self.pipeline.series());
        all
    }
}

fn compare_all(old: &[Mark], new: &[Mark]) -> (Vec<Fate>, Vec<usize>) {
    compare(
        &old.iter().collect::<Vec<_>>(),
        |_| true,
        &new.iter().collect::<Vec<_>>(),
    )
}
