//! The outputs of a reload: opened and connected while the old ones still write, then put in their places.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::task::JoinSet;
use wheatstone_plugin::StartError;

use crate::changes::Changes;
use crate::diff::{Fate, compare};
use crate::guard::Guard;
use crate::live::{Live, first};
use crate::live_output::{LiveOutput, NextOutput};
use crate::mark::Mark;
use crate::queue::Queue;
use crate::running_output::RunningOutput;
use crate::topology::BuiltOutput;

/// What becomes of the outputs, in the order of the new configuration.
pub(crate) struct NewOutputs {
    plan: Vec<Next>,
    /// Old outputs that had to end before their followers could connect.
    parked: Vec<usize>,
}

/// The numbers are places among the old outputs.
enum Next {
    Keep(usize),
    Follow(usize, Box<NextOutput>),
    Add(Box<NextOutput>),
}

impl Next {
    fn output(&mut self) -> Option<&mut NextOutput> {
        match self {
            Next::Keep(_) => None,
            Next::Follow(_, next) | Next::Add(next) => Some(next),
        }
    }
}

impl NewOutputs {
    /// Opens and connects what is new or changed. An error leaves the old ones as they were.
    pub(crate) async fn prepare(
        live: &mut Live,
        built: Vec<BuiltOutput>,
        guard: &Option<Guard>,
        changes: &mut Changes,
    ) -> anyhow::Result<NewOutputs> {
        let old_marks: Vec<Mark> = live.outputs.iter().map(|o| o.mark.clone()).collect();
        let marks: Vec<Mark> = built.iter().map(|o| o.mark.clone()).collect();
        let (fates, gone) = compare(
            &old_marks.iter().collect::<Vec<_>>(),
            |i| live.outputs[i].lives(),
            &marks.iter().collect::<Vec<_>>(),
        );
        changes.note(&old_marks, &marks, &fates, &gone);
        let mut plan = Vec::new();
        for (built, fate) in built.into_iter().zip(fates) {
            let log = built.log.clone();
            let next = async {
                anyhow::Ok(match fate {
                    Fate::Same(old) => Next::Keep(old),
                    Fate::Adjusted(old) => {
                        Next::Follow(old, Box::new(after(&live.outputs[old], built, true).await?))
                    }
                    Fate::Changed(old) => {
                        Next::Follow(old, Box::new(after(&live.outputs[old], built, false).await?))
                    }
                    Fate::New => Next::Add(Box::new(first(built).await?)),
                })
            };
            let mut next = next.await.with_context(|| format!("output {}", log.name()))?;
            if let Some(next) = next.output() {
                next.output.seeds.agent_guard = guard.clone();
            }
            plan.push(next);
        }
        let mut new = NewOutputs {
            plan,
            parked: Vec::new(),
        };
        if let Err(e) = new.connect(live).await {
            new.give_up(live).await;
            return Err(e);
        }
        Ok(new)
    }

    /// Connects all side by side; one that needs what its predecessor has, after that has ended.
    async fn connect(&mut self, live: &mut Live) -> anyhow::Result<()> {
        let mut connecting = JoinSet::new();
        let mut plan: Vec<Option<Next>> = Vec::new();
        let mut later = Vec::new();
        for (at, mut next) in self.plan.drain(..).enumerate() {
            let shares = match &next {
                Next::Follow(old, next) => live.outputs[*old].mark.shares_session(&next.mark),
                _ => false,
            };
            if next.output().is_none_or(|next| next.keeps_plugin) {
                plan.push(Some(next));
            } else if shares {
                plan.push(Some(next));
                later.push(at);
            } else {
                plan.push(None);
                connecting.spawn(async move {
                    let connected = match next.output() {
                        Some(next) => next.output.start_in_reload().await,
                        None => Ok(true),
                    };
                    (at, next, connected)
                });
            }
        }
        let (mut failures, mut left_out) = (Vec::new(), Vec::new());
        while let Some(done) = connecting.join_next().await {
            let (at, next, connected) = done?;
            match connected {
                Ok(true) => {}
                Ok(false) => left_out.push(at),
                Err(e) if in_use(&e) && matches!(next, Next::Follow(..)) => later.push(at),
                Err(e) => failures.push(format!("{:#}", e.error)),
            }
            plan[at] = Some(next);
        }
        for at in later {
            let Some(Next::Follow(old, next)) = plan[at].as_mut().filter(|_| failures.is_empty()) else {
                continue;
            };
            live.outputs[*old].park().await;
            self.parked.push(*old);
            match next.output.start_in_reload().await {
                Ok(true) => {}
                Ok(false) => left_out.push(at),
                Err(e) => failures.push(format!("{:#}", e.error)),
            }
        }
        for at in left_out.into_iter().filter(|_| failures.is_empty()) {
            plan[at] = None;
        }
        self.plan = plan.into_iter().flatten().collect();
        anyhow::ensure!(failures.is_empty(), "{}", failures.join("; "));
        Ok(())
    }

    /// Closes what was connected; the old ones go on.
    pub(crate) async fn give_up(self, live: &mut Live) {
        for mut next in self.plan {
            if let Some(next) = next.output().filter(|next| next.output.connected) {
                next.output.close_plugin().await;
            }
        }
        for old in self.parked {
            live.outputs[old].unpark().await;
        }
    }

    /// The queues that metrics go to from now on.
    pub(crate) fn queues(&self, live: &Live) -> Vec<Arc<Queue>> {
        let queue = |next: &Next| match next {
            Next::Keep(old) => live.outputs[*old].queue.clone(),
            Next::Follow(_, next) | Next::Add(next) => next.output.queue.clone(),
        };
        self.plan.iter().map(queue).collect()
    }

    /// Lets the new ones write. No metric gets to those that are gone any more; they write what they have.
    pub(crate) fn take_over(self, live: &mut Live) {
        let mut old: Vec<Option<LiveOutput>> = live.outputs.drain(..).map(Some).collect();
        for next in self.plan {
            let output = match next {
                Next::Keep(i) => old[i].take(),
                Next::Follow(i, next) => match old[i].take() {
                    Some(old) => Some(old.followed_by(*next)),
                    None => Some(LiveOutput::resume(*next)),
                },
                Next::Add(next) => Some(LiveOutput::resume(*next)),
            };
            live.outputs.extend(output);
        }
        for output in old.into_iter().flatten() {
            live.retiring.spawn(output.retire());
        }
        // Those that have ended need no memory.
        while live.retiring.try_join_next().is_some() {}
    }
}

/// An output that goes on with the backlog of another, and with its plugin too where only the core's part has changed.
async fn after(old: &LiveOutput, mut built: BuiltOutput, keeps_plugin: bool) -> anyhow::Result<NextOutput> {
    let place = built.queue.place.clone();
    old.queue.backlog.can_move_to(&place, &built.log).await?;
    let mut mark = built.mark;
    if keeps_plugin {
        mark = old.mark.continued_as(&mark);
        built.queue.stats = old.queue.stats.clone();
    }
    Ok(NextOutput {
        mark,
        place,
        keeps_plugin,
        output: RunningOutput::new(
            built.plugin,
            Arc::new(built.queue.after(&old.queue, &built.log)?),
            built.log,
            built.flush_interval,
            built.flush_jitter,
            built.startup,
        ),
    })
}

/// Whether it needs a port, or the like, that another has.
fn in_use(e: &StartError) -> bool {
    let in_use = |e: &(dyn std::error::Error + 'static)| {
        e.downcast_ref::<std::io::Error>()
            .is_some_and(|e| e.kind() == std::io::ErrorKind::AddrInUse)
    };
    e.error.chain().any(in_use)
}
