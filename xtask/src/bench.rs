//! `cargo xtask bench`: what the whole program costs beside its floors, and the crates' own benchmarks.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell::{cargo, output, release_binary, root, run as execute, target};

/// What the command line asks for.
#[derive(Debug, Default, PartialEq)]
pub struct Options {
    /// Fewer messages, one round, and not the crates' benchmarks.
    quick: bool,
    /// Only the rows with this text in their names, and not the crates' benchmarks.
    only: Option<String>,
    /// Another build to compare with.
    compare: Option<PathBuf>,
    /// Draw the curves into docs/performance.
    curves: bool,
    /// What is handed on: one measurement of its own in place of the table.
    single: Vec<String>,
}

impl Options {
    /// Reads the arguments behind `bench`.
    pub fn new(args: &[String]) -> Result<Options> {
        let mut options = Options::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--quick" => options.quick = true,
                "--curves" => options.curves = true,
                "--only" => {
                    let text = args.next().context("--only needs a part of a row's name")?;
                    options.only = Some(text.clone());
                }
                "--compare" => {
                    let other = args.next().context("--compare needs the path of a program")?;
                    options.compare = Some(std::path::absolute(other)?);
                }
                "--latency" | "--instructions" => options.single = vec![arg.clone()],
                "--soak" => {
                    let minutes = args.next().context("--soak needs a number of minutes")?;
                    options.single = vec![arg.clone(), minutes.clone()];
                }
                other => bail!("unknown argument {other:?}"),
            }
        }
        Ok(options)
    }
}

/// Builds what is needed and measures.
pub fn run(options: &Options) -> Result<()> {
    let agent = release_binary()?;
    execute(&mut cargo(&[
        "build",
        "--release",
        "--package",
        "wheatstone-bench",
    ]))?;
    let mut bench = Command::new(target().join("release/bench"));
    bench.arg(&agent);
    if options.quick {
        bench.arg("--quick");
    }
    if let Some(text) = &options.only {
        bench.arg("--only").arg(text);
    }
    if let Some(other) = &options.compare {
        bench.arg("--compare").arg(other);
    }
    if options.curves {
        bench.arg("--curves").arg(root().join("docs/performance"));
    }
    bench.args(&options.single);
    execute(&mut bench)?;
    if options.curves {
        describe_curves()?;
    }
    let part = options.curves || options.compare.is_some() || !options.single.is_empty();
    if options.quick || options.only.is_some() || part {
        return Ok(());
    }
    println!();
    // One call for all: what they share is built once.
    let mut all = cargo(&["bench", "--quiet"]);
    for (package, name) in parts()? {
        all.args(["--package", &package, "--bench", &name]);
    }
    execute(all.args(["--", "--max-time", "0.5"]))
}

/// Puts drawings and figures between the markers of docs/performance.md.
fn describe_curves() -> Result<()> {
    let data = std::fs::read_to_string(root().join("docs/performance/curves.json"))?;
    let page = root().join("docs/performance.md");
    let text = std::fs::read_to_string(&page)?;
    let text = with_curves(&text, &serde_json::from_str(&data)?)
        .context("docs/performance.md has no markers for curves")?;
    std::fs::write(page, text)?;
    Ok(())
}

fn with_curves(page: &str, data: &Value) -> Option<String> {
    const BEGIN: &str = "<!-- curves -->\n";
    const END: &str = "<!-- /curves -->";
    let begin = page.find(BEGIN)? + BEGIN.len();
    let end = begin + page[begin..].find(END)?;
    let mut section = String::new();
    for (name, rows) in data.as_object()? {
        section.push_str(&format!("![{name}](performance/{name}.svg)\n\n"));
        section.push_str(&format!(
            "| {name} | CPU-s per million | messages/s | RSS at most, MB | lost |\n|---|---|---|---|---|\n"
        ));
        for row in rows.as_array()? {
            section.push_str(&format!(
                "| {} | {:.2} | {:.0} | {:.0} | {} |\n",
                row["size"],
                row["cpu_s_per_million"].as_f64()?,
                row["messages_per_s"].as_f64()?,
                row["peak_rss_mb"].as_f64()?,
                row["lost"]
            ));
        }
        section.push('\n');
    }
    Some(format!("{}{section}{}", &page[..begin], &page[end..]))
}

/// The crates' benchmarks, as packages and names. Those that pace themselves by the clock are left to be run by hand.
fn parts() -> Result<Vec<(String, String)>> {
    let text = output(&mut cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&text).context("cargo metadata")?;
    Ok(benches(&metadata)
        .into_iter()
        .filter(|(_, _, file)| std::fs::read_to_string(file).is_ok_and(|text| text.contains("divan::main()")))
        .map(|(package, name, _)| (package, name))
        .collect())
}

fn benches(metadata: &Value) -> Vec<(String, String, PathBuf)> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut found = Vec::new();
    for package in list(&metadata["packages"]) {
        for target in list(&package["targets"]) {
            if list(&target["kind"]).iter().any(|kind| kind == "bench") {
                let file = Path::new(&text(&target["src_path"])).to_owned();
                found.push((text(&package["name"]), text(&target["name"]), file));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read() -> Result<()> {
        let args = |words: &[&str]| Options::new(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>());
        assert_eq!(args(&[])?, Options::default());
        let options = args(&["--quick", "--compare", "/old", "--curves"])?;
        assert!(options.quick && options.curves && options.compare == Some(PathBuf::from("/old")));
        assert_eq!(args(&["--only", "QoS 1"])?.only.as_deref(), Some("QoS 1"));
        assert_eq!(args(&["--soak", "10"])?.single, ["--soak", "10"]);
        assert!(args(&["--soak"]).is_err() && args(&["--compare"]).is_err() && args(&["--slow"]).is_err());
        Ok(())
    }

    #[test]
    fn curves_go_between_their_markers() {
        let row = serde_json::json!({"size": 10, "cpu_s_per_million": 0.625, "messages_per_s": 1e6, "peak_rss_mb": 25.4, "lost": 0});
        let data = serde_json::json!({"inputs": [row]});
        let page = "a\n<!-- curves -->\nold\n<!-- /curves -->\nb\n";
        assert_eq!(
            with_curves(page, &data).as_deref(),
            Some(
                "a\n<!-- curves -->\n![inputs](performance/inputs.svg)\n\n| inputs | CPU-s per million | messages/s | RSS at most, MB | lost |\n|---|---|---|---|---|\n| 10 | 0.62 | 1000000 | 25 | 0 |\n\n<!-- /curves -->\nb\n"
            )
        );
        assert_eq!(with_curves("no markers", &data), None);
    }

    #[test]
    fn benchmarks_are_found_in_the_metadata() {
        let metadata = serde_json::json!({"packages": [{"name": "p", "targets": [
            {"name": "p", "kind": ["lib"], "src_path": "/p/src/lib.rs"},
            {"name": "b", "kind": ["bench"], "src_path": "/p/benches/b.rs"}]}]});
        assert_eq!(
            benches(&metadata),
            [("p".into(), "b".into(), PathBuf::from("/p/benches/b.rs"))]
        );
    }
}
