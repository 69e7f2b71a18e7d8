//! A plugin's own numbers in the measurements that `inputs.internal` reads.

use wheatstone_config::PluginConfig;
use wheatstone_plugin::Kind;
use wheatstone_plugin::stats::{Stat, register, register_timing, unregister};

/// The measurement and tags of a plugin's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Series {
    measurement: &'static str,
    tags: Vec<(&'static str, String)>,
}

impl Series {
    pub(crate) fn of(p: &PluginConfig) -> Series {
        let (measurement, tag) = match p.kind {
            Kind::Input => ("gather", "input"),
            Kind::Processor => ("process", "processor"),
            Kind::Aggregator => ("aggregate", "aggregator"),
            _ => ("write", "output"),
        };
        let mut tags = vec![(tag, p.name.clone()), ("_id", p.id.clone())];
        if !p.common.alias.is_empty() {
            tags.push(("alias", p.common.alias.clone()));
        }
        Series { measurement, tags }
    }

    /// They are shown no more.
    pub(crate) fn forget(&self) {
        unregister(self.measurement, &self.tags());
    }

    fn tags(&self) -> Vec<(&str, &str)> {
        self.tags.iter().map(|(k, v)| (*k, v.as_str())).collect()
    }
}

pub(crate) fn stat(p: &PluginConfig, field: &str) -> Stat {
    let series = Series::of(p);
    register(series.measurement, field, &series.tags())
}

pub(crate) fn timing_stat(p: &PluginConfig, field: &str) -> Stat {
    let series = Series::of(p);
    register_timing(series.measurement, field, &series.tags())
}

pub(crate) fn agent_stat(field: &str) -> Stat {
    register("agent", field, &[])
}
