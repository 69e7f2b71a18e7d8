//! Metrics in, events for Splunk's metric store out, one behind the other without anything between.

use std::collections::BTreeMap;

use wheatstone_plugin::prelude::*;

use crate::json::write;

/// Options of `data_format = "splunkmetric"`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SplunkmetricConfig {
    /// Whether events have the shape of Splunk's HTTP event collector, with time, host, index and source apart.
    pub splunkmetric_hec_routing: bool,
    /// Whether all fields of a metric go into one event, as Splunk 8.0 and later take it.
    pub splunkmetric_multimetric: bool,
    /// Whether `"event":"metric"` is left out of events for the collector.
    pub splunkmetric_omit_event_tag: bool,
}

/// The serializer of `data_format = "splunkmetric"`.
pub struct Splunkmetric(SplunkmetricConfig);

impl Plugin for Splunkmetric {
    type Config = SplunkmetricConfig;

    fn new(config: SplunkmetricConfig, _: &Context) -> Result<Splunkmetric> {
        Ok(Splunkmetric(config))
    }
}

register!(serializer "splunkmetric" = Splunkmetric);

impl Serializer for Splunkmetric {
    fn serialize(&mut self, metric: &Metric, out: &mut Vec<u8>) -> Result<()> {
        let tags = metric
            .tags()
            .filter(|(key, _)| !matches!(key.as_str(), "host" | "index" | "source"));
        // The dimensions, and then the values, by their names.
        let mut fields: BTreeMap<String, Vec<u8>> = tags
            .map(|(key, value)| (key.to_string(), quoted(value)))
            .collect();
        let numbers = metric
            .fields()
            .filter_map(|(key, value)| Some((key, number(value)?)));
        if self.0.splunkmetric_multimetric {
            for (key, value) in numbers {
                fields.insert(format!("metric_name:{}.{key}", metric.name()), value);
            }
            self.event(metric, fields, out);
        } else {
            for (key, value) in numbers {
                let mut fields = fields.clone();
                fields.insert(
                    "metric_name".to_owned(),
                    quoted(&format!("{}.{key}", metric.name())),
                );
                fields.insert("_value".to_owned(), value);
                self.event(metric, fields, out);
            }
        }
        Ok(())
    }
}

impl Splunkmetric {
    fn event(&self, metric: &Metric, mut fields: BTreeMap<String, Vec<u8>>, out: &mut Vec<u8>) {
        let mut time = Vec::new();
        write::float(metric.time() as f64 / 1e9, &mut time);
        if !self.0.splunkmetric_hec_routing {
            fields.insert("time".to_owned(), time);
            return object(&fields, out);
        }
        out.extend_from_slice(b"{\"time\":");
        out.extend_from_slice(&time);
        if !self.0.splunkmetric_omit_event_tag {
            out.extend_from_slice(b",\"event\":\"metric\"");
        }
        for key in ["host", "index", "source"] {
            if let Some(value) = metric.tag(key).filter(|value| !value.is_empty()) {
                out.push(b',');
                write::string(key, out);
                out.push(b':');
                write::string(value, out);
            }
        }
        out.extend_from_slice(b",\"fields\":");
        object(&fields, out);
        out.push(b'}');
    }
}

/// A field's value in JSON; texts have no place in a metric store, nor has what is no number.
fn number(value: &Value) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match value {
        Value::Str(_) => return None,
        Value::Float(v) if !v.is_finite() => return None,
        Value::Bool(v) => out.push(b'0' + u8::from(*v)),
        value => write::value(value, &mut out),
    }
    Some(out)
}

fn quoted(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::string(text, &mut out);
    out
}

fn object(fields: &BTreeMap<String, Vec<u8>>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (at, (key, value)) in fields.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write::string(key, out);
        out.push(b':');
        out.extend_from_slice(value);
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{batch, metric, one, text};

    fn options(hec: bool, multi: bool, omit: bool) -> SplunkmetricConfig {
        SplunkmetricConfig {
            splunkmetric_hec_routing: hec,
            splunkmetric_multimetric: multi,
            splunkmetric_omit_event_tag: omit,
        }
    }

    fn sample() -> Metric {
        let fields = [
            ("user", Value::Int(42)),
            ("note", Value::from("x")),
            ("on", Value::Bool(true)),
            ("bad", Value::Float(f64::INFINITY)),
        ];
        let tags = [("host", "h"), ("index", "i"), ("source", ""), ("dc", "a")];
        metric("cpu", &tags, &fields, 1_529_875_740_819_000_000)
    }

    #[test]
    fn an_event_for_each_number() {
        assert_eq!(
            one::<Splunkmetric>(options(false, false, false), &sample()),
            text(
                r#"{"_value":42,"dc":"a","metric_name":"cpu.user","time":1529875740.819}{"_value":1,"dc":"a","metric_name":"cpu.on","time":1529875740.819}"#
            )
        );
        assert_eq!(
            one::<Splunkmetric>(options(true, false, false), &sample()),
            text(concat!(
                r#"{"time":1529875740.819,"event":"metric","host":"h","index":"i","fields":{"_value":42,"dc":"a","metric_name":"cpu.user"}}"#,
                r#"{"time":1529875740.819,"event":"metric","host":"h","index":"i","fields":{"_value":1,"dc":"a","metric_name":"cpu.on"}}"#
            ))
        );
    }

    #[test]
    fn all_numbers_in_one_event() {
        let fields = r#""dc":"a","metric_name:cpu.on":1,"metric_name:cpu.user":42"#;
        assert_eq!(
            batch::<Splunkmetric>(options(false, true, false), &[&sample()]),
            Ok(format!("{{{fields},\"time\":1529875740.819}}"))
        );
        let event = format!(r#"{{"time":1529875740.819,"host":"h","index":"i","fields":{{{fields}}}}}"#);
        assert_eq!(
            batch::<Splunkmetric>(options(true, true, true), &[&sample(), &sample()]),
            Ok(format!("{event}{event}"))
        );
    }
}
