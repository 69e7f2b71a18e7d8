//! Metrics in, the last one of each series out, when its series has ended or at each period.

use wheatstone_plugin::prelude::*;
use wheatstone_plugin::time;

use crate::names::Names;
use crate::series::SeriesMap;

/// Keeps the last metric of each series.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FinalConfig {
    /// When a metric is final: `"timeout"` when its series had none after it for `series_timeout`, `"periodic"` at the end
    /// of each period.
    output_strategy: String,
    /// How long a series must be silent to have ended, from the last metric's time to the wall clock. Only for `"timeout"`.
    series_timeout: Duration,
    /// Whether fields keep their names; else `_final` is put behind them.
    keep_original_field_names: bool,
}

impl Default for FinalConfig {
    fn default() -> FinalConfig {
        FinalConfig {
            output_strategy: "timeout".to_owned(),
            series_timeout: Duration::from_secs(300),
            keep_original_field_names: false,
        }
    }
}

struct Final {
    /// Nanoseconds; `None` gives everything out at each period.
    timeout: Option<i64>,
    names: Option<Names>,
    last: SeriesMap<Metric>,
}

impl Plugin for Final {
    type Config = FinalConfig;

    fn new(config: FinalConfig, _: &Context) -> Result<Self> {
        let timeout = match config.output_strategy.as_str() {
            "" | "timeout" => Some(config.series_timeout.nanos()),
            "periodic" => None,
            other => bail!("invalid 'output_strategy': {other:?}"),
        };
        let names = (!config.keep_original_field_names).then(|| Names::new(vec!["_final"]));
        Ok(Final {
            timeout,
            names,
            last: SeriesMap::default(),
        })
    }
}

impl Aggregator for Final {
    fn add(&mut self, metric: &Metric) {
        let hash = metric.series_hash();
        match self.last.find(hash, |last| last.same_series(metric)) {
            Some(last) => *last = metric.untracked(),
            None => self.last.insert(hash, metric.untracked()),
        }
    }

    fn push(&mut self, _: Timestamp, out: &mut Vec<Metric>) {
        self.push_at(time::now(), out);
    }
}

impl Final {
    /// Metrics keep their own time.
    fn push_at(&mut self, wall: Timestamp, out: &mut Vec<Metric>) {
        let Final { timeout, names, last } = self;
        last.extract(|mut metric| {
            if timeout.is_some_and(|timeout| wall.saturating_sub(metric.time()) <= timeout) {
                return Err(metric);
            }
            if let Some(names) = names {
                metric.for_each_field_mut(|field, _| {
                    if let [name] = names.get(field) {
                        *field = name.clone();
                    }
                });
            }
            metric.set_kind(ValueType::Untyped);
            out.push(metric);
            Ok(())
        });
    }
}

register!(aggregator "final" = Final);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, metric};

    const SECOND: i64 = 1_000_000_000;

    fn plugin(strategy: &str, keep: bool) -> Final {
        let config = FinalConfig {
            output_strategy: strategy.to_owned(),
            series_timeout: Duration::from_secs(30),
            keep_original_field_names: keep,
        };
        build("final", config).unwrap()
    }
    fn m(tag: &str, field: &str, v: i64, seconds: i64) -> Metric {
        metric("m", &[("t", tag)], &[(field, v.into())], seconds * SECOND)
    }
    fn push(plugin: &mut Final, seconds: i64) -> Vec<Metric> {
        let mut out = Vec::new();
        plugin.push_at(seconds * SECOND, &mut out);
        out
    }

    #[test]
    fn a_series_is_final_when_it_was_silent_for_longer_than_the_timeout() {
        for strategy in ["timeout", ""] {
            let mut plugin = plugin(strategy, false);
            for last in [m("a", "v", 1, 0), m("b", "v", 2, 10), m("a", "v", 3, 5)] {
                plugin.add(&last);
            }
            assert_eq!(push(&mut plugin, 35), []);
            assert_eq!(push(&mut plugin, 36), [m("a", "v_final", 3, 5)]);
            plugin.add(&m("b", "v", 4, 20));
            assert_eq!(push(&mut plugin, 41), []);
            assert_eq!(push(&mut plugin, 51), [m("b", "v_final", 4, 20)]);
            assert_eq!(push(&mut plugin, 99), []);
        }
    }

    #[test]
    fn or_at_each_period() {
        let mut plugin = plugin("periodic", true);
        plugin.add(&m("a", "v", 1, 0));
        plugin.add(&m("a", "w", 2, 5));
        assert_eq!(push(&mut plugin, 5), [m("a", "w", 2, 5)]);
        assert_eq!(push(&mut plugin, 5), []);
    }

    #[test]
    fn another_strategy_is_an_error() {
        let config = FinalConfig {
            output_strategy: "x".into(),
            ..Default::default()
        };
        assert_eq!(
            build::<Final>("final", config).err().as_deref(),
            Some("invalid 'output_strategy': \"x\"")
        );
    }
}
