//! The inputs of a reload: those that are changed or gone have what they read written and acknowledged before they end, and only
//! then the new ones start, up to a gate.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use wheatstone_plugin::{error, warn};

use crate::changes::Changes;
use crate::diff::{Fate, compare};
use crate::live::{Live, drain, end_all};
use crate::mark::Mark;
use crate::reload::Patience;
use crate::running_input::{IdleInput, RunningInput, Start};
use crate::topology::BuiltInput;

/// How long new inputs are waited for; one that takes longer is started all the same and tried on.
const READY_GRACE: Duration = Duration::from_secs(10);
/// How long outputs may take to write what an input has read before it ends; what they have not written by then may be sent
/// again by its source.
const SETTLE_GRACE: Duration = Duration::from_secs(5);
/// How often they are asked meanwhile.
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// Inputs that the reload has stopped, and those in their place.
pub(crate) struct NewInputs {
    /// In the order of the new configuration: what goes on (by its place among the old ones), or what was started.
    plan: Vec<Next>,
    opened: watch::Sender<bool>,
    failed: mpsc::UnboundedReceiver<anyhow::Error>,
}

enum Next {
    Keep(usize),
    Adjust(usize, Box<BuiltInput>),
    Started(Box<RunningInput>),
}

impl BuiltInput {
    /// The same, beginning with the state that its predecessor has left.
    fn renewed(mut self) -> BuiltInput {
        match (self.again)() {
            None => {}
            Some(Ok(plugin)) => self.plugin = plugin,
            Some(Err(e)) => error!(self.log, "{e:#}"),
        }
        self
    }
}

impl Live {
    /// Stops what is changed or gone and starts what is new, up to the gate. On an error the old ones run again.
    pub(crate) async fn new_inputs(
        &mut self,
        built: Vec<BuiltInput>,
        patience: &Patience,
        changes: &mut Changes,
    ) -> anyhow::Result<NewInputs> {
        let old_marks: Vec<Mark> = self.inputs.iter().map(|i| i.mark().clone()).collect();
        let marks: Vec<Mark> = built.iter().map(|i| i.mark.clone()).collect();
        let (fates, gone) = compare(
            &old_marks.iter().collect::<Vec<_>>(),
            |i| self.inputs[i].lives(),
            &marks.iter().collect::<Vec<_>>(),
        );
        changes.note(&old_marks, &marks, &fates, &gone);
        let stays = |i: usize| fates.contains(&Fate::Same(i)) || fates.contains(&Fate::Adjusted(i));

        let (mut kept, mut ending, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (i, input) in self.inputs.drain(..).enumerate() {
            if stays(i) {
                kept.push((i, input));
            } else {
                places.push(i);
                ending.push(input);
            }
        }
        let log = self.log.clone();
        if !ending.is_empty() {
            drain(&mut ending, &log).await;
            self.settle(patience).await;
            if patience.is_over() {
                // The agent stops: these have done the first half of that already.
                self.inputs = kept.into_iter().map(|(_, input)| input).chain(ending).collect();
                anyhow::bail!("the agent is ending");
            }
        }
        let names: Vec<String> = ending.iter().map(|i| i.mark().shown.clone()).collect();
        let ended = end_all(ending).await;

        let (opened, gate) = watch::channel(false);
        let (fatal, mut failed) = mpsc::unbounded_channel();
        let mut plan = Vec::new();
        for (built, fate) in built.into_iter().zip(fates) {
            plan.push(match fate {
                Fate::Same(old) => Next::Keep(old),
                Fate::Adjusted(old) => Next::Adjust(old, Box::new(built)),
                Fate::Changed(_) | Fate::New => {
                    let built = built.renewed();
                    let idle = IdleInput::new(built, self.pipeline.clone(), gate.clone());
                    let start = Start {
                        once: false,
                        fatal: fatal.clone(),
                    };
                    Next::Started(Box::new(idle.start(start)))
                }
            });
        }
        let started = plan.iter().filter_map(|next| match next {
            Next::Started(input) => Some(input.ready()),
            _ => None,
        });
        let mut started: Vec<_> = started.collect();
        let ready = async {
            for input in &mut started {
                let _ = input.wait_for(|ready| *ready).await;
            }
        };
        let failure = tokio::select! {
            biased;
            Some(e) = failed.recv() => Some(e),
            ready = patience.within(READY_GRACE, ready) => match (failed.try_recv(), ready) {
                (Ok(e), _) => Some(e),
                _ if patience.is_over() => Some(anyhow::anyhow!("the agent is ending")),
                _ => None,
            },
        };
        if let Some(e) = failure {
            for next in plan {
                if let Next::Started(input) = next {
                    input.break_off().await;
                }
            }
            for ((i, idle), name) in places.into_iter().zip(ended).zip(names) {
                match idle {
                    Some(idle) => kept.push((i, self.start_again(idle))),
                    None => error!(log, "{name} had not ended and cannot be started again"),
                }
            }
            kept.sort_by_key(|(i, _)| *i);
            self.inputs = kept.into_iter().map(|(_, input)| input).collect();
            return Err(e);
        }
        self.inputs = kept.into_iter().map(|(_, input)| input).collect();
        // Places are now those among the inputs that were kept.
        for next in &mut plan {
            if let Next::Keep(i) | Next::Adjust(i, _) = next {
                *i -= places.iter().filter(|place| *place < i).count();
            }
        }
        Ok(NewInputs { plan, opened, failed })
    }

    fn start_again(&self, idle: IdleInput) -> RunningInput {
        let input = idle.start(Start {
            once: false,
            fatal: self.fatal.clone(),
        });
        input.stays.store(true, Ordering::Relaxed);
        input
    }

    /// Waits until the outputs have written what is there now, or have it on disk.
    async fn settle(&mut self, patience: &Patience) {
        // Outputs of earlier reloads may still have a share in what the inputs have read.
        let retired = async { while self.retiring.join_next().await.is_some() {} };
        let retired = patience.within(SETTLE_GRACE, retired).await;
        let all_written = async {
            loop {
                self.flush();
                let mut done = true;
                for output in &self.outputs {
                    let order = output.orders.borrow().flush;
                    let mut flushed = output.flushed.clone();
                    let answer = flushed.wait_for(|f| f.order >= order).await;
                    // An output that is gone writes nothing more.
                    let written = answer.is_ok_and(|f| f.all) || !output.lives();
                    done &= written || output.queue.backlog.is_saved();
                }
                if done {
                    return;
                }
                tokio::time::sleep(ASK_AGAIN).await;
            }
        };
        let written = patience.within(SETTLE_GRACE, all_written).await;
        if retired.and(written).is_none() {
            warn!(
                self.log,
                "Outputs could not write all that the changed inputs have read; their sources may send it again"
            );
        }
    }

    /// Puts the inputs in their new order and lets them through.
    pub(crate) fn take_inputs(&mut self, new: NewInputs) {
        let NewInputs {
            plan,
            opened,
            mut failed,
        } = new;
        let mut old: Vec<Option<RunningInput>> = self.inputs.drain(..).map(Some).collect();
        for next in plan {
            match next {
                Next::Keep(i) => self.inputs.extend(old[i].take()),
                Next::Adjust(i, built) => {
                    if let Some(mut input) = old[i].take() {
                        input.adjust(built.mark, built.intake, built.timing);
                        self.inputs.push(input);
                    }
                }
                Next::Started(input) => {
                    input.stays.store(true, Ordering::Relaxed);
                    self.inputs.push(*input);
                }
            }
        }
        opened.send_replace(true);
        let log = self.log.clone();
        tokio::spawn(async move {
            // One that failed in the last moment.
            while let Some(e) = failed.recv().await {
                error!(log, "{e:#}");
            }
        });
    }
}
