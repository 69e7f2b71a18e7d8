//! Metrics in; a changed copy of each, followed by the metric itself, out.

use std::collections::BTreeMap;

use wheatstone_plugin::prelude::*;

use crate::naming::Naming;

/// Sends a copy of each metric on, under another name and with more tags.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CloneConfig {
    /// Replaces the name of the copy.
    name_override: String,
    /// Stands before the name of the copy.
    name_prefix: String,
    /// Stands behind the name of the copy.
    name_suffix: String,
    /// Tags to set on the copy, over those that it has under the same keys. Values are strings.
    tags: BTreeMap<String, String>,
}

struct Clone {
    naming: Naming,
    originals: Vec<Metric>,
}

impl Plugin for Clone {
    type Config = CloneConfig;

    fn new(c: CloneConfig, _: &Context) -> Result<Self> {
        Ok(Clone {
            naming: Naming::new(&c.name_override, &c.name_prefix, &c.name_suffix, &c.tags),
            originals: Vec::new(),
        })
    }
}

impl Processor for Clone {
    fn process(&mut self, metrics: &mut Vec<Metric>) {
        std::mem::swap(metrics, &mut self.originals);
        metrics.reserve(2 * self.originals.len());
        for original in self.originals.drain(..) {
            let mut copy = original.clone();
            self.naming.apply(&mut copy);
            metrics.push(copy);
            metrics.push(original);
        }
    }
}

register!(processor "clone" = Clone);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, metric};

    #[test]
    fn the_copy_comes_first_and_the_original_stays() {
        let config = CloneConfig {
            name_suffix: "_s".into(),
            tags: [("a".to_owned(), "new".to_owned())].into(),
            ..Default::default()
        };
        let mut plugin: Clone = build("clone", config).unwrap();
        let m = |name: &str, a: &str| metric(name, &[("a", a)], &[("x", Value::Int(1))], 3);
        for _ in 0..2 {
            let mut metrics = vec![m("m", "1"), m("n", "2")];
            plugin.process(&mut metrics);
            assert_eq!(
                metrics,
                [m("m_s", "new"), m("m", "1"), m("n_s", "new"), m("n", "2")]
            );
        }
    }
}
