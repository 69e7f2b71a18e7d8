//! Ways to the broker besides plain TCP, and a chain of processors and aggregators in between.

use anyhow::{Context, Result};
use wheatstone_testkit::publish::{Message, Publisher};
use wheatstone_testkit::servers::MosquittoOptions;
use wheatstone_testkit::{Agent, AgentOptions, Mosquitto, NatsMqtt, wait_for};

use crate::readings::{AGENT, SOON, json, json_input, line, subscribed};

const COUNT: u64 = 500;

const FILE: &str = r#"
[[outputs.file]]
  files = ["$DIR/out.lp"]
  influx_sort_fields = true
"#;

/// Waits for `COUNT` lines in the file, and gives them sorted.
fn lines(agent: &Agent) -> Result<Vec<String>> {
    let file = agent.dir().join("out.lp");
    let text = wait_for("the lines of the file", SOON, || {
        let text = std::fs::read_to_string(&file).ok()?;
        (text.lines().count() as u64 >= COUNT).then_some(text)
    })?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    Ok(lines)
}

fn expected() -> Vec<String> {
    let mut all: Vec<String> = (0..COUNT).map(line).collect();
    all.sort_unstable();
    all
}

/// Publishes without a password, and finds every reading in the file.
fn all_arrive(broker: &Mosquitto, mut agent: Agent) -> Result<()> {
    subscribed(broker, &agent, "sensors/#")?;
    Publisher::new(broker.address())
        .messages(COUNT)
        .message(json)
        .run()?;
    assert_eq!(lines(&agent)?, expected());
    agent.finish()
}

#[test]
#[ignore = "needs mosquitto"]
fn tls_with_client_certificate_and_password() -> Result<()> {
    let users = vec![("me".to_owned(), "secret".to_owned())];
    let options = MosquittoOptions {
        tls: true,
        require_client_cert: true,
        users,
        max_queued: Some(0),
        ..MosquittoOptions::default()
    };
    let broker = options.start()?;
    let certs = broker.certs().context("no certificates")?;
    let tls = format!(
        "username = \"me\"\n  password = \"secret\"\n  tls_ca = {:?}\n  tls_cert = {:?}\n  tls_key = {:?}",
        certs.ca, certs.client_cert, certs.client_key
    );
    let input = json_input(&broker, &tls).replace(&broker.url(), &broker.tls_url().context("no TLS")?);
    let mut agent = Agent::start(&(AGENT.to_owned() + &input + FILE))?;
    subscribed(&broker, &agent, "sensors/#")?;
    Publisher::new(broker.address())
        .login("me", "secret")
        .messages(COUNT)
        .message(json)
        .run()?;
    assert_eq!(lines(&agent)?, expected());
    agent.finish()
}

#[test]
#[ignore = "needs mosquitto"]
fn without_tls_ca_the_authorities_of_the_machine_count() -> Result<()> {
    let broker = MosquittoOptions {
        tls: true,
        max_queued: Some(0),
        ..MosquittoOptions::default()
    }
    .start()?;
    let input = json_input(&broker, "").replace(&broker.url(), &broker.tls_url().context("no TLS")?);
    let config = AGENT.to_owned() + &input + FILE;
    let stranger = Agent::start(&config)?;
    stranger.wait_for_stderr("invalid peer certificate: UnknownIssuer", SOON)?;
    drop(stranger);

    let certs = broker.certs().context("no certificates")?;
    let trusting = AgentOptions {
        env: vec![("SSL_CERT_FILE".to_owned(), certs.ca.display().to_string())],
        ..AgentOptions::default()
    };
    let agent = Agent::start_in(Agent::folder()?, &config, trusting)?;
    all_arrive(&broker, agent)
}

#[test]
#[ignore = "needs mosquitto"]
fn websockets() -> Result<()> {
    let broker = MosquittoOptions {
        websockets: true,
        max_queued: Some(0),
        ..MosquittoOptions::default()
    }
    .start()?;
    let input =
        json_input(&broker, "").replace(&broker.url(), &broker.websockets_url().context("no websockets")?);
    let agent = Agent::start(&(AGENT.to_owned() + &input + FILE))?;
    all_arrive(&broker, agent)
}

#[test]
#[ignore = "needs nats-server"]
fn a_broker_that_speaks_no_mqtt_5() -> Result<()> {
    let broker = NatsMqtt::start()?;
    let input = format!(
        "[[inputs.mqtt_consumer]]\n  servers = [\"{}\"]\n  topics = [\"lines/#\"]\n  qos = 1\n  topic_tag = \"\"\n  data_format = \"influx\"\n",
        broker.url()
    );
    let mut agent = Agent::start(&(AGENT.to_owned() + &input + FILE))?;
    agent.wait_for_stderr("Connected", SOON)?;
    // It does not say when somebody subscribes: one line again and again until it arrives.
    let file = agent.dir().join("out.lp");
    let probe = Publisher::new(broker.address())
        .messages(1)
        .message(|_| Message::new("lines/probe", "probe up=1i 1"));
    wait_for("the subscription", SOON, || {
        probe.clone().run().ok()?;
        std::fs::read_to_string(&file)
            .ok()
            .filter(|text| text.contains("probe"))
    })?;
    Publisher::new(broker.address())
        .messages(COUNT)
        .message(|n| Message::new("lines/a", line(n)))
        .run()?;
    let wanted = expected();
    let all = wait_for("every line", SOON, || {
        let found: Vec<String> = lines(&agent)
            .ok()?
            .into_iter()
            .filter(|l| l.starts_with("sensors"))
            .collect();
        (found.len() >= wanted.len()).then_some(found)
    })?;
    assert_eq!(all, wanted);
    agent.finish()
}
