//! Wavefront's lines of a name, a value, a time and tags in, a metric with one field out of each.

mod point;

use wheatstone_plugin::prelude::*;

use point::PointReader;

/// `data_format = "wavefront"` has no options.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WavefrontConfig {}

/// The parser of `data_format = "wavefront"`.
pub struct Wavefront {
    keys: KeyCache,
}

impl Plugin for Wavefront {
    type Config = WavefrontConfig;

    fn new(_: WavefrontConfig, _: &Context) -> Result<Wavefront> {
        Ok(Wavefront {
            keys: KeyCache::default(),
        })
    }
}

register!(parser "wavefront" = Wavefront);

impl Parser for Wavefront {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let before = out.len();
        let text = String::from_utf8_lossy(payload);
        let text = text.strip_prefix('\n').unwrap_or(&text);
        for line in text.split_inclusive('\n') {
            let line = line.strip_suffix('\n').unwrap_or(line);
            let point = match PointReader::new(line).read() {
                Ok(point) => point,
                Err(error) => {
                    out.truncate(before);
                    return Err(error);
                }
            };
            let seconds = point.seconds.unwrap_or(now.div_euclid(1_000_000_000));
            let time = seconds.wrapping_mul(1_000_000_000);
            let mut metric = Metric::with_capacity(self.keys.get(&point.name), time, point.tags.len() + 1);
            for (key, value) in point.tags {
                metric.set_tag(self.keys.get(&key), value);
            }
            metric.push_field(key!("value"), Value::Float(point.value));
            out.push(metric);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{build, feed, lines, parse};

    #[test]
    fn lines_become_metrics() {
        let payload = "\ntest.metric 1 1530939936 source=a \"odd tag\"=\"b \\\" c\"\n\"a/b,c\" -1.5e3 1530939936123\n∆d 2\n";
        assert_eq!(
            parse::<Wavefront>(WavefrontConfig {}, payload),
            lines(&[
                "test.metric,odd tag=b \\\" c,source=a value=Float(1.0) 1530939936000000000",
                "a/b,c value=Float(-1500.0) 1530939936000000000",
                "∆d value=Float(2.0) 0"
            ])
        );
        // Without a time the last character before it is read once more.
        assert_eq!(
            parse::<Wavefront>(WavefrontConfig {}, "a 12=b c=d"),
            lines(&["a,2=b,c=d value=Float(12.0) 0"])
        );
        assert_eq!(parse::<Wavefront>(WavefrontConfig {}, ""), lines(&[]));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let message = |payload: &str| {
            parse::<Wavefront>(WavefrontConfig {}, payload)
                .err()
                .unwrap_or_default()
        };
        assert_eq!(message("a 1\n\n"), "EOF");
        assert_eq!(message("a x"), "invalid metric value x");
        assert_eq!(message("a -1.12-34"), "invalid metric value -1.12-34");
        assert_eq!(message("a 1 1530939936 tag"), "found \"\\n\", expected equals");
        assert_eq!(message("a∆b 1"), "found delta inside metric name");
        assert_eq!(message("\"a 1"), "found \"\", expected quotes");
        assert_eq!(message("a\"b 1"), "found quote inside unquoted literal");
        assert_eq!(message("a 1 12345"), "invalid timestamp");
        // What follows the value at once, and NULs, which look like the end and are none.
        assert_eq!(message("\"a\" 15\"e"), "found \"\\n\", expected equals");
        assert_eq!(message("\"a\"-1.2\0\0\x1e"), "found \"\\x1e\", expected equals");
        assert_eq!(message("a 1.5 \x00170"), "invalid timestamp");
    }

    proptest! {
        #[test]
        fn no_payload_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60), text in "[a1.=\"\\\\∆ \\-\n]{0,40}") {
            let mut parser = build::<Wavefront>(WavefrontConfig {}).expect("no options");
            let _ = feed(&mut parser, &bytes);
            let _ = feed(&mut parser, text.as_bytes());
        }
    }
}
