//! Texts in, what is loaded out: tables, their order, filters, labels, stores and IDs.

mod errors;
mod notes;
mod variables;

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use wheatstone_plugin::Kind;
use wheatstone_plugin::conf::Duration;

use super::*;
use crate::id;

fn options() -> LoadOptions {
    LoadOptions {
        hostname: Some("h1".into()),
        vars: Arc::new(|name| match name {
            "V" => Some("val".into()),
            "N" => Some("7".into()),
            "T" => Some("true".into()),
            "Q" => Some("a\"b".into()),
            "SECTION" => Some("[[inputs.file]]\n  files = ['x']\n".into()),
            _ => None,
        }),
        plugins: |kind| match kind {
            Kind::Input => vec!["file", "cpu", "mqtt_consumer"],
            Kind::Output => vec!["file", "discard"],
            Kind::Processor => vec!["rename", "override"],
            Kind::Aggregator => vec!["minmax"],
            _ => Vec::new(),
        },
        ..LoadOptions::default()
    }
}
fn sources(texts: &[&str]) -> Vec<Source> {
    let name = |i: usize| format!("{}.conf", char::from(b'a' + i as u8));
    texts
        .iter()
        .enumerate()
        .map(|(i, text)| Source {
            name: name(i),
            text: (*text).to_owned(),
        })
        .collect()
}
fn good(text: &str) -> Loaded {
    load(sources(&[text]), &options()).unwrap_or_else(|p| panic!("{text}: {}", p[0].render()))
}
fn bad(text: &str) -> Vec<String> {
    match load(sources(&[text]), &options()) {
        Ok(_) => panic!("loaded: {text}"),
        Err(problems) => problems.iter().map(|p| p.message.clone()).collect(),
    }
}
fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

#[test]
fn a_whole_file() {
    let loaded = good(
        "[global_tags]\n  dc = 'x'\n[agent]\n  interval = 5\n  flush_interval = '1d'\n  metric_batch_size = 0\n\
         [[outputs.file]]\n  files = ['stdout']\n  flush_interval = '2s'\n  metric_batch_size = 10\n\
         [[processors.rename]]\n  order = 2\n  name_override = 'kept'\n\
         [[inputs.file]]\n  files = ['a']\n  interval = '1m'\n  name_prefix = 'p_'\n  precision = '1ms'\n  alias = 'one'\n\
           [inputs.file.tags]\n    t = '${V}'\n  [inputs.file.tagpass]\n    cpu = ['cpu0', 'cpu1']\n\
         [[inputs.cpu]]\n[[aggregators.minmax]]\n  period = '10s'\n  drop_original = true\n",
    );
    let config = &loaded.config;
    assert_eq!(config.global_tags, map(&[("dc", "x"), ("host", "h1")]));
    assert_eq!(config.agent.interval, Duration::from_secs(5));
    assert_eq!(config.agent.flush_interval, Duration::from_secs(86_400));
    assert_eq!(config.agent.metric_batch_size, 1000);
    let names: Vec<_> = config
        .plugins
        .iter()
        .map(|p| format!("{}.{}", p.kind.plural(), p.name))
        .collect();
    assert_eq!(
        names,
        [
            "outputs.file",
            "processors.rename",
            "inputs.file",
            "inputs.cpu",
            "aggregators.minmax"
        ]
    );
    let [output, rename, file, _, minmax] = config.plugins.as_slice() else {
        panic!()
    };
    assert_eq!(output.common.flush_interval, Some(Duration::from_secs(2)));
    assert_eq!(output.common.metric_batch_size, Some(10));
    assert_eq!(rename.common.order, 2);
    assert_eq!(
        rename.table.get("name_override").and_then(Node::as_str),
        Some("kept")
    );
    assert_eq!(file.common.interval, Some(Duration::from_secs(60)));
    assert_eq!(file.common.precision, Some(Duration::from_millis(1)));
    assert_eq!(
        (file.common.name_prefix.as_str(), file.common.alias.as_str()),
        ("p_", "one")
    );
    assert_eq!(file.common.tags, map(&[("t", "val")]));
    assert_eq!(file.common.filter.tagpass["cpu"], ["cpu0", "cpu1"]);
    let left: Vec<_> = file.table.entries.iter().map(|e| e.key.as_str()).collect();
    assert_eq!(left, ["files"]);
    assert!(minmax.common.drop_original);
    assert_eq!(minmax.common.period, Some(Duration::from_secs(10)));
    assert!(loaded.notes.is_empty());
}

#[test]
fn old_forms_of_headers() {
    let loaded = good(
        "[tags]\n a = '1'\n[inputs.file]\n[plugins.cpu]\n[mqtt_consumer]\n qos = 1\n[outputs.discard]\n",
    );
    let names: Vec<_> = loaded
        .config
        .plugins
        .iter()
        .map(|p| (p.kind, p.name.as_str(), p.header.list))
        .collect();
    assert_eq!(
        names,
        [
            (Kind::Input, "file", false),
            (Kind::Input, "cpu", false),
            (Kind::Input, "mqtt_consumer", false),
            (Kind::Output, "discard", false)
        ]
    );
    assert_eq!(loaded.config.global_tags["a"], "1");
}

#[test]
fn host_unless_omitted() {
    assert!(
        good("[agent]\n omit_hostname = true")
            .config
            .global_tags
            .is_empty()
    );
    assert_eq!(good("[agent]\n hostname = 'me'").config.global_tags["host"], "me");
    assert_eq!(
        good("[agent]\n hostname = '$V'").config.global_tags["host"],
        "val"
    );
}

#[test]
fn loader_keys_of_other_kinds_stay_in_the_table() {
    let loaded = good(
        "[[outputs.file]]\n interval = '1s'\n precision = '1s'\n period = '1s'\n[[processors.override]]\n name_suffix = 'x'\n[processors.override.tags]\n a = 'b'\n",
    );
    let keys = |i: usize| {
        loaded.config.plugins[i]
            .table
            .entries
            .iter()
            .map(|e| e.key.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(0), ["interval", "precision", "period"]);
    assert_eq!(keys(1), ["name_suffix", "tags"]);
}

#[test]
fn filters_and_labels_choose() {
    let text = "[[inputs.nix]]\n[[inputs.file]]\n[inputs.file.labels]\n region = 'eu-1'\n[[inputs.cpu]]\n[[outputs.nix]]\n[[outputs.file]]\n";
    let options = LoadOptions {
        input_filter: vec!["file".into(), "cpu".into(), "nosuch".into()],
        output_filter: vec!["file".into()],
        select: vec!["region=us*".into()],
        ..options()
    };
    let config = load(sources(&[text]), &options).unwrap().config;
    let names: Vec<_> = config.plugins.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["cpu", "file"]);
    let options = LoadOptions {
        select: vec!["region=eu*".into()],
        ..options
    };
    let config = load(sources(&[text]), &options).unwrap().config;
    assert_eq!(config.plugins.len(), 3);
    assert_eq!(config.plugins[0].common.labels, map(&[("region", "eu-1")]));
    assert!(config.plugins[0].table.entries.is_empty());
}

#[test]
fn secret_stores_are_kept() {
    let config = good("[[secretstores.docker]]\n id = 'my_1'\n path = '/run'\n").config;
    assert_eq!(
        (config.plugins[0].kind, config.plugins[0].table.entries.len()),
        (Kind::SecretStore, 2)
    );
    assert_eq!(
        bad("[[secretstores.docker]]\n id = 'a b'"),
        [
            "error parsing docker, invalid secret store ID \"a b\", must only contain letters, numbers or underscore"
        ]
    );
}

#[test]
fn a_stores_password_may_come_from_elsewhere() {
    let text = "[[secretstores.jose]]\n id = 'a'\n[[secretstores.jose]]\n id = 'b'\n password = 'own'\n[[secretstores.docker]]\n id = 'c'\n";
    let options = LoadOptions {
        passwords: Arc::new(|name, id| Some(format!("{name} {id}"))),
        ..options()
    };
    let config = load(sources(&[text]), &options).unwrap().config;
    let passwords: Vec<_> = config
        .plugins
        .iter()
        .map(|p| p.table.get("password").and_then(Node::as_str))
        .collect();
    assert_eq!(passwords, [Some("jose a"), Some("own"), None]);
}

/// The ID that Telegraf 1.40 wrote into its state file for this table.
#[test]
fn ids_are_telegrafs() {
    let text = "[[processors.rename]]\n  dedup_interval = \"600s\" # hi\n  namepass = [\"a\", # one\n   \"b\"]\n  [processors.rename.tagpass]\n   source = ['x', \"${HOME}\"]\n";
    let (tree, _) = parse::parse(&text::remove_comments(text), 0);
    let Item::Table(group) = &tree.entries[0].item else {
        panic!()
    };
    let Item::Tables(list) = &group.entries[0].item else {
        panic!()
    };
    assert_eq!(
        id::plugin_id("processors.dedup", &list[0]),
        "d37318b6a8c8a4fdec14fda22c7017ac98dbf9d00020bcdf362cdb878d3710f6"
    );
    let ids = |text| {
        good(text)
            .config
            .plugins
            .into_iter()
            .map(|p| p.id)
            .collect::<Vec<_>>()
    };
    let [a, b, c, d] = <[String; 4]>::try_from(ids(
        "[[inputs.file]]\n x=1\n y=2\n[[inputs.file]]\n y=2\n x=1\n[[inputs.file]]\n x=1\n y=3\n[[inputs.cpu]]\n x=1\n y=2\n",
    ))
    .unwrap();
    assert_eq!(a, b);
    assert!(a != c && a != d);
}

proptest! {
    #[test]
    fn any_text_loads_or_says_why(text: String) {
        for env in [EnvMode::Strict, EnvMode::NonStrict] {
            if let Err(problems) = load(sources(&[&text]), &LoadOptions { env, ..options() }) {
                prop_assert!(!problems.is_empty());
                problems.iter().for_each(|p| { p.render(); });
            }
        }
    }
    #[test]
    fn any_values_load_or_say_why(key in "[a-z_]{1,20}|interval|namepass|tags|tagpass|order|alias|labels", value in "[0-9a-z\\[\\]{}=\"'., $:-]{0,20}") {
        let text = format!("[agent]\n{key} = {value}\n[[inputs.file]]\n{key} = {value}\n[[processors.rename]]\n{key} = {value}\n[[aggregators.minmax]]\n{key} = {value}\n");
        if let Err(problems) = load(sources(&[&text]), &options()) {
            problems.iter().for_each(|p| { p.render(); });
        }
    }
}
