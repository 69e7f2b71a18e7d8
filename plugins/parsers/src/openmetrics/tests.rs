use proptest::prelude::*;

use super::*;
use crate::protobuf::Draft;
use crate::testing::{build, feed, lines};

fn version(version: i64) -> OpenMetricsConfig {
    OpenMetricsConfig {
        openmetrics_metric_version: version,
        ..OpenMetricsConfig::default()
    }
}

fn parse(config: OpenMetricsConfig, payload: &str) -> Result<Vec<String>, String> {
    crate::testing::parse::<OpenMetrics>(config, payload)
}

const SAMPLES: &str = r#"# TYPE water_celsius gauge
# UNIT water_celsius celsius
# HELP water_celsius how \"warm\"
water_celsius{pool="a",none=""} 21.5 1.5
water_celsius{pool="b"} NaN
# TYPE visits counter
visits_total 7 # {trace="x\"y"} 0.5 1.25
visits_created 1000.5
visits_count 8
bare{a="b"} 3
# TYPE door stateset
door{door="is open",floor="1"} 1
door{door="shut",floor="1"} 0
# TYPE build info
build_info{version="1.2"} 1
# TYPE h histogram
h_bucket{le="0.5"} 1 # {} 0.3
h_bucket{le="+Inf"} 3
h_count 3
h_sum 2.5
h_created 1000
# TYPE g gaugehistogram
g_bucket{le="2"} 4
g_gcount 5
g_gsum -1
# TYPE s summary
s{quantile="0.9"} 1.5
s_count 2
s_sum 3
s_created 10.5
# EOF
"#;

#[test]
fn fields_named_by_the_samples() {
    assert_eq!(
        parse(version(0), SAMPLES),
        lines(&[
            "openmetric,pool=a,unit=celsius water_celsius=Float(21.5) 1500000000",
            "openmetric visits=Float(7.0)",
            "openmetric,a=b bare=Float(3.0)",
            "openmetric,floor=1 door_is_open=Bool(true)",
            "openmetric,floor=1 door_shut=Bool(false)",
            "openmetric,version=1.2 build_info=Uint(1)",
            "openmetric h_count=Float(3.0),h_sum=Float(2.5),h_created=Float(1000.0)",
            "openmetric,le=0.5 h_bucket=Float(1.0)",
            "openmetric,le=+Inf h_bucket=Float(3.0)",
            "openmetric g_count=Float(5.0),g_sum=Float(-1.0)",
            "openmetric,le=2 g_bucket=Float(4.0)",
            "openmetric,le=+Inf g_bucket=Float(5.0)",
            "openmetric s_count=Float(2.0),s_sum=Float(3.0),s_created=Float(500000010.0)",
            "openmetric,quantile=0.9 s=Float(1.5)",
        ])
    );
}

#[test]
fn metrics_named_by_the_samples() {
    let config = OpenMetricsConfig {
        openmetrics_ignore_timestamp: true,
        ..version(1)
    };
    assert_eq!(
        parse(config, SAMPLES),
        lines(&[
            "water_celsius,pool=a,unit=celsius gauge=Float(21.5)",
            "visits counter=Float(7.0)",
            "bare,a=b value=Float(3.0)",
            "door,floor=1 is_open=Bool(true),shut=Bool(false)",
            "build,version=1.2 info=Uint(1)",
            "h count=Float(3.0),sum=Float(2.5),created=Float(1000.0),0.5=Float(1.0),+Inf=Float(3.0)",
            "g count=Float(5.0),sum=Float(-1.0),2=Float(4.0)",
            "s count=Float(2.0),sum=Float(3.0),created=Float(10.5),0.9=Float(1.5)",
        ])
    );
    let error = Err("unknown metric version 3".to_owned());
    assert_eq!(parse(version(3), SAMPLES), error);
    assert_eq!(parse(version(3), "# EOF"), lines(&[]));
}

#[test]
fn points_in_time_and_names_in_quotes() {
    let payload = "\n# TYPE c counter\nc_total 1 1\nc_total 2 2.5\n{\"my.name\",\"a b\"=\"c\\n\"} 4\n# EOF";
    assert_eq!(
        parse(version(2), payload),
        lines(&[
            "openmetric c=Float(1.0) 1000000000",
            "openmetric c=Float(2.0) 2500000000",
            "openmetric,a b=c\n my.name=Float(4.0)",
        ])
    );
}

#[test]
fn what_is_wrong_is_said() {
    for (payload, what) in [
        ("", "data does not end with # EOF"),
        ("a 1\n", "data does not end with # EOF"),
        ("# EOF\na 1\n", "unexpected data after # EOF"),
        ("#EOF\n", "expected a valid start token, got \"#\" at byte 0"),
        ("# a comment\n", "expected a valid start token"),
        ("# TYPE a\n# EOF", "expected text in TYPE"),
        ("# TYPE 1 gauge\n# EOF", "expected metric name after TYPE"),
        ("# TYPE a gauges\n# EOF", "invalid metric type \"gauges\""),
        ("# UNIT a_s m\n# EOF", "unit \"m\" not a suffix of metric \"a_s\""),
        ("# UNIT as s\n# EOF", "unit \"s\" not a suffix of metric \"as\""),
        ("a  1\n# EOF", "expected value after metric: no number"),
        ("a 0x1p4\n# EOF", "expected value after metric: no number"),
        ("a{b=\"c\" 1\n# EOF", "expected comma or brace close"),
        ("a{b=c} 1\n# EOF", "expected label value"),
        ("a{b} 1\n# EOF", "expected equal"),
        ("a{\"b\"} 1\n# EOF", "metric name already set"),
        ("{a=\"b\"} 1\n# EOF", "metric name not set"),
        ("a{b=\"c\n\"} 1\n# EOF", "text in quotes without an end"),
        ("a 1 NaN\n# EOF", "invalid timestamp NaN"),
        ("a 1 2 3\n# EOF", "expected next entry after the sample"),
        ("a 1 # {b=\"c\"}\n# EOF", "expected value after exemplar labels"),
        ("a 1 # {} 1 Inf\n# EOF", "invalid exemplar timestamp inf"),
    ] {
        let error = parse(version(2), payload).expect_err(payload);
        let rest = error.strip_prefix("parsing text format failed: parsing failed: ");
        assert!(
            rest.is_some_and(|rest| rest.starts_with(what)),
            "{payload:?}: {error}"
        );
    }
}

#[test]
fn the_binary_format() {
    let draft = Draft::default;
    let label = |name: &str, value: &str| draft().text(1, name).text(2, value);
    let time = |seconds, nanos| draft().uint(1, seconds).uint(2, nanos);
    let point = |number, value: Draft| draft().message(2, draft().message(number, value));
    let family = |name: &str, kind| draft().text(1, name).uint(2, kind);
    let gauge = draft().message(1, label("a", "b")).message(
        2,
        draft().message(2, draft().double(1, 1.5)).message(8, time(3, 4)),
    );
    let bucket = draft().uint(1, 2).double(2, 0.5);
    let histogram = draft()
        .uint(2, 9)
        .uint(3, 3)
        .message(4, time(10, 5))
        .message(5, bucket);
    let set = draft()
        .message(1, family("t_celsius", 1).text(3, "celsius").message(5, gauge))
        .message(1, family("c", 2).message(5, point(3, draft().uint(2, 7))))
        .message(
            1,
            family("u", 0).message(5, point(1, draft().uint(2, (-2i64) as u64))),
        )
        .message(
            1,
            family("d", 3).message(5, point(5, draft().message(1, draft().uint(1, 1).text(2, "on")))),
        )
        .message(
            1,
            family("i", 4).message(5, point(6, draft().message(1, label("v", "1")))),
        )
        .message(1, family("h", 5).message(5, point(4, histogram)))
        .message(
            1,
            family("s", 7).message(
                5,
                point(
                    7,
                    draft()
                        .double(1, 2.5)
                        .message(5, draft().double(1, 0.5).double(2, 4.0)),
                ),
            ),
        );
    let mut parser = build::<OpenMetrics>(version(2)).expect("valid options");
    assert_eq!(
        feed(&mut parser, &set.0),
        lines(&[
            "openmetric,a=b,unit=celsius t_celsius=Float(1.5) 3000000004",
            "openmetric c=Float(7.0)",
            "openmetric u=Float(-2.0)",
            "openmetric d_on=Bool(true)",
            "openmetric,v=1 i_info=Uint(1)",
            "openmetric h_count=Float(3.0),h_sum=Float(9.0),h_created=Float(15.0)",
            "openmetric,le=0.5 h_bucket=Float(2.0)",
            "openmetric,le=+Inf h_bucket=Float(3.0)",
            "openmetric s_count=Float(0.0),s_sum=Float(2.5)",
            "openmetric,quantile=0.5 s=Float(4.0)",
        ])
    );
    assert!(feed(&mut parser, &set.0[..set.0.len() - 1]).is_err());
}

proptest! {
    #[test]
    fn no_payload_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60), text in "[a{}=\",\\\\# 1.é\n]{0,40}") {
        let mut parser = build::<OpenMetrics>(version(2)).expect("valid options");
        let _ = feed(&mut parser, &bytes);
        let _ = feed(&mut parser, text.as_bytes());
        for kind in ["histogram", "stateset", "info"] {
            let _ = feed(&mut parser, format!("# TYPE a {kind}\n{text}\n# EOF").as_bytes());
        }
    }

    #[test]
    fn labels_come_back(value in "[^\u{0}]{1,20}", number in -1e15..1e15f64) {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let mut parser = build::<OpenMetrics>(version(1)).expect("valid options");
        let mut out = Vec::new();
        parser.parse(format!("# TYPE m gauge\nm{{l=\"{escaped}\"}} {number}\n# EOF\n").as_bytes(), 1, &mut out)
            .expect("a payload");
        prop_assert_eq!(out[0].tag("l"), Some(value.as_str()));
        prop_assert_eq!(out[0].field("gauge"), Some(&Value::Float(number)));
    }
}
