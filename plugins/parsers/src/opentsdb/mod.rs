//! OpenTSDB's `put` lines in, a metric with one field out of each.

use wheatstone_plugin::prelude::*;

use crate::value::number::{parse_float, parse_int, quote};

/// `data_format = "opentsdb"` has no options.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OpenTsdbConfig {}

/// The parser of `data_format = "opentsdb"`.
pub struct OpenTsdb {
    keys: KeyCache,
    log: Log,
}

impl Plugin for OpenTsdb {
    type Config = OpenTsdbConfig;

    fn new(_: OpenTsdbConfig, cx: &Context) -> Result<OpenTsdb> {
        Ok(OpenTsdb {
            keys: KeyCache::default(),
            log: cx.log().clone(),
        })
    }
}

register!(parser "opentsdb" = OpenTsdb);

/// Times from here on count milliseconds: seconds reach it in the year 33658.
const FIRST_MILLISECOND: i64 = 1_000_000_000_000;

impl Parser for OpenTsdb {
    fn parse(&mut self, payload: &[u8], _: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        for line in String::from_utf8_lossy(payload).lines() {
            let line = line.trim_end_matches('\r');
            match self.metric(line) {
                Ok(metric) => out.push(metric),
                // It may be a command of the protocol, such as "version": the other lines count all the same.
                Err(error) => error!(self.log, "Error parsing {} as opentsdb: {error:#}", quote(line)),
            }
        }
        Ok(())
    }
}

impl OpenTsdb {
    fn metric(&mut self, line: &str) -> Result<Metric> {
        let mut words = line.split_whitespace();
        let (Some("put"), Some(name), Some(time), Some(value)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            bail!("doesn't have required fields");
        };
        let failed = |what: &str| format!("parsing field {} {what} failed", quote(name));
        let value = parse_float(value).with_context(|| failed("value"))?;
        let time = parse_int(time, "ParseInt").with_context(|| failed("time"))?;
        let unit = if time < FIRST_MILLISECOND {
            1_000_000_000
        } else {
            1_000_000
        };
        let mut metric = Metric::new(self.keys.get(name), time.wrapping_mul(unit));
        for tag in words {
            if let Some((key, value)) = tag.split_once('=')
                && !key.is_empty()
                && !value.is_empty()
                && !value.contains('=')
            {
                metric.set_tag(self.keys.get(key), value);
            }
        }
        metric.push_field(key!("value"), Value::Float(value));
        Ok(metric)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{build, feed, lines, parse};

    #[test]
    fn lines_become_metrics() {
        let payload = "put sys.cpu 1356998400 42.5 host=a cpu=0 odd x= =y a=b=c\r\nput n 1356998400500 1\n";
        assert_eq!(
            parse::<OpenTsdb>(OpenTsdbConfig {}, payload),
            lines(&[
                "sys.cpu,cpu=0,host=a value=Float(42.5) 1356998400000000000",
                "n value=Float(1.0) 1356998400500000000"
            ])
        );
    }

    #[test]
    fn other_lines_are_left_out() {
        let payload = "version\n\nput a b 1\nput a 1 b\nget a 1 1\nput a 1 2\n";
        assert_eq!(
            parse::<OpenTsdb>(OpenTsdbConfig {}, payload),
            lines(&["a value=Float(2.0) 1000000000"])
        );
    }

    proptest! {
        #[test]
        fn no_payload_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60), text in "put [a-z0-9=. \n]{0,40}") {
            let mut parser = build::<OpenTsdb>(OpenTsdbConfig {}).expect("no options");
            let _ = feed(&mut parser, &bytes);
            let _ = feed(&mut parser, text.as_bytes());
        }
    }
}
