//! Files that load, and what is noted on the way: deprecated, overlapping and passed over.

use super::*;

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
