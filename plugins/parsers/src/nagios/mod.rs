//! What a Nagios check prints in, its performance data and its state out.

use regex::Regex;
use wheatstone_plugin::prelude::*;

use crate::value::number::parse_float;

/// `data_format = "nagios"` has no options.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NagiosConfig {}

/// The parser of `data_format = "nagios"`.
pub struct Nagios {
    /// One `label=value...` among others.
    item: Regex,
    /// Label, value, unit, the thresholds of warning and critical, least and most.
    parts: Regex,
}

impl Plugin for Nagios {
    type Config = NagiosConfig;

    fn new(_: NagiosConfig, _: &Context) -> Result<Nagios> {
        Ok(Nagios {
            item: Regex::new(r"[^=]+=[^\t\n\f\r ]+")?,
            parts: Regex::new(
                r"^([^=]+)=([0-9.\-+eE]+)([0-9A-Za-z_/%]*);?([0-9.\-+eE:~@]+)?;?([0-9.\-+eE:~@]+)?;?([0-9.\-+eE]+)?;?([0-9.\-+eE]+)?",
            )?,
        })
    }
}

register!(parser "nagios" = Nagios);

impl Parser for Nagios {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let text = String::from_utf8_lossy(payload);
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let (message, data) = first.split_once('|').unwrap_or((first, ""));
        if data.contains('|') {
            bail!("illegal output format");
        }
        self.items(data, now, out);
        let mut long_message = String::new();
        for line in lines.by_ref() {
            let (message, data) = match line.split_once('|') {
                Some((message, data)) => (message, Some(data)),
                None => (line, None),
            };
            if !long_message.is_empty() {
                long_message.push('\n');
            }
            long_message.push_str(message.trim());
            if let Some(data) = data {
                self.items(data.split('|').next().unwrap_or_default(), now, out);
                // Nothing but data follows.
                break;
            }
        }
        for line in lines {
            self.items(line, now, out);
        }
        let mut state = Metric::with_capacity(key!("nagios_state"), now, 2);
        state.push_field(key!("service_output"), Value::from(message.trim()));
        if !long_message.is_empty() {
            state.push_field(key!("long_service_output"), Value::from(long_message));
        }
        out.push(state);
        Ok(())
    }
}

impl Nagios {
    /// The metrics of a line of performance data; what does not look like it is left out.
    fn items(&self, data: &str, now: Timestamp, out: &mut Vec<Metric>) {
        for item in self.item.find_iter(data) {
            let Some(parts) = self.parts.captures(item.as_str().trim()) else {
                continue;
            };
            let part = |place| parts.get(place).map_or("", |part| part.as_str());
            let mut metric = Metric::with_capacity(key!("nagios"), now, 9);
            metric.set_tag(key!("perfdata"), part(1).trim_matches('\''));
            if !part(3).is_empty() {
                metric.set_tag(key!("unit"), part(3));
            }
            let mut number = |key, text| {
                if let Ok(number) = parse_float(text) {
                    metric.push_field(key, Value::Float(number));
                }
            };
            number(key!("value"), part(2));
            number(key!("min"), part(6));
            number(key!("max"), part(7));
            if let Some((low, high)) = threshold(part(4)) {
                let inside = part(4).contains('@');
                metric.push_field(
                    if inside {
                        key!("warning_le")
                    } else {
                        key!("warning_lt")
                    },
                    low.into(),
                );
                metric.push_field(
                    if inside {
                        key!("warning_ge")
                    } else {
                        key!("warning_gt")
                    },
                    high.into(),
                );
            }
            if let Some((low, high)) = threshold(part(5)) {
                let inside = part(5).contains('@');
                metric.push_field(
                    if inside {
                        key!("critical_le")
                    } else {
                        key!("critical_lt")
                    },
                    low.into(),
                );
                metric.push_field(
                    if inside {
                        key!("critical_ge")
                    } else {
                        key!("critical_gt")
                    },
                    high.into(),
                );
            }
            out.push(metric);
        }
    }
}

/// The smallest float above zero, which Telegraf takes for the lowest one.
const LOWEST: f64 = 5e-324;

/// The bounds of a threshold such as `10`, `10:20`, `10:` or `~:20`. With an `@` the lower bound is lost, as in Telegraf.
fn threshold(text: &str) -> Option<(f64, f64)> {
    let Some((low, high)) = text.split_once(':') else {
        return Some((0.0, parse_float(text).ok()?));
    };
    let low = match low {
        "~" => Some(LOWEST),
        low => parse_float(low).ok(),
    };
    match high {
        "" => Some((low?, f64::MAX)),
        high => Some((low.unwrap_or(0.0), parse_float(high).ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{build, feed, lines, parse};

    #[test]
    fn data_can_stand_on_many_lines() {
        // A threshold left out moves those after it forward, as in Telegraf.
        let payload =
            "DISK OK | /=2643MB;5948;5958;0;5968 'a b'=1\r\n first \nsecond | /boot=68%;;93\nx=5c\n";
        assert_eq!(
            parse::<Nagios>(NagiosConfig {}, payload),
            lines(&[
                "nagios,perfdata=/,unit=MB value=Float(2643.0),min=Float(0.0),max=Float(5968.0),warning_lt=Float(0.0),warning_gt=Float(5948.0),critical_lt=Float(0.0),critical_gt=Float(5958.0)",
                "nagios,perfdata=a b value=Float(1.0)",
                "nagios,perfdata=/boot,unit=% value=Float(68.0),critical_lt=Float(0.0),critical_gt=Float(93.0)",
                "nagios,perfdata=x,unit=c value=Float(5.0)",
                r#"nagios_state service_output=Str("DISK OK"),long_service_output=Str("first\nsecond")"#
            ])
        );
    }

    #[test]
    fn what_is_no_data_is_left_out() {
        assert_eq!(
            parse::<Nagios>(NagiosConfig {}, "OK| =3;; a =; b=U"),
            lines(&["nagios_state service_output=Str(\"OK\")"])
        );
        assert_eq!(
            parse::<Nagios>(NagiosConfig {}, "a|b|c"),
            Err("illegal output format".to_owned())
        );
        assert_eq!(
            parse::<Nagios>(NagiosConfig {}, ""),
            lines(&["nagios_state service_output=Str(\"\")"])
        );
    }

    #[test]
    fn thresholds() {
        for (text, bounds) in [
            ("10", Some((0.0, 10.0))),
            ("10:20", Some((10.0, 20.0))),
            ("10:", Some((10.0, f64::MAX))),
            ("~:20", Some((LOWEST, 20.0))),
            ("@10:20", Some((0.0, 20.0))),
            ("@10:", None),
            ("@10", None),
            ("1:2:3", None),
            ("", None),
        ] {
            assert_eq!(threshold(text), bounds, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_payload_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60), text in "[a=|;:@~0-9.' \n]{0,40}") {
            let mut parser = build::<Nagios>(NagiosConfig {}).expect("no options");
            let _ = feed(&mut parser, &bytes);
            let _ = feed(&mut parser, text.as_bytes());
        }
    }
}
