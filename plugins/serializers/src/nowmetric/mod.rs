//! Metrics in, records for ServiceNow's Operational Intelligence out: one for each field that is no text.

use wheatstone_plugin::prelude::*;

use crate::json::write;

/// Options of `data_format = "nowmetric"`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NowmetricConfig {
    /// `oi`: a list of records; `jsonv2`: an object with that list under `records`.
    pub nowmetric_format: String,
}

impl Default for NowmetricConfig {
    fn default() -> NowmetricConfig {
        NowmetricConfig {
            nowmetric_format: "oi".to_owned(),
        }
    }
}

/// The serializer of `data_format = "nowmetric"`.
pub struct Nowmetric {
    wrapped: bool,
}

impl Plugin for Nowmetric {
    type Config = NowmetricConfig;

    fn new(config: NowmetricConfig, _: &Context) -> Result<Nowmetric> {
        Ok(Nowmetric {
            wrapped: match config.nowmetric_format.as_str() {
                "" | "oi" => false,
                "jsonv2" => true,
                other => bail!("invalid format {other:?}"),
            },
        })
    }
}

register!(serializer "nowmetric" = Nowmetric);

impl Serializer for Nowmetric {
    fn serialize(&mut self, metric: &Metric, out: &mut Vec<u8>) -> Result<()> {
        // Of a metric without numbers Telegraf makes no list.
        self.list(&[metric], "null", out);
        Ok(())
    }

    fn serialize_batch(&mut self, metrics: &[&Metric], out: &mut Vec<u8>) -> Result<()> {
        self.list(metrics, "[]", out);
        Ok(())
    }
}

impl Nowmetric {
    fn list(&self, metrics: &[&Metric], empty: &str, out: &mut Vec<u8>) {
        if self.wrapped {
            out.extend_from_slice(b"{\"records\":");
        }
        let start = out.len();
        for metric in metrics {
            for (field, value) in metric.fields().filter(|(field, value)| has_record(field, value)) {
                out.push(if out.len() == start { b'[' } else { b',' });
                record(metric, field, value, out);
            }
        }
        if out.len() == start {
            out.extend_from_slice(empty.as_bytes());
        } else {
            out.push(b']');
        }
        if self.wrapped {
            out.push(b'}');
        }
    }
}

/// Texts have none, nor has what JSON cannot hold.
fn has_record(field: &str, value: &Value) -> bool {
    match value {
        Value::Str(_) => false,
        Value::Float(v) => v.is_finite() && !field.is_empty(),
        _ => !field.is_empty(),
    }
}

fn record(metric: &Metric, field: &str, value: &Value, out: &mut Vec<u8>) {
    let node = metric.tag("host").unwrap_or_default();
    out.extend_from_slice(b"{\"metric_type\":");
    write::string(field, out);
    out.extend_from_slice(b",\"resource\":");
    write::string(metric.tag("objectname").unwrap_or_default(), out);
    out.extend_from_slice(b",\"node\":");
    write::string(node, out);
    out.extend_from_slice(b",\"value\":");
    write::value(value, out);
    out.extend_from_slice(b",\"timestamp\":");
    wheatstone_line_protocol::push_int(metric.time() / 1_000_000, out);
    out.extend_from_slice(b",\"ci2metric_id\":");
    if node.is_empty() {
        out.extend_from_slice(b"null");
    } else {
        out.extend_from_slice(b"{\"node\":");
        write::string(node, out);
        out.push(b'}');
    }
    out.extend_from_slice(b",\"source\":\"Telegraf\"}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{batch, build, metric, one, text};

    fn oi() -> NowmetricConfig {
        NowmetricConfig::default()
    }
    fn jsonv2() -> NowmetricConfig {
        NowmetricConfig {
            nowmetric_format: "jsonv2".to_owned(),
        }
    }

    #[test]
    fn a_record_for_each_number() {
        let fields = [
            ("free", Value::Float(1.5)),
            ("fs", Value::from("ext4")),
            ("bad", Value::Float(f64::NAN)),
            ("ok", Value::Bool(true)),
        ];
        let tags = [("host", "h\"1"), ("objectname", "/"), ("x", "y")];
        let sample = metric("disk", &tags, &fields, 1_500_999_999);
        let record = |field: &str, value: &str| {
            format!(
                "{{\"metric_type\":\"{field}\",\"resource\":\"/\",\"node\":\"h\\\"1\",\"value\":{value},\
                 \"timestamp\":1500,\"ci2metric_id\":{{\"node\":\"h\\\"1\"}},\"source\":\"Telegraf\"}}"
            )
        };
        let list = format!("[{},{}]", record("free", "1.5"), record("ok", "true"));
        assert_eq!(one::<Nowmetric>(oi(), &sample), Ok(list.clone()));
        assert_eq!(
            one::<Nowmetric>(jsonv2(), &sample),
            Ok(format!("{{\"records\":{list}}}"))
        );
        let parsed: serde_json::Value = serde_json::from_str(&list).expect("JSON");
        assert_eq!(parsed.as_array().map(Vec::len), Some(2));
        let no_host = metric("m", &[], &[("v", Value::Int(1))], 0);
        let both = batch::<Nowmetric>(oi(), &[&no_host, &no_host]).expect("a list");
        assert!(both.starts_with("[{\"metric_type\":\"v\",\"resource\":\"\",\"node\":\"\",\"value\":1,"));
        assert_eq!(both.matches("\"ci2metric_id\":null").count(), 2);
    }

    #[test]
    fn nothing_to_write_and_a_wrong_format() {
        let texts = metric("m", &[], &[("v", Value::from("x"))], 0);
        assert_eq!(one::<Nowmetric>(oi(), &texts), text("null"));
        assert_eq!(batch::<Nowmetric>(oi(), &[&texts]), text("[]"));
        assert_eq!(batch::<Nowmetric>(jsonv2(), &[]), text("{\"records\":[]}"));
        let wrong = NowmetricConfig {
            nowmetric_format: "xml".to_owned(),
        };
        assert_eq!(
            build::<Nowmetric>(wrong).err(),
            Some("invalid format \"xml\"".to_owned())
        );
    }
}
