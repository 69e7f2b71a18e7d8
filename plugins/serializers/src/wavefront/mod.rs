//! Metrics in, points in Wavefront's format out: one for each field that is no text.

use std::collections::BTreeMap;
use std::io::Write as _;

use wheatstone_plugin::prelude::*;

use crate::number::seconds;

/// Options of `data_format = "wavefront"`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WavefrontConfig {
    /// What all names begin with.
    pub prefix: String,
    /// Whether `/` and `,` are kept in names, as Wavefront's own rules allow.
    pub wavefront_use_strict: bool,
    /// Tags whose value is the source of a point, the first that is there; without any it is `host`. The tag `source` comes
    /// before all.
    pub wavefront_source_override: Vec<String>,
    /// Whether `_` is kept in names, rather than turned into `.`.
    pub wavefront_disable_prefix_conversion: bool,
}

/// The serializer of `data_format = "wavefront"`.
pub struct Wavefront(WavefrontConfig);

impl Plugin for Wavefront {
    type Config = WavefrontConfig;

    fn new(config: WavefrontConfig, _: &Context) -> Result<Wavefront> {
        Ok(Wavefront(config))
    }
}

register!(serializer "wavefront" = Wavefront);

impl Serializer for Wavefront {
    fn serialize(&mut self, metric: &Metric, out: &mut Vec<u8>) -> Result<()> {
        let (source, tags) = self.tags(metric);
        for (field, value) in metric.fields() {
            let value = match value {
                Value::Bool(v) => f64::from(u8::from(*v)),
                value => match value.as_f64() {
                    Some(number) => number,
                    None => continue,
                },
            };
            out.push(b'"');
            self.push_name(metric, field, out);
            out.extend_from_slice(b"\" ");
            // Writing to memory cannot fail.
            let _ = match value {
                v if v.is_infinite() => write!(out, "{}Inf", if v > 0.0 { '+' } else { '-' }),
                v => write!(out, "{v:.6}"),
            };
            let _ = write!(out, " {} source=\"", seconds(metric.time()) as u64);
            push_tag_value(source, out);
            out.push(b'"');
            for (key, value) in &tags {
                out.extend_from_slice(b" \"");
                self.push_sanitized(key, false, out);
                out.extend_from_slice(b"\"=\"");
                push_tag_value(value, out);
                out.push(b'"');
            }
            out.push(b'\n');
        }
        Ok(())
    }
}

impl Wavefront {
    fn push_name(&self, metric: &Metric, field: &str, out: &mut Vec<u8>) {
        let dots = !self.0.wavefront_disable_prefix_conversion;
        self.push_sanitized(&self.0.prefix, dots, out);
        self.push_sanitized(metric.name(), dots, out);
        if field != "value" {
            out.push(b'.');
            self.push_sanitized(field, dots, out);
        }
    }

    /// The source, and the tags that are left; empty tags are not there.
    fn tags<'m>(&self, metric: &'m Metric) -> (&'m str, BTreeMap<&'m str, &'m str>) {
        let mut tags: BTreeMap<&str, &str> = metric
            .tags()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (key.as_str(), value))
            .collect();
        let host = tags.remove("host");
        if let Some(source) = tags.remove("source") {
            return (source, tags);
        }
        for key in &self.0.wavefront_source_override {
            if key == "host" && host.is_some() {
                tags.insert("telegraf_host", "");
                return (host.unwrap_or_default(), tags);
            }
            if let Some(source) = tags.remove(key.as_str()) {
                // The host is not lost.
                tags.insert("telegraf_host", host.unwrap_or_default());
                return (source, tags);
            }
        }
        (host.unwrap_or_default(), tags)
    }

    fn push_sanitized(&self, text: &str, dots: bool, out: &mut Vec<u8>) {
        out.extend(text.bytes().map(|b| match b {
            b'_' if dots => b'.',
            b'/' | b',' if self.0.wavefront_use_strict => b,
            b if b"!@#$%^&*()+`'\"[]{}:;<>,?/\\| =".contains(&b) => b'-',
            b => b,
        }));
    }
}

fn push_tag_value(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'*' => out.push(b'-'),
            b => out.push(b),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{metric, one};

    fn write(config: WavefrontConfig, tags: &[(&str, &str)], fields: &[(&str, Value)]) -> String {
        let sample = metric("my_cpu/x,y", tags, fields, 1_700_000_000_999_999_999);
        one::<Wavefront>(config, &sample).expect("points")
    }

    #[test]
    fn names_and_values() {
        let fields = [
            ("value", Value::Int(-3)),
            ("idle time", Value::Float(0.1234567)),
            ("text", Value::from("x")),
            ("ok", Value::Bool(true)),
            ("max", Value::Float(f64::INFINITY)),
        ];
        let tags = [("host", "h*1"), ("a_b:c", "say \"x\""), ("none", "")];
        let tail = "1700000000 source=\"h-1\" \"a_b-c\"=\"say \\\"x\\\"\"\n";
        let expected = |name: &str| {
            format!(
                "\"{name}\" -3.000000 {tail}\"{name}.idle-time\" 0.123457 {tail}\"{name}.ok\" 1.000000 {tail}\
                 \"{name}.max\" +Inf {tail}"
            )
        };
        assert_eq!(
            write(WavefrontConfig::default(), &tags, &fields),
            expected("my.cpu-x-y")
        );
        let strict = WavefrontConfig {
            prefix: "p_".to_owned(),
            wavefront_use_strict: true,
            wavefront_disable_prefix_conversion: true,
            ..WavefrontConfig::default()
        };
        assert_eq!(write(strict, &tags, &fields), expected("p_my_cpu/x,y"));
    }

    #[test]
    fn sources() {
        let source = |overrides: &[&str], tags: &[(&str, &str)]| {
            let config = WavefrontConfig {
                wavefront_source_override: overrides.iter().map(|s| (*s).to_owned()).collect(),
                ..WavefrontConfig::default()
            };
            let line = write(config, tags, &[("value", Value::Int(1))]);
            line.split_once("source=")
                .map(|(_, rest)| rest.trim_end().to_owned())
        };
        let is = |text: &str| Some(text.to_owned());
        let tags = [("host", "h"), ("ip", "1.2"), ("x", "y")];
        assert_eq!(source(&[], &tags), is("\"h\" \"ip\"=\"1.2\" \"x\"=\"y\""));
        assert_eq!(
            source(&["id", "ip"], &tags),
            is("\"1.2\" \"telegraf_host\"=\"h\" \"x\"=\"y\"")
        );
        assert_eq!(
            source(&["ip"], &[("source", "s"), ("ip", "1")]),
            is("\"s\" \"ip\"=\"1\"")
        );
        assert_eq!(source(&[], &[]), is("\"\""));
    }
}
