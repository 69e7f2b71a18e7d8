//! Metrics in, CloudEvents in JSON out: an event for each metric, or one for a batch.

mod id;

use wheatstone_gotime::{Layout, Zone};
use wheatstone_plugin::prelude::*;

use crate::json::write;
use id::Ids;

/// Options of `data_format = "cloudevents"`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CloudEventsConfig {
    /// The version of the specification: `1.0` or `0.3`.
    pub cloudevents_version: String,
    /// The source of the events: a URI or a part of one.
    pub cloudevents_source: String,
    /// A tag whose value is the source instead, where a metric has it.
    pub cloudevents_source_tag: String,
    /// The type of the events. Without this: `com.influxdata.telegraf.metric`, or `com.influxdata.telegraf.metrics` for the
    /// event of a batch.
    pub cloudevents_event_type: String,
    /// The time of an event: `none`, that of the `earliest` or `latest` metric in it, or that of its `creation`.
    pub cloudevents_event_time: String,
    /// What is made of a batch: `events`, a list of an event for each metric, or `metrics`, one event with a list of metrics.
    pub cloudevents_batch_format: String,
}

impl Default for CloudEventsConfig {
    fn default() -> CloudEventsConfig {
        CloudEventsConfig {
            cloudevents_version: "1.0".to_owned(),
            cloudevents_source: "telegraf".to_owned(),
            cloudevents_source_tag: String::new(),
            cloudevents_event_type: String::new(),
            cloudevents_event_time: "latest".to_owned(),
            cloudevents_batch_format: "events".to_owned(),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum EventTime {
    None,
    Earliest,
    Latest,
    Creation,
}

/// The serializer of `data_format = "cloudevents"`.
pub struct CloudEvents {
    config: CloudEventsConfig,
    time: EventTime,
    layout: Layout,
    ids: Ids,
}

impl Plugin for CloudEvents {
    type Config = CloudEventsConfig;

    fn new(mut config: CloudEventsConfig, _: &Context) -> Result<CloudEvents> {
        let time = match config.cloudevents_event_time.as_str() {
            "" | "latest" => EventTime::Latest,
            "none" => EventTime::None,
            "earliest" => EventTime::Earliest,
            "creation" => EventTime::Creation,
            _ => bail!("invalid 'cloudevents_event_time'"),
        };
        if !matches!(
            config.cloudevents_batch_format.as_str(),
            "" | "events" | "metrics"
        ) {
            bail!("invalid 'cloudevents_batch_format'");
        }
        let fallback = CloudEventsConfig::default();
        match config.cloudevents_version.as_str() {
            "" => config.cloudevents_version = fallback.cloudevents_version,
            "0.3" | "1.0" => {}
            _ => bail!("invalid 'cloudevents_version'"),
        }
        if config.cloudevents_source.is_empty() {
            config.cloudevents_source = fallback.cloudevents_source;
        }
        Ok(CloudEvents {
            config,
            time,
            layout: Layout::new("2006-01-02T15:04:05.999999999Z07:00"),
            ids: Ids::new(),
        })
    }
}

register!(serializer "cloudevents" = CloudEvents);

impl Serializer for CloudEvents {
    fn serialize(&mut self, metric: &Metric, out: &mut Vec<u8>) -> Result<()> {
        self.event(metric, out);
        Ok(())
    }

    fn serialize_batch(&mut self, metrics: &[&Metric], out: &mut Vec<u8>) -> Result<()> {
        if self.config.cloudevents_batch_format == "metrics" {
            self.batch_event(metrics, out);
            return Ok(());
        }
        out.push(b'[');
        for (at, metric) in metrics.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            self.event(metric, out);
        }
        out.push(b']');
        Ok(())
    }
}

impl CloudEvents {
    fn event(&mut self, metric: &Metric, out: &mut Vec<u8>) {
        let tag = Some(self.config.cloudevents_source_tag.as_str()).filter(|tag| !tag.is_empty());
        let source = tag.and_then(|tag| metric.tag(tag)).map(str::to_owned);
        self.envelope(source, "com.influxdata.telegraf.metric", Some(metric.time()), out);
        data(metric, out);
        out.push(b'}');
    }

    fn batch_event(&mut self, metrics: &[&Metric], out: &mut Vec<u8>) {
        let times = metrics.iter().map(|metric| metric.time());
        let time = match self.time {
            EventTime::Earliest => times.min(),
            _ => times.max(),
        };
        self.envelope(None, "com.influxdata.telegraf.metrics", time, out);
        out.push(b'[');
        for (at, metric) in metrics.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            data(metric, out);
        }
        out.extend_from_slice(b"]}");
    }

    /// An event up to its data.
    fn envelope(&mut self, source: Option<String>, kind: &str, time: Option<Timestamp>, out: &mut Vec<u8>) {
        let now = wheatstone_plugin::time::now();
        let source = source.as_ref().unwrap_or(&self.config.cloudevents_source);
        let kind = match self.config.cloudevents_event_type.as_str() {
            "" => kind,
            given => given,
        };
        let id = self.ids.next(now);
        for (key, value) in [
            ("{\"specversion\":", self.config.cloudevents_version.as_str()),
            (",\"id\":", &id),
            (",\"source\":", &as_uri(source)),
            (",\"type\":", kind),
            (",\"datacontenttype\":", "application/json"),
        ] {
            out.extend_from_slice(key.as_bytes());
            write::string(value, out);
        }
        let time = match self.time {
            EventTime::None => None,
            EventTime::Creation => Some(now),
            EventTime::Earliest | EventTime::Latest => time,
        };
        if let Some(time) = time {
            out.extend_from_slice(b",\"time\":");
            write::string(&self.layout.format(time, &Zone::UTC), out);
        }
        out.extend_from_slice(b",\"data\":");
    }
}

/// A metric as an object. Numbers that JSON has no text for are left out.
fn data(metric: &Metric, out: &mut Vec<u8>) {
    let finite = |value: &&Value| !matches!(value, Value::Float(v) if !v.is_finite());
    let mut fields: Vec<_> = metric.fields().filter(|(_, value)| finite(value)).collect();
    fields.sort_unstable_by_key(|(key, _)| key.as_str());
    out.extend_from_slice(b"{\"fields\":");
    write::object(fields, out, write::value);
    out.extend_from_slice(b",\"name\":");
    write::string(metric.name(), out);
    out.extend_from_slice(b",\"tags\":");
    write::object(metric.tags(), out, write::string);
    out.extend_from_slice(b",\"timestamp\":");
    wheatstone_line_protocol::push_int(metric.time(), out);
    out.push(b'}');
}

/// A source must be a URI: what has no place in one is escaped.
fn as_uri(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    for byte in source.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(char::from(byte)),
            b if b"-._~:/?#[]@!$&'()*+,;=%".contains(&b) => out.push(char::from(b)),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{batch, build, metric, one};
    use serde_json::{Value as Json, json};

    fn config() -> CloudEventsConfig {
        CloudEventsConfig::default()
    }

    fn sample() -> Metric {
        let fields = [
            ("idle", Value::Float(91.5)),
            ("bad", Value::Float(f64::NAN)),
            ("busy", Value::Int(2)),
        ];
        metric("cpu", &[("host", "a b")], &fields, 1_700_000_000_120_000_000)
    }

    fn event(written: Result<String, String>) -> Json {
        serde_json::from_str(&written.expect("an event")).expect("JSON")
    }

    #[test]
    fn an_event_for_a_metric() {
        let written = one::<CloudEvents>(config(), &sample()).expect("an event");
        let mut event: Json = serde_json::from_str(&written).expect("JSON");
        let id = event["id"].take();
        let id = id.as_str().expect("an id");
        assert_eq!(id.len(), 36);
        let rest = written.replace(id, "ID");
        assert_eq!(
            rest,
            concat!(
                r#"{"specversion":"1.0","id":"ID","source":"telegraf","type":"com.influxdata.telegraf.metric","#,
                r#""datacontenttype":"application/json","time":"2023-11-14T22:13:20.12Z","data":{"fields":{"busy":2,"#,
                r#""idle":91.5},"name":"cpu","tags":{"host":"a b"},"timestamp":1700000000120000000}}"#
            )
        );
    }

    #[test]
    fn batches() {
        let later = metric("cpu", &[], &[("x", Value::Int(1))], 1_700_000_005_000_000_000);
        let list = event(batch::<CloudEvents>(config(), &[&sample(), &later]));
        assert_eq!(list.as_array().map(Vec::len), Some(2));
        assert_ne!(list[0]["id"], list[1]["id"]);
        for (when, time) in [
            ("latest", json!("2023-11-14T22:13:25Z")),
            ("earliest", json!("2023-11-14T22:13:20.12Z")),
            ("none", Json::Null),
        ] {
            let config = CloudEventsConfig {
                cloudevents_batch_format: "metrics".to_owned(),
                cloudevents_event_time: when.to_owned(),
                ..config()
            };
            let one = event(batch::<CloudEvents>(config, &[&later, &sample()]));
            assert_eq!(one["type"], "com.influxdata.telegraf.metrics");
            assert_eq!(one["time"], time, "{when}");
            assert_eq!(one["data"][1]["name"], "cpu");
        }
        assert_eq!(batch::<CloudEvents>(config(), &[]), Ok("[]".to_owned()));
    }

    #[test]
    fn source_type_and_version() {
        let given = CloudEventsConfig {
            cloudevents_version: "0.3".to_owned(),
            cloudevents_source: "my source".to_owned(),
            cloudevents_event_type: "t".to_owned(),
            cloudevents_event_time: "creation".to_owned(),
            ..config()
        };
        let made = event(one::<CloudEvents>(given, &sample()));
        assert_eq!(made["specversion"], "0.3");
        assert_eq!(
            (&made["source"], &made["type"]),
            (&json!("my%20source"), &json!("t"))
        );
        assert!(made["time"].is_string() && made["time"] != "2023-11-14T22:13:20.12Z");
        let tagged = CloudEventsConfig {
            cloudevents_source_tag: "host".to_owned(),
            ..config()
        };
        assert_eq!(event(one::<CloudEvents>(tagged, &sample()))["source"], "a%20b");
    }

    #[test]
    fn options_are_checked() {
        type Change = fn(&mut CloudEventsConfig) -> &mut String;
        let changes: [(&str, Change); 3] = [
            ("version", |c| &mut c.cloudevents_version),
            ("event_time", |c| &mut c.cloudevents_event_time),
            ("batch_format", |c| &mut c.cloudevents_batch_format),
        ];
        for (option, change) in changes {
            let mut wrong = config();
            *change(&mut wrong) = "x".to_owned();
            let error = build::<CloudEvents>(wrong).err();
            assert_eq!(error, Some(format!("invalid 'cloudevents_{option}'")));
        }
    }
}
