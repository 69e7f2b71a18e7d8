use proptest::prelude::*;
use wheatstone_metric::Metric;

use super::*;

fn metric() -> Metric {
    let mut m = Metric::new("cpu", 1_700_000_000_000_000_000);
    m.set_tag("cpu", "cpu0");
    m.set_tag("host", "h1");
    m.set_field("idle", 91.5);
    m.set_field("user", 3i64);
    m.set_field("free", 50u64);
    m.set_field("ok", true);
    m.set_field("state", "fine");
    m
}

fn passes(text: &str) -> Result<bool, String> {
    MetricPass::compile(text)
        .unwrap_or_else(|e| panic!("{text}: {e}"))
        .passes(&metric())
}

fn refused(text: &str) -> String {
    MetricPass::compile(text)
        .err()
        .unwrap_or_else(|| panic!("{text} compiles"))
}

#[test]
fn a_metric_is_seen_by_its_parts() {
    for text in [
        "name == 'cpu'",
        "name.startsWith('c') && name.endsWith('u') && name.contains('p')",
        "tags.cpu == 'cpu0' && tags['host'] == \"h1\"",
        "'cpu' in tags && !('nix' in tags) && 'idle' in fields",
        "has(tags.cpu) && !has(fields.nix)",
        "fields.idle > 90.0 && fields.user >= 3 && fields.free == 50u",
        "fields.ok == true && fields.state == 'fine'",
        "time == timestamp('2023-11-14T22:13:20Z') && time < now() - duration('24h')",
        "time.getFullYear() == 2023 && time.getHours('Europe/Berlin') == 23",
        "size(tags) == 2 && fields.size() == 5 && size(name) == 3",
        "name in ['cpu', 'mem'] && tags.host in ['h1']",
        "tags.exists(k, k == 'cpu') && fields.all(k, size(k) > 1) && tags.map(k, tags[k]).exists(v, v == 'h1')",
        "tags == {'cpu': 'cpu0', 'host': 'h1'} && tags != {'cpu': 'cpu0'} && tags == tags",
        "fields.user > 2 ? fields.idle > 1.0 : false",
        "type(fields.user) == int && type(fields.free) == uint && type(name) == string",
    ] {
        assert_eq!(passes(text), Ok(true), "{text}");
    }
}

#[test]
fn numbers_compare_across_their_types() {
    for text in [
        "fields.user < 3.5",
        "fields.free > 49",
        "fields.idle > 91",
        "fields.user == 3.0",
        "fields.free == 50",
        "fields.user < fields.free && fields.free < fields.idle",
        "int(fields.idle) + fields.user == 94",
    ] {
        assert_eq!(passes(text), Ok(true), "{text}");
    }
}

#[test]
fn the_extensions_are_there() {
    for text in [
        "math.abs(-3) == 3 && math.greatest(1, 2, 3) == 3 && math.least(fields.user, 5) == 3",
        "math.ceil(fields.idle) == 92.0 && math.isNaN(0.0 / 0.0) && math.bitAnd(6, 3) == 2",
        "name.upperAscii() == 'CPU' && 'a,b'.split(',').size() == 2 && ' x '.trim() == 'x'",
        "name.charAt(0) == 'c' && name.indexOf('p') == 1 && name.substring(1) == 'pu' && name.replace('c', 'g') == 'gpu'",
        "['a', 'b'].join('-') == 'a-b' && '%s %d'.format([name, 5]) == 'cpu 5' && strings.quote('a') == '\"a\"'",
        "base64.encode(b'cpu') == 'Y3B1' && string(base64.decode('Y3B1')) == name",
    ] {
        assert_eq!(passes(text), Ok(true), "{text}");
    }
}

#[test]
fn patterns_match_anywhere_and_are_checked_first() {
    assert_eq!(passes("name.matches('^c.u$') && matches(name, 'p')"), Ok(true));
    assert_eq!(passes("fields.all(k, !tags.host.matches('x' + k))"), Ok(true));
    assert_eq!(passes("['c', 'x'].exists(p, name.matches(p))"), Ok(true));
    assert!(refused("name.matches('[')").starts_with("error parsing regexp: "));
    let no_duration = "type conversion error from 'string' to 'google.protobuf.Duration'";
    assert_eq!(refused("now() - time > duration('a day')"), no_duration);
}

#[test]
fn what_cannot_be_told_is_an_error() {
    for (text, message) in [
        ("tags.nix == 'x'", "no such key: nix"),
        ("fields['nix'] > 5", "no such key: nix"),
        ("fields.state > 5", "no such overload"),
        ("fields.user / 0 == 1", "division by zero"),
        ("fields.user && true", "no such overload"),
    ] {
        assert_eq!(passes(text), Err(message.to_owned()), "{text}");
    }
    // One side alone decides.
    assert_eq!(passes("tags.nix == 'x' || name == 'cpu'"), Ok(true));
    assert_eq!(passes("name == 'mem' && tags.nix == 'x'"), Ok(false));
}

#[test]
fn syntax_errors_are_marked() {
    assert_eq!(
        refused("name =="),
        "ERROR: <input>:1:8: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', \
         'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | name ==\n | .......^"
    );
}

#[test]
fn types_are_checked_before_any_metric() {
    for text in [
        "name",
        "fields.idle",
        "tags",
        "1 + 1",
        "time",
        "fields.user > 2 ? fields.ok : true",
    ] {
        assert_eq!(refused(text), "expression needs to return a boolean", "{text}");
    }
    for (text, message) in [
        (
            "name == 5",
            "ERROR: <input>:1:6: found no matching overload for '_==_' applied to '(string, int)'\n | name == 5\n | .....^",
        ),
        (
            "cpu == 1 &&\n  name > mem",
            "ERROR: <input>:1:1: undeclared reference to 'cpu' (in container '')\n | cpu == 1 &&\n | ^\n\
             ERROR: <input>:2:10: undeclared reference to 'mem' (in container '')\n |   name > mem\n | .........^",
        ),
        (
            "nofunc(name)",
            "ERROR: <input>:1:7: undeclared reference to 'nofunc' (in container '')\n | nofunc(name)\n | ......^",
        ),
        (
            "name.startsWith(5)",
            "ERROR: <input>:1:16: found no matching overload for 'startsWith' applied to 'string.(int)'\n \
             | name.startsWith(5)\n | ...............^",
        ),
        (
            "time.year == 5",
            "ERROR: <input>:1:5: type 'timestamp' does not support field selection\n | time.year == 5\n | ....^",
        ),
        (
            "size(name) < 2.5",
            "ERROR: <input>:1:12: found no matching overload for '_<_' applied to '(int, double)'\n \
             | size(name) < 2.5\n | ...........^",
        ),
    ] {
        assert_eq!(refused(text), message, "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_compiled_or_refused(text in "[a-z0-9.()\\[\\]{}'\"=<>&|!?:+*/ ,-]{0,40}") {
        if let Ok(expression) = MetricPass::compile(&text) {
            let _ = expression.passes(&metric());
        }
    }
    #[test]
    fn any_expression_is_compiled_or_refused(
        parts in prop::collection::vec(prop::sample::select(vec![
            "name", "tags", "fields", "time", ".", "a", "(", ")", "==", "in", "'x'", "5", "2u", "1.5", "&&", "||", "!",
            "[", "]", "?", ":", "now()", "exists(", "x", ",", "+", "-", "matches(", "size(", "{", "}",
        ]), 0..12),
    ) {
        if let Ok(expression) = MetricPass::compile(&parts.join(" ")) {
            let _ = expression.passes(&metric());
        }
    }
}
