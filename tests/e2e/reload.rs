//! New configurations under load: what is unchanged does not notice, what is wrong changes nothing, and no message is missing.

use anyhow::Result;
use wheatstone_testkit::{Agent, Answer, Ending, HttpDouble, Influxd, Mosquitto, Signal, wait_for};

use crate::influxdb::output;
use crate::readings::{
    AGENT, SOON, check_points, json_input, patience, patient_broker, publisher, subscribed, wait_for_points,
};

const DURABLE: &str = "persistent_session = true\n  client_id = \"durable\"";

/// How often clients have connected to the broker under the name.
fn connects(broker: &Mosquitto, client: &str) -> usize {
    let wanted = format!(" as {client} (");
    let connected = |line: &&String| line.contains("New client connected") && line.contains(&wanted);
    broker.log().iter().filter(connected).count()
}

/// Writes the configuration, asks for it, and waits for what the log says of it.
fn reload(agent: &mut Agent, config: &str, answer: &str) -> Result<()> {
    let seen = agent.stderr_lines();
    agent.set_config(config)?;
    agent.signal(Signal::Hup)?;
    agent.wait_for_stderr_from(seen, answer, SOON)?;
    Ok(())
}

#[test]
#[ignore = "needs mosquitto and influxd"]
fn ten_reloads_lose_nothing_and_double_nothing() -> Result<()> {
    let count: u64 = std::env::var("WHEATSTONE_E2E_RELOAD_MESSAGES").map_or(Ok(100_000), |n| n.parse())?;
    let (broker, db) = (patient_broker()?, Influxd::start()?);
    let processor = |n: u64| {
        format!(
            "[[processors.override]]\n  namepass = [\"none{n}\"]\n  [processors.override.tags]\n    round = \"{n}\"\n"
        )
    };
    let config = |round: u64| {
        let output = output(&db) + &format!("  timeout = \"{}s\"\n", 5 + round / 3);
        AGENT.to_owned() + &json_input(&broker, DURABLE) + &processor((round + 1) / 3) + &output
    };
    let mut agent = Agent::start(&config(0))?;
    subscribed(&broker, &agent, "sensors/#")?;

    let publishing = publisher(&broker, count).rate(5000).window(1000).start();
    for round in 1..=10u64 {
        let due = count * round / 11;
        wait_for("the publisher", patience(), || {
            (publishing.acknowledged() >= due).then_some(())
        })?;
        // A changed processor, a broken file, a changed output, and so on.
        match round % 3 {
            1 => reload(
                &mut agent,
                &config(round + 1),
                "changed: processors.override; unchanged: 2",
            )?,
            2 => {
                let broken = config(round) + "[[outputs.influxdb]]\n  urls = [\"http://127.0.0.1:1\"\n";
                reload(&mut agent, &broken, "The configuration was not reloaded")?;
            }
            _ => reload(
                &mut agent,
                &config(round),
                "changed: outputs.influxdb; unchanged: 2",
            )?,
        }
    }
    let report = publishing.join()?;
    assert_eq!(report.acknowledged.len() as u64, count);
    wait_for_points(&db.ask(), "sensors", count, patience() * 2)?;
    check_points(&db.ask(), report.acknowledged)?;
    assert_eq!(connects(&broker, "durable"), 1, "the input was changed by nobody");
    agent.finish()
}

#[test]
#[ignore = "needs mosquitto and influxd"]
fn a_changed_input_takes_its_session_over() -> Result<()> {
    const COUNT: u64 = 6000;
    let (broker, db) = (patient_broker()?, Influxd::start()?);
    let config = |round: u64| {
        let input = json_input(&broker, DURABLE).replace(
            "qos = 1",
            &format!("qos = 1\n  max_undelivered_messages = {}", 1000 + round),
        );
        AGENT.to_owned() + &input + &output(&db)
    };
    let mut agent = Agent::start(&config(0))?;
    subscribed(&broker, &agent, "sensors/#")?;
    let publishing = publisher(&broker, COUNT).rate(1500).window(200).start();
    for round in 1..=3u64 {
        wait_for("the publisher", patience(), || {
            (publishing.acknowledged() >= COUNT * round / 4).then_some(())
        })?;
        reload(
            &mut agent,
            &config(round),
            "changed: inputs.mqtt_consumer; unchanged: 1",
        )?;
    }
    let report = publishing.join()?;
    wait_for_points(&db.ask(), "sensors", COUNT, patience())?;
    check_points(&db.ask(), report.acknowledged)?;
    let taken_over = |line: &String| line.contains("already connected");
    assert!(
        !broker.log().iter().any(taken_over),
        "two of them met at the broker"
    );
    assert_eq!(connects(&broker, "durable"), 4);
    agent.finish()
}

/// An agent that reads nothing and writes a number every 100 ms, with a tag.
fn ticking(tag: &str) -> String {
    format!(
        "[agent]\n  interval = \"100ms\"\n  flush_interval = \"100ms\"\n  omit_hostname = true\n[global_tags]\n  round = \"{tag}\"\n[[inputs.internal]]\n  fieldinclude = [\"metrics_written\"]\n  namepass = [\"internal_agent\"]\n[[outputs.file]]\n  files = [\"$DIR/out.lp\"]\n"
    )
}

fn wait_for_tag(agent: &Agent, tag: &str) -> Result<()> {
    let tag = format!("round={tag}");
    wait_for(&tag, SOON, || {
        let written = std::fs::read_to_string(agent.dir().join("out.lp")).unwrap_or_default();
        written.lines().last()?.contains(&tag).then_some(())
    })
    .map_err(|e| anyhow::anyhow!("{e}\n{}", agent.stderr().join("\n")))
}

#[test]
fn a_broken_file_is_told_with_its_place_and_the_agent_goes_on() -> Result<()> {
    let mut agent = Agent::start(&ticking("one"))?;
    wait_for_tag(&agent, "one")?;
    let broken = ticking("two").replace("namepass", "namepas");
    reload(&mut agent, &broken, "The configuration was not reloaded")?;
    let log = agent.stderr().join("\n");
    assert!(
        log.contains("wheatstone.conf") && log.contains("namepas") && log.contains(":9"),
        "{log}"
    );
    std::fs::write(agent.dir().join("out.lp"), "")?;
    wait_for_tag(&agent, "one")?;
    // A file that is gone, too.
    std::fs::remove_file(agent.dir().join("wheatstone.conf"))?;
    let seen = agent.stderr_lines();
    agent.signal(Signal::Hup)?;
    agent.wait_for_stderr_from(seen, "The configuration was not reloaded", SOON)?;
    reload(
        &mut agent,
        &ticking("three"),
        "adjusted: inputs.internal; unchanged: 1",
    )?;
    wait_for_tag(&agent, "three")?;
    agent.finish()
}

#[test]
fn changed_files_are_noticed() -> Result<()> {
    for how in ["notify", "poll"] {
        let mut agent = Agent::start_with(&ticking("one"), &["--watch-config", how])?;
        wait_for_tag(&agent, "one")?;
        agent.wait_for_stderr("Config watcher started", SOON)?;
        // Written in place, and replaced by renaming, as editors do.
        agent.set_config(&ticking("two"))?;
        wait_for_tag(&agent, "two")?;
        let dir = agent.dir();
        let new = ticking("three").replace("$DIR", &dir.to_string_lossy());
        std::fs::write(dir.join("new"), new)?;
        std::fs::rename(dir.join("new"), dir.join("wheatstone.conf"))?;
        wait_for_tag(&agent, "three")?;
        agent.set_config("[agent]\n  nonsense = [\n")?;
        agent.wait_for_stderr("not reloaded", SOON)?;
        agent.set_config(&ticking("four"))?;
        wait_for_tag(&agent, "four")?;
        agent.finish()?;
    }
    Ok(())
}

#[test]
fn a_changed_url_is_noticed() -> Result<()> {
    let tags = |round: &str| format!("[global_tags]\n  round = \"{round}\"\n");
    let answer = |round: &str| Answer::status(200).body(tags(round)).ending(Ending::Close);
    let server = HttpDouble::start([])?;
    server.otherwise(answer("one"));
    let url = server.url() + "/tags.conf";
    let rest = ticking("").replace(&tags(""), "");
    let mut agent = Agent::start_with(&rest, &["--config", &url, "--config-url-watch-interval", "200ms"])?;
    wait_for_tag(&agent, "one")?;
    // What it says is all that there is to go by; then its server tells.
    server.otherwise(answer("two"));
    wait_for_tag(&agent, "two")?;
    for (tag, round) in [("\"a\"", "three"), ("\"b\"", "four")] {
        server.otherwise(answer(round).header("ETag", tag));
        wait_for_tag(&agent, round)?;
    }
    // A server that is gone for a while changes nothing.
    server.otherwise(Answer::status(500).ending(Ending::Close));
    agent.wait_for_stderr("cannot be looked at", SOON)?;
    server.otherwise(answer("five").header("ETag", "\"c\""));
    wait_for_tag(&agent, "five")?;
    agent.finish()
}
