use super::*;
use crate::testing::{batch, build, metric, one, text};

fn config() -> PrometheusConfig {
    PrometheusConfig {
        prometheus_compact_encoding: true,
        ..PrometheusConfig::default()
    }
}

fn kinded(kind: ValueType, mut metric: Metric) -> Metric {
    metric.set_kind(kind);
    metric
}

fn cpu() -> Metric {
    let fields = [
        ("time.idle", Value::Float(42.0)),
        ("ok", Value::Bool(true)),
        ("note", Value::from("a\"b\\\n")),
    ];
    metric(
        "cpu",
        &[("host-name", "a"), ("dc", "")],
        &fields,
        1_574_279_268_999_999_999,
    )
}

#[test]
fn lines_of_plain_metrics() {
    let full = PrometheusConfig::default();
    assert_eq!(
        one::<Prometheus>(full, &cpu()),
        text(
            "# HELP cpu_time_idle Telegraf collected metric\n# TYPE cpu_time_idle untyped\n\
             cpu_time_idle{dc=\"\",host_name=\"a\"} 42\n\
             # HELP cpu_ok Telegraf collected metric\n# TYPE cpu_ok untyped\ncpu_ok{dc=\"\",host_name=\"a\"} 1\n"
        )
    );
    let other = PrometheusConfig {
        prometheus_export_timestamp: true,
        prometheus_string_as_label: true,
        prometheus_sort_metrics: true,
        prometheus_metric_types: MetricTypes {
            counter: vec!["cpu_*".to_owned()],
            gauge: vec!["*_ok".to_owned()],
        },
        ..config()
    };
    let labels = "{dc=\"\",host_name=\"a\",note=\"a\\\"b\\\\\\n\"}";
    assert_eq!(
        one::<Prometheus>(other, &cpu()),
        Ok(format!(
            "# TYPE cpu_ok gauge\ncpu_ok{labels} 1 1574279268999\n\
             # TYPE cpu_time_idle counter\ncpu_time_idle{labels} 42 1574279268999\n"
        ))
    );
}

#[test]
fn names_are_made_to_fit() {
    let utf8 = PrometheusConfig {
        prometheus_name_sanitization: "utf8".to_owned(),
        ..config()
    };
    let sample = metric(
        "cpu",
        &[("host-name", "a")],
        &[("time.idle", Value::Int(1)), ("x", Value::Int(2))],
        0,
    );
    assert_eq!(
        one::<Prometheus>(utf8, &sample),
        text(
            "# TYPE cpu_time_idle untyped\ncpu_time_idle{host_name=\"a\"} 1\n\
             # TYPE cpu_x untyped\ncpu_x{host_name=\"a\"} 2\n"
        )
    );
    let utf8 = PrometheusConfig {
        prometheus_name_sanitization: "utf8".to_owned(),
        ..config()
    };
    let sample = metric(
        "é-1",
        &[("1a", "x"), ("b:c", "y"), ("ü_", "z")],
        &[("v.", Value::Int(1))],
        0,
    );
    assert_eq!(
        one::<Prometheus>(utf8, &sample),
        text("# TYPE __1_v_ untyped\n__1_v_{_a=\"x\",b:c=\"y\",__=\"z\"} 1\n")
    );
    // What is left of the name begins with a digit.
    assert_eq!(
        one::<Prometheus>(config(), &sample),
        text("# TYPE __v untyped\n__v{a=\"x\",b_c=\"y\"} 1\n")
    );
    let wrong = PrometheusConfig {
        prometheus_name_sanitization: "x".to_owned(),
        ..config()
    };
    let error = "invalid prometheus_name_sanitization \"x\": must be \"legacy\" or \"utf8\"";
    assert_eq!(build::<Prometheus>(wrong).err(), Some(error.to_owned()));
}

#[test]
fn parts_are_put_together() {
    let histogram = |tags: &[(&str, &str)], fields: &[(&str, Value)]| {
        kinded(ValueType::Histogram, metric("prometheus", tags, fields, 1))
    };
    let summary = |tags: &[(&str, &str)], fields: &[(&str, Value)]| {
        kinded(ValueType::Summary, metric("rpc", tags, fields, 1))
    };
    let metrics = [
        histogram(
            &[],
            &[
                ("h_sum", Value::Float(2.5)),
                ("h_count", Value::Int(3)),
                ("h_odd", Value::Int(1)),
            ],
        ),
        histogram(&[("le", "0.5")], &[("h_bucket", Value::Float(1.0))]),
        histogram(&[("le", "1e6")], &[("h_bucket", Value::Int(2))]),
        histogram(&[("le", "x")], &[("h_bucket", Value::Int(9))]),
        histogram(&[("le", "1e6")], &[("h_bucket", Value::Int(-2))]),
        summary(&[("quantile", "0.9")], &[("s", Value::Float(f64::NAN))]),
        summary(&[], &[("s_sum", Value::Int(7)), ("s_count", Value::Uint(2))]),
    ];
    let all: Vec<&Metric> = metrics.iter().collect();
    assert_eq!(
        batch::<Prometheus>(config(), &all),
        text(
            "# TYPE h histogram\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"1e+06\"} 2\nh_bucket{le=\"+Inf\"} 3\n\
             h_sum 2.5\nh_count 3\n\
             # TYPE rpc_s summary\nrpc_s{quantile=\"0.9\"} NaN\nrpc_s_sum 7\nrpc_s_count 2\n"
        )
    );
    // A filter cannot make a gauge of a histogram.
    let gauges = PrometheusConfig {
        prometheus_metric_types: MetricTypes {
            gauge: vec!["*".to_owned()],
            ..MetricTypes::default()
        },
        ..config()
    };
    assert_eq!(batch::<Prometheus>(gauges, &all), text(""));
}

#[test]
fn the_later_of_two_stays_and_types_are_apart() {
    let at = |time, value: f64| metric("m", &[("a", "b")], &[("v", Value::Float(value))], time);
    let gauge = kinded(ValueType::Gauge, at(1, 9.0));
    assert_eq!(
        one::<Prometheus>(config(), &at(1, -0.0)),
        text("# TYPE m_v untyped\nm_v{a=\"b\"} 0\n")
    );
    let metrics = [at(2, 1.0), at(1, 2.0), gauge, at(3, 1e-7)];
    let all: Vec<&Metric> = metrics.iter().collect();
    assert_eq!(
        batch::<Prometheus>(config(), &all),
        text("# TYPE m_v untyped\nm_v{a=\"b\"} 1e-07\n# TYPE m_v gauge\nm_v{a=\"b\"} 9\n")
    );
}
