//! What is written is read by the parser of the same name.

use super::*;
use crate::testing::{build, metric};
use wheatstone_plugin::{AgentInfo, Kind};

/// The metrics that the parser reads in what the serializer wrote.
fn read_back(version: i64, config: PrometheusRemoteWriteConfig, metrics: &[&Metric]) -> Vec<Metric> {
    let mut serializer = build::<PrometheusRemoteWrite>(config).expect("valid options");
    let mut bytes = Vec::new();
    serializer
        .serialize_batch(metrics, &mut bytes)
        .expect("a request");
    let config = wheatstone_parsers::prometheusremotewrite::PrometheusRemoteWriteConfig {
        prometheus_metric_version: version,
    };
    let log = Log::new("test", None, None);
    let agent = std::sync::Arc::new(AgentInfo::default());
    let cx = Context::new(Kind::Parser, "test", "", Default::default(), log, agent);
    let mut parser = wheatstone_parsers::prometheusremotewrite::PrometheusRemoteWrite::new(config, &cx)
        .expect("valid options");
    let mut out = Vec::new();
    parser.parse(&bytes, 1, &mut out).expect("a request");
    out
}

fn show(metrics: &[Metric]) -> Vec<String> {
    let show = |m: &Metric| {
        let tags: Vec<String> = m.tags().map(|(k, v)| format!(",{k}={v}")).collect();
        let fields: Vec<String> = m.fields().map(|(k, v)| format!("{k}={v}")).collect();
        format!(
            "{}{} {} {}",
            m.name(),
            tags.concat(),
            fields.join(","),
            m.time() / 1_000_000
        )
    };
    metrics.iter().map(show).collect()
}

fn written(config: PrometheusRemoteWriteConfig, metrics: &[Metric]) -> Vec<String> {
    show(&read_back(1, config, &metrics.iter().collect::<Vec<_>>()))
}

fn kinded(kind: ValueType, mut metric: Metric) -> Metric {
    metric.set_kind(kind);
    metric
}

const MILLI: i64 = 1_000_000;

#[test]
fn samples_of_a_series_come_together() {
    let at = |time: i64, value: i64| {
        let fields = [
            ("a.b", Value::Int(value)),
            ("text", Value::from("x")),
            ("ok", Value::Bool(true)),
        ];
        metric(
            "cpu",
            &[("host-name", "h"), ("none", "")],
            &fields,
            time * MILLI + 999,
        )
    };
    let metrics = [at(10, 1), at(20, 2), at(20, 3), at(15, 4)];
    assert_eq!(
        written(PrometheusRemoteWriteConfig::default(), &metrics),
        [
            "cpu_a_b,host_name=h value=1 10",
            "cpu_a_b,host_name=h value=3 20",
            "cpu_ok,host_name=h value=1 10",
            "cpu_ok,host_name=h value=1 20",
        ]
    );
    let labelled = PrometheusRemoteWriteConfig {
        prometheus_string_as_label: true,
        prometheus_sort_metrics: true,
    };
    assert_eq!(
        written(labelled, &metrics[..1]),
        [
            "cpu_a_b,host_name=h,text=x value=1 10",
            "cpu_ok,host_name=h,text=x value=1 10"
        ]
    );
    assert_eq!(
        written(PrometheusRemoteWriteConfig::default(), &[]),
        Vec::<String>::new()
    );
}

#[test]
fn parts_of_histograms_and_summaries() {
    let histogram = |tags: &[(&str, &str)], fields: &[(&str, Value)]| {
        kinded(
            ValueType::Histogram,
            metric("prometheus", tags, fields, 10 * MILLI),
        )
    };
    let sorted = PrometheusRemoteWriteConfig {
        prometheus_sort_metrics: true,
        ..PrometheusRemoteWriteConfig::default()
    };
    let metrics = [
        histogram(&[("le", "1e6")], &[("h_bucket", Value::Int(2))]),
        histogram(
            &[],
            &[
                ("h_sum", Value::Float(2.5)),
                ("h_count", Value::Int(3)),
                ("h", Value::Int(3)),
            ],
        ),
        histogram(&[("le", "x")], &[("h_bucket", Value::Int(9))]),
    ];
    assert_eq!(
        written(sorted.clone(), &metrics),
        [
            "h_count value=3 10",
            "h_sum value=2.5 10",
            "h_bucket,le=+Inf value=3 10",
            "h_bucket,le=1e+06 value=2 10",
        ]
    );
    let only_bucket = [
        "h_count value=0 10",
        "h_sum value=0 10",
        "h_bucket,le=+Inf value=0 10",
        "h_bucket,le=1e+06 value=2 10",
    ];
    assert_eq!(written(sorted.clone(), &metrics[..1]), only_bucket);
    let fields = [
        ("s_sum", Value::Int(7)),
        ("s_count", Value::Int(2)),
        ("s", Value::Float(0.5)),
    ];
    let summary = kinded(
        ValueType::Summary,
        metric("prometheus", &[("quantile", "0.9")], &fields, 10 * MILLI),
    );
    assert_eq!(
        written(sorted, &[summary]),
        [
            "s_count value=2 10",
            "s_sum value=7 10",
            "s,quantile=0.9 value=0.5 10"
        ]
    );
}

#[test]
fn a_native_histogram_comes_back() {
    let fields = [
        ("counter_reset_hint", Value::Uint(2)),
        ("schema", Value::Int(-1)),
        ("zero_threshold", Value::Float(0.001)),
        ("zero_count", Value::Float(4.0)),
        ("count", Value::Float(9.0)),
        ("sum", Value::Float(4.5)),
        ("positive_span_0_offset", Value::Int(-2)),
        ("positive_span_0_length", Value::Uint(2)),
        ("negative_span_0_offset", Value::Int(1)),
        ("negative_span_0_length", Value::Uint(1)),
        ("positive_bucket_0", Value::Float(3.0)),
        ("positive_bucket_1", Value::Float(1.0)),
        ("negative_bucket_0", Value::Float(1.5)),
    ];
    let sample = kinded(
        ValueType::Histogram,
        metric("h", &[("a", "b")], &fields, 10 * MILLI),
    );
    let later = {
        let mut later = sample.clone();
        later.set_time(20 * MILLI);
        later
    };
    let back = read_back(1, PrometheusRemoteWriteConfig::default(), &[&sample, &later]);
    assert_eq!(back.len(), 2);
    for (back, sample) in back.iter().zip([&sample, &later]) {
        assert!(back.same_series(sample) && back.time() == sample.time() && back.kind() == sample.kind());
        for (key, value) in sample.fields() {
            assert_eq!(back.field(key), Some(value), "{key}");
        }
    }
    // One whose parts do not fit is taken field by field, of which only one has a meaning.
    let mut wrong = sample;
    wrong.set_field("positive_span_0_length", 3u64);
    let back = read_back(1, PrometheusRemoteWriteConfig::default(), &[&wrong]);
    let names: Vec<&str> = back.iter().map(|m| m.name().as_str()).collect();
    assert_eq!(names, ["h_zero_bucket", "h_zero_count"]);
}
