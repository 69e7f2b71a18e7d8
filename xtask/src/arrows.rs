//! Which crate may stand on which: arrows point down only, and a new crate is drawn in here first.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell::{cargo, output};

/// The trunk from the ground up. A crate may depend on crates of lower floors, and not on its neighbours.
const FLOORS: &[&[&str]] = &[
    &["wheatstone-metric", "wheatstone-gotime", "wheatstone-goregexp"],
    &["wheatstone-line-protocol", "wheatstone-gotemplate"],
    &["wheatstone-plugin"],
    &[
        "wheatstone-net",
        "wheatstone-dead-letter",
        "wheatstone-type-guard",
    ],
    &["wheatstone-config"],
    &["wheatstone-buffer", "wheatstone-cel-filter", "wheatstone-testkit"],
    &["wheatstone-pipeline"],
];
/// All that a plugin may stand on.
const UNDER_PLUGINS: &[&str] = &[
    "wheatstone-plugin",
    "wheatstone-line-protocol",
    "wheatstone-gotime",
    "wheatstone-goregexp",
    "wheatstone-gotemplate",
    "wheatstone-net",
    // The encrypted files of the store `jose` are what the store `os` falls back to.
    "wheatstone-secretstore-jose",
];
/// What a plugin's tests may use besides: the test kit, and formats to read and write with.
const UNDER_PLUGIN_TESTS: &[&str] = &[
    "wheatstone-testkit",
    "wheatstone-parsers",
    "wheatstone-serializers",
];
/// Used by tests only.
const FOR_TESTS: &str = "wheatstone-testkit";
/// The ground floor has no runtime and no serialisation.
const NOT_ON_THE_GROUND: &[&str] = &["tokio", "serde", "async-trait", "anyhow"];

/// One arrow.
#[derive(Debug)]
struct Arrow {
    from: String,
    /// The folder of `from` in the workspace.
    folder: String,
    to: String,
    dev: bool,
    /// Whether `to` is a crate of the workspace.
    own: bool,
}

/// Checks the workspace as it is.
pub fn check() -> Result<()> {
    let text = output(&mut cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&text).context("cargo metadata")?;
    let wrong: Vec<String> = arrows(&metadata).iter().filter_map(fault).collect();
    if !wrong.is_empty() {
        bail!("arrows that do not point down:\n  {}", wrong.join("\n  "));
    }
    Ok(())
}

fn arrows(metadata: &Value) -> Vec<Arrow> {
    let root = metadata["workspace_root"].as_str().unwrap_or_default();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut arrows = Vec::new();
    for package in list(&metadata["packages"]) {
        let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
        let folder = text("manifest_path");
        let folder = folder
            .strip_prefix(root)
            .unwrap_or(&folder)
            .trim_start_matches('/');
        for dependency in list(&package["dependencies"]) {
            arrows.push(Arrow {
                from: text("name"),
                folder: folder.to_owned(),
                to: dependency["name"].as_str().unwrap_or_default().to_owned(),
                dev: dependency["kind"].as_str() == Some("dev"),
                own: dependency["path"].is_string(),
            });
        }
    }
    arrows
}

fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&name))
}

/// What is wrong with an arrow, where something is.
fn fault(arrow: &Arrow) -> Option<String> {
    let Arrow {
        from,
        folder,
        to,
        dev,
        own,
    } = arrow;
    let wrong = |why: &str| Some(format!("{from} -> {to}: {why}"));
    if !own {
        let ground = floor(from) == Some(0) && !dev && NOT_ON_THE_GROUND.contains(&to.as_str());
        return if ground {
            wrong("the ground floor has no runtime and no serialisation")
        } else {
            None
        };
    }
    if to == FOR_TESTS && !dev && !folder.starts_with("tests/") {
        return wrong("the test kit is for dev-dependencies");
    }
    match folder.split('/').next() {
        Some("plugins") => {
            let allowed =
                UNDER_PLUGINS.contains(&to.as_str()) || (*dev && UNDER_PLUGIN_TESTS.contains(&to.as_str()));
            if allowed {
                None
            } else {
                wrong("a plugin stands on the plugin crate and its tools only")
            }
        }
        Some("crates") if folder.starts_with("crates/agent/") => None,
        Some("crates") => match (floor(from), floor(to)) {
            (None, _) => wrong("the crate has no floor yet: see xtask/src/arrows.rs"),
            (Some(_), _) if *dev && to == FOR_TESTS => None,
            (Some(own), Some(other)) if other < own => None,
            _ => wrong("arrows point down"),
        },
        // End-to-end tests, examples and automation stand above the house.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(folder: &str, from: &str, to: &str, dev: bool) -> Option<String> {
        let folder = format!("{folder}/Cargo.toml");
        fault(&Arrow {
            from: from.into(),
            folder,
            to: to.into(),
            dev,
            own: true,
        })
    }

    #[test]
    fn the_workspace_as_it_is() -> Result<()> {
        check()
    }

    #[test]
    fn down_is_right_and_up_or_sideways_is_wrong() {
        assert_eq!(
            own("crates/plugin", "wheatstone-plugin", "wheatstone-metric", false),
            None
        );
        assert!(own("crates/plugin", "wheatstone-plugin", "wheatstone-config", false).is_some());
        assert!(own("crates/net", "wheatstone-net", "wheatstone-config", false).is_some());
        assert!(own("crates/new", "wheatstone-new", "wheatstone-metric", false).is_some());
    }

    #[test]
    fn plugins_stand_on_the_plugin_crate() {
        let file = "plugins/outputs/file";
        assert_eq!(
            own(file, "wheatstone-output-file", "wheatstone-plugin", false),
            None
        );
        assert_eq!(
            own(file, "wheatstone-output-file", "wheatstone-testkit", true),
            None
        );
        assert!(own(file, "wheatstone-output-file", "wheatstone-testkit", false).is_some());
        assert!(own(file, "wheatstone-output-file", "wheatstone-pipeline", false).is_some());
        assert!(own(file, "wheatstone-output-file", "wheatstone-outputs", true).is_some());
    }

    #[test]
    fn the_ground_floor_is_bare() {
        let arrow = |to: &str| Arrow {
            from: "wheatstone-metric".into(),
            folder: "crates/metric/Cargo.toml".into(),
            to: to.into(),
            dev: false,
            own: false,
        };
        assert!(fault(&arrow("tokio")).is_some());
        assert_eq!(fault(&arrow("arcstr")), None);
    }

    #[test]
    fn metadata_is_read() {
        let metadata = serde_json::json!({"workspace_root": "/w", "packages": [{"name": "a", "manifest_path": "/w/crates/a/Cargo.toml",
            "dependencies": [{"name": "b", "kind": null, "path": "/w/crates/b"}, {"name": "c", "kind": "dev"}]}]});
        let all = arrows(&metadata);
        assert_eq!(
            (all[0].folder.as_str(), all[0].own, all[0].dev),
            ("crates/a/Cargo.toml", true, false)
        );
        assert_eq!((all[1].to.as_str(), all[1].own, all[1].dev), ("c", false, true));
    }
}
