//! Metrics in, statistics of each number field in a period out.

mod running;

use wheatstone_plugin::prelude::*;

use crate::names::Names;
use crate::series::{Series, SeriesMap};
use running::{Running, Stat};

/// Computes statistics of each field.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BasicStatsConfig {
    /// Which statistics become fields, named after the field with the statistic behind it, such as `usage_mean`: `count`,
    /// `min`, `max`, `mean`, `s2` (variance), `stdev`, `sum`, `first`, `last`, and from the first to the last value of the
    /// period `diff`, `non_negative_diff`, `rate` (per second), `non_negative_rate`, `percent_change` and `interval`
    /// (nanoseconds). Those that compare values are left out where there is only one.
    stats: Vec<String>,
}

impl Default for BasicStatsConfig {
    fn default() -> BasicStatsConfig {
        BasicStatsConfig {
            stats: ["count", "min", "max", "mean", "s2", "stdev"]
                .map(str::to_owned)
                .into(),
        }
    }
}

struct BasicStats {
    stats: Vec<Stat>,
    series: SeriesMap<Series<Running>>,
    names: Names,
}

impl Plugin for BasicStats {
    type Config = BasicStatsConfig;

    fn new(config: BasicStatsConfig, cx: &Context) -> Result<Self> {
        let mut stats = Vec::new();
        for name in &config.stats {
            match Stat::from_name(name) {
                Some(stat) if stats.contains(&stat) => {}
                Some(stat) => stats.push(stat),
                None => warn!(cx.log(), "Unrecognized basic stat {name:?}, ignoring"),
            }
        }
        let names = Names::new(stats.iter().map(|stat| stat.suffix()).collect());
        Ok(BasicStats {
            stats,
            series: SeriesMap::default(),
            names,
        })
    }
}

impl Aggregator for BasicStats {
    fn add(&mut self, metric: &Metric) {
        let time = metric.time();
        self.series.add(
            metric,
            |v| Running::new(v, time),
            |running, v| running.add(v, time),
        );
    }

    fn push(&mut self, now: Timestamp, out: &mut Vec<Metric>) {
        for series in self.series.drain() {
            let (mut m, fields) = series.into_parts();
            for (field, running) in fields {
                for (name, stat) in self.names.get(&field).iter().zip(&self.stats) {
                    if let Some(value) = running.value(*stat) {
                        m.set_field(name, value);
                    }
                }
            }
            if m.field_count() > 0 {
                m.set_time(now);
                out.push(m);
            }
        }
    }
}

register!(aggregator "basicstats" = BasicStats);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, metric, push};

    fn basicstats(stats: &[&str]) -> BasicStats {
        let stats = stats.iter().map(|s| (*s).to_owned()).collect();
        build("basicstats", BasicStatsConfig { stats }).unwrap()
    }
    fn m(fields: &[(&str, Value)], time: Timestamp) -> Metric {
        metric("m", &[("t", "a")], fields, time)
    }

    #[test]
    fn the_default_statistics() {
        let mut plugin: BasicStats = build("basicstats", BasicStatsConfig::default()).unwrap();
        for v in [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0] {
            plugin.add(&m(&[("v", v.into()), ("s", "x".into())], 0));
        }
        let want = [
            ("v_count", 8.0),
            ("v_min", 2.0),
            ("v_max", 9.0),
            ("v_mean", 5.0),
            ("v_s2", 32.0 / 7.0),
            ("v_stdev", (32.0f64 / 7.0).sqrt()),
        ];
        assert_eq!(push(&mut plugin, 9), [m(&want.map(|(k, v)| (k, v.into())), 9)]);
        assert_eq!(push(&mut plugin, 9), []);
    }

    #[test]
    fn changes_are_counted_from_the_first_value() {
        let all = [
            "sum",
            "first",
            "last",
            "diff",
            "non_negative_diff",
            "rate",
            "non_negative_rate",
            "percent_change",
            "interval",
        ];
        let mut plugin = basicstats(&all);
        for (v, time) in [(10u64, 0), (99, 1_000_000_000), (15, 2_000_000_000)] {
            plugin.add(&m(&[("v", v.into())], time));
        }
        let want = [124.0, 10.0, 15.0, 5.0, 5.0, 2.5, 2.5, 50.0].map(Value::Float);
        let mut want: Vec<_> = all.iter().copied().zip(want).collect();
        want.push(("interval", Value::Int(2_000_000_000)));
        let names: Vec<String> = want.iter().map(|(stat, _)| format!("v_{stat}")).collect();
        let want: Vec<_> = names
            .iter()
            .map(String::as_str)
            .zip(want.into_iter().map(|(_, v)| v))
            .collect();
        assert_eq!(push(&mut plugin, 9), [m(&want, 9)]);
    }

    #[test]
    fn falling_values_have_no_non_negative_change() {
        let mut plugin = basicstats(&["non_negative_diff", "non_negative_rate", "rate"]);
        plugin.add(&m(&[("v", 3i64.into())], 0));
        plugin.add(&m(&[("v", 1i64.into())], 1_000_000_000));
        assert_eq!(push(&mut plugin, 9), [m(&[("v_rate", (-2.0).into())], 9)]);
    }

    #[test]
    fn one_value_has_no_spread_and_one_time_no_rate() {
        let mut plugin = basicstats(&["stdev", "diff", "interval", "count"]);
        plugin.add(&m(&[("v", 3i64.into())], 0));
        assert_eq!(push(&mut plugin, 9), [m(&[("v_count", 1.0.into())], 9)]);
        let mut plugin = basicstats(&["rate", "interval"]);
        plugin.add(&m(&[("v", 3i64.into())], 5));
        plugin.add(&m(&[("v", 4i64.into())], 5));
        assert_eq!(
            push(&mut plugin, 9),
            [m(&[("v_rate", 0.0.into()), ("v_interval", 0i64.into())], 9)]
        );
    }

    #[test]
    fn unknown_statistics_are_ignored_and_none_gives_nothing() {
        for stats in [&["crazy", "variance"][..], &[]] {
            let mut plugin = basicstats(stats);
            plugin.add(&m(&[("v", 3i64.into())], 0));
            assert_eq!(push(&mut plugin, 9), []);
        }
    }
}
