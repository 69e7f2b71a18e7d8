//! Two outputs, one of them dead: the other never falls behind (Telegraf issue 16537).

use std::time::Duration;

use anyhow::Result;
use wheatstone_testkit::{Agent, Fault, FaultProxy, Influxd};

use crate::influxdb::output;
use crate::readings::{
    AGENT, check_points, json_input, patience, patient_broker, publisher, subscribed, wait_for_points,
};

/// How far behind the living output may be when the last message is published.
const BEHIND: Duration = Duration::from_secs(5);

fn the_other_goes_on(fault: Fault) -> Result<()> {
    // More than max_undelivered_messages, which is where Telegraf stops.
    const COUNT: u64 = 6000;
    let (broker, living, dead) = (patient_broker()?, Influxd::start()?, Influxd::start()?);
    let proxy = FaultProxy::start(dead.address())?;
    let through_proxy = format!(
        "[[outputs.influxdb]]\n  urls = [\"http://127.0.0.1:{}\"]\n  database = \"telegraf\"\n  timeout = \"2s\"\n",
        proxy.port()
    );
    let config = AGENT.to_owned() + &json_input(&broker, "") + &output(&living) + &through_proxy;
    let mut agent = Agent::start(&config)?;
    subscribed(&broker, &agent, "sensors/#")?;
    proxy.set(fault);

    let report = publisher(&broker, COUNT).rate(2000).run()?;
    assert_eq!(report.acknowledged.len() as u64, COUNT);
    wait_for_points(&living.ask(), "sensors", COUNT, BEHIND)?;

    // Back again, it gets what waited for it.
    proxy.set(Fault::Pass);
    wait_for_points(&dead.ask(), "sensors", COUNT, patience())?;
    check_points(&dead.ask(), 0..COUNT)?;
    check_points(&living.ask(), 0..COUNT)?;
    agent.finish()
}

#[test]
#[ignore = "needs mosquitto and influxd"]
fn a_dead_output_that_answers_nothing_holds_nobody_up() -> Result<()> {
    the_other_goes_on(Fault::BlackHole)
}

#[test]
#[ignore = "needs mosquitto and influxd"]
fn a_dead_output_that_refuses_holds_nobody_up() -> Result<()> {
    the_other_goes_on(Fault::Refuse)
}
