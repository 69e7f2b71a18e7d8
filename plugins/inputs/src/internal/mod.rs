//! The agent's own numbers, as metrics.

use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{stats, time};

/// Collects the agent's numbers about itself.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct InternalConfig {
    /// Whether to add `internal_memstats`, the memory that the agent takes.
    collect_memstats: bool,
    /// Statistics of the Go runtime. Accepted so that configurations of Telegraf load; there is no such runtime here, so
    /// nothing is added.
    collect_gostats: bool,
    /// Whether each plugin instance has metrics of its own, told apart by the tag `_id`, instead of one sum per plugin and
    /// alias.
    per_instance: bool,
}

impl Default for InternalConfig {
    fn default() -> InternalConfig {
        InternalConfig {
            collect_memstats: true,
            collect_gostats: false,
            per_instance: false,
        }
    }
}

struct Internal {
    config: InternalConfig,
    version: CompactString,
}

impl Plugin for Internal {
    type Config = InternalConfig;

    fn new(config: InternalConfig, cx: &Context) -> Result<Self> {
        if config.collect_gostats {
            info!(
                cx.log(),
                "collect_gostats has nothing to collect here: this agent has no Go runtime"
            );
        }
        Ok(Internal {
            config,
            version: CompactString::from(&cx.agent().version),
        })
    }
}

#[async_trait]
impl Input for Internal {
    async fn gather(&mut self, acc: &mut Accumulator) -> Result<()> {
        let now = time::now();
        let mut metrics = stats::metrics(now);
        if !self.config.per_instance {
            metrics = summed(metrics);
        }
        for mut m in metrics {
            m.set_tag(key!("version"), self.version.clone());
            acc.add(m);
        }
        // Only Linux tells; elsewhere there is nothing honest to say.
        if self.config.collect_memstats
            && let Ok(status) = std::fs::read_to_string("/proc/self/status")
        {
            acc.add(memory(&status, now));
        }
        Ok(())
    }
}

/// One metric for all instances that differ in the tag `_id` alone, their numbers added up.
fn summed(metrics: Vec<Metric>) -> Vec<Metric> {
    let mut sums: Vec<Metric> = Vec::with_capacity(metrics.len());
    let mut index = std::collections::HashMap::with_capacity(metrics.len());
    for mut m in metrics {
        m.remove_tag("_id");
        match index.get(&m.series_hash()).map(|i: &usize| &mut sums[*i]) {
            Some(sum) if sum.same_series(&m) => {
                for (key, value) in m.fields() {
                    match (sum.field_mut(key), value) {
                        (Some(Value::Int(total)), Value::Int(n)) => *total = total.wrapping_add(*n),
                        (Some(_), _) => {}
                        (None, value) => sum.set_field(key, value.clone()),
                    }
                }
            }
            _ => {
                index.insert(m.series_hash(), sums.len());
                sums.push(m);
            }
        }
    }
    sums
}

/// The memory of this process out of the text of `/proc/self/status`.
fn memory(status: &str, now: Timestamp) -> Metric {
    let bytes = |name: &str| {
        let line = status
            .lines()
            .find_map(|l| l.strip_prefix(name)?.strip_prefix(':'))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
        Some(kib * 1024)
    };
    let mut m = Metric::new(key!("internal_memstats"), now);
    for (field, name) in [
        (key!("sys_bytes"), "VmRSS"),
        (key!("heap_in_use_bytes"), "RssAnon"),
    ] {
        if let Some(n) = bytes(name) {
            m.set_field(field, n);
        }
    }
    m
}

register!(input "internal" = Internal);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, gather, table};
    use wheatstone_plugin::conf::{Node, NodeKind};

    fn internal(options: &[(&str, bool)]) -> Internal {
        let options: Vec<_> = options
            .iter()
            .map(|(k, v)| (*k, Node::bare(NodeKind::Boolean(*v))))
            .collect();
        build("internal", table(&options)).unwrap()
    }

    #[tokio::test]
    async fn instances_are_summed_or_told_apart() {
        stats::register("unit", "n", &[("input", "x"), ("_id", "1")]).add(2);
        stats::register("unit", "n", &[("input", "x"), ("_id", "2")]).add(3);
        stats::register("unit", "m", &[("input", "x"), ("_id", "2")]).add(5);
        let unit = |metrics: Vec<Metric>| -> Vec<Metric> {
            metrics
                .into_iter()
                .filter(|m| m.name() == "internal_unit")
                .collect()
        };

        let sums = unit(gather(&mut internal(&[])).await.0);
        assert_eq!(sums.len(), 1);
        assert_eq!(sums[0].field("n"), Some(&Value::Int(5)));
        assert_eq!(sums[0].field("m"), Some(&Value::Int(5)));
        assert!(sums[0].has_tag("version") && !sums[0].has_tag("_id"));

        let each = unit(gather(&mut internal(&[("per_instance", true)])).await.0);
        assert_eq!(
            each.iter().map(|m| m.tag("_id")).collect::<Vec<_>>(),
            [Some("1"), Some("2")]
        );
    }

    #[test]
    fn memory_is_read_from_the_status_file() {
        let m = memory("Name:\tx\nVmRSS:\t    2048 kB\nRssAnon:\t      4 kB\n", 1);
        assert_eq!(m.field("sys_bytes"), Some(&Value::Uint(2 << 20)));
        assert_eq!(m.field("heap_in_use_bytes"), Some(&Value::Uint(4096)));
        assert_eq!(memory("garbage", 1).field_count(), 0);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn memory_is_told_unless_switched_off() {
        let has = |metrics: &[Metric]| {
            metrics
                .iter()
                .any(|m| m.name() == "internal_memstats" && m.field_count() > 0)
        };
        assert!(has(&gather(&mut internal(&[])).await.0));
        assert!(!has(&gather(&mut internal(&[
            ("collect_memstats", false),
            ("collect_gostats", true)
        ]))
        .await
        .0));
    }
}
