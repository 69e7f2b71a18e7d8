//! Metrics in, the smallest and the largest value of each number field in a period out.

use wheatstone_plugin::prelude::*;

use crate::names::Names;
use crate::series::{Series, SeriesMap};

/// Keeps the smallest and the largest value of each field.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MinMaxConfig {}

struct MinMax {
    series: SeriesMap<Series<Range>>,
    names: Names,
}

struct Range {
    min: f64,
    max: f64,
}

impl Plugin for MinMax {
    type Config = MinMaxConfig;

    fn new(_: MinMaxConfig, _: &Context) -> Result<Self> {
        Ok(MinMax {
            series: SeriesMap::default(),
            names: Names::new(vec!["_min", "_max"]),
        })
    }
}

impl Aggregator for MinMax {
    fn add(&mut self, metric: &Metric) {
        let first = |v| Range { min: v, max: v };
        self.series.add(metric, first, |range, v| {
            if v < range.min {
                range.min = v;
            } else if v > range.max {
                range.max = v;
            }
        });
    }

    fn push(&mut self, now: Timestamp, out: &mut Vec<Metric>) {
        for series in self.series.drain() {
            let (mut m, fields) = series.into_parts();
            for (field, range) in fields {
                for (name, v) in self.names.get(&field).iter().zip([range.min, range.max]) {
                    m.set_field(name, v);
                }
            }
            if m.field_count() > 0 {
                m.set_time(now);
                out.push(m);
            }
        }
    }
}

register!(aggregator "minmax" = MinMax);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, metric, push};

    #[test]
    fn ranges_per_series_and_period() {
        let mut plugin: MinMax = build("minmax", MinMaxConfig::default()).unwrap();
        let m = |tag, v: Value| metric("m", &[("t", tag)], &[("v", v), ("s", "text".into())], 5);
        for (tag, v) in [
            ("a", Value::Int(3)),
            ("b", Value::Float(0.5)),
            ("a", Value::Int(-1)),
            ("a", Value::Uint(2)),
        ] {
            plugin.add(&m(tag, v));
        }
        plugin.add(&metric("n", &[], &[("s", "text".into())], 5));
        let range = |tag, min: f64, max: f64| {
            metric(
                "m",
                &[("t", tag)],
                &[("v_min", min.into()), ("v_max", max.into())],
                9,
            )
        };
        assert_eq!(
            push(&mut plugin, 9),
            [range("a", -1.0, 3.0), range("b", 0.5, 0.5)]
        );
        assert_eq!(push(&mut plugin, 9), []);
        plugin.add(&m("a", Value::Bool(true)));
        plugin.add(&m("a", Value::Int(4)));
        assert_eq!(push(&mut plugin, 9), [range("a", 4.0, 4.0)]);
    }
}
