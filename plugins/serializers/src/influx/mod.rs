//! InfluxDB line protocol out: metrics to lines.

use wheatstone_line_protocol::{Encoder, Options};
use wheatstone_plugin::prelude::*;

/// Writes InfluxDB line protocol.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct InfluxConfig {
    /// The longest line in bytes; a metric that needs more is split over several lines. 0 sets no limit.
    pub influx_max_line_bytes: usize,
    /// Sorts the fields by key. It costs time, and makes lines easier to compare.
    pub influx_sort_fields: bool,
    /// Writes unsigned integers as such (42u). InfluxDB 1.x does not read them; without it they are written as integers.
    pub influx_uint_support: bool,
    /// Leaves the timestamps out, so that the receiver sets its own.
    pub influx_omit_timestamp: bool,
}

/// The serializer `influx`.
pub struct Influx {
    encoder: Encoder,
    log: Log,
}

impl Plugin for Influx {
    type Config = InfluxConfig;

    fn new(config: InfluxConfig, cx: &Context) -> Result<Influx> {
        let options = Options {
            max_line_bytes: config.influx_max_line_bytes,
            sort_fields: config.influx_sort_fields,
            uint_support: config.influx_uint_support,
            omit_timestamp: config.influx_omit_timestamp,
        };
        Ok(Influx {
            encoder: Encoder::new(options),
            log: cx.log().clone(),
        })
    }
}

impl Serializer for Influx {
    fn serialize(&mut self, metric: &Metric, out: &mut Vec<u8>) -> Result<()> {
        Ok(self.encoder.encode(metric, out)?)
    }

    fn serialize_batch(&mut self, metrics: &[&Metric], out: &mut Vec<u8>) -> Result<()> {
        let log = &self.log;
        self.encoder
            .encode_batch(metrics.iter().copied(), out, |_, error| {
                debug!(log, "could not serialize metric: {error}; discarding metric");
            });
        Ok(())
    }
}

register!(serializer "influx" = Influx);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::build;

    fn serializer(config: InfluxConfig) -> Influx {
        build(config).expect("valid options")
    }

    fn metric() -> Metric {
        let mut m = Metric::new("m", 1);
        m.set_field("b", 1u64);
        m.set_field("a", 2.5);
        m
    }

    fn text(config: InfluxConfig) -> String {
        let mut out = Vec::new();
        serializer(config).serialize(&metric(), &mut out).expect("a line");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn every_option_reaches_the_lines() {
        assert_eq!(text(InfluxConfig::default()), "m b=1i,a=2.5 1\n");
        assert_eq!(
            text(InfluxConfig {
                influx_sort_fields: true,
                ..Default::default()
            }),
            "m a=2.5,b=1i 1\n"
        );
        assert_eq!(
            text(InfluxConfig {
                influx_uint_support: true,
                ..Default::default()
            }),
            "m b=1u,a=2.5 1\n"
        );
        assert_eq!(
            text(InfluxConfig {
                influx_omit_timestamp: true,
                ..Default::default()
            }),
            "m b=1i,a=2.5\n"
        );
        assert_eq!(
            text(InfluxConfig {
                influx_max_line_bytes: 10,
                ..Default::default()
            }),
            "m b=1i 1\nm a=2.5 1\n"
        );
    }

    #[test]
    fn a_batch_leaves_out_what_has_no_line() {
        let (good, bad) = (metric(), Metric::new("bad", 1));
        let mut out = Vec::new();
        let mut serializer = serializer(InfluxConfig::default());
        serializer
            .serialize_batch(&[&bad, &good], &mut out)
            .expect("a batch");
        assert_eq!(out, b"m b=1i,a=2.5 1\n");
        let error = serializer.serialize(&bad, &mut out).expect_err("an error");
        assert_eq!(error.to_string(), "\"bad\": no serializable fields");
        assert_eq!(out, b"m b=1i,a=2.5 1\n");
    }
}
