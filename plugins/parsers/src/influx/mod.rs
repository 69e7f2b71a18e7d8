//! InfluxDB line protocol in: payloads to metrics, by either of Telegraf's two engines.

use wheatstone_line_protocol::{Decoder, Engine};
use wheatstone_plugin::prelude::*;

/// Reads InfluxDB line protocol.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct InfluxConfig {
    /// Which rules are followed at the edges: "internal", Telegraf's default, or "upstream", those of InfluxDB's own
    /// library. The README lists the differences.
    pub influx_parser_type: String,
    /// The unit of the timestamps in the payload: "1ns", "1us", "1ms" or "1s". The time of arrival, which a line without a
    /// timestamp gets, is cut down to it too.
    pub influx_timestamp_precision: Duration,
}

impl Default for InfluxConfig {
    fn default() -> InfluxConfig {
        InfluxConfig {
            influx_parser_type: "internal".to_owned(),
            influx_timestamp_precision: Duration(std::time::Duration::from_nanos(1)),
        }
    }
}

/// The parser `influx`.
pub struct Influx(Decoder);

impl Plugin for Influx {
    type Config = InfluxConfig;

    fn new(config: InfluxConfig, _: &Context) -> Result<Influx> {
        let engine = match config.influx_parser_type.as_str() {
            "internal" | "" => Engine::Internal,
            "upstream" => Engine::Upstream,
            other => bail!("invalid influx_parser_type {other:?}: use \"internal\" or \"upstream\""),
        };
        let precision = match config.influx_timestamp_precision.nanos() {
            0 => 1,
            unit @ (1 | 1_000 | 1_000_000 | 1_000_000_000) => unit,
            other => bail!("invalid time precision: {other}"),
        };
        Ok(Influx(Decoder::new(engine, precision)))
    }
}

impl Parser for Influx {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        Ok(self.0.decode(payload, now, out)?)
    }
}

register!(parser "influx" = Influx);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::build;

    fn parser(engine: &str, precision: &str) -> Result<Influx, String> {
        let config = InfluxConfig {
            influx_parser_type: engine.to_owned(),
            influx_timestamp_precision: Duration::parse(precision)?,
        };
        build(config)
    }

    fn parse(mut parser: Influx, payload: &str) -> Result<Vec<Metric>, String> {
        let mut out = Vec::new();
        parser
            .parse(payload.as_bytes(), 1_700_000_000_123_456_789, &mut out)
            .map_err(|e| e.to_string())?;
        Ok(out)
    }

    #[test]
    fn timestamps_are_read_in_their_unit() {
        for (precision, want) in [
            ("", 7),
            ("1ns", 7),
            ("1us", 7_000),
            ("1µs", 7_000),
            ("1ms", 7_000_000),
            ("1s", 7_000_000_000),
        ] {
            let metrics = parse(parser("", precision).expect(precision), "m v=1 7\n").expect("a metric");
            assert_eq!(
                metrics.iter().map(Metric::time).collect::<Vec<_>>(),
                [want],
                "{precision}"
            );
        }
        let metrics = parse(parser("", "1s").expect("1s"), "m v=1").expect("a metric");
        assert_eq!(metrics[0].time(), 1_700_000_000_000_000_000);
    }

    #[test]
    fn other_units_and_engines_are_refused() {
        for (precision, nanos) in [("2s", 2_000_000_000i64), ("1m", 60_000_000_000), ("2ns", 2)] {
            assert_eq!(
                parser("internal", precision).err(),
                Some(format!("invalid time precision: {nanos}"))
            );
        }
        let error = parser("newest", "1ns").err().expect("an error");
        assert!(error.contains("influx_parser_type"), "{error}");
    }

    #[test]
    fn the_engine_is_chosen() {
        let payload = "m s=\"C:\\dir\" 1";
        let error = parse(parser("internal", "1ns").expect("internal"), payload).expect_err("an error");
        assert_eq!(
            error,
            "metric parse error: expected field at 1:9: \"m s=\\\"C:\\\\dir\\\" 1\""
        );
        let metrics = parse(parser("upstream", "1ns").expect("upstream"), payload).expect("a metric");
        assert_eq!(metrics[0].field("s"), Some(&Value::from("C:\\dir")));
    }
}
