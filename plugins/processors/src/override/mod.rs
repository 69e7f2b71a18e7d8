//! Metrics in, the same under another name and with more tags out.

use std::collections::BTreeMap;

use wheatstone_plugin::prelude::*;

use crate::naming::Naming;

/// Sets name and tags over those that metrics have.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OverrideConfig {
    /// Replaces the measurement's name.
    name_override: String,
    /// Stands before the name.
    name_prefix: String,
    /// Stands behind the name.
    name_suffix: String,
    /// Tags to set, over those that the metric has under the same keys. Values are strings.
    tags: BTreeMap<String, String>,
}

struct Override(Naming);

impl Plugin for Override {
    type Config = OverrideConfig;

    fn new(c: OverrideConfig, _: &Context) -> Result<Self> {
        Ok(Override(Naming::new(
            &c.name_override,
            &c.name_prefix,
            &c.name_suffix,
            &c.tags,
        )))
    }
}

impl Processor for Override {
    fn process(&mut self, metrics: &mut Vec<Metric>) {
        for m in metrics {
            self.0.apply(m);
        }
    }
}

register!(processor "override" = Override);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, metric, process};

    #[test]
    fn name_and_tags_are_set() {
        let config = OverrideConfig {
            name_prefix: "p_".into(),
            tags: [("a".to_owned(), "new".to_owned())].into(),
            ..Default::default()
        };
        let mut plugin: Override = build("override", config).unwrap();
        let m = metric("m", &[("a", "1"), ("b", "2")], &[("x", Value::Int(1))], 3);
        let want = metric("p_m", &[("a", "new"), ("b", "2")], &[("x", Value::Int(1))], 3);
        assert_eq!(process(&mut plugin, m), [want]);
    }
}
