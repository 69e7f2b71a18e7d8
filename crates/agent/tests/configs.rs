//! Every ready pipeline loads, the sample loads, and broken files are refused with their place.
#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

fn wheatstone(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wheatstone"))
        .args(args)
        .env("INFLUX_TOKEN", "t")
        .output()
        .unwrap()
}

fn check(path: &Path) -> Output {
    wheatstone(&["config", "check", path.to_str().unwrap()])
}

/// A file of its own for one test, deleted with it.
struct TempFile(PathBuf);
impl TempFile {
    fn new(name: &str, text: &str) -> TempFile {
        let path = std::env::temp_dir().join(format!("wheatstone-{}-{name}.conf", std::process::id()));
        std::fs::write(&path, text).unwrap();
        TempFile(path)
    }
}
impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn every_ready_pipeline_loads() {
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("configs")).unwrap().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|e| e == "conf") {
            let out = check(&path);
            assert!(
                out.status.success(),
                "{}: {}",
                path.display(),
                String::from_utf8_lossy(&out.stderr)
            );
            seen += 1;
        }
    }
    assert!(seen >= 4, "only {seen} files in configs/");
}

#[test]
fn the_sample_loads_with_every_plugin_switched_on() {
    let sample = std::fs::read_to_string(root().join("sample.conf")).unwrap();
    // Behind "# " stands what is switched off as a whole; options keep their own "# ".
    let on: String = sample
        .lines()
        .map(|l| {
            if l.starts_with("# [[") || l.starts_with("#   ") {
                &l[2..]
            } else {
                l
            }
        })
        .map(|l| format!("{l}\n"))
        .collect();
    let file = TempFile::new("sample", &on);
    let out = wheatstone(&["config", "check", file.0.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(
        !said.contains("were not used") && !said.contains("undefined but requested"),
        "{said}"
    );
}

#[test]
fn the_demos_configuration_loads() {
    let out = wheatstone(&["demo", "--print-config"]);
    let text = String::from_utf8(out.stdout).unwrap();
    let config: String = text
        .lines()
        .filter_map(|l| l.strip_prefix("    "))
        .map(|l| format!("{l}\n"))
        .collect();
    assert!(config.contains("[[inputs.mqtt_consumer]]"));
    let file = TempFile::new("demo", &config);
    let out = check(&file.0);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn all_mistakes_of_a_file_are_said_with_their_places() {
    let text = "[[inputs.mqtt_consumer]]\n  topics = [\"a\"]\n  qoss = 1\n\n[[outputs.file]]\n  fils = [\"stdout\"]\n";
    let file = TempFile::new("broken", text);
    let out = check(&file.0);
    assert_eq!(out.status.code(), Some(1));
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(said.contains("did you mean `qos`?"), "{said}");
    assert!(said.contains("did you mean `files`?"), "{said}");
    assert!(said.contains(":3:3"), "{said}");
}

#[test]
fn an_option_that_slid_into_a_sub_table_is_led_home() {
    let text = "[[inputs.mqtt_consumer]]\n  topics = [\"a\"]\n  [[inputs.mqtt_consumer.topic_parsing]]\n    topic = \"a\"\n    qos = 1\n[[outputs.discard]]\n";
    let file = TempFile::new("slid", text);
    let out = check(&file.0);
    assert_eq!(out.status.code(), Some(1));
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(
        said.contains("belongs one level up, move it above line 3"),
        "{said}"
    );
}

/// Files are checked where they are written, and used elsewhere: what only that place knows is told of and refuses nothing.
#[test]
fn what_only_the_place_of_use_knows_is_a_warning_of_the_check() {
    let input = "[[inputs.mqtt_consumer]]\n  servers = [\"tcp://127.0.0.1:1883\"]\n  topics = [\"a\"]\n";
    let output = |url: &str| format!("[[outputs.influxdb_v2]]\n  urls = [\"{url}\"]\n");
    for (text, warning) in [
        (
            input.to_owned() + &output("$NOT_SET_ANYWHERE"),
            "the variable `NOT_SET_ANYWHERE` is not set",
        ),
        (
            input.to_owned() + &output("http://${NOT_SET_ANYWHERE}:$NOR_THIS"),
            "the variable `NOT_SET_ANYWHERE` is not set",
        ),
        (
            format!("[agent]\n  interval = \"${{NOT_SET_ANYWHERE}}\"\n{input}"),
            "the variable `NOT_SET_ANYWHERE` is not set",
        ),
        (
            input.to_owned() + &output("<your server>"),
            "`<your server>` stands for a value of yours",
        ),
        (
            input.to_owned() + "  tls_ca = \"/nonexistent/ca.pem\"\n",
            "the file is not there",
        ),
    ] {
        let file = TempFile::new("open", &text);
        let out = check(&file.0);
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{said}");
        assert!(said.contains(" W! ") && said.contains(warning), "{said}");
        let run = wheatstone(&["--config", file.0.to_str().unwrap(), "--once"]);
        assert_eq!(run.status.code(), Some(1), "a run needs it");
    }
    // Wrong in any case.
    let text = input.to_owned() + "  user_nam = \"$NOT_SET_ANYWHERE\"\n" + &output("htp://h");
    let file = TempFile::new("open", &text);
    assert_eq!(check(&file.0).status.code(), Some(1));
}

/// Every file of `broken` is refused, and what is said of it holds each line of its `.expected`: the place and the cure.
#[test]
fn broken_files_are_refused_with_their_cures() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken");
    let mut wrong = Vec::new();
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).unwrap().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|e| e != "conf") {
            continue;
        }
        seen += 1;
        let out = wheatstone(&["config", "check", "--strict-env-handling", path.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&out.stderr);
        let expected = std::fs::read_to_string(path.with_extension("expected")).unwrap();
        let missing: Vec<&str> = expected.lines().filter(|line| !said.contains(line)).collect();
        if out.status.code() != Some(1) || !missing.is_empty() {
            wrong.push(format!("{}: {missing:?} missing in:\n{said}", path.display()));
        }
    }
    assert!(seen >= 55, "only {seen} files");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A byte order mark, carriage returns and tabs are harmless, as an editor of another system leaves them.
#[test]
fn files_of_other_systems_load() {
    let text = "[agent]\n\tinterval = \"10s\"\n[[inputs.mock]]\n\tmetric_name = \"m\"\n[[outputs.discard]]\n";
    for (name, text) in [
        ("bom", format!("\u{feff}{text}")),
        ("crlf", text.replace('\n', "\r\n")),
    ] {
        let file = TempFile::new(name, &text);
        let out = check(&file.0);
        assert!(
            out.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
    }
    // Old Windows letters: harmless in a comment, and told of in a value.
    let file = TempFile::new("latin1", "");
    std::fs::write(
        &file.0,
        b"# M\xfcnchen\n[[inputs.mock]]\n  metric_name = \"M\xfcnchen\"\n",
    )
    .unwrap();
    let out = check(&file.0);
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(
        out.status.success() && said.contains("the file is not UTF-8") && said.contains(":3:19)"),
        "{said}"
    );
}
