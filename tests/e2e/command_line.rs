//! Runs that end by themselves: `--once`, `--test`, and what they say.

use anyhow::Result;
use wheatstone_testkit::{Agent, AgentRun};

use crate::readings::SOON;

const CONFIG: &str = r#"
[agent]
  omit_hostname = true
[[inputs.mock]]
  metric_name = "room"
  [[inputs.mock.constant]]
    name = "temperature"
    value = 21.5
  [inputs.mock.tags]
    site = "north"
[[outputs.file]]
  files = ["stdout"]
"#;

fn run(config: &str, args: &[&str]) -> Result<AgentRun> {
    Agent::run(config, args, SOON)
}

#[test]
fn once_gathers_writes_and_ends() -> Result<()> {
    let run = run(CONFIG, &["--once", "--quiet"])?;
    assert!(run.status.success(), "{run:?}");
    assert_eq!(run.stdout.len(), 1, "{run:?}");
    assert!(
        run.stdout[0].starts_with("room,site=north temperature=21.5 "),
        "{run:?}"
    );
    assert!(run.stderr.is_empty(), "{run:?}");
    Ok(())
}

#[test]
fn test_prints_what_was_gathered_and_writes_nothing() -> Result<()> {
    let config = CONFIG.replace("\"stdout\"", "\"$DIR/out.lp\"");
    let mut agent = Agent::start_with(&config, &["--test"])?;
    assert!(agent.wait(SOON)?.success());
    let printed = agent.stdout();
    assert_eq!(printed.len(), 1, "{printed:?}");
    assert!(
        printed[0].starts_with("> room,site=north temperature=21.5 "),
        "{printed:?}"
    );
    assert!(!agent.dir().join("out.lp").exists());
    Ok(())
}

#[test]
fn a_wrong_configuration_is_refused() -> Result<()> {
    let run = run(&CONFIG.replace("metric_name", "metric_nam"), &["--once"])?;
    assert_eq!(run.status.code(), Some(1), "{run:?}");
    assert!(run.stderr.iter().any(|l| l.contains("metric_nam")), "{run:?}");
    assert!(run.stdout.is_empty(), "{run:?}");
    Ok(())
}

#[test]
fn once_fails_where_an_output_cannot_write() -> Result<()> {
    let output = "[[outputs.influxdb]]\n  urls = [\"http://127.0.0.1:1\"]\n  skip_database_creation = true\n";
    let config = CONFIG.replace("[[outputs.file]]\n  files = [\"stdout\"]\n", output);
    let run = run(&config, &["--once"])?;
    assert_eq!(run.status.code(), Some(1), "{run:?}");
    Ok(())
}
