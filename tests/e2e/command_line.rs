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

#[test]
fn once_wins_over_test_and_waits_for_inputs_that_run_by_themselves() -> Result<()> {
    let begun = std::time::Instant::now();
    let run = run(CONFIG, &["--test", "--once", "--test-wait", "1", "--quiet"])?;
    assert!(run.status.success() && begun.elapsed().as_secs() >= 1, "{run:?}");
    assert!(
        run.stdout[0].starts_with("room,site=north temperature=21.5 "),
        "{run:?}"
    );
    Ok(())
}

#[test]
fn a_selection_runs_what_its_labels_match_and_what_has_none() -> Result<()> {
    let more = "[[inputs.mock]]\n  metric_name = \"LABEL\"\n  [[inputs.mock.constant]]\n    name = \"v\"\n    value = 1\n  [inputs.mock.labels]\n    region = \"LABEL\"\n";
    let config = format!(
        "{CONFIG}{}{}",
        more.replace("LABEL", "eu-1"),
        more.replace("LABEL", "us-1")
    );
    let names = |args: &[&str]| -> Result<Vec<String>> {
        let run = run(&config, args)?;
        let mut names: Vec<String> = run
            .stdout
            .iter()
            .filter_map(|l| Some(l.split([',', ' ']).next()?.to_owned()))
            .collect();
        names.sort();
        Ok(names)
    };
    assert_eq!(names(&["--once", "--quiet"])?, ["eu-1", "room", "us-1"]);
    assert_eq!(
        names(&["--once", "--quiet", "--select", "region=eu*"])?,
        ["eu-1", "room"]
    );
    Ok(())
}

#[test]
fn a_pidfile_is_there_while_the_agent_runs() -> Result<()> {
    let mut agent = Agent::start_with(CONFIG, &["--pidfile", "agent.pid"])?;
    let path = agent.dir().join("agent.pid");
    let pid = wheatstone_testkit::wait_for("the pidfile", SOON, || {
        std::fs::read_to_string(&path)
            .ok()
            .filter(|text| text.ends_with('\n'))
    })?;
    assert_eq!(pid, format!("{}\n", agent.id()));
    assert!(agent.terminate(SOON)?.success());
    assert!(!path.exists());
    Ok(())
}
