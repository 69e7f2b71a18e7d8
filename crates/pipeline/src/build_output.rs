//! One output of a configuration: its backlog's place, its queue's settings, its numbers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wheatstone_buffer::{DiskOptions, OnFull};
use wheatstone_config::PluginConfig;
use wheatstone_plugin::Build;

use crate::backlog::Place;
use crate::builder::{Builder, startup};
use crate::filter::Filter;
use crate::make_metric::Naming;
use crate::numbers::{agent_stat, stat, timing_stat};
use crate::queue::{QueueParts, Stats};
use crate::topology::{BuiltOutput, Cause};

/// How many bytes a disk buffer takes at most where `buffer_size` does not say.
const DEFAULT_DISK_BUFFER: u64 = 1 << 30;

impl Builder<'_> {
    pub(crate) fn output(&self, p: &PluginConfig) -> Result<BuiltOutput, Cause> {
        let (agent, common) = (&self.config.agent, &p.common);
        let log = self.log(p);
        let Build::Output(build) = self.build_of(p)? else {
            return Err(Cause::Undefined);
        };
        let (plugin, mark) = self.plugin(p, &log, build)?;
        let or = |own: Option<usize>, agent: usize, default: usize| match own
            .filter(|n| *n > 0)
            .unwrap_or(agent)
        {
            0 => default,
            n => n,
        };
        let batch_size = or(common.metric_batch_size, agent.metric_batch_size, 1000);
        let limit = or(common.metric_buffer_limit, agent.metric_buffer_limit, 10_000);
        let disk = self.disk_buffer(p, limit).map_err(Cause::Error)?;
        let stats = Stats {
            added: stat(p, "metrics_added"),
            dropped: stat(p, "metrics_dropped"),
            rejected: stat(p, "metrics_rejected"),
            filtered: stat(p, "metrics_filtered"),
            written: stat(p, "metrics_written"),
            write_errors: stat(p, "write_errors"),
            startup_errors: stat(p, "startup_errors"),
            write_time: timing_stat(p, "write_time_ns"),
            buffer_size: stat(p, "buffer_size"),
            buffer_bytes: disk.as_ref().map(|_| stat(p, "buffer_bytes")),
            failing: stat(p, "failing_seconds"),
            buffer_limit: stat(p, "buffer_limit"),
            agent_dropped: agent_stat("metrics_dropped"),
            agent_rejected: agent_stat("metrics_rejected"),
            agent_written: agent_stat("metrics_written"),
            agent_write_errors: agent_stat("write_errors"),
        };
        let filter = Filter::new(&common.filter, &log).map_err(Cause::Error)?;
        let guard = common
            .type_guard
            .clone()
            .map(|config| (config, format!("outputs.{}-{}", p.name, p.id)));
        Ok(BuiltOutput {
            mark,
            plugin,
            queue: QueueParts {
                filter,
                naming: Naming::new(common),
                batch_size,
                alarm_after: self.config.wheatstone.alarm_after.0,
                stats: Arc::new(stats),
                place: Place { limit, disk },
                guard,
            },
            startup: startup(p)?,
            log,
            flush_interval: common
                .flush_interval
                .filter(|i| !i.is_zero())
                .unwrap_or(agent.flush_interval)
                .0,
            flush_jitter: common.flush_jitter.unwrap_or(agent.flush_jitter).0,
        })
    }

    /// Where and how an output keeps its metrics on disk, where it does.
    fn disk_buffer(&self, p: &PluginConfig, limit: usize) -> anyhow::Result<Option<(PathBuf, DiskOptions)>> {
        let agent = &self.config.agent;
        let strategy = p
            .common
            .buffer_strategy
            .as_deref()
            .unwrap_or(&agent.buffer_strategy);
        match strategy {
            "" | "memory" => return Ok(None),
            "disk" | "disk_write_through" => {}
            other => anyhow::bail!("invalid buffer strategy {other:?}"),
        }
        let on_full = match p.common.buffer_full.as_deref() {
            None | Some("" | "drop_oldest") => OnFull::DropOldest,
            Some("block") => OnFull::Block,
            Some(other) => anyhow::bail!("invalid 'buffer_full' setting {other:?}: use drop_oldest or block"),
        };
        let options = DiskOptions {
            max_bytes: p.common.buffer_size.map_or(DEFAULT_DISK_BUFFER, |size| size.0),
            sync: agent.buffer_disk_sync,
            on_full,
            memory_limit: limit,
            ..DiskOptions::default()
        };
        Ok(Some((Path::new(&agent.buffer_directory).join(&p.id), options)))
    }
}
