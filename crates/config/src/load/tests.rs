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
fn what_does_not_load_says_so_in_telegrafs_words() {
    for (text, message) in [
        ("[foo]\n", "error parsing foo, undefined but requested input: foo"),
        (
            "[[foo.bar]]\n",
            "error parsing foo, undefined but requested input: foo",
        ),
        (
            "[[foo]]\n",
            "invalid configuration, error parsing field \"foo\" as table",
        ),
        (
            "foo = 1",
            "invalid configuration, error parsing field \"foo\" as table",
        ),
        (
            "[[inputs.x]]",
            "error parsing x, undefined but requested input: x",
        ),
        (
            "[[outputs.x]]",
            "error parsing x array, undefined but requested output: x",
        ),
        (
            "[outputs.x]",
            "error parsing x, undefined but requested output: x",
        ),
        (
            "[[processors.x]]",
            "error parsing x, undefined but requested processor: x",
        ),
        (
            "[[aggregators.x]]",
            "error parsing x, undefined but requested aggregator: x",
        ),
        ("[processors.rename]", "unsupported config format: rename"),
        ("[inputs]\nfile = 1", "unsupported config format: file"),
        (
            "[[global_tags]]",
            "invalid configuration, bad table name \"global_tags\"",
        ),
        (
            "[tags]\na = 1",
            "error parsing table name \"tags\": line 2: cannot unmarshal TOML integer into string",
        ),
        ("[[agent]]", "invalid configuration, error parsing agent table"),
        (
            "[agent]\ninterval = true",
            "error parsing [agent]: line 2: (config.AgentConfig.Interval) time: invalid duration \"true\"",
        ),
        (
            "[agent]\nquiet = 'x'",
            "error parsing [agent]: line 2: (config.AgentConfig.Quiet) cannot unmarshal TOML string into bool",
        ),
        (
            "[agent]\nmetric_batch_size = '5'",
            "error parsing [agent]: line 2: (config.AgentConfig.MetricBatchSize) cannot unmarshal TOML string into int",
        ),
        (
            "[agent]\nhostname = 5",
            "error parsing [agent]: line 2: (config.AgentConfig.Hostname) cannot unmarshal TOML integer into string",
        ),
        (
            "[agent]\ncollection_offset = '-1s'",
            "agent collection_offset must not be negative, found -1000000000",
        ),
        (
            "[agent]\ninterval = '0s'",
            "agent interval must be positive, found 0",
        ),
        (
            "[agent]\nflush_interval = 0",
            "agent flush_interval must be positive, found 0",
        ),
        (
            "[agent]\nskip_processors_before_aggregators = true\nskip_processors_after_aggregators = true",
            "cannot set both skip_processors_before_aggregators and skip_processors_after_aggregators as true",
        ),
        (
            "\n[agent]\nfoo = 1",
            "line 1: configuration specified the fields [\"foo\"], but they were not used; this is either a typo or this config option does not exist in this version",
        ),
        (
            "[[processors.rename]]\n order = \"1\"\n",
            "error parsing rename, line 1:{0 34}: found unexpected format while parsing \"order\", expecting int",
        ),
        (
            "[[inputs.file]]\n interval = \"x\"\n files=[\"a\"]\n",
            "error parsing file, line 1:{0 44}: error parsing duration: time: invalid duration \"x\"",
        ),
        (
            "[[inputs.file]]\n collection_offset = \"-1s\"",
            "error parsing file, negative collection_offset \"-1s\" is not allowed",
        ),
        (
            "[[inputs.file]]\n tagpass = [\"x\"]\n files=[\"a\"]\n",
            "error parsing file, line 1:{0 45}: invalid syntax for \"tagpass\": expected a table of key=[values]",
        ),
        (
            "[[outputs.file]]\n namepass = 'x'",
            "error parsing file array, line 1:{0 32}: found unexpected format while parsing \"namepass\", expecting string array/slice format",
        ),
        (
            "[[inputs.file]]\n[inputs.file.tags]\n x = 5",
            "error parsing file, could not parse tags for input file",
        ),
        (
            "[[inputs.file]]\n[inputs.file.labels]\n x = 'a b'",
            "error parsing file, invalid label in plugin inputs.file: invalid value \"a b\"",
        ),
        (
            "[[inputs.file]]\n namepass = ['a[']",
            "error parsing file, error compiling 'namepass', unclosed bracket in pattern \"a[\"",
        ),
        (
            "[[aggregators.minmax]]\n drop_original = 1\n",
            "error parsing minmax, line 1:{0 41}: unknown boolean value type \"1\", expecting boolean",
        ),
        (
            "[[secretstores.os]]",
            "error parsing os, \"os\" secret store without ID",
        ),
        (
            "[[inputs.file]]\n files = ['${X:?need it}']",
            "error parsing data: required variable X is missing a value: need it",
        ),
        (
            "[agent]\ninterval = ${N}",
            "error parsing data: line 2: invalid TOML syntax",
        ),
        (
            "[wheatstone]\nthreds = 1",
            "line 1: configuration specified the fields [\"threds\"], but they were not used; this is either a typo or this config option does not exist in this version",
        ),
    ] {
        let found = bad(text);
        assert_eq!(found, [message], "{text}");
    }
}

#[test]
fn all_problems_of_all_files_come_at_once() {
    let texts = [
        "[agent]\n x = 1s\n y = [\n",
        "[agent]\n foo = 1\n bar = 2\n[[inputs.nix]]\n[[inputs.file]]\n interval = 'x'\n order = 1\n",
    ];
    let problems = load(sources(&texts), &options()).unwrap_err();
    let files: Vec<_> = problems
        .iter()
        .map(|p| p.file.clone().unwrap_or_default())
        .collect();
    assert_eq!(
        files,
        ["a.conf", "a.conf", "b.conf", "b.conf", "b.conf", "b.conf"]
    );
    assert!(problems.iter().all(|p| p.place.is_some()));
    let rendered = problems[4].render();
    assert!(
        rendered.contains("b.conf:4:1\n  |\n4 | [[inputs.nix]]\n  | ^^^^^^^^^^^^^^"),
        "{rendered}"
    );
}

#[test]
fn a_later_file_overrides_key_by_key() {
    let texts = [
        "[agent]\n interval = '5s'\n hostname = 'x'\n[global_tags]\n a = '1'\n b = '1'\n",
        "[agent]\n Interval = '7s'\n[global_tags]\n b = '2'\n",
        "[agent]\n quiet = true\n",
    ];
    let loaded = load(sources(&texts), &options()).unwrap();
    assert_eq!(loaded.config.agent.interval, Duration::from_secs(7));
    assert!(loaded.config.agent.quiet);
    assert_eq!(
        loaded.config.global_tags,
        map(&[("a", "1"), ("b", "2"), ("host", "x")])
    );
    let overlaps = loaded.notes.iter().filter(|n| {
        n.message
            .starts_with("Overlapping settings in multiple agent tables")
    });
    assert_eq!(overlaps.count(), 1);
}

#[test]
fn long_gone_agent_options_keep_no_file_from_loading() {
    let loaded = good("[agent]\n flush_buffer_when_full = true\n utc = true\n interval = '7s'\n");
    assert_eq!(loaded.config.agent.interval, Duration::from_secs(7));
    assert_eq!(loaded.notes.len(), 2);
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
fn deprecated_filters_become_the_new_ones() {
    let loaded = good(
        "[[inputs.file]]\n pass = ['a']\n fieldpass = ['b']\n fieldinclude = ['c']\n drop = ['d']\n fielddrop = ['e']\n fieldexclude = ['f']\n metricpass = 'name == \"x\"'\n",
    );
    let filter = &loaded.config.plugins[0].common.filter;
    assert_eq!(filter.fieldinclude, ["a", "b", "c"]);
    assert_eq!(filter.fieldexclude, ["d", "e", "f"]);
    assert_eq!(filter.metricpass, "name == \"x\"");
    assert_eq!(loaded.notes.len(), 4);
    assert_eq!(
        loaded.notes[1].message,
        "DeprecationError: Option \"fieldpass\" of plugin \"inputs.file\" deprecated since version 1.29.0 and will be removed in 1.40.0: use 'fieldinclude' instead"
    );
}

#[test]
fn what_telegraf_passes_over_is_noted() {
    let loaded = good(
        "[[inputs.file]]\n alias = 5\n interval = 10\n namepass = ['a', 5]\n[[outputs.file]]\n metric_batch_size = '5'\n",
    );
    let common = &loaded.config.plugins[0].common;
    assert_eq!(common.alias, "");
    assert_eq!(common.interval, Some(Duration::from_secs(10)));
    assert_eq!(common.filter.namepass, ["a"]);
    assert_eq!(loaded.config.plugins[1].common.metric_batch_size, None);
    assert_eq!(loaded.notes.len(), 4);
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
fn variables_in_both_modes() {
    let text = "[[inputs.file]]\n # ${X:?not asked for}\n files = ['${V}', '$$V', '${1}', '$share/x', '${Q}']\n '${V}' = '${N}'\n";
    let loaded = good(text);
    let table = &loaded.config.plugins[0].table;
    let NodeKind::Array(files) = &table.get("files").unwrap().kind else {
        panic!()
    };
    let texts: Vec<_> = files.iter().map(|n| (n.as_str().unwrap(), n.from_env)).collect();
    assert_eq!(
        texts,
        [
            ("val", true),
            ("$V", false),
            ("${1}", false),
            ("$share/x", false),
            ("a\"b", true)
        ]
    );
    assert!(table.get("${V}").unwrap().from_env);

    let loose = LoadOptions {
        env: EnvMode::NonStrict,
        ..options()
    };
    let text = "[agent]\n metric_batch_size = ${N} # ${X:?no}\n omit_hostname = $T\n${SECTION}\n[[outputs.file]]\n alias = '$V'\n";
    let config = load(sources(&[text]), &loose).unwrap().config;
    assert_eq!(
        (config.agent.metric_batch_size, config.agent.omit_hostname),
        (7, true)
    );
    assert_eq!(config.plugins.len(), 2);
    assert_eq!(config.plugins[1].common.alias, "val");
    let span = config.plugins[1].span;
    assert_eq!(&text[span.start as usize..span.end as usize], "[[outputs.file]]");
    let problems = load(sources(&["[agent]\n logfile = \"${Q}\"\n"]), &loose).unwrap_err();
    assert_eq!(
        problems[0].message,
        "error parsing data: line 2: invalid TOML syntax"
    );
    assert!(!problems[0].render().contains("a\"b"), "values do not show");
    let problems = load(sources(&["\n\n a = '${X:?m}'"]), &loose).unwrap_err();
    assert_eq!(
        problems[0].place.as_ref().map(|p| (p.line, p.column)),
        Some((3, 7))
    );

    let old = LoadOptions {
        old_env: true,
        ..options()
    };
    let config = load(sources(&["[[inputs.file]]\n alias = '$$V'\n"]), &old)
        .unwrap()
        .config;
    assert_eq!(config.plugins[0].common.alias, "$val");
}

#[test]
fn agent_numbers_may_come_out_of_the_environment() {
    let config =
        good("[agent]\n metric_batch_size = '${N}'\n omit_hostname = '${T}'\n interval = '${N}s'\n").config;
    assert_eq!(
        (config.agent.metric_batch_size, config.agent.omit_hostname),
        (7, true)
    );
    assert_eq!(config.agent.interval, Duration::from_secs(7));
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

#[test]
fn bytes_that_are_no_utf8_are_told_of_where_they_matter() {
    assert!(good("# M\u{fffd}nchen\n[[inputs.file]]\n").notes.is_empty());
    let loaded = good("[[inputs.file]]\n alias = 'M\u{fffd}'\n");
    assert_eq!(loaded.notes.len(), 1);
    assert!(
        loaded.notes[0].render(&loaded.sources).ends_with("(a.conf:2:12)"),
        "{:?}",
        loaded.notes
    );
}

#[test]
fn a_missing_plugin_names_its_neighbour() {
    let help = |text: &str| {
        load(sources(&[text]), &options()).unwrap_err()[0]
            .help
            .clone()
            .unwrap_or_default()
    };
    assert_eq!(help("[[inputs.mqtt_consumr]]"), "did you mean `mqtt_consumer`?");
    assert_eq!(
        help("[[inputs.discard]]"),
        "there is one among the outputs: [[outputs.discard]]"
    );
    assert_eq!(
        help("[processors.rename]"),
        "write it in double brackets: [[processors.rename]]"
    );
    assert_eq!(help("[agent]\nintervall = 1"), "did you mean `interval`?");
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
