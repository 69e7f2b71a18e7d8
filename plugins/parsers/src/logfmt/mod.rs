//! Lines of `key=value` pairs in, a metric out of each.

mod decode;

use wheatstone_plugin::prelude::*;

use crate::value::number::{parse_bool, parse_float, parse_int};
use decode::Line;

/// Options of `data_format = "logfmt"`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LogfmtConfig {
    /// Keys whose values become tags, glob patterns allowed.
    pub logfmt_tag_keys: Vec<String>,
}

/// The parser of `data_format = "logfmt"`.
pub struct Logfmt {
    tags: Option<Glob>,
    name: Key,
    keys: KeyCache,
}

impl Plugin for Logfmt {
    type Config = LogfmtConfig;

    fn new(config: LogfmtConfig, cx: &Context) -> Result<Logfmt> {
        let tags = Glob::new(&config.logfmt_tag_keys, "")
            .map_err(|error| anyhow!("error compiling tag pattern: {error}"))?;
        Ok(Logfmt {
            tags,
            name: cx.metric_name().clone(),
            keys: KeyCache::default(),
        })
    }
}

register!(parser "logfmt" = Logfmt);

impl Parser for Logfmt {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let before = out.len();
        for (number, line) in payload.split_inclusive(|b| *b == b'\n').enumerate() {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match self.metric(Line::new(line), now) {
                Ok(metric) => out.extend(metric),
                Err(error) => {
                    out.truncate(before);
                    let (position, line) = (error.position + 1, number + 1);
                    bail!(
                        "logfmt syntax error at pos {position} on line {line}: {}",
                        error.what
                    );
                }
            }
        }
        Ok(())
    }
}

impl Logfmt {
    fn metric(&mut self, line: Line<'_>, now: Timestamp) -> Result<Option<Metric>, decode::SyntaxError> {
        let mut metric = Metric::new(self.name.clone(), now);
        for pair in line {
            let (key, value) = pair?;
            if value.is_empty() {
                continue;
            }
            let name = self.keys.get(&key);
            if self.tags.as_ref().is_some_and(|tags| tags.matches(&key)) {
                metric.set_tag(name, value);
            } else {
                metric.set_field(name, typed(&value));
            }
        }
        Ok((metric.tag_count() + metric.field_count() > 0).then_some(metric))
    }
}

/// The number or truth value that a text looks like, else the text.
fn typed(text: &str) -> Value {
    if let Ok(int) = parse_int(text, "ParseInt") {
        Value::Int(int)
    } else if let Ok(float) = parse_float(text) {
        Value::Float(float)
    } else if let Ok(truth) = parse_bool(text) {
        Value::Bool(truth)
    } else {
        Value::from(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{build, feed, lines, parse};

    fn tagged(keys: &[&str]) -> LogfmtConfig {
        LogfmtConfig {
            logfmt_tag_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        }
    }

    #[test]
    fn values_decide_their_type() {
        let payload = "i=1 f=1.5e1 b=true s=abc q=\"a b\" empty= lone e=\"\"\r\n\n  \nx=\"a\\\"\\n\\u00e9\"";
        assert_eq!(
            parse::<Logfmt>(tagged(&[]), payload),
            lines(&[
                r#"m i=Int(1),f=Float(15.0),b=Bool(true),s=Str("abc"),q=Str("a b")"#,
                r#"m x=Str("a\"\né")"#
            ])
        );
    }

    #[test]
    fn keys_become_tags() {
        assert_eq!(
            parse::<Logfmt>(tagged(&["l*", "host"]), "lvl=1 host=\"a b\" v=2 v=3"),
            lines(&["m,host=a b,lvl=1 v=Int(3)"])
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let message = |payload: &str| parse::<Logfmt>(tagged(&[]), payload).err().unwrap_or_default();
        let at =
            |position, line, what| format!("logfmt syntax error at pos {position} on line {line}: {what}");
        assert_eq!(message("a=1\n\"b\""), at(1, 2, "unexpected '\"'"));
        assert_eq!(message("a =1"), at(3, 1, "unexpected '='"));
        assert_eq!(message("a=b=c"), at(4, 1, "unexpected '='"));
        assert_eq!(message("a=\"b"), at(5, 1, "unterminated quoted value"));
        assert_eq!(message("a=\"\\q\""), at(7, 1, "invalid quoted value"));
        assert_eq!(message("a\u{fffd}=1"), at(5, 1, "invalid key"));
    }

    proptest! {
        #[test]
        fn no_payload_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60), text in "[a=\"\\\\u0-9d \\n]{0,40}") {
            let mut parser = build::<Logfmt>(tagged(&["a*"])).expect("valid options");
            let _ = feed(&mut parser, &bytes);
            let _ = feed(&mut parser, text.as_bytes());
        }
    }
}
