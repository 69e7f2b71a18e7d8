//! Messages that cannot be read, through a kill of the agent: each is kept, none comes for ever, its neighbours are written.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, ensure};
use wheatstone_testkit::publish::{Message, Publisher};
use wheatstone_testkit::{Agent, wait_for};

use crate::readings::{AGENT, SOON, patient_broker, subscribed};

const COUNT: u64 = 2_000;

/// Every tenth is no JSON.
fn mixed(n: u64) -> Message {
    let payload = if n.is_multiple_of(10) {
        format!("{{\"n\":{n},")
    } else {
        format!("{{\"n\":{n}}}")
    };
    Message::new("poison/x", payload)
}

/// The payloads of the letters, in their order.
fn letters(dir: &Path) -> Result<Vec<String>> {
    let dir = dir.display().to_string();
    let run = Agent::run(
        "",
        &["deadletter", "--directory", &dir, "list", "--format", "json"],
        SOON,
    )?;
    let payload = |line: &String| {
        let letter: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(letter["payload"]["text"].as_str()?.to_owned())
    };
    Ok(run.stdout.iter().filter_map(payload).collect())
}

fn lines(agent: &Agent) -> Vec<String> {
    let text = std::fs::read_to_string(agent.dir().join("out.lp")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
#[ignore = "needs mosquitto"]
fn poison_is_kept_and_never_comes_again() -> Result<()> {
    let (broker, dir) = (patient_broker()?, Agent::folder()?);
    let config = format!(
        "{AGENT}[wheatstone.dead_letter]\n  directory = {:?}\n\
         [[inputs.mqtt_consumer]]\n  servers = [\"{}\"]\n  topics = [\"poison/#\"]\n  qos = 1\n  persistent_session = true\n  \
         client_id = \"poison\"\n  topic_tag = \"\"\n  data_format = \"json\"\n\
         [[outputs.file]]\n  files = [\"$DIR/out.lp\"]\n",
        dir.path().display().to_string(),
        broker.url()
    );
    let mut agent = Agent::start(&config)?;
    subscribed(&broker, &agent, "poison/#")?;
    let publishing = Publisher::new(broker.address())
        .messages(COUNT)
        .rate(1_000)
        .message(mixed)
        .start();
    wait_for("some of it", SOON, || (lines(&agent).len() > 300).then_some(()))?;
    agent.restart()?;
    publishing.join()?;
    let distinct = |lines: Vec<String>| {
        let field = |l: String| l.split(' ').nth(1).map(str::to_owned);
        lines.into_iter().filter_map(field).collect::<BTreeSet<_>>().len() as u64
    };
    wait_for("the neighbours", SOON, || {
        (distinct(lines(&agent)) == COUNT * 9 / 10).then_some(())
    })?;
    wait_for("the letters", SOON, || {
        let kept: BTreeSet<String> = letters(dir.path()).ok()?.into_iter().collect();
        (kept.len() as u64 == COUNT / 10).then_some(())
    })?;
    agent.finish()?;
    let (kept, written) = (letters(dir.path())?.len(), lines(&agent).len());

    // All of it is acknowledged: another run of the same session gets nothing.
    agent.restart()?;
    std::thread::sleep(std::time::Duration::from_secs(2));
    agent.finish()?;
    ensure!(letters(dir.path())?.len() == kept, "letters came again");
    ensure!(lines(&agent).len() == written, "messages came again");
    Ok(())
}
