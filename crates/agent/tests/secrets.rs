//! Secrets are found by every way that Telegraf has, and shown by none.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

const SECRET: &str = "hunter2-correct-horse";

fn wheatstone(dir: &Path, config: &str, arguments: &[&str]) -> Output {
    std::fs::write(dir.join("test.conf"), config).unwrap();
    Command::new(env!("CARGO_BIN_EXE_wheatstone"))
        .current_dir(dir)
        .arg("--config=test.conf")
        .args(arguments)
        .env("THE_SECRET", SECRET)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A folder of one secret, and the table of its store.
fn docker(dir: &Path) -> String {
    std::fs::create_dir_all(dir.join("run")).unwrap();
    std::fs::write(dir.join("run/key"), SECRET).unwrap();
    format!(
        "[[secretstores.docker]]\n  id = \"store\"\n  path = {:?}\n",
        dir.join("run")
    )
}

const INPUT: &str =
    "[[inputs.mock]]\n  metric_name = \"m\"\n  [[inputs.mock.constant]]\n    name = \"c\"\n    value = 1\n";

#[test]
fn no_output_shows_a_secret() {
    let dir = tempfile::tempdir().unwrap();
    let docker = docker(dir.path());
    let influx = "[[outputs.influxdb_v2]]\n  urls = [\"http://127.0.0.1:1\"]\n  bucket = \"b\"\n  organization = \"o\"\n";
    let mqtt = "[[inputs.mqtt_consumer]]\n  servers = [\"tcp://127.0.0.1:1\"]\n  topics = [\"t\"]\n";
    let cases = [
        // Nobody listens: the outputs and inputs fail with the secret at hand, from a store, in clear, out of the environment.
        format!("{docker}{INPUT}{influx}  token = \"@{{store:key}}\"\n"),
        format!("{INPUT}{influx}  token = \"{SECRET}\"\n"),
        format!("{INPUT}{influx}  token = \"${{THE_SECRET}}\"\n"),
        format!("{docker}{mqtt}  username = \"u\"\n  password = \"@{{store:key}}\"\n[[outputs.discard]]\n"),
        format!("{mqtt}  username = \"u\"\n  password = \"{SECRET}\"\n[[outputs.discard]]\n"),
        // The file is wrong, in the very line of the secret.
        format!("{INPUT}{influx}  tokn = \"{SECRET}\"\n"),
        format!("{INPUT}{influx}  token = \"{SECRET}\n"),
        format!("{INPUT}{influx}  token = {SECRET}\n"),
        format!("{INPUT}{influx}  token = [\"{SECRET}\"]\n"),
        format!("{mqtt}  pasword = \"{SECRET}\"\n[[outputs.discard]]\n"),
        format!("{mqtt}  tags = {{ password = \"{SECRET}\" }} x\n[[outputs.discard]]\n"),
        // The store is wrong.
        format!(
            "[[secretstores.jose]]\n  id = \"store\"\n  password = \"{SECRET}\"\n{INPUT}{influx}  token = \"@{{store:key}}\"\n"
        ),
        format!(
            "[[secretstores.http]]\n  id = \"store\"\n  url = \"http://127.0.0.1:1\"\n  token = \"{SECRET}\"\n{INPUT}{influx}  token = \"@{{store:key}}\"\n"
        ),
        format!(
            "[[secretstores.oauth2]]\n  id = \"store\"\n  token_endpoint = \"http://127.0.0.1:1\"\n  [[secretstores.oauth2.token]]\n    \
             key = \"key\"\n    client_id = \"c\"\n    client_secret = \"{SECRET}\"\n{INPUT}{influx}  token = \"@{{store:key}}\"\n"
        ),
        format!(
            "[[secretstores.vault]]\n  id = \"store\"\n  address = \"http://127.0.0.1:1\"\n  mount_path = \"m\"\n  secret_path = \"p\"\n  \
             token = \"{SECRET}\"\n{INPUT}{influx}  token = \"@{{store:key}}\"\n"
        ),
        format!(
            "[[secretstores.http]]\n  id = \"store\"\n  url = \"http://127.0.0.1:1\"\n  cookie_auth_url = \"http://127.0.0.1:1\"\n  \
             cookie_auth_body = \"{SECRET}\"\n  client_secret = \"{SECRET}\"\n{INPUT}{influx}  token = \"@{{store:key}}\"\n"
        ),
        format!(
            "[[secretstores.googlecloud]]\n  id = \"store\"\n  credentials_file = \"run/key\"\n{INPUT}{influx}  token = \"@{{store:token}}\"\n"
        ),
        format!("{docker}{INPUT}{influx}  token = \"{SECRET}@{{store:nix}}\"\n"),
        format!("{docker}{INPUT}{influx}  token = \"{SECRET}@{{nix:key}}\"\n"),
    ];
    for (i, config) in cases.iter().enumerate() {
        for arguments in [
            &["--debug", "--once"][..],
            &["config", "check"],
            &["config", "check", "--format", "json"],
        ] {
            let output = wheatstone(dir.path(), config, arguments);
            let said = said(&output);
            assert!(
                !said.contains("hunter2"),
                "case {i} with {arguments:?} shows it:\n{said}"
            );
            if arguments[0] == "--debug" {
                assert!(said.contains("E! "), "case {i} does not fail:\n{said}");
            }
        }
    }
}

#[test]
fn neither_flags_nor_urls_nor_migrations_show_a_secret() {
    let dir = tempfile::tempdir().unwrap();
    let jose = format!(
        "[[secretstores.jose]]\n  id = \"store\"\n  path = \"jose\"\n{INPUT}[[outputs.influxdb_v2]]\n  urls = [\"http://127.0.0.1:1\"]\n  token = \"@{{store:key}}\"\n"
    );
    let url = format!("--config=http://u:{SECRET}@127.0.0.1:1/x.conf");
    let contradiction = format!("[[outputs.kafka]]\n  key = \"{SECRET}\"\n  tls_key = \"{SECRET}2\"\n");
    for (config, arguments, error) in [
        (
            jose.as_str(),
            &["--password", SECRET, "--debug", "--once"][..],
            "resolving \"@{store:key}\" failed",
        ),
        (
            INPUT,
            &[&url, "--config-url-retry-attempts=1", "--once"],
            "loading config file http://u:xxxxx@127.0.0.1:1/x.conf failed",
        ),
        (
            &contradiction,
            &["config", "migrate", "test.conf"],
            "contradicting setting for 'key' and 'tls_key'",
        ),
    ] {
        let said = said(&wheatstone(dir.path(), config, arguments));
        assert!(said.contains(error), "{arguments:?}: {said}");
        assert!(!said.contains("hunter2"), "{arguments:?}: {said}");
    }
    // What is set with the password of the flag is opened with it.
    let run = |arguments: &[&str]| {
        let all: Vec<&str> = ["--password", SECRET]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        said(&wheatstone(dir.path(), &jose, &all))
    };
    assert_eq!(run(&["secrets", "set", "store", "key", "open sesame"]), "");
    assert_eq!(
        run(&["secrets", "get", "store", "key"]),
        "store:key = open sesame\n"
    );
}

#[test]
fn references_are_checked_when_the_file_is_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let docker = docker(dir.path());
    let output = |option: &str| {
        format!("{INPUT}[[outputs.influxdb_v2]]\n  urls = [\"http://127.0.0.1:1\"]\n  {option}\n")
    };
    for (config, message) in [
        (
            output("token = \"@{nix:key}\""),
            "E! unknown secret store for \"@{nix:key}\"\n --> test.conf:8:11\n",
        ),
        (
            format!("{docker}{}", output("token = \"@{store:nix}\"")),
            "E! retrieving resolver failed: linking secrets failed: resolving \"@{store:nix}\" failed: cannot read the secret's value",
        ),
        (
            format!("{docker}{docker}{}", output("")),
            "failed: error parsing docker, duplicate ID \"store\" for secretstore \"docker\"",
        ),
        (
            format!("[[secretstores.nix]]\n  id = \"a\"\n{}", output("")),
            "failed: error parsing nix, undefined but requested secretstores: nix",
        ),
        (
            format!(
                "[[secretstores.docker]]\n  id = \"a\"\n  path = \"/nonexistent\"\n{}",
                output("token = \"@{a:b}\"")
            ),
            "error parsing docker, error initializing secret store \"a\": accessing directory \"/nonexistent\" failed",
        ),
        (
            format!(
                "[[secretstores.docker]]\n  id = \"a\"\n  pth = \"x\"\n{}",
                output("")
            ),
            "plugin secretstores.docker: line 1: configuration specified the fields [\"pth\"], but they were not used",
        ),
        (
            format!(
                "[[secretstores.jose]]\n  id = \"a\"\n  path = \"p\"\n  password = \"@{{a:b}}\"\n{}",
                output("")
            ),
            "secret store \"a\" needs a secret of its own to open",
        ),
    ] {
        let output = wheatstone(dir.path(), &config, &["--once", "--quiet"]);
        let said = said(&output);
        assert!(
            !output.status.success() && said.contains(message),
            "{config}\n{said}"
        );
    }
    // No secret: the text stays as it is.
    let plain = wheatstone(
        dir.path(),
        "[[inputs.mock]]\n  metric_name = \"@{nix:key}\"\n",
        &["config", "check"],
    );
    assert!(plain.status.success(), "{}", said(&plain));
}

#[test]
fn secrets_are_listed_set_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let config = format!(
        "{}[[secretstores.jose]]\n  id = \"files\"\n  path = {:?}\n  password = \"@{{store:key}}\"\n",
        docker(dir.path()),
        dir.path().join("jose")
    );
    let run = |arguments: &[&str]| {
        let output = wheatstone(dir.path(), &config, arguments);
        (output.status.success(), said(&output))
    };
    assert_eq!(
        run(&["secrets", "set", "files", "mqtt", "open sesame"]),
        (true, String::new())
    );
    assert_eq!(
        run(&["secrets", "get", "files", "mqtt"]),
        (true, "files:mqtt = open sesame\n".into())
    );
    let (_, list) = run(&["secrets", "list"]);
    assert_eq!(
        list.split_whitespace().collect::<Vec<_>>().join(" "),
        "Known secrets for store \"files\": mqtt Known secrets for store \"store\": key"
    );
    let (_, list) = run(&["secrets", "list", "--reveal-secret", "files"]);
    assert!(
        list.contains("    mqtt                            open sesame\n"),
        "{list}"
    );
    assert_eq!(
        run(&["secrets", "remove", "files", "mqtt"]),
        (true, String::new())
    );
    for (arguments, message) in [
        (
            &["secrets", "get", "files", "mqtt"][..],
            "unable to get secret: The specified item could not be found in the keyring",
        ),
        (
            &["secrets", "get", "nix", "mqtt"],
            "unable to get secret store: unknown secret store \"nix\"",
        ),
        (&["secrets", "get", "files"], "invalid number of arguments"),
        (
            &["secrets", "set", "store", "key", "x"],
            "secret store \"store\" does not support setting secrets",
        ),
        (
            &["secrets", "remove", "store", "key"],
            "secret store \"store\" does not support removing secrets",
        ),
    ] {
        let (ok, said) = run(arguments);
        assert!(!ok && said.contains(message), "{arguments:?}: {said}");
    }
}
