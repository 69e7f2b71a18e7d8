//! Payloads of several formats in, each given to the parser of its own: told apart by the topic and the first bytes.

mod guess;

use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{Build, Kind, Reply, find};

use guess::{Guess, guess};

/// Topics of this name space are Sparkplug B's.
const SPARKPLUG: &str = "spBv1.0/";

/// Options of `data_format = "auto"` (not in Telegraf). Those of `json`, `influx` and `sparkplug_b` are valid beside them.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AutoConfig {
    /// Name of the field of a payload that is one plain value. A number is a float, `true` and `false` are booleans, and
    /// everything else is a string.
    pub value_field_name: String,
}

impl Default for AutoConfig {
    fn default() -> AutoConfig {
        AutoConfig {
            value_field_name: "value".to_owned(),
        }
    }
}

/// The parser of `data_format = "auto"`.
pub struct Auto {
    json: Option<Box<dyn Parser>>,
    influx: Option<Box<dyn Parser>>,
    sparkplug: Option<Box<dyn Parser>>,
    /// The topic says that the payload is Sparkplug B.
    is_sparkplug: bool,
    name: Key,
    field: Key,
}

impl Plugin for Auto {
    type Config = AutoConfig;

    fn new(config: AutoConfig, cx: &Context) -> Result<Auto> {
        // Built from this parser's own table, so that their options are options of this one.
        let part = |format: &str| match find(Kind::Parser, format).map(|r| r.build) {
            Some(Build::Parser(build)) => build(cx).map(Some),
            _ => Ok(None),
        };
        Ok(Auto {
            json: part("json")?,
            influx: part("influx")?,
            sparkplug: part("sparkplug_b")?,
            is_sparkplug: false,
            name: cx.metric_name().clone(),
            field: match config.value_field_name.as_str() {
                "" => key!("value"),
                name => Key::new(name),
            },
        })
    }
}

register!(parser "auto" = Auto);

impl Parser for Auto {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let (parser, what) = if self.is_sparkplug {
            (&mut self.sparkplug, "Sparkplug B")
        } else {
            match guess(payload) {
                Guess::Nothing => return Ok(()),
                Guess::Value(value) => {
                    let mut metric = Metric::with_capacity(self.name.clone(), now, 1);
                    metric.set_field(self.field.clone(), value);
                    out.push(metric);
                    return Ok(());
                }
                Guess::Json => (&mut self.json, "JSON"),
                Guess::Lines => (&mut self.influx, "line protocol"),
                Guess::Binary => {
                    bail!("neither JSON nor line protocol nor a plain value: the payload is no text")
                }
            }
        };
        match parser {
            Some(parser) => parser
                .parse(payload, now, out)
                .with_context(|| format!("taken for {what}")),
            None => bail!("taken for {what}, for which this program has no parser"),
        }
    }

    fn take_replies(&mut self) -> Vec<Reply> {
        self.sparkplug
            .as_mut()
            .map(|s| s.take_replies())
            .unwrap_or_default()
    }

    fn set_source(&mut self, source: &str) {
        self.is_sparkplug = source.starts_with(SPARKPLUG);
        if self.is_sparkplug
            && let Some(sparkplug) = &mut self.sparkplug
        {
            sparkplug.set_source(source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, feed, lines};
    use wheatstone_plugin::ParseError;

    fn auto() -> Auto {
        build::<Auto>(AutoConfig::default()).unwrap()
    }
    fn error(auto: &mut Auto, payload: &[u8]) -> wheatstone_plugin::anyhow::Error {
        auto.parse(payload, 0, &mut Vec::new()).unwrap_err()
    }

    #[test]
    fn every_payload_finds_its_parser() {
        let mut auto = auto();
        for (payload, expected) in [
            (&b" {\"t\": 21.5, \"s\": \"x\"}"[..], "m t=Float(21.5)"),
            (
                b"weather,room=a t=1i,h=2 17",
                "weather,room=a t=Int(1),h=Float(2.0) 17",
            ),
            (b"21", "m value=Float(21.0)"),
            (b"true", "m value=Bool(true)"),
        ] {
            assert_eq!(feed(&mut auto, payload), lines(&[expected]));
        }
        assert_eq!(feed(&mut auto, b"[{\"a\":1},{\"a\":2}]").unwrap().len(), 2);
        assert!(feed(&mut auto, b" \r\n").unwrap().is_empty());
    }

    #[test]
    fn errors_say_what_a_payload_was_taken_for_and_where_it_is_wrong() {
        let mut auto = auto();
        let json = error(&mut auto, b"{\"a\":1,}");
        assert!(
            format!("{json:#}").starts_with("taken for JSON: invalid character '}'"),
            "{json:#}"
        );
        assert_eq!(ParseError::offset(&json), Some(7));
        let line = error(&mut auto, b"m,a=b c=");
        assert!(
            format!("{line:#}").starts_with("taken for line protocol: "),
            "{line:#}"
        );
        assert!(
            error(&mut auto, b"\x08\x01\xff\xfe")
                .to_string()
                .contains("no text")
        );
    }

    #[test]
    fn the_topic_tells_sparkplug() {
        let mut auto = auto();
        auto.set_source("spBv1.0/group/NDATA/node");
        let error = error(&mut auto, b"\xff\xff\xff\xff");
        assert!(
            format!("{error:#}").starts_with("taken for Sparkplug B"),
            "{error:#}"
        );
        auto.set_source("home/kitchen");
        assert_eq!(feed(&mut auto, b"1"), lines(&["m value=Float(1.0)"]));
    }
}
