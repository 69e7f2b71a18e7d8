//! Acknowledged is not lost: agent, broker and database end in the middle and come back, and in the end the database holds every message that the publisher was told was taken.

use anyhow::Result;
use wheatstone_testkit::publish::Qos;
use wheatstone_testkit::servers::MosquittoOptions;
use wheatstone_testkit::{Agent, Fault, FaultProxy, Influxd, Mosquitto, wait_for};

use crate::influxdb::output;
use crate::readings::{AGENT, check_points, json_input, patience, publisher, subscribed, wait_for_points};

/// How many messages each of these tests publishes.
const COUNT: u64 = 8000;

/// What is on stage when something is killed.
struct Stage {
    broker: Mosquitto,
    db: Influxd,
    agent: Agent,
}

/// Publishes while `disturb` is called several times, and compares.
fn nothing_is_missing(qos: Qos, times: u64, mut disturb: impl FnMut(&mut Stage) -> Result<()>) -> Result<()> {
    let broker = MosquittoOptions {
        persistence: true,
        max_queued: Some(0),
        ..MosquittoOptions::default()
    }
    .start()?;
    let db = Influxd::start()?;
    let durable = "persistent_session = true\n  client_id = \"durable\"";
    let input = json_input(&broker, durable).replace("qos = 1", &format!("qos = {}", qos as u8));
    let agent = Agent::start(&(AGENT.to_owned() + &input + &output(&db)))?;
    subscribed(&broker, &agent, "sensors/#")?;
    let mut stage = Stage { broker, db, agent };

    let publishing = publisher(&stage.broker, COUNT)
        .qos(qos)
        .rate(2000)
        .window(200)
        .start();
    for round in 1..=times {
        let due = COUNT * round / (times + 1);
        wait_for("the publisher", patience(), || {
            (publishing.acknowledged() >= due).then_some(())
        })?;
        disturb(&mut stage)?;
    }
    let report = publishing.join()?;
    assert_eq!(
        report.acknowledged.len() as u64,
        COUNT,
        "the publisher was kept waiting"
    );
    wait_for_points(&stage.db.ask(), "sensors", COUNT, patience())?;
    check_points(&stage.db.ask(), report.acknowledged)?;
    stage.agent.finish()
}

#[test]
#[ignore = "needs mosquitto and influxd"]
fn the_agent_is_killed_fifty_times() -> Result<()> {
    nothing_is_missing(Qos::AtLeastOnce, 50, |stage| stage.agent.restart())
}

#[test]
#[ignore = "needs mosquitto and influxd"]
fn the_agent_is_killed_at_qos_2() -> Result<()> {
    nothing_is_missing(Qos::ExactlyOnce, 3, |stage| stage.agent.restart())
}

#[test]
#[ignore = "needs mosquitto and influxd"]
fn the_broker_is_restarted() -> Result<()> {
    // In order, not killed: mosquitto acknowledges what it has not stored yet, so a kill can lose messages before the agent
    // could ever see them.
    nothing_is_missing(Qos::AtLeastOnce, 2, |stage| stage.broker.restart())
}

#[test]
#[ignore = "needs mosquitto and influxd"]
fn the_database_is_killed() -> Result<()> {
    nothing_is_missing(Qos::AtLeastOnce, 2, |stage| {
        stage.db.kill9()?;
        stage.db.restart()
    })
}

/// Publishes while the network to the broker fails in many ways, and gives the database.
fn the_network_fails(change: impl Fn(String) -> String, faults: &[Fault]) -> Result<Influxd> {
    let broker = MosquittoOptions {
        max_queued: Some(0),
        ..MosquittoOptions::default()
    }
    .start()?;
    let (proxy, db) = (FaultProxy::start(broker.address())?, Influxd::start()?);
    let durable = "persistent_session = true\n  client_id = \"durable\"\n  max_reconnect_interval = \"1s\"";
    let input =
        json_input(&broker, durable).replace(&broker.url(), &format!("tcp://127.0.0.1:{}", proxy.port()));
    let mut agent = Agent::start(&(AGENT.to_owned() + &change(input) + &output(&db)))?;
    subscribed(&broker, &agent, "sensors/#")?;

    let publishing = publisher(&broker, COUNT).rate(1500).window(200).start();
    for (round, fault) in (1..).zip(faults) {
        let due = COUNT * round / (faults.len() as u64 + 1);
        wait_for("the publisher", patience(), || {
            (publishing.acknowledged() >= due).then_some(())
        })?;
        proxy.set(*fault);
        let later = due + COUNT / 12;
        wait_for("the publisher", patience(), || {
            (publishing.acknowledged() >= later).then_some(())
        })?;
        proxy.set(Fault::Pass);
    }
    let report = publishing.join()?;
    assert_eq!(report.acknowledged.len() as u64, COUNT);
    wait_for_points(&db.ask(), "sensors", COUNT, patience())?;
    agent.finish()?;
    Ok(db)
}

#[test]
#[ignore = "needs mosquitto and influxd"]
fn the_network_to_the_broker_fails_in_many_ways() -> Result<()> {
    let faults = [
        Fault::Reset,
        Fault::CutAfter(5000),
        Fault::HalfClose,
        Fault::Refuse,
        Fault::Stall,
    ];
    let db = the_network_fails(|input| input, &faults)?;
    check_points(&db.ask(), 0..COUNT)
}

#[test]
#[ignore = "needs mosquitto and influxd"]
fn a_message_without_a_time_that_is_sent_again_is_the_same_point() -> Result<()> {
    let untimed = |input: String| {
        let lines = input.lines().filter(|line| !line.contains("json_time"));
        lines.fold(String::new(), |all, line| all + line + "\n")
    };
    let faults = [
        Fault::Reset,
        Fault::BlackHole,
        Fault::CutAfter(5000),
        Fault::HalfClose,
    ];
    let db = the_network_fails(untimed, &faults)?;
    let points = db.ask().points("telegraf", "sensors")?;
    let mut numbers: Vec<u64> = points
        .iter()
        .filter_map(|p| p.get("n")?.as_f64())
        .map(|n| n as u64)
        .collect();
    numbers.sort_unstable();
    let twice = numbers.windows(2).filter(|w| w[0] == w[1]).count();
    assert_eq!(twice, 0, "points more than once, of {COUNT}");
    assert!(numbers.into_iter().eq(0..COUNT), "something is missing");
    Ok(())
}
