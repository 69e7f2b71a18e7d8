//! Names and values of metrics in, those of Prometheus out.

use wheatstone_plugin::prelude::*;

/// Which names are kept as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sanitization {
    Legacy,
    Utf8,
}

/// The name of a series: the metric's with the field's behind it. What `inputs.prometheus` made is called `prometheus` and has
/// whole names as fields.
pub(crate) fn metric_name(metric: &Metric, field: &str) -> String {
    let field = match metric.kind() {
        ValueType::Histogram | ValueType::Summary => ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|ending| field.strip_suffix(ending))
            .unwrap_or(field),
        _ => field,
    };
    if *metric.name() == "prometheus" {
        field.to_owned()
    } else {
        format!("{}_{field}", metric.name())
    }
}

/// The name of a metric as Prometheus takes it; none where nothing is left of it.
pub(crate) fn sanitize_metric_name(name: &str, sanitization: Sanitization) -> Option<String> {
    sanitize(name, sanitization, is_metric_name, |c| c == ':')
}

/// The name of a label, likewise.
pub(crate) fn sanitize_label_name(name: &str, sanitization: Sanitization) -> Option<String> {
    sanitize(name, sanitization, is_label_name, |_| false)
}

pub(crate) fn is_metric_name(name: &str) -> bool {
    is_name(name, |c| c == ':')
}

fn is_label_name(name: &str) -> bool {
    is_name(name, |_| false)
}

fn is_name(name: &str, also: impl Fn(char) -> bool) -> bool {
    let part = |c: char| c == '_' || c.is_ascii_alphanumeric() || also(c);
    !name.is_empty() && name.chars().all(part) && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn sanitize(
    name: &str,
    sanitization: Sanitization,
    is_valid: fn(&str) -> bool,
    also: fn(char) -> bool,
) -> Option<String> {
    if is_valid(name) || (sanitization == Sanitization::Utf8 && !name.is_empty()) {
        return Some(name.to_owned());
    }
    let mut out = String::with_capacity(name.len());
    for (at, c) in name.chars().enumerate() {
        let part = c == '_' || c.is_ascii_alphabetic() || also(c);
        if part || (at > 0 && c.is_ascii_digit()) {
            out.push(c);
        } else if at > 0 {
            out.push('_');
        }
    }
    let out = out.trim_matches('_');
    (!out.is_empty()).then(|| out.to_owned())
}

/// A value of a counter, a gauge or an untyped metric: truth values are 1 and 0, texts are none.
pub(crate) fn sample_value(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(v) => Some(f64::from(u8::from(*v))),
        value => value.as_f64(),
    }
}

/// How often something was seen.
pub(crate) fn sample_count(value: &Value) -> Option<u64> {
    match value {
        Value::Float(v) if *v < 0.0 => None,
        Value::Float(v) => Some(*v as u64),
        Value::Int(v) => u64::try_from(*v).ok(),
        Value::Uint(v) => Some(*v),
        Value::Bool(_) | Value::Str(_) => None,
    }
}

/// A sum of what was seen.
pub(crate) fn sample_sum(value: &Value) -> Option<f64> {
    value.as_f64()
}

/// A bound or a quantile from a tag; what Go reads as a float.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    // Rust takes "-nan", Go does not.
    if unsigned.len() < text.len() && unsigned.eq_ignore_ascii_case("nan") {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    // Beyond the largest float is an error.
    (value.is_finite() || unsigned.starts_with(['i', 'I', 'n', 'N'])).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::metric;

    #[test]
    fn names() {
        for (name, metric, label) in [
            ("a:b_1", Some("a:b_1"), Some("a_b_1")),
            ("1abc", Some("abc"), Some("abc")),
            ("é.x-y", Some("x_y"), Some("x_y")),
            ("_a_", Some("_a_"), Some("_a_")),
            ("_a b_", Some("a_b"), Some("a_b")),
            ("-", None, None),
            ("", None, None),
        ] {
            assert_eq!(
                sanitize_metric_name(name, Sanitization::Legacy).as_deref(),
                metric,
                "{name}"
            );
            assert_eq!(
                sanitize_label_name(name, Sanitization::Legacy).as_deref(),
                label,
                "{name}"
            );
            let kept = Some(name).filter(|name| !name.is_empty());
            assert_eq!(sanitize_label_name(name, Sanitization::Utf8).as_deref(), kept);
        }
        let mut sample = metric("cpu", &[], &[], 0);
        assert_eq!(metric_name(&sample, "x_sum"), "cpu_x_sum");
        sample.set_kind(ValueType::Summary);
        assert_eq!(metric_name(&sample, "x_sum"), "cpu_x");
        sample.set_name("prometheus");
        assert_eq!(metric_name(&sample, "x_count"), "x");
    }

    #[test]
    fn values() {
        assert_eq!(sample_value(&Value::Bool(true)), Some(1.0));
        assert_eq!(sample_value(&Value::from("1")), None);
        assert_eq!(sample_count(&Value::Float(2.9)), Some(2));
        assert_eq!(
            (sample_count(&Value::Int(-1)), sample_count(&Value::Float(-0.5))),
            (None, None)
        );
        assert_eq!(sample_sum(&Value::Bool(true)), None);
        assert_eq!(
            (parse_float("+Inf"), parse_float("1e400")),
            (Some(f64::INFINITY), None)
        );
        assert_eq!((parse_float("-nan"), parse_float(" 1")), (None, None));
    }
}
