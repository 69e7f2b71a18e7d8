//! A token as the broker's password: fetched from a server of tokens, renewed when it has expired, used at the next connect.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use wheatstone_testkit::servers::MosquittoOptions;
use wheatstone_testkit::{Agent, Answer, HttpDouble, wait_for};

use crate::readings::{AGENT, SOON, json_input, publisher, subscribed};

const FIRST: &str = "first-token-of-the-agent";
const SECOND: &str = "second-token-of-the-agent";
const SECRET: &str = "secret-of-the-client";

#[test]
#[ignore = "needs mosquitto"]
fn a_token_is_the_brokers_password_and_a_new_one_is_used_at_the_next_connect() -> Result<()> {
    const COUNT: u64 = 50;
    let answer = |token: &str, lasts: u64| {
        Answer::status(200).json(&json!({
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": lasts,
        }))
    };
    let tokens = HttpDouble::start([answer(FIRST, 2), answer(SECOND, 3600).times(100)])?;
    let user = |name: &str, password: &str| (name.to_owned(), password.to_owned());
    let mut broker = MosquittoOptions {
        users: vec![user("agent", FIRST), user("sensors", "s")],
        ..MosquittoOptions::default()
    }
    .start()?;

    let dir = Agent::folder()?;
    let written = dir.path().join("written");
    let config = format!(
        "{AGENT}
[[secretstores.oauth2]]
  id = \"login\"
  token_endpoint = \"{}/realms/plant/protocol/openid-connect/token\"
  [[secretstores.oauth2.token]]
    key = \"mqtt\"
    client_id = \"agent\"
    client_secret = \"{SECRET}\"
[[outputs.file]]
  files = [\"{}\"]
{}",
        tokens.url(),
        written.display(),
        json_input(&broker, "username = \"agent\"\n  password = \"@{login:mqtt}\""),
    );
    let mut agent = Agent::start_in(dir, &config, Default::default())?;
    let lines = || std::fs::read_to_string(&written).map_or(0, |text| text.lines().count() as u64);
    subscribed(&broker, &agent, "sensors/#")?;
    publisher(&broker, COUNT).login("sensors", "s").run()?;
    wait_for("the first half", SOON, || (lines() == COUNT).then_some(()))?;
    let asked = tokens.requests();
    assert_eq!(asked.len(), 1, "one connect, one token");
    assert_eq!(
        (asked[0].method.as_str(), asked[0].path.as_str()),
        ("POST", "/realms/plant/protocol/openid-connect/token")
    );
    assert!(asked[0].text().contains("grant_type=client_credentials"));

    // The token expires, the broker wants the next one.
    std::thread::sleep(Duration::from_millis(1200));
    let passwords = broker.dir().join("passwords");
    let changed = Command::new("mosquitto_passwd")
        .arg("-b")
        .arg(&passwords)
        .args(["agent", SECOND])
        .output()?;
    ensure!(
        changed.status.success(),
        "{}",
        String::from_utf8_lossy(&changed.stderr)
    );
    broker.restart()?;
    let again = |broker: &wheatstone_testkit::Mosquitto| {
        let seen = broker
            .log()
            .iter()
            .filter(|l| l.ends_with(" 1 sensors/#"))
            .count();
        (seen >= 2).then_some(())
    };
    wait_for("the second subscription", SOON, || again(&broker))?;
    publisher(&broker, COUNT).login("sensors", "s").run()?;
    wait_for("the second half", SOON, || (lines() == 2 * COUNT).then_some(()))?;
    assert_eq!(
        tokens.requests().len(),
        2,
        "the second token is kept as long as it lasts"
    );

    let log = agent.stderr().join("\n");
    agent.finish()?;
    for secret in [FIRST, SECOND, SECRET] {
        assert!(!log.contains(secret), "{log}");
    }
    Ok(())
}
