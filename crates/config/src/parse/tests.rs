use proptest::prelude::*;

use super::*;
use crate::text::remove_comments;

fn faults(text: &str) -> Vec<String> {
    parse(&remove_comments(text), 0)
        .1
        .into_iter()
        .map(|f| f.message)
        .collect()
}

/// The tree in short: keys with values as they debug, tables in braces.
fn show(tab: &Tab) -> String {
    let slot = |s: &Slot| match &s.item {
        Item::Value(node, _) => format!("{}={}", s.key, show_node(node)),
        Item::Table(t) => format!("{}={}", s.key, show(t)),
        Item::Tables(list) => format!(
            "{}=[{}]",
            s.key,
            list.iter().map(show).collect::<Vec<_>>().join(" ")
        ),
    };
    format!(
        "{{{}}}",
        tab.entries.iter().map(slot).collect::<Vec<_>>().join(" ")
    )
}
fn show_node(node: &Node) -> String {
    match &node.kind {
        NodeKind::String(s) => format!("{s:?}"),
        NodeKind::Integer(n) => n.to_string(),
        NodeKind::Float(n) => format!("{n:?}"),
        NodeKind::Boolean(b) => b.to_string(),
        NodeKind::Datetime(s) => format!("<{s}>"),
        NodeKind::Array(items) => format!("[{}]", items.iter().map(show_node).collect::<Vec<_>>().join(" ")),
        NodeKind::Table(t) => {
            let pairs = t
                .entries
                .iter()
                .map(|e| format!("{}={}", e.key, show_node(&e.value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(" "))
        }
    }
}
fn tree(text: &str) -> String {
    let (tab, faults) = parse(&remove_comments(text), 0);
    assert!(faults.is_empty(), "{text}: {faults:?}");
    show(&tab)
}

#[test]
fn values() {
    for (value, shown) in [
        ("1", "1"),
        ("+1_000", "1000"),
        ("-5", "-5"),
        ("0", "0"),
        ("0x1F", "31"),
        ("0o17", "15"),
        ("0b101", "5"),
        ("1.5", "1.5"),
        ("-1e3", "-1000.0"),
        ("6.02E+23", "6.02e23"),
        ("18446744073709551615", "1.8446744073709552e19"),
        ("inf", "inf"),
        ("true", "true"),
        ("false", "false"),
        ("\"a\\tb\\u00e9\\\\\\\"\"", "\"a\\tbé\\\\\\\"\""),
        ("\"tab\there\"", "\"tab\\there\""),
        ("'C:\\dir'", "\"C:\\\\dir\""),
        ("\"# no comment\"", "\"# no comment\""),
        ("\"\"\"a\nb\"\"\"", "\"a\\nb\""),
        ("\"\"\"\n\n\na \"quoted\" b\"\"\"", "\"a \\\"quoted\\\" b\""),
        ("\"\"\"a \\\n   b\"\"\"", "\"a b\""),
        ("\"\"\"a\"\"\"\"", "\"a\\\"\""),
        ("'''\nit's '\\d'\n'''", "\"it's '\\\\d'\\n\""),
        ("[]", "[]"),
        ("[1, 2,]", "[1 2]"),
        ("[ # one\n \"a\", # two, ]\n \"b\"\n]", "[\"a\" \"b\"]"),
        ("[\"a\", 1, [true]]", "[\"a\" 1 [true]]"),
        ("{a = 1, b = {c = 'd'}}", "{a=1 b={c=\"d\"}}"),
        ("{a = 1 b = 2,}", "{a=1 b=2}"),
        ("{}", "{}"),
        ("[{a = 1}, {a = 2}]", "[{a=1} {a=2}]"),
        ("2026-01-31", "<2026-01-31>"),
        ("2026-01-31T07:32:00.5Z", "<2026-01-31T07:32:00.5Z>"),
        ("2026-01-31T07:32:00+01:00", "<2026-01-31T07:32:00+01:00>"),
        ("07:32:00", "<07:32:00>"),
    ] {
        assert_eq!(tree(&format!("k = {value}")), format!("{{k={shown}}}"), "{value}");
    }
}

#[test]
fn tables() {
    for (text, shown) in [
        ("", "{}"),
        ("[a]\nx=1\n[b]\n", "{a={x=1} b={}}"),
        (
            "[[a.b]]\nx=1\n[a.b.c]\ny=2\n[[a.b]]\nx=3",
            "{a={b=[{x=1 c={y=2}} {x=3}]}}",
        ),
        (
            "[[a.b]]\n[[a.b.c]]\nx=1\n[[a.b.c]]\nx=2",
            "{a={b=[{c=[{x=1} {x=2}]}]}}",
        ),
        ("[a.b]\nx=1\n[a]\ny=2", "{a={b={x=1} y=2}}"),
        ("[ a . \"b c\" ]\nx=1", "{a={b c={x=1}}}"),
        // What only the old dialect takes.
        ("[a]\nx = 1 y = 2\nz = 3", "{a={x=1 y=2 z=3}}"),
        ("[a] x = 1", "{a={x=1}}"),
        ("[a]\nt = {x = 1}\n[a.t]\ny = 2", "{a={t={x=1 y=2}}}"),
        // What only TOML 1.0 takes.
        ("[a]\nb.c = 1\nb.d = 2\n'e f' = 3", "{a={b={c=1 d=2} e f=3}}"),
        ("a = 1\r\nb = 2\r\n", "{a=1 b=2}"),
    ] {
        assert_eq!(tree(text), shown, "{text}");
    }
}

#[test]
fn syntax_errors_name_telegrafs_line() {
    for (text, line) in [
        ("[a]\n  x =\n  y = 1\n", 2),
        ("[a]\n  x = \n  y = 1\n", 3),
        ("[a]\n  x = \"abc\n  y = 1\n", 3),
        ("[a]\n  x = 10s\n  y = 1\n", 3),
        ("[a]\n  x = 10s # ten\n  y = 1\n", 3),
        ("[a]\n  x = abc\n  y = 1\n", 2),
        ("[a]\n  x = ${X}\n", 2),
        ("[a]\n  x = [1,2\n  y = 1\n", 3),
        ("[a]\n  x = [\"a\"\n  \"b\"]\n", 3),
        ("[a\n  x = 1\n", 2),
        ("[[a]\n  x = 1\n", 1),
        ("[]\n", 1),
        ("[a.]\n", 1),
        ("[a]\n  x\n", 3),
        ("[a]\n  x y = 1\n", 2),
        ("[a]\n  x: 1\n", 2),
        ("[a]\n\n\n  x = \"a\\d\"\n", 4),
        ("[a]\r\n  x=1\r\n  y = \r\n", 3),
        ("[a]\n x=[\"a\",,\"b\"]\n", 2),
        ("[a]\n x = 07\n", 3),
        ("hello\n", 2),
        ("{\"a\": 1}\n", 1),
        ("x = 127.0.0.1:80\n", 1),
        ("x = \"\"\"a\n\n", 3),
        ("x = \"\\u12\"", 1),
        ("x = \"\\ud800\"", 1),
    ] {
        let found = faults(text);
        assert_eq!(
            found.first(),
            Some(&format!("line {line}: invalid TOML syntax")),
            "{text}"
        );
    }
}

#[test]
fn conflicts_name_both_lines() {
    for (text, message) in [
        ("[a]\nx=1\nx=2", "line 3: key `x' is in conflict with line 2d"),
        (
            "[a]\n[a]",
            "line 2: table `a' is in conflict with table in line 1",
        ),
        (
            "[a.b]\n[[a.b]]",
            "line 2: array table `a.b' is in conflict with table in line 1",
        ),
        (
            "[[a.b]]\n\n[a.b]",
            "line 3: table `a.b' is in conflict with array table in line 1",
        ),
        ("a=1\n[a]", "line 2: table `a' is in conflict with line 1"),
        ("a=1\n[a.b]", "line 2: key `a' is in conflict with line 1"),
        ("a=1\n[[a]]", "line 2: array table `a' is in conflict with line 1"),
        (
            "[t]\n[t.a]\n[b]\n[t.c]\n[t.a]",
            "line 5: table `t.a' is in conflict with table in line 2",
        ),
        ("x = {a=1, a=2}", "line 1: key `a' is in conflict with line 1d"),
    ] {
        assert_eq!(faults(text), [message], "{text}");
    }
}

#[test]
fn every_mistake_is_found_and_none_twice() {
    let text = "[a]\n  x = 10s\n  y = [\n   1\n   2\n  ]\n  z = 1\n  z = 2\n[b\n  k = 1\n[a]\n[c]\n  v =\n";
    let found = faults(text);
    assert_eq!(found.len(), 6, "{found:?}");
}

#[test]
fn help_says_what_was_probably_meant() {
    for (text, help) in [
        ("x = 10s", "a text stands in quotes: \"10s\""),
        ("x = abc", "a text stands in quotes: \"abc\""),
        ("x = True", "truth values are written in small letters: true"),
        ("x =", "the value is missing"),
        (
            "x = ${N}",
            "variables stand in quotes, \"${N}\", or take --non-strict-env-handling",
        ),
        ("x = {$N}", "a variable is written ${NAME}, in quotes: \"${N}\""),
        ("apiVersion: v1\ndata:", "this looks like a Kubernetes manifest"),
        ("x = [1 2]", "expected `,` or `]`"),
        (
            "\nx = [\n 'a'\ny = 1",
            "the list that begins on line 2 has no `]`",
        ),
        ("x = “a”", "the quotes are typographic ones"),
        (
            "x = \"C:\\dir\"",
            "write the text in single quotes, or each backslash twice",
        ),
    ] {
        let found = parse(&remove_comments(text), 0).1;
        let given = found.first().and_then(|f| f.help.clone()).unwrap_or_default();
        assert!(given.contains(help), "{text}: {given}");
    }
}

#[test]
fn brackets_inside_each_other_have_an_end() {
    let deep = format!("x = {}", "[".repeat(100_000));
    assert!(!faults(&deep).is_empty());
    let deep = format!("x = {}", "{a = ".repeat(100_000));
    assert!(!faults(&deep).is_empty());
}

/// Text made of the marks that matter, so that much of it nearly fits.
fn nearly_toml() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("[a]\n"),
        Just("[[a.b]]\n"),
        Just("[a.b.c]\n"),
        Just("x = "),
        Just("y="),
        Just("1"),
        Just("10s"),
        Just("\"s\""),
        Just("'l'"),
        Just("\"\"\""),
        Just("'''"),
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just(","),
        Just("#c"),
        Just("\n"),
        Just("\r\n"),
        Just(" "),
        Just("\\"),
        Just("\\u00"),
        Just("${V}"),
        Just("é"),
        Just("."),
        Just("=")
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|v| v.concat())
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof![any::<String>(), nearly_toml()]) {
        let mapped = remove_comments(&text);
        let (_, faults) = parse(&mapped, 0);
        for fault in faults {
            prop_assert!(fault.span.start <= fault.span.end);
        }
    }
}
