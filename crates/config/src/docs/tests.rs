use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wheatstone_plugin::Kind;
use wheatstone_plugin::conf::{Duration, Secret, Size, deserialize};

use super::*;
use crate::text::remove_comments;

/// Reads from somewhere.
///
/// Second paragraph.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Config {
    /// Where to read.
    /// More about it.
    #[schemars(extend("x-sample" = ["tcp://127.0.0.1:1883"]))]
    a_servers: Vec<String>,
    /// Quality of service.
    b_qos: u8,
    /// How long to wait.
    c_timeout: Duration,
    /// A path, with a | in it.
    d_path: String,
    /// Not set.
    e_limit: Option<Size>,
    /// A password.
    f_password: Secret,
    /// Which way.
    g_mode: Mode,
    /// Headers.
    h_headers: BTreeMap<String, String>,
    /// Parts.
    i_parts: Vec<Part>,
    /// A whole table.
    j_part: Part,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Part {
    /// Its name.
    name: String,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Fast,
    Safe,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            a_servers: Vec::new(),
            b_qos: 1,
            c_timeout: Duration::from_secs(30),
            d_path: "C:\\x".into(),
            e_limit: None,
            f_password: Secret::default(),
            g_mode: Mode::Fast,
            h_headers: BTreeMap::from([("Content-Type".into(), "a".into()), ("x y".into(), "b\"".into())]),
            i_parts: Vec::new(),
            j_part: Part::default(),
        }
    }
}

fn schema() -> Value {
    schemars::schema_for!(Config).to_value()
}

#[test]
fn a_sample() {
    let text = sample_of(Kind::Input, "demo", Some((Kind::Parser, "influx")), &schema());
    let expected = r##"# Reads from somewhere.
#
# Second paragraph.
[[inputs.demo]]
  ## Where to read.
  ## More about it.
  a_servers = ["tcp://127.0.0.1:1883"]

  ## Quality of service.
  # b_qos = 1

  ## How long to wait.
  # c_timeout = "30s"

  ## A path, with a | in it.
  # d_path = 'C:\x'

  ## Not set.
  # e_limit = 0

  ## A password.
  # f_password = ""

  ## Which way.
  # g_mode = "fast"

  ## The format that is read; each has options of its own, which stand here too.
  data_format = "influx"

  ## Headers.
  # [inputs.demo.h_headers]
    # Content-Type = "a"
    # "x y" = "b\""

  ## Parts.
  # [[inputs.demo.i_parts]]
    ## Its name.
    # name = ""

  ## A whole table.
  # [inputs.demo.j_part]
    ## Its name.
    # name = ""
"##;
    assert_eq!(text, expected);
}

/// With every `# ` taken off, the sample is the default configuration.
#[test]
fn the_sample_can_be_loaded() {
    let text = sample_of(Kind::Input, "demo", None, &schema());
    let active = text
        .lines()
        .filter(|l| !l.trim_start().starts_with("##") && !l.contains("e_limit") && !l.starts_with('#'))
        .map(|l| l.replacen("# ", "", 1) + "\n")
        .collect::<String>();
    let (tree, faults) = crate::parse::parse(&remove_comments(&active), 0);
    assert!(faults.is_empty(), "{active}\n{faults:?}");
    let table = tree.into_table();
    let inputs = table.get("inputs").and_then(|n| n.as_table()).unwrap();
    let wheatstone_plugin::conf::NodeKind::Array(list) = &inputs.get("demo").unwrap().kind else {
        panic!()
    };
    let (config, unused) = deserialize::<Config>(list[0].as_table().unwrap()).unwrap();
    let expected = Config {
        a_servers: vec!["tcp://127.0.0.1:1883".into()],
        i_parts: vec![Part::default()],
        ..Config::default()
    };
    assert_eq!(config, expected);
    assert!(unused.is_empty());
}

#[test]
fn a_table_of_options() {
    let table = table_of(&schema());
    for row in [
        "| Option | Type | Default | Meaning |",
        "| `a_servers` | list of string | `[]` | Where to read. More about it. |",
        "| `b_qos` | integer | `1` | Quality of service. |",
        "| `c_timeout` | duration | `\"30s\"` | How long to wait. |",
        "| `d_path` | string | `'C:\\x'` | A path, with a \\| in it. |",
        "| `e_limit` | size |  | Not set. |",
        "| `f_password` | secret | `\"\"` | A password. |",
        "| `g_mode` | `fast`, `safe` | `\"fast\"` | Which way. |",
        "| `i_parts` | list of tables |  | Parts. |",
        "| `i_parts[].name` | string | `\"\"` | Its name. |",
        "| `j_part.name` | string | `\"\"` | Its name. |",
    ] {
        assert!(table.lines().any(|l| l == row), "{row}\n{table}");
    }
}

#[test]
fn the_agents_sample_names_every_key() {
    let text = agent_sample();
    assert!(text.starts_with("[agent]\n  ## "));
    for line in [
        "  # interval = \"10s\"",
        "  # omit_hostname = false",
        "  # buffer_directory = \"\"",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
}
