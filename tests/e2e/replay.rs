//! What could not be read or was refused, sent again with a configuration that has changed.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use wheatstone_testkit::publish::{Message, Publisher};
use wheatstone_testkit::{Agent, Answer, HttpDouble, Influxd, wait_for};

use crate::influxdb::output;
use crate::readings::{AGENT, SOON, patient_broker, subscribed, wait_for_points};

fn store(dir: &std::path::Path) -> String {
    format!(
        "[wheatstone.dead_letter]\n  directory = {:?}\n",
        dir.display().to_string()
    )
}

/// The letters of the store, one a line.
fn letters(dir: &std::path::Path) -> Result<Vec<String>> {
    let dir = dir.display().to_string();
    let run = Agent::run("", &["deadletter", "--directory", &dir, "list"], SOON)?;
    Ok(run.stdout)
}

/// A team forgets `data_format`, and finds out when a day's messages lie in the store.
#[test]
#[ignore = "needs mosquitto and influxd"]
fn messages_that_were_taken_for_another_format_reach_the_database() -> Result<()> {
    const COUNT: u64 = 500;
    let (broker, db) = (patient_broker()?, Influxd::start()?);
    let dir = Agent::folder()?;
    let input = |more: &str| {
        format!(
            "[[inputs.mqtt_consumer]]\n  servers = [\"{}\"]\n  topics = [\"hall/#\"]\n  qos = 1\n  name_override = \"hall\"\n  {more}\n  \
             [[inputs.mqtt_consumer.topic_parsing]]\n    topic = \"hall/+\"\n    tags = \"_/door\"\n",
            broker.url()
        )
    };
    let config = |more: &str| AGENT.to_owned() + &store(dir.path()) + &input(more) + &output(&db);
    let mut agent = Agent::start(&config(""))?;
    subscribed(&broker, &agent, "hall/#")?;
    Publisher::new(broker.address())
        .messages(COUNT)
        .message(|n| match n {
            7 => Message::new("hall/7", "{\"n\":"),
            n => Message::new(format!("hall/{n}"), format!("{{\"n\":{n}}}")),
        })
        .run()?;
    wait_for("the letters", SOON, || {
        (letters(dir.path()).ok()?.len() as u64 == COUNT).then_some(())
    })?;

    // The agent still runs: a replay works beside it.
    let right = config("data_format = \"json\"");
    let replay = Agent::run(&right, &["deadletter", "replay"], SOON)?;
    let said = replay.stdout.join("\n");
    ensure!(
        said == "499 letters sent, 1 kept: 1 still not readable",
        "{said}\n{}",
        replay.stderr.join("\n")
    );
    ensure!(!replay.status.success(), "one letter is left");
    let ask = db.ask();
    wait_for_points(&ask, "hall", COUNT - 1, SOON)?;
    ensure!(
        ask.tag_keys("telegraf", "hall")?.contains(&"door".to_owned()),
        "the topic is parsed too"
    );

    // What was delivered is not sent again; the rest is, and is refused again, once.
    let again = Agent::run(&right, &["deadletter", "replay"], SOON)?;
    ensure!(
        again.stdout == ["0 letters sent, 1 kept: 1 still not readable"],
        "{:?}",
        again.stdout
    );
    ensure!(
        letters(dir.path())?.len() as u64 == COUNT,
        "a replay makes no new letters"
    );
    agent.finish()
}

/// A field of the wrong type is refused; with a processor that makes it right, it goes to the output that refused it.
#[test]
fn a_refused_metric_goes_out_with_a_processor_that_mends_it() -> Result<()> {
    let dir = Agent::folder()?;
    let refusal = serde_json::json!({
        "error": "partial write: field type conflict: input field \"v\" on measurement \"m\" is type string, already exists as type float dropped=1"
    });
    let db = HttpDouble::start([Answer::status(400).path("/write").json(&refusal)])?;
    db.otherwise(Answer::status(204));
    let file = dir.path().join("in");
    std::fs::write(&file, "m,id=a v=\"21.5\" 1700000000000000000\n")?;
    let output = format!(
        "[[outputs.influxdb]]\n  urls = [\"{}\"]\n  skip_database_creation = true\n  content_encoding = \"identity\"\n",
        db.url()
    );
    let input = format!(
        "[[inputs.file]]\n  files = [{:?}]\n  data_format = \"influx\"\n",
        file.display().to_string()
    );
    let base = AGENT.to_owned() + &store(dir.path()) + &output;
    let mut agent = Agent::start(&(base.clone() + &input))?;
    wait_for("the letter", SOON, || {
        (letters(dir.path()).ok()?.len() == 1).then_some(())
    })?;
    std::fs::remove_file(&file)?;
    agent.finish()?;

    let convert = "[[processors.converter]]\n  [processors.converter.fields]\n    float = [\"v\"]\n";
    let before = db.requests().len();
    let replay = Agent::run(&(base + convert), &["deadletter", "replay", "--processors"], SOON)?;
    ensure!(replay.status.success(), "{}", replay.stderr.join("\n"));
    ensure!(replay.stdout == ["1 letter sent"], "{:?}", replay.stdout);
    let requests = db.wait_for_requests(before + 1, Duration::from_secs(5))?;
    let last = requests.last().context("no request")?.text();
    ensure!(last == "m,id=a v=21.5 1700000000000000000\n", "{last}");
    Ok(())
}
