//! Environment variables in texts and values.

use super::*;

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
