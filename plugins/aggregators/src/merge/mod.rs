//! Metrics in; those of one series and time put together, so that each has all its fields, out.

use wheatstone_plugin::prelude::*;
use wheatstone_plugin::time;

use crate::series::SeriesMap;

/// Puts metrics of one series and time together.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MergeConfig {
    /// What times are rounded to, before they are compared and in the result: metrics that belong together may have been
    /// read one after the other.
    round_timestamp_to: Duration,
}

impl Default for MergeConfig {
    fn default() -> MergeConfig {
        MergeConfig {
            round_timestamp_to: Duration(std::time::Duration::from_nanos(1)),
        }
    }
}

struct Merge {
    precision: i64,
    merged: SeriesMap<Metric>,
}

impl Plugin for Merge {
    type Config = MergeConfig;

    fn new(config: MergeConfig, _: &Context) -> Result<Self> {
        Ok(Merge {
            precision: config.round_timestamp_to.nanos(),
            merged: SeriesMap::default(),
        })
    }
}

impl Aggregator for Merge {
    fn add(&mut self, metric: &Metric) {
        let at = time::round(metric.time(), self.precision);
        let hash = metric.series_hash() ^ (at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        match self
            .merged
            .find(hash, |merged| merged.time() == at && merged.same_series(metric))
        {
            Some(merged) => metric
                .fields()
                .for_each(|(key, value)| merged.set_field(key, value.clone())),
            None => {
                let mut first = metric.untracked();
                first.set_time(at);
                self.merged.insert(hash, first);
            }
        }
    }

    /// Metrics keep their own time.
    fn push(&mut self, _: Timestamp, out: &mut Vec<Metric>) {
        out.extend(self.merged.drain());
    }
}

register!(aggregator "merge" = Merge);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, metric, push};

    fn m(tag: &str, fields: &[(&str, i64)], time: Timestamp) -> Metric {
        let fields: Vec<_> = fields.iter().map(|(k, v)| (*k, Value::Int(*v))).collect();
        metric("m", &[("t", tag)], &fields, time)
    }
    fn merge(round_to: Duration, metrics: &[Metric]) -> Vec<Metric> {
        let mut plugin: Merge = build(
            "merge",
            MergeConfig {
                round_timestamp_to: round_to,
            },
        )
        .unwrap();
        metrics.iter().for_each(|m| plugin.add(m));
        let out = push(&mut plugin, 99);
        assert_eq!(push(&mut plugin, 99), []);
        out
    }

    #[test]
    fn fields_of_one_series_and_time_come_together() {
        let of = [
            m("a", &[("x", 1)], 5),
            m("b", &[("x", 2)], 5),
            m("a", &[("y", 3)], 5),
            m("a", &[("y", 4)], 6),
        ];
        let want = [
            m("a", &[("x", 1), ("y", 3)], 5),
            m("b", &[("x", 2)], 5),
            m("a", &[("y", 4)], 6),
        ];
        assert_eq!(merge(MergeConfig::default().round_timestamp_to, &of), want);
    }

    #[test]
    fn the_last_value_of_a_field_stays() {
        let of = [m("a", &[("x", 1), ("y", 1)], 5), m("a", &[("x", 2)], 5)];
        assert_eq!(merge(Duration::ZERO, &of), [m("a", &[("x", 2), ("y", 1)], 5)]);
    }

    #[test]
    fn times_can_be_rounded_halves_up() {
        let s = 1_000_000_000;
        let of = [
            m("a", &[("x", 1)], s + s / 2),
            m("a", &[("y", 2)], 2 * s + s / 2 - 1),
            m("a", &[("x", 3)], s),
        ];
        let want = [m("a", &[("x", 1), ("y", 2)], 2 * s), m("a", &[("x", 3)], s)];
        assert_eq!(merge(Duration::from_secs(1), &of), want);
    }
}
