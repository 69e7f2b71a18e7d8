use super::*;
use crate::testing::{build, metric, process};

fn conversion(key: &str, pattern: &str, replacement: &str, result_key: &str) -> ConversionConfig {
    ConversionConfig {
        key: key.to_owned(),
        pattern: pattern.to_owned(),
        replacement: replacement.to_owned(),
        result_key: result_key.to_owned(),
        append: false,
    }
}

fn run(config: RegexConfig, m: Metric) -> Metric {
    let mut plugin: Regex = build("regex", config).unwrap();
    let mut out = process(&mut plugin, m);
    assert_eq!(out.len(), 1);
    out.remove(0)
}

fn text(s: &str) -> Value {
    Value::from(s)
}

#[test]
fn tag_values_are_replaced_in_place_or_beside() {
    let tags = vec![
        conversion("code", r"^(\d)\d\d$", "${1}xx", ""),
        conversion("verb", "^(.)", "$1!", "short"),
    ];
    let m = metric("m", &[("code", "404"), ("verb", "GET")], &[], 0);
    let want = metric(
        "m",
        &[("code", "4xx"), ("verb", "GET"), ("short", "G!ET")],
        &[],
        0,
    );
    assert_eq!(
        run(
            RegexConfig {
                tags,
                ..Default::default()
            },
            m
        ),
        want
    );
}

#[test]
fn globs_select_keys_and_what_is_added_is_not_selected_again() {
    let tags = vec![conversion("*", "^(.*)$", "<$1>", "all")];
    let m = metric("m", &[("a", "1"), ("b", "2")], &[], 0);
    let want = metric("m", &[("a", "1"), ("b", "2"), ("all", "<2>")], &[], 0);
    assert_eq!(
        run(
            RegexConfig {
                tags,
                ..Default::default()
            },
            m
        ),
        want
    );
}

#[test]
fn a_result_can_be_appended() {
    let tags = vec![ConversionConfig {
        append: true,
        ..conversion("verb", "^(.*)$", " ($1)", "code")
    }];
    let m = metric("m", &[("code", "200"), ("verb", "GET")], &[], 0);
    assert_eq!(
        run(
            RegexConfig {
                tags,
                ..Default::default()
            },
            m
        )
        .tag("code"),
        Some("200 (GET)")
    );
}

#[test]
fn only_fields_that_are_strings_are_converted() {
    let fields = vec![conversion("*", "1", "one", "")];
    let m = metric(
        "m",
        &[],
        &[("s", text("a1")), ("i", Value::Int(1)), ("n", text("none"))],
        0,
    );
    let want = metric(
        "m",
        &[],
        &[("s", text("aone")), ("i", Value::Int(1)), ("n", text("none"))],
        0,
    );
    assert_eq!(
        run(
            RegexConfig {
                fields,
                ..Default::default()
            },
            m
        ),
        want
    );
}

#[test]
fn named_groups_become_fields_and_tags() {
    let pattern = r"^/api/(?P<method>\w+)/(?P<id>\d*)";
    let config = RegexConfig {
        tags: vec![conversion("path", pattern, "", "")],
        fields: vec![conversion("request", pattern, "", "")],
        ..Default::default()
    };
    let m = metric(
        "m",
        &[("path", "/api/search/")],
        &[("request", text("/api/users/42"))],
        0,
    );
    let want = metric(
        "m",
        &[("path", "/api/search/"), ("method", "search")],
        &[
            ("request", text("/api/users/42")),
            ("method", text("users")),
            ("id", text("42")),
        ],
        0,
    );
    assert_eq!(run(config, m), want);
}

#[test]
fn an_unnamed_group_means_an_empty_replacement() {
    let tags = vec![conversion("t", r"(a)(?P<n>b)", "", "")];
    let m = metric("m", &[("t", "xaby")], &[], 0);
    assert_eq!(
        run(
            RegexConfig {
                tags,
                ..Default::default()
            },
            m
        ),
        metric("m", &[("t", "xy")], &[], 0)
    );
}

#[test]
fn keys_are_renamed_where_the_new_name_is_free() {
    let rename = |result_key: &str| vec![conversion("", r"^old_(\w+)$", "$1", result_key)];
    let m = metric(
        "m",
        &[("old_a", "1"), ("old_b", "2"), ("b", "3")],
        &[("old_x", 1.into()), ("old_y", 2.into()), ("y", 3.into())],
        0,
    );
    let config = |policy| RegexConfig {
        tag_rename: rename(policy),
        field_rename: rename(policy),
        ..Default::default()
    };
    let kept = metric(
        "m",
        &[("a", "1"), ("old_b", "2"), ("b", "3")],
        &[("x", 1.into()), ("old_y", 2.into()), ("y", 3.into())],
        0,
    );
    assert_eq!(run(config(""), m.clone()), kept);
    assert_eq!(run(config("keep"), m.clone()), kept);
    let overwritten = metric(
        "m",
        &[("a", "1"), ("b", "2")],
        &[("x", 1.into()), ("y", 2.into())],
        0,
    );
    assert_eq!(run(config("overwrite"), m), overwritten);
}

#[test]
fn renaming_to_the_same_name_follows_telegraf() {
    let rename = |policy: &str| RegexConfig {
        tag_rename: vec![conversion("", "^a$", "a", policy)],
        ..Default::default()
    };
    let m = metric("m", &[("a", "1")], &[("x", 1.into())], 0);
    assert_eq!(run(rename("keep"), m.clone()), m);
    assert_eq!(
        run(rename("overwrite"), m),
        metric("m", &[], &[("x", 1.into())], 0)
    );
}

#[test]
fn measurements_are_renamed() {
    let metric_rename = vec![conversion("", "^(http)_(.*)$", "${2}_$1", "")];
    let m = metric("http_server", &[], &[("x", 1.into())], 0);
    assert_eq!(
        run(
            RegexConfig {
                metric_rename,
                ..Default::default()
            },
            m
        )
        .name(),
        "server_http"
    );
}

#[test]
fn errors_name_their_section() {
    let error = |config| build::<Regex>("regex", config).err().unwrap();
    let fields = vec![conversion("", "a", "", "")];
    assert_eq!(
        error(RegexConfig {
            fields,
            ..Default::default()
        }),
        "'fields' key required"
    );
    let tags = vec![conversion("a", "(", "", "")];
    assert_eq!(
        error(RegexConfig {
            tags,
            ..Default::default()
        }),
        "'tags' error parsing regexp: missing closing ): `(`"
    );
    let tag_rename = vec![conversion("", "a", "", "append")];
    assert_eq!(
        error(RegexConfig {
            tag_rename,
            ..Default::default()
        }),
        "'tag_rename' invalid metrics result_key \"append\""
    );
}
