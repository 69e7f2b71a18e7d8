//! Files that do not load, and what is said of them: all problems at once, in Telegraf's words.

use super::*;

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
