use super::*;
use wheatstone_plugin::Log;
use wheatstone_plugin::conf::Span;

fn text(s: &str) -> Node {
    Node::bare(NodeKind::String(s.into()))
}

fn table(entries: &[(&str, &str)]) -> Table {
    let mut table = Table::default();
    entries
        .iter()
        .for_each(|(key, value)| table.set(key, text(value)));
    table
}

fn mark(
    alias: &str,
    table: Table,
    change: impl FnOnce(&mut PluginConfig, &mut Config, &mut AgentInfo),
) -> Mark {
    let (mut config, mut agent) = (Config::default(), AgentInfo::default());
    let mut plugin = PluginConfig {
        kind: Kind::Output,
        name: "file".into(),
        common: Default::default(),
        table,
        span: Span::default(),
        header: Default::default(),
        id: "1".into(),
        second_id: "2".into(),
    };
    plugin.common.alias = alias.into();
    change(&mut plugin, &mut config, &mut agent);
    let log = Log::new("outputs.file", None, None);
    let agent = std::sync::Arc::new(agent);
    let cx = Context::new(
        Kind::Output,
        "file",
        alias,
        plugin.table.clone(),
        log,
        agent.clone(),
    );
    Mark::new(&plugin, &config, &agent, &cx)
}

#[test]
fn places_and_the_order_of_keys_do_not_matter() {
    let a = table(&[("a", "1"), ("b", "2")]);
    let mut b = table(&[("b", "2"), ("a", "1")]);
    b.entries[0].value.span.start = 77;
    assert_eq!(options_sum(&a), options_sum(&b));
    for other in [
        &[("a", "1")][..],
        &[("a", "1"), ("b", "3")],
        &[("a", "1"), ("c", "2")],
        &[("ab", "1"), ("", "2")],
    ] {
        assert_ne!(options_sum(&a), options_sum(&table(other)), "{other:?}");
    }
    let mut nested = table(&[]);
    nested.set("a", Node::bare(NodeKind::Array(vec![text("1"), text("2")])));
    let mut joined = table(&[]);
    joined.set("a", Node::bare(NodeKind::Array(vec![text("12")])));
    assert_ne!(options_sum(&nested), options_sum(&joined));
}

#[test]
fn common_keys_and_settings_of_the_agent_are_the_core_s() {
    let old = mark("", table(&[("a", "1")]), |_, _, _| ());
    let same = mark("", table(&[("a", "1")]), |p, _, _| {
        p.common.filter.metricpass_span = Some(Span::default())
    });
    assert!(old.is_same_plugin(&same) && old.is_same_core(&same));
    let batch = mark("", table(&[("a", "1")]), |_, c, _| c.agent.metric_batch_size = 7);
    assert!(old.is_same_plugin(&batch) && !old.is_same_core(&batch));
    let renamed = mark("", table(&[("a", "1")]), |p, _, _| {
        p.common.name_prefix = "x".into()
    });
    assert!(old.is_same_plugin(&renamed) && !old.is_same_core(&renamed));
    // An output does not care how often inputs are gathered.
    let interval = mark("", table(&[("a", "1")]), |_, c, _| {
        c.agent.interval = wheatstone_plugin::conf::Duration::from_secs(1)
    });
    assert!(old.is_same_core(&interval));
    let loud = mark("", table(&[("a", "1")]), |p, _, _| {
        p.common.log_level = "debug".into()
    });
    assert!(!old.is_same_plugin(&loud));
}

#[test]
fn what_the_agent_says_matters_to_those_who_asked() {
    let other = |_: &mut PluginConfig, _: &mut Config, a: &mut AgentInfo| a.hostname = Some("b".into());
    let (old, new) = (mark("", table(&[]), |_, _, _| ()), mark("", table(&[]), other));
    assert!(old.is_same_plugin(&new));
    let _ = old.cx.agent();
    assert!(!old.is_same_plugin(&new));
}

#[test]
fn a_secret_that_changed_makes_another_plugin() {
    let with = |sum: u64| {
        let mut mark = mark(
            "",
            table(&[("password", "@{vault:key}"), ("other", "@{x:y}")]),
            |_, _, _| (),
        );
        mark.note_secrets(&|store, key| if (store, key) == ("vault", "key") { sum } else { 0 });
        mark
    };
    assert!(with(1).is_same_plugin(&with(1)));
    assert!(!with(1).is_same_plugin(&with(2)));
}

#[test]
fn a_certificate_that_was_renewed_makes_another_plugin() {
    let dir = std::env::temp_dir().join(format!("wheatstone-mark-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("ca.pem");
    std::fs::write(&path, "one").unwrap();
    let with = |key: &str| mark("", table(&[(key, path.to_str().unwrap())]), |_, _, _| ());
    let (ca, written) = (with("tls_ca"), with("files"));
    assert!(ca.is_same_plugin(&with("tls_ca")));
    std::fs::write(&path, "another").unwrap();
    assert!(!ca.is_same_plugin(&with("tls_ca")));
    assert!(written.is_same_plugin(&with("files")));
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn an_alias_names_a_place_whatever_the_plugin() {
    let named = |alias: &str, name: &str| mark(alias, table(&[]), |p, _, _| p.name = name.into());
    assert!(named("a", "x").is_same_place(&named("a", "y")));
    assert!(!named("a", "x").is_same_place(&named("b", "x")));
    assert!(!named("", "x").is_same_place(&named("", "y")));
    assert!(!named("", "x").is_same_place(&named("a", "x")));
}
