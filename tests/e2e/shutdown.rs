//! Ends in order: what was read is written before the process is gone.

use anyhow::Result;
use wheatstone_testkit::{Agent, Mosquitto, Signal, wait_for};

use crate::readings::{AGENT, SOON, json_input, patient_broker, publisher, subscribed};

const COUNT: u64 = 500;

/// One file that is written at once, and one whose turn would come in an hour. Gives the agent once all readings are in
/// the first, and so wait for the second.
fn with_readings_waiting(broker: &Mosquitto) -> Result<Agent> {
    let files = r#"
[[outputs.file]]
  files = ["$DIR/now.lp"]
[[outputs.file]]
  files = ["$DIR/late.lp"]
  flush_interval = "1h"
"#;
    let agent = Agent::start(&(AGENT.to_owned() + &json_input(broker, "") + files))?;
    subscribed(broker, &agent, "sensors/#")?;
    publisher(broker, COUNT).run()?;
    wait_for("the readings", SOON, || {
        (lines(&agent, "now.lp") == COUNT).then_some(())
    })?;
    Ok(agent)
}

fn lines(agent: &Agent, file: &str) -> u64 {
    std::fs::read_to_string(agent.dir().join(file)).map_or(0, |text| text.lines().count() as u64)
}

#[test]
#[ignore = "needs mosquitto"]
fn sigterm_and_sigint_write_what_waits() -> Result<()> {
    for signal in [Signal::Term, Signal::Int] {
        let broker = patient_broker()?;
        let mut agent = with_readings_waiting(&broker)?;
        agent.signal(signal)?;
        assert!(agent.wait(SOON)?.success());
        assert_eq!(
            (lines(&agent, "now.lp"), lines(&agent, "late.lp")),
            (COUNT, COUNT),
            "{signal:?}"
        );
        drop(agent);
    }
    Ok(())
}

#[test]
#[ignore = "needs mosquitto"]
fn sigusr1_writes_what_waits_and_goes_on() -> Result<()> {
    let broker = patient_broker()?;
    let mut agent = with_readings_waiting(&broker)?;
    agent.signal(Signal::Usr1)?;
    wait_for("the flush", SOON, || {
        (lines(&agent, "late.lp") == COUNT).then_some(())
    })?;
    publisher(&broker, 10).run()?;
    wait_for("more readings", SOON, || {
        (lines(&agent, "now.lp") == COUNT + 10).then_some(())
    })?;
    agent.finish()
}
