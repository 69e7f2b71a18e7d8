use proptest::prelude::*;

use super::*;
use crate::testing::{build, feed, lines};

fn version(version: i64) -> PrometheusConfig {
    PrometheusConfig {
        prometheus_metric_version: version,
        ..PrometheusConfig::default()
    }
}

fn parse(config: PrometheusConfig, payload: &str) -> Result<Vec<String>, String> {
    crate::testing::parse::<Prometheus>(config, payload)
}

const SAMPLES: &str = r#"# HELP g what\nit is
# TYPE g gauge
g{a="x",b=""} 1.5 1500
# just a comment
up 1
nan{x="\"\\\n"} NaN
# TYPE s summary
s{quantile="0.5",z="1"} 2
s{z="1",quantile="0.9"} NaN
s_sum{z="1"} 10
s_count{z="1"} 4
# TYPE h histogram
h_bucket{le="0.1"} 1
h_bucket{le="1e+06"} 3
h_sum 7.5
h_count 5

"#;

#[test]
fn fields_named_by_the_samples() {
    assert_eq!(
        parse(version(0), SAMPLES),
        lines(&[
            "prometheus,a=x g=Float(1.5) 1500000000",
            "prometheus up=Float(1.0)",
            "prometheus,z=1 s_count=Float(4.0),s_sum=Float(10.0)",
            "prometheus,quantile=0.5,z=1 s=Float(2.0)",
            "prometheus,quantile=0.9,z=1 s=Float(NaN)",
            "prometheus h_count=Float(5.0),h_sum=Float(7.5)",
            "prometheus,le=0.1 h_bucket=Float(1.0)",
            "prometheus,le=1e+06 h_bucket=Float(3.0)",
            "prometheus,le=+Inf h_bucket=Float(5.0)",
        ])
    );
}

#[test]
fn metrics_named_by_the_samples() {
    let config = PrometheusConfig {
        prometheus_ignore_timestamp: true,
        ..version(1)
    };
    assert_eq!(
        parse(config, SAMPLES),
        lines(&[
            "g,a=x gauge=Float(1.5)",
            "up value=Float(1.0)",
            "s,z=1 count=Float(4.0),sum=Float(10.0),0.5=Float(2.0)",
            "h count=Float(5.0),sum=Float(7.5),0.1=Float(1.0),1e+06=Float(3.0)",
        ])
    );
    assert_eq!(
        parse(version(3), SAMPLES),
        Err("unknown prometheus metric version 3".to_owned())
    );
    assert_eq!(parse(version(3), ""), lines(&[]));
}

#[test]
fn names_can_stand_in_quotes() {
    assert_eq!(
        parse(
            version(2),
            "{\"my.metric\",\"a.b\"=\"c\"} 1\n\"other name\"{x=\"y\",} 2\n"
        ),
        lines(&[
            "prometheus,a.b=c my.metric=Float(1.0)",
            "prometheus,x=y other name=Float(2.0)"
        ])
    );
}

#[test]
fn what_is_wrong_is_said() {
    for (payload, line, what) in [
        ("a 1", 1, "unexpected end of input stream"),
        ("a 1\na x\n", 2, "expected float as value, got \"x\""),
        ("a 1_0\n", 1, "expected float as value, got \"1_0\""),
        ("a 1 \n", 1, "expected integer as timestamp, got \"\""),
        ("a 1 2 3\n", 1, "spurious string after timestamp: \" 3\""),
        ("1a 1\n", 1, "invalid metric name"),
        ("{x=\"1\"} 1\n", 1, "invalid metric name"),
        ("a{1=\"\"} 1\n", 1, "invalid label name for metric \"a\""),
        ("a{b} 1\n", 1, "expected '=' after label name, found '}'"),
        (
            "a{b=c} 1\n",
            1,
            "expected '\"' at start of label value, found 'c'",
        ),
        (
            "a{b=\"c} 1\n",
            1,
            "label value \"c} 1\" contains unescaped new-line",
        ),
        ("a{b=\"\\c\"} 1\n", 1, "invalid escape sequence '\\c'"),
        ("a{b=\"c\"; 1\n", 1, "unexpected end of label value \"c\""),
        (
            "a{b=\"c\",b=\"d\"} 1\n",
            1,
            "duplicate label names for metric \"a\"",
        ),
        ("a{__name__=\"c\"} 1\n", 1, "label name \"__name__\" is reserved"),
        ("# TYPE a gauges\n", 1, "unknown metric type \"gauges\""),
        ("# TYPE a-b gauge\n", 1, "invalid metric name in comment"),
        (
            "a 1\n# TYPE a gauge\n",
            2,
            "second TYPE line for metric name \"a\", or TYPE reported after samples",
        ),
        (
            "# HELP a x\n# HELP a y\n",
            2,
            "second HELP line for metric name \"a\"",
        ),
        (
            "# TYPE a summary\na{quantile=\"x\"} 1\n",
            2,
            "expected float as value for 'quantile' label, got \"x\"",
        ),
        (
            "# TYPE a gauge_histogram\na 1\n",
            2,
            "unexpected type for metric name \"a\"",
        ),
    ] {
        let want = format!("decoding response failed: text format parsing error in line {line}: {what}");
        assert_eq!(parse(version(2), payload), Err(want), "{payload}");
    }
}

proptest! {
    #[test]
    fn no_payload_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60), text in "[a{}=\",\\\\# 1.é\n]{0,40}") {
        let mut parser = build::<Prometheus>(version(2)).expect("valid options");
        let _ = feed(&mut parser, &bytes);
        let _ = feed(&mut parser, text.as_bytes());
        let _ = feed(&mut parser, format!("# TYPE a histogram\n{text}\n").as_bytes());
    }
}
