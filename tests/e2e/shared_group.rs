//! Two agents in one shared subscription: each message goes to one of them, and none is lost or doubled.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use wheatstone_testkit::{Agent, wait_for};

use crate::readings::{AGENT, SOON, json_input, many, patience, patient_broker, publisher};

const FILTER: &str = "$share/plant/sensors/#";

/// The numbers of the readings that an agent has written, with how often each stands there.
fn written(agent: &Agent) -> Result<BTreeMap<u64, u32>> {
    let mut numbers = BTreeMap::new();
    // Nothing written yet is no file.
    let text = std::fs::read_to_string(agent.dir().join("out.lp")).unwrap_or_default();
    // A line that is being written has no end yet.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    for line in whole.lines() {
        let number = line
            .split([' ', ','])
            .find_map(|part| part.strip_prefix("n="))
            .with_context(|| format!("no number in {line:?}"))?;
        *numbers.entry(number.parse::<f64>()? as u64).or_default() += 1;
    }
    Ok(numbers)
}

#[test]
#[ignore = "needs mosquitto"]
fn two_agents_share_the_messages_without_loss_or_duplicates() -> Result<()> {
    let broker = patient_broker()?;
    let file = "[[outputs.file]]\n  files = [\"$DIR/out.lp\"]\n  data_format = \"influx\"\n";
    let config = AGENT.to_owned() + &json_input(&broker, "").replace("sensors/#", FILTER) + file;
    let mut agents = [Agent::start(&config)?, Agent::start(&config)?];
    wait_for("both subscriptions", SOON, || {
        let there = broker.log().iter().filter(|line| line.ends_with(FILTER)).count();
        (there >= 2).then_some(())
    })?;

    let count = many();
    let report = publisher(&broker, count).rate(10_000).run()?;
    ensure!(
        report.acknowledged.len() as u64 == count,
        "the broker did not take all"
    );
    wait_for("all readings", patience(), || {
        let lines: usize = agents.iter().map(|a| written(a).map_or(0, |w| w.len())).sum();
        (lines as u64 >= count).then_some(())
    })?;
    for agent in &mut agents {
        agent.finish()?;
    }

    let shares = [written(&agents[0])?, written(&agents[1])?];
    let mut all = BTreeMap::new();
    for (number, times) in shares.iter().flatten() {
        *all.entry(*number).or_insert(0) += times;
    }
    let lost: Vec<u64> = (0..count).filter(|n| !all.contains_key(n)).take(5).collect();
    let doubled: Vec<_> = all.iter().filter(|(_, times)| **times != 1).take(5).collect();
    ensure!(lost.is_empty(), "lost, among others: {lost:?}");
    ensure!(doubled.is_empty(), "more than once, among others: {doubled:?}");
    ensure!(all.len() as u64 == count, "numbers that were never published");
    // Neither was idle.
    for share in &shares {
        ensure!(
            share.len() as u64 > count / 10,
            "one got only {} of {count}",
            share.len()
        );
    }
    Ok(())
}
