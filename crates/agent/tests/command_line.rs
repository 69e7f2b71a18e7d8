//! Commands and flags, as a shell sees them: what is printed where, and with which exit code.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

const CONFIG: &str = "[agent]\n  omit_hostname = true\n[[inputs.mock]]\n  metric_name = \"room\"\n  [[inputs.mock.constant]]\n    name = \"t\"\n    value = 21.5\n[[outputs.file]]\n  files = [\"stdout\"]\n";

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wheatstone"));
    for name in [
        "INFLUX_TOKEN",
        "TELEGRAF_CONTROLLER_TOKEN",
        "TELEGRAF_CONFIG_PATH",
    ] {
        command.env_remove(name);
    }
    command
}

/// Runs it in a folder: exit code, stdout, stderr.
fn run(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    told(program().current_dir(dir).args(args).output().unwrap())
}

fn told(output: Output) -> (Option<i32>, String, String) {
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn mistakes_have_telegrafs_words() {
    let dir = tempfile::tempdir().unwrap();
    for (args, error, with_help) in [
        (&["--bogus"][..], "E! flag provided but not defined: -bogus", true),
        (
            &["-onec"],
            "E! flag provided but not defined: -onec (did you mean --once?)",
            true,
        ),
        (
            &["--test-wait", "x"],
            "E! invalid value \"x\" for flag -test-wait: parse error",
            true,
        ),
        (&["--config"], "E! flag needs an argument: -config", true),
        (
            &["--debug=maybe"],
            "E! invalid boolean value \"maybe\" for -debug: parse error",
            true,
        ),
        (&["nosuch"], "E! unknown command \"nosuch\"", false),
        (
            &["confg"],
            "E! unknown command \"confg\" (did you mean config?)",
            false,
        ),
        (
            &["plugins", "input"],
            "E! unknown command \"input\" (did you mean inputs?)",
            false,
        ),
        (
            &["--plugin-directory", "x"],
            "E! go plugin support is not enabled",
            false,
        ),
        (
            &["--usage", "nosuch"],
            "E! input nosuch not found and output nosuch not found",
            false,
        ),
        (
            &[
                "--config",
                "x",
                "--strict-env-handling",
                "--non-strict-env-handling",
            ],
            "E! flags --strict-env-handling and --non-strict-env-handling cannot be used together",
            false,
        ),
        (
            &["--config", "nothere.conf"],
            "E! loading config file nothere.conf failed: open nothere.conf: no such file or directory",
            false,
        ),
        (
            &["--config", "ftp://h/x.conf"],
            "failed: scheme \"ftp\" not supported",
            false,
        ),
        (
            &["--config", "http://h/x", "--config-url-retry-attempts", "-2"],
            "E! invalid number of attempts: -2",
            false,
        ),
    ] {
        let (code, stdout, stderr) = run(dir.path(), args);
        assert_eq!(code, Some(1), "{args:?}");
        assert!(stderr.contains(error), "{args:?}: {stderr}");
        assert_eq!(
            stdout.starts_with("Incorrect Usage: ") && stdout.contains("Usage:"),
            with_help,
            "{args:?}: {stdout}"
        );
    }
}

#[test]
fn questions_are_answered() {
    let dir = tempfile::tempdir().unwrap();
    let ask = |args: &[&str]| {
        let (code, stdout, stderr) = run(dir.path(), args);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{args:?}");
        stdout
    };
    assert_eq!(
        ask(&["version"]),
        format!("Wheatstone {}\n", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(ask(&["--version"]), ask(&["version"]));
    assert!(
        ask(&["--input-list"])
            .starts_with("DEPRECATED: use wheatstone plugins inputs\nAvailable Input Plugins:\n  ")
    );
    assert!(ask(&["-output-list"]).contains("\n  file\n"));
    let plugins = ask(&["plugins"]);
    assert!(
        plugins.contains("inputs.mqtt_consumer\n") && plugins.contains("secretstores.vault\n"),
        "{plugins}"
    );
    let outputs = ask(&["plugins", "outputs"]);
    assert!(outputs.lines().all(|l| l.starts_with("outputs.")) && outputs.lines().is_sorted());
    assert!(
        ask(&["plugins", "--deprecated", "inputs"]).starts_with("inputs.KNXListener\ninputs.aerospike\n")
    );
    assert!(ask(&["--deprecation-list"]).starts_with("Deprecated Input Plugins:\n"));
    assert!(ask(&["--usage", "mqtt_consumer"]).contains("[[inputs.mqtt_consumer]]\n"));
    let help = ask(&["--help"]);
    assert!(
        help.contains("--watch-config")
            && help.contains("Configuration:\n")
            && !help.contains("--pprof-addr"),
        "{help}"
    );
    assert!(ask(&["help", "config", "migrate"]).contains("FILE.migrated"));
}

#[test]
fn samples_are_filtered() {
    let dir = tempfile::tempdir().unwrap();
    let sample = |args: &[&str]| run(dir.path(), args).1;
    let all = sample(&["config"]);
    assert!(
        all.contains("\n[agent]\n") && all.contains("\n# [[secretstores.vault]]\n"),
        "{all}"
    );
    assert_eq!(all, sample(&["config", "create"]));
    assert_eq!(all, sample(&["--sample-config"]));
    let some = sample(&[
        "--section-filter",
        "inputs:outputs",
        "config",
        "create",
        "--input-filter",
        "mqtt_consumer",
        "--output-filter=influxdb_v2",
    ]);
    assert!(
        some.contains("\n[[inputs.mqtt_consumer]]\n") && some.contains("\n[[outputs.influxdb_v2]]\n"),
        "{some}"
    );
    assert!(
        !some.contains("[agent]") && !some.contains("[[outputs.file]]"),
        "{some}"
    );
}

#[cfg(unix)]
#[test]
fn called_by_a_link_it_is_telegraf() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("telegraf");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_wheatstone"), &link).unwrap();
    let ask = |args: &[&str]| told(Command::new(&link).args(args).output().unwrap());
    let (_, version, _) = ask(&["--version"]);
    assert_eq!(
        version,
        format!("Telegraf 1.40.0 (wheatstone {})\n", env!("CARGO_PKG_VERSION"))
    );
    assert!(ask(&["--help"]).1.contains("Usage: telegraf [OPTIONS] [COMMAND]"));
    assert!(ask(&["completions", "bash"]).1.contains("_telegraf()"));
    std::fs::write(dir.path().join("x.conf"), CONFIG).unwrap();
    let output = Command::new(&link)
        .current_dir(dir.path())
        .args(["-config", "x.conf", "-test"])
        .output()
        .unwrap();
    let (code, stdout, _) = told(output);
    assert!(
        code == Some(0) && stdout.starts_with("> room t=21.5 "),
        "{stdout}"
    );
}

#[test]
fn shells_and_man_know_the_commands() {
    let dir = tempfile::tempdir().unwrap();
    for (shell, word) in [
        ("bash", "--config-directory"),
        ("zsh", "#compdef wheatstone"),
        ("fish", "config-directory"),
    ] {
        let (code, stdout, _) = run(dir.path(), &["completions", shell]);
        assert!(
            code == Some(0) && stdout.contains(word) && stdout.contains("migrate"),
            "{shell}"
        );
    }
    let (_, man, _) = run(dir.path(), &["man"]);
    assert!(
        man.contains(".TH wheatstone") && man.contains("\\-\\-watch\\-config"),
        "{man}"
    );
}

#[test]
fn migration_writes_beside_the_file_and_overwrites_nothing() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("a.conf"),
        "# mine\n\n[[outputs.influxdb]]\n  url = \"http://h:8086\"\n",
    )
    .unwrap();
    std::fs::write(dir.path().join("b.conf"), CONFIG).unwrap();
    let args = ["config", "migrate", "--config", "a.conf", "b.conf"];
    let (code, _, stderr) = run(dir.path(), &args);
    assert_eq!(code, Some(0), "{stderr}");
    for line in [
        "I! 3 general, 17 plugin and 39 plugin-option migrations available",
        "I! 1 migration applied for \"a.conf\", writing result as \"a.conf.migrated\"",
        "I! No migration applied for \"b.conf\"",
    ] {
        assert!(stderr.contains(line), "{stderr}");
    }
    let text = std::fs::read_to_string(dir.path().join("a.conf.migrated")).unwrap();
    assert_eq!(
        text,
        "# mine\n\n[[outputs.influxdb]]\n  urls = [\"http://h:8086\"]\n\n"
    );
    assert!(!dir.path().join("b.conf.migrated").exists());
    let (code, _, stderr) = run(dir.path(), &args);
    assert!(
        code == Some(1) && stderr.contains("E! output file \"a.conf.migrated\" already exists"),
        "{stderr}"
    );
    assert_eq!(
        run(dir.path(), &["config", "migrate", "--force", "a.conf"]).0,
        Some(0)
    );
}

/// Answers one request and gives it back.
fn serve(status: &'static str, body: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x.conf", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        let n = stream.read(&mut buffer).unwrap();
        let text = format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(text.as_bytes()).unwrap();
        String::from_utf8_lossy(&buffer[..n]).to_lowercase()
    });
    (url, served)
}

#[test]
fn a_configuration_comes_from_a_url() {
    let dir = tempfile::tempdir().unwrap();
    let (url, served) = serve("200 OK", CONFIG);
    let output = program()
        .current_dir(dir.path())
        .args(["--config", &url, "--once"])
        .env("INFLUX_TOKEN", "t0ken")
        .output();
    let (code, stdout, stderr) = told(output.unwrap());
    assert!(code == Some(0) && stdout.starts_with("room t=21.5 "), "{stderr}");
    assert!(
        stderr.contains(&format!("I! Loading config: {url}")) && !stderr.contains("t0ken"),
        "{stderr}"
    );
    let request = served.join().unwrap();
    assert!(request.starts_with("get /x.conf http/1.1\r\n"), "{request}");
    assert!(
        request.contains("authorization: token t0ken\r\n")
            && request.contains("accept: application/toml\r\n"),
        "{request}"
    );

    let (url, served) = serve("404 Not Found", "");
    let (code, _, stderr) = run(
        dir.path(),
        &["--config", &url, "--config-url-retry-attempts=1", "--once"],
    );
    served.join().unwrap();
    assert_eq!(code, Some(1));
    let error = format!("E! loading config file {url} failed: failed to fetch HTTP config: 404 Not Found");
    assert!(stderr.contains(&error), "{stderr}");
}

#[test]
fn the_log_goes_where_the_agent_says() {
    let dir = tempfile::tempdir().unwrap();
    let with = |options: &str| {
        std::fs::write(
            dir.path().join("x.conf"),
            CONFIG.replace("[agent]\n", &format!("[agent]\n{options}")),
        )
        .unwrap();
        let (code, _, stderr) = run(dir.path(), &["--config", "x.conf", "--once"]);
        assert_eq!(code, Some(0), "{stderr}");
        stderr
    };
    // What is said before the file is known is said there once more.
    let stderr = with("  logfile = \"log/agent.log\"\n  log_with_timezone = \"Asia/Tokyo\"\n");
    assert!(
        stderr.contains("I! Loading config: x.conf") && !stderr.contains("Starting"),
        "{stderr}"
    );
    let log = std::fs::read_to_string(dir.path().join("log/agent.log")).unwrap();
    assert!(log.lines().all(|l| l[19..].starts_with("+09:00 ")), "{log}");
    assert!(
        log.contains("I! Loading config: x.conf\n") && log.contains("I! Loaded inputs: mock\n"),
        "{log}"
    );

    let stderr = with("  logformat = \"structured\"\n  structured_log_message_key = \"message\"\n");
    let json: Vec<serde_json::Value> = stderr
        .lines()
        .filter(|l| l.starts_with('{'))
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert!(
        json.iter()
            .any(|l| l["message"] == "Loaded inputs: mock" && l["level"] == "INFO"),
        "{stderr}"
    );

    let stderr = with("  quiet = true\n");
    assert!(!stderr.contains("Loaded inputs"), "{stderr}");

    with(
        "  logfile = \"small/agent.log\"\n  logfile_rotation_max_size = 200\n  logfile_rotation_max_archives = 1\n",
    );
    let files = std::fs::read_dir(dir.path().join("small")).unwrap().count();
    assert_eq!(files, 2, "the log and one archive");
}

#[test]
fn plugins_say_where_they_were_found() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("x.conf"), CONFIG).unwrap();
    let (_, _, stderr) = run(
        dir.path(),
        &["--config", "x.conf", "--once", "--print-plugin-config-source"],
    );
    assert!(
        stderr.contains("I! Loaded inputs: mock\n+------+-----------+\n| NAME | SOURCE(S) |\n"),
        "{stderr}"
    );
    assert!(stderr.contains("\n| mock | x.conf    |\n"), "{stderr}");
}

#[test]
fn the_schema_fits_the_samples_form() {
    let dir = tempfile::tempdir().unwrap();
    let (code, stdout, _) = run(dir.path(), &["config", "schema"]);
    let schema: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(code, Some(0));
    let consumer = &schema["$defs"]["inputs.mqtt_consumer"]["properties"];
    assert_eq!(consumer["topics"]["type"], "array");
    assert!(consumer["namepass"].is_object() && schema["properties"]["wheatstone"].is_object());
}

#[test]
fn where_no_file_is_named_telegrafs_places_are_searched() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("x.conf"), CONFIG).unwrap();
    let home = dir.path().join("home");
    std::fs::create_dir_all(home.join(".telegraf")).unwrap();
    std::fs::write(
        home.join(".telegraf/telegraf.conf"),
        CONFIG.replace("room", "hall"),
    )
    .unwrap();
    let run = |path: &str| {
        let mut command = program();
        command
            .args(["--once", "--quiet"])
            .env("HOME", &home)
            .env("TELEGRAF_CONFIG_PATH", path);
        told(command.output().unwrap()).1
    };
    assert!(run(dir.path().join("x.conf").to_str().unwrap()).starts_with("room "));
    assert!(run("").starts_with("hall "));
}
