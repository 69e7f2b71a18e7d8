//! Metrics with one value each in; the same with the value under the name that a tag gives out.

use wheatstone_plugin::prelude::*;

/// Makes a tag's value the name of a field.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PivotConfig {
    /// The tag whose value becomes the field's name; the tag goes.
    tag_key: String,
    /// The field whose value moves to the new name.
    value_key: String,
}

struct Pivot {
    config: PivotConfig,
    names: KeyCache,
}

impl Plugin for Pivot {
    type Config = PivotConfig;

    fn new(config: PivotConfig, _: &Context) -> Result<Self> {
        Ok(Pivot {
            config,
            names: KeyCache::default(),
        })
    }
}

impl Processor for Pivot {
    fn process(&mut self, metrics: &mut Vec<Metric>) {
        for metric in metrics {
            if !metric.has_tag(&self.config.tag_key) {
                continue;
            }
            let Some(value) = metric.remove_field(&self.config.value_key) else {
                continue;
            };
            let name = metric.remove_tag(&self.config.tag_key).unwrap_or_default();
            metric.set_field(self.names.get(&name), value);
        }
    }
}

register!(processor "pivot" = Pivot);

#[cfg(test)]
mod tests {
    use super::*;

    fn pivoted(metric: Metric) -> Metric {
        let config = PivotConfig {
            tag_key: "field".into(),
            value_key: "value".into(),
        };
        let mut metrics = vec![metric];
        Pivot {
            config,
            names: KeyCache::default(),
        }
        .process(&mut metrics);
        metrics.remove(0)
    }

    #[test]
    fn the_tag_names_the_field() {
        let mut m = Metric::new("sensor", 1);
        m.set_tag("field", "temperature");
        m.set_tag("room", "hall");
        m.set_field("value", 21.5);
        m.set_field("temperature", 1.0);
        let m = pivoted(m);
        assert_eq!(m.field("temperature"), Some(&Value::Float(21.5)));
        assert_eq!((m.field_count(), m.tag_count()), (1, 1));
    }

    #[test]
    fn a_metric_without_tag_or_field_stays() {
        let mut no_tag = Metric::new("sensor", 1);
        no_tag.set_field("value", 1.0);
        assert_eq!(pivoted(no_tag.clone()), no_tag);
        let mut no_field = Metric::new("sensor", 1);
        no_field.set_tag("field", "x");
        no_field.set_field("other", 1.0);
        assert_eq!(pivoted(no_field.clone()), no_field);
    }
}
