//! One run from its start to the comparison.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use wheatstone_testkit::publish::{Message, Publisher};
use wheatstone_testkit::wait_for;

use crate::plan::Plan;
use crate::stage::{Heal, Stage};
use crate::tools::Tools;

/// No power of ten divides it, and a 64-bit float cannot hold it.
const BEGIN: i64 = 1_731_931_200_123_457_789;
/// How long the publisher and, after it, the last point may take. Bounds, not goals.
const PATIENCE: Duration = Duration::from_secs(180);

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Messages that the publisher was told were taken.
    pub taken: u64,
    /// How many of them are in none of the points of a database, summed over the databases.
    pub missing: u64,
    /// How many points more than once, summed over the databases.
    pub duplicates: u64,
    /// Of the missing, the first few numbers.
    pub first_missing: Vec<u64>,
    /// For each database, the least and the greatest number that is there more than once.
    pub repeated: Vec<Option<(u64, u64)>>,
    /// The end of the agent's log, where something is missing.
    pub log: String,
}

/// Makes the run. An error is one of the run itself: a server that does not start, a publisher that is kept waiting, an agent
/// that does not end in order.
pub fn run(plan: &Plan, tools: &Tools) -> Result<Outcome> {
    let mut stage = Stage::set(plan, tools)?;
    let done = perform(plan, &mut stage);
    done.with_context(|| format!("the agent's last lines:\n{}", stage.log()))
}

fn perform(plan: &Plan, stage: &mut Stage) -> Result<Outcome> {
    let publishing = Publisher::new(stage.broker())
        .qos(plan.qos)
        .messages(plan.messages)
        .rate(plan.rate)
        .window(500)
        .limit(PATIENCE)
        .message(message)
        .start();
    let mut coming = plan.events.iter().peekable();
    let mut heals: Vec<(Instant, Heal)> = Vec::new();
    while coming.peek().is_some() || !heals.is_empty() || !publishing.is_finished() {
        let part = publishing.acknowledged() as f64 / plan.messages as f64;
        if let Some((_, event)) = coming.next_if(|(at, _)| *at <= part || publishing.is_finished())
            && let Some((after, heal)) = stage.begin(event).with_context(|| event.to_string())?
        {
            heals.push((Instant::now() + after, heal));
        }
        let now = Instant::now();
        let (due, later): (Vec<_>, Vec<_>) = heals.drain(..).partition(|(at, _)| *at <= now);
        heals = later;
        for (_, heal) in due {
            stage.heal(&heal)?;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let mut taken = publishing.join()?.acknowledged;
    if (taken.len() as u64) < plan.messages {
        bail!("the broker took {} of {} messages", taken.len(), plan.messages);
    }
    taken.sort_unstable();
    taken.dedup();

    stage.revive();
    let wanted = taken.len() as u64;
    // Redelivered points can make up the number before the last one is there: so more than once.
    let mut outcome = Outcome::default();
    let there = wait_for("the last points", PATIENCE, || {
        let enough = stage.databases.iter().all(|d| d.count() >= wanted);
        if !enough {
            std::thread::sleep(Duration::from_millis(100));
            return None;
        }
        outcome = compare(stage, &taken).ok()?;
        (outcome.missing == 0).then_some(())
    });
    stage.finish()?;
    outcome = compare(stage, &taken)?;
    if outcome.missing > 0 || there.is_err() {
        outcome.log = stage.log();
    }
    Ok(outcome)
}

fn compare(stage: &Stage, taken: &[u64]) -> Result<Outcome> {
    let mut outcome = Outcome {
        taken: taken.len() as u64,
        ..Outcome::default()
    };
    for database in &stage.databases {
        let mut found = database.numbers()?;
        found.sort_unstable();
        let points = found.len();
        let twice = || found.windows(2).filter(|w| w[0] == w[1]).map(|w| w[0]);
        outcome.repeated.push(twice().next().zip(twice().next_back()));
        found.dedup();
        outcome.duplicates += (points - found.len()) as u64;
        let missing = taken.iter().filter(|n| found.binary_search(n).is_err());
        let missing: Vec<u64> = missing.copied().collect();
        outcome.missing += missing.len() as u64;
        outcome.first_missing.extend(missing.iter().take(5));
    }
    Ok(outcome)
}

/// The message of each number: a topic of its own for each of 20 devices.
fn message(n: u64) -> Message {
    let payload = format!(
        r#"{{"n":{n},"value":{}.25,"ts":{}}}"#,
        n % 100,
        BEGIN + n as i64 * 1_000_003
    );
    Message::new(format!("sensors/site{}/device{}", n % 3, n % 20), payload)
}
