//! Runs drawn by chance while something breaks: the short form of `cargo xtask faults`.

use anyhow::{Result, bail};
use wheatstone_faults::{Plan, Tools, run};

/// Makes the runs of these seeds. All of the clock, the disk and the system calls that this machine lets fail take part.
fn runs(only: Option<&str>, seeds: impl Iterator<Item = u64>) -> Result<()> {
    const MESSAGES: u64 = 4000;
    let tools = Tools::find();
    for seed in seeds {
        let plan = Plan::draw(seed, MESSAGES, only, &tools);
        let outcome = run(&plan, &tools)?;
        if outcome.missing > 0 {
            bail!(
                "seed {seed}: {} missing, {:?} among them\n{plan}\n{}",
                outcome.missing,
                outcome.first_missing,
                outcome.log
            );
        }
        assert_eq!(outcome.taken, MESSAGES, "{plan}");
    }
    Ok(())
}

#[test]
#[ignore = "needs mosquitto, influxd, nats-server and secantusdb"]
fn nothing_is_lost_whatever_breaks() -> Result<()> {
    runs(None, 9000..9004)
}

#[test]
#[ignore = "needs influxd, nats-server and secantusdb"]
fn nothing_is_lost_when_the_broker_is_killed() -> Result<()> {
    runs(Some("broker-kill"), 9100..9101)
}

#[test]
#[ignore = "needs mosquitto, influxd, nats-server and secantusdb"]
fn nothing_is_lost_when_segments_are_damaged() -> Result<()> {
    runs(Some("corrupt-segment"), 9200..9201)?;
    runs(Some("torn-tail"), 9300..9301)
}
