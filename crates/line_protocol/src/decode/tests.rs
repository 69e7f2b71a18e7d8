//! What both engines accept and refuse, and with which words.

mod values;

use wheatstone_metric::{Metric, Value};

use super::{Decoder, Engine};

const NOW: i64 = 1_700_000_000_123_456_789;

fn decode(engine: Engine, precision: i64, payload: &[u8]) -> Result<Vec<Metric>, String> {
    let mut out = vec![Metric::new("before", 0)];
    let result = Decoder::new(engine, precision).decode(payload, NOW, &mut out);
    assert_eq!(*out.remove(0).name(), "before");
    match result {
        Ok(()) => Ok(out),
        Err(error) => {
            assert!(out.is_empty(), "an error leaves nothing behind");
            Err(error.to_string())
        }
    }
}

fn internal(payload: &str) -> Result<Vec<Metric>, String> {
    decode(Engine::Internal, 1, payload.as_bytes())
}

fn upstream(payload: &str) -> Result<Vec<Metric>, String> {
    decode(Engine::Upstream, 1, payload.as_bytes())
}

/// The error, without the words that all have in common.
fn fault(result: Result<Vec<Metric>, String>) -> String {
    let error = result.expect_err("an error");
    error
        .strip_prefix("metric parse error: ")
        .unwrap_or(&error)
        .to_owned()
}

fn one(result: Result<Vec<Metric>, String>) -> Metric {
    let mut metrics = result.expect("a metric");
    assert_eq!(metrics.len(), 1);
    metrics.remove(0)
}

fn both(payload: &str) -> [Metric; 2] {
    [one(internal(payload)), one(upstream(payload))]
}

#[test]
fn a_line_becomes_a_metric() {
    for m in both("weather,site=north,area=x temp=21.5,count=7i,up=t,n=8u,s=\"a b\" 1700000000000000001\n") {
        assert_eq!(
            (m.name().as_str(), m.time()),
            ("weather", 1_700_000_000_000_000_001)
        );
        assert_eq!((m.tag("site"), m.tag("area")), (Some("north"), Some("x")));
        let fields: Vec<_> = m.fields().map(|(k, v)| (k.to_string(), v.clone())).collect();
        let want: [(&str, Value); 5] = [
            ("temp", 21.5.into()),
            ("count", 7i64.into()),
            ("up", true.into()),
            ("n", 8u64.into()),
            ("s", "a b".into()),
        ];
        assert_eq!(fields, want.map(|(k, v)| (k.to_owned(), v)));
    }
}

#[test]
fn the_last_of_equal_keys_counts() {
    for m in both("m,t=1,t=2 v=1,w=0,v=2 1") {
        assert_eq!((m.tag("t"), m.tag_count()), (Some("2"), 1));
        assert_eq!((m.field("v"), m.field_count()), (Some(&Value::Float(2.0)), 2));
    }
}

#[test]
fn escapes_are_taken_away() {
    for m in both("a\\,b\\ c=d,t\\=\\,\\ =v\\ w\\=,u=x\\y f\\ g\\,=1") {
        assert_eq!(*m.name(), "a,b c=d");
        assert_eq!((m.tag("t=, "), m.tag("u")), (Some("v w="), Some("x\\y")));
        assert_eq!(m.field("f g,"), Some(&Value::Float(1.0)));
    }
}

#[test]
fn two_backslashes_hide_nothing_in_a_tag_and_a_space_in_a_field_key() {
    assert_eq!(one(internal("m,t=a\\\\ b v=1")).tag("t"), Some("a\\ b"));
    assert_eq!(
        fault(internal("m a\\\\ b=1")),
        "expected field at 1:6: \"m a\\\\\\\\ b=1\""
    );
    assert_eq!(
        one(upstream("m a\\\\ b=1"))
            .fields()
            .next()
            .map(|(k, _)| k.as_str()),
        Some("a\\ b")
    );
}

#[test]
fn strings_take_what_their_engine_lets_pass() {
    let line = "m s=\"a \\\"b\\\", \\\\ c=d\ne\r\nf\" 1";
    for m in both(line) {
        assert_eq!(m.field("s"), Some(&"a \"b\", \\ c=d\ne\r\nf".into()));
    }
    assert_eq!(
        fault(internal("m s=\"C:\\temp\"")),
        "expected field at 1:9: \"m s=\\\"C:\\\\temp\\\"\""
    );
    assert_eq!(
        one(upstream("m s=\"C:\\temp\\dir\"")).field("s"),
        Some(&"C:\temp\\dir".into())
    );
    assert_eq!(fault(internal("m s=\"a\nb")), "expected field at 2:2: \"b\"");
    let want = "expected closing quote for string field value, found end of input at 1:5: \"m s=\\\"a\"";
    assert_eq!(fault(upstream("m s=\"a\nb")), want);
}

#[test]
fn lines_without_a_metric_are_skipped() {
    let payload = "\n# comment, with=all 1\n\r\n  m v=1 1  \n   # and\nm  v=2   2\r\n\n# the end";
    for result in [internal(payload), upstream(payload)] {
        let times: Vec<_> = result.expect("metrics").iter().map(Metric::time).collect();
        assert_eq!(times, [1, 2]);
    }
    for payload in ["", "\n", "  ", "#", "# x", "\r\n", "\r"] {
        assert_eq!(
            (
                internal(payload).map(|m| m.len()),
                upstream(payload).map(|m| m.len())
            ),
            (Ok(0), Ok(0))
        );
    }
}

#[test]
fn tabs_separate_in_the_internal_engine_only() {
    assert_eq!(one(internal("\tm\tv=1\t1\t\n")).time(), 1);
    let want = "expected tag key or field but found '\\t' instead at 1:2: \"m\\tv=1\\t1\"";
    assert_eq!(fault(upstream("m\tv=1\t1")), want);
}

#[test]
fn a_timestamp_counts_the_precisions_units() {
    for (precision, time, now) in [
        (1, 5, NOW),
        (1_000, 5_000, 1_700_000_000_123_456_000),
        (1_000_000, 5_000_000, 1_700_000_000_123_000_000),
        (1_000_000_000, 5_000_000_000, 1_700_000_000_000_000_000),
    ] {
        for engine in [Engine::Internal, Engine::Upstream] {
            assert_eq!(one(decode(engine, precision, b"m v=1 5")).time(), time);
            assert_eq!(one(decode(engine, precision, b"m v=1 -5")).time(), -time);
            assert_eq!(one(decode(engine, precision, b"m v=1")).time(), now);
        }
    }
}

#[test]
fn bad_timestamps_are_refused() {
    for (stamp, inner, outer) in [
        (
            "1.5",
            "expected timestamp at 1:8",
            "invalid timestamp (\"1.5\") at 1:7",
        ),
        (
            "x",
            "expected timestamp at 1:7",
            "invalid timestamp (\"x\") at 1:7",
        ),
        (
            "1 # c",
            "parse error at 1:9",
            "unexpected text after timestamp (\"# c\") at 1:9",
        ),
        (
            "9223372036854775808",
            "value out of range at 1:26",
            "invalid timestamp: line-protocol value out of range",
        ),
        (
            "12345678901234567890",
            "expected timestamp at 1:26",
            "invalid timestamp: line-protocol value out of range",
        ),
        (
            "-",
            "expected timestamp at 1:8",
            "invalid timestamp: invalid syntax",
        ),
    ] {
        let line = format!("m v=1 {stamp}");
        assert_eq!(fault(internal(&line)), format!("{inner}: \"{line}\""));
        let place = if outer.contains(" at ") {
            format!(": {line:?}")
        } else {
            String::new()
        };
        assert_eq!(fault(upstream(&line)), format!("{outer}{place}"));
    }
}

#[test]
fn the_place_of_an_error_is_named() {
    for (payload, inner, outer) in [
        (
            ",a=b v=1",
            "expected measurement name at 1:1",
            "invalid character ',' found at start of measurement name at 1:1",
        ),
        ("cpu", "expected tag at 1:4", "empty tag name at 1:4"),
        (
            "cpu,",
            "expected tag at 1:5",
            "expected tag key after comma; got end of input at 1:5",
        ),
        (
            "cpu, v=1",
            "expected tag at 1:5",
            "expected tag key after comma; got white space instead at 1:5",
        ),
        (
            "cpu,t v=1",
            "expected tag at 1:6",
            "expected '=' after tag key \"t\", but got ' ' instead at 1:5",
        ),
        (
            "cpu,t= v=1",
            "expected tag at 1:7",
            "expected tag value after tag key \"t\", but none found at 1:7",
        ),
        (
            "cpu,t=a=b v=1",
            "expected tag at 1:8",
            "expected tag key or field but found '=' instead at 1:8",
        ),
        (
            "cpu,t=a",
            "expected tag at 1:8",
            "expected field key but none found at 1:8",
        ),
        (
            "cpu ",
            "expected field at 1:5",
            "expected field key but none found at 1:5",
        ),
        (
            "cpu =1",
            "expected field at 1:5",
            "invalid character '=' found at start of field key at 1:5",
        ),
        (
            "cpu v",
            "expected field at 1:6",
            "want '=' after field key \"v\", found end of input at 1:6",
        ),
        (
            "cpu v 1",
            "expected field at 1:6",
            "want '=' after field key \"v\", found ' ' at 1:6",
        ),
        (
            "cpu v=",
            "expected field at 1:7",
            "expected field value, found end of input at 1:7",
        ),
        (
            "cpu v=x",
            "expected field at 1:7",
            "field value has unrecognized type at 1:7",
        ),
        (
            "cpu v=1,",
            "expected field at 1:9",
            "expected field key but none found at 1:9",
        ),
        (
            "cpu s=\"a\"b",
            "expected field at 1:10",
            "unexpected character 'b' after field at 1:10",
        ),
    ] {
        assert_eq!(fault(internal(payload)), format!("{inner}: {payload:?}"));
        assert_eq!(fault(upstream(payload)), format!("{outer}: {payload:?}"));
    }
}

#[test]
fn one_bad_line_refuses_the_payload() {
    let payload = "m v=1 1\r\nm v= 2\r\nm v=3 3\n";
    assert_eq!(fault(internal(payload)), "expected field at 2:5: \"m v= 2\"");
    assert_eq!(
        fault(upstream(payload)),
        "field value has unrecognized type at 2:5: \"m v= 2\""
    );
}

#[test]
fn a_lone_carriage_return_is_no_line_break() {
    assert_eq!(
        fault(internal("m v=1\rm v=2")),
        "parse error at 1:7: \"m v=1\\rm v=2\""
    );
    assert_eq!(one(internal("m v=1 1\r")).time(), 1);
    assert_eq!(one(upstream("m v=1 1\r")).time(), 1);
}

#[test]
fn a_long_line_is_cut_around_the_error() {
    let payload = format!("cpu {}=invalid\ncpu value=42", "ab".repeat(1024));
    let shown = format!("\"...b{}=<-- here\"", "ab".repeat(511));
    assert_eq!(
        fault(internal(&payload)),
        format!("expected field at 1:2054: {shown}")
    );
    assert_eq!(
        fault(upstream(&payload)),
        format!("field value has unrecognized type at 1:2054: {shown}")
    );
}

#[test]
fn bytes_that_are_no_text() {
    let m = one(decode(Engine::Internal, 1, b"m,t=a\xffb v=1 1"));
    assert_eq!(m.tag("t"), Some("a\u{fffd}b"));
    let want = "invalid utf-8 sequence in token \"a\\xffb\" at 1:5: \"m,t=a\\xffb v=1 1\"";
    assert_eq!(fault(decode(Engine::Upstream, 1, b"m,t=a\xffb v=1 1")), want);
    assert_eq!(one(decode(Engine::Upstream, 1, b"# \xff\nm v=1 1")).time(), 1);
    // A token as long as the payload makes no error as long.
    let long = [b"m,t=".as_slice(), &[0xff; 8192], b" v=1 1"].concat();
    assert!(fault(decode(Engine::Upstream, 1, &long)).len() < 6000);
    let long = [b"m v=".as_slice(), &[b'\x01'; 8192], b" 1"].concat();
    assert!(fault(decode(Engine::Upstream, 1, &long)).len() < 6000);
}

#[test]
fn a_payload_that_breaks_off_behind_a_backslash_in_the_name_is_only_cut() {
    assert_eq!(internal("m v=1 1\nm\\").map(|m| m.len()), Ok(1));
}
