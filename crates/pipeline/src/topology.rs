//! From a loaded configuration to built plugins, nothing started yet; every plugin's errors are gathered, none is hidden
//! behind another's.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use parking_lot::Mutex;
use wheatstone_buffer::{DiskOptions, OnFull};
use wheatstone_config::{Config, PluginConfig};
use wheatstone_plugin::conf::{self, Unused};
use wheatstone_plugin::stats::{Stat, register, register_timing};
use wheatstone_plugin::{AgentInfo, Build, Context, Kind, Level, Log, Output, Revealer, find};
use wheatstone_type_guard::TypeGuardConfig;

use crate::aggregate::{RunningAggregator, State};
use crate::chain::{Chain, RunningProcessor};
use crate::filter::Filter;
use crate::make_metric::{DefaultTags, Naming};
use crate::queue::{QueueParts, Stats as OutputStats};
use crate::running_input::{InputPlugin, Intake, Stats as InputStats, TimeSource, Timing};
use crate::running_output::Startup;

/// Why a plugin of the configuration could not be built.
#[derive(Debug)]
pub struct BuildProblem {
    /// Its place among [`Config::plugins`].
    pub plugin: usize,
    /// What is wrong.
    pub cause: Cause,
}

/// What is wrong with a plugin's table.
#[derive(Debug)]
pub enum Cause {
    /// There is no such plugin in this program.
    Undefined,
    /// Keys that neither the plugin nor its format has.
    Unused(Vec<Unused>),
    /// The plugin refused its options.
    Error(anyhow::Error),
}

/// Plugins built from a configuration, ready to run.
pub struct Topology {
    pub(crate) inputs: Vec<BuiltInput>,
    pub(crate) before: Chain,
    pub(crate) after: Chain,
    pub(crate) aggregators: Vec<RunningAggregator>,
    pub(crate) outputs: Vec<BuiltOutput>,
    pub(crate) aligned: bool,
    pub(crate) guard: Option<TypeGuardConfig>,
}

pub(crate) struct BuiltInput {
    pub(crate) plugin: InputPlugin,
    pub(crate) intake: Intake,
    pub(crate) timing: Timing,
    pub(crate) startup: Startup,
    pub(crate) log: Log,
    pub(crate) gathered: Stat,
    pub(crate) agent_gathered: Stat,
    pub(crate) stats: InputStats,
}

pub(crate) struct BuiltOutput {
    pub(crate) plugin: Box<dyn Output>,
    pub(crate) queue: QueueParts,
    pub(crate) log: Log,
    pub(crate) flush_interval: Duration,
    pub(crate) flush_jitter: Duration,
    pub(crate) startup: Startup,
}

impl Topology {
    /// How many inputs and outputs there are.
    pub fn sizes(&self) -> (usize, usize) {
        (self.inputs.len(), self.outputs.len())
    }
}

/// Builds all plugins of a configuration, or says everything that is wrong with it. Opens nothing.
pub fn build(
    config: &Config,
    agent: &Arc<AgentInfo>,
    revealer: Option<&Arc<dyn Revealer>>,
) -> Result<Topology, Vec<BuildProblem>> {
    let mut builder = Builder {
        config,
        agent,
        revealer,
        problems: Vec::new(),
    };
    let skip_after = config.agent.skip_processors_after_aggregators.unwrap_or(false);
    let skip_before = config.agent.skip_processors_before_aggregators.unwrap_or(false);
    let of = |kind: Kind| {
        config
            .plugins
            .iter()
            .enumerate()
            .filter(move |(_, p)| p.kind == kind)
    };

    let inputs = of(Kind::Input)
        .filter_map(|(i, p)| builder.keep(i, |b| b.input(p)))
        .collect();
    let mut processors: Vec<_> = of(Kind::Processor).collect();
    processors.sort_by_key(|(_, p)| p.common.order);
    let aggregates = of(Kind::Aggregator).next().is_some();
    let mut before = Chain::default();
    let mut after = Chain::default();
    for (i, p) in processors {
        // Each chain has its own instances, since processors keep state.
        let first = builder.keep(i, |b| b.processor(p));
        let second = (aggregates && !skip_after)
            .then(|| builder.keep_quietly(|b| b.processor(p)))
            .flatten();
        after.0.extend(second);
        if !skip_before {
            before.0.extend(first);
        }
    }
    let aggregators = of(Kind::Aggregator)
        .filter_map(|(i, p)| builder.keep(i, |b| b.aggregator(p)))
        .collect();
    let outputs = of(Kind::Output)
        .filter_map(|(i, p)| builder.keep(i, |b| b.output(p)))
        .collect();
    if builder.problems.is_empty() {
        let aligned = config.agent.round_interval;
        let guard = config.wheatstone.type_guard.clone();
        Ok(Topology {
            inputs,
            before,
            after,
            aggregators,
            outputs,
            aligned,
            guard,
        })
    } else {
        builder.problems.sort_by_key(|p| p.plugin);
        Err(builder.problems)
    }
}

struct Builder<'a> {
    config: &'a Config,
    agent: &'a Arc<AgentInfo>,
    revealer: Option<&'a Arc<dyn Revealer>>,
    problems: Vec<BuildProblem>,
}

impl Builder<'_> {
    fn keep<T>(&mut self, plugin: usize, build: impl FnOnce(&Self) -> Result<T, Cause>) -> Option<T> {
        match build(self) {
            Ok(built) => Some(built),
            Err(cause) => {
                self.problems.push(BuildProblem { plugin, cause });
                None
            }
        }
    }

    /// A second instance of what was already built: its problems are known.
    fn keep_quietly<T>(&self, build: impl FnOnce(&Self) -> Result<T, Cause>) -> Option<T> {
        build(self).ok()
    }

    fn build_of(&self, p: &PluginConfig) -> Result<Build, Cause> {
        find(p.kind, &p.name).map(|r| r.build).ok_or(Cause::Undefined)
    }

    fn log(&self, p: &PluginConfig) -> Log {
        let alias = &p.common.alias;
        let name = match alias.as_str() {
            "" => format!("{}.{}", p.kind.plural(), p.name),
            alias => format!("{}.{}::{alias}", p.kind.plural(), p.name),
        };
        let errors = stat(p, "errors");
        let level = Level::parse(&p.common.log_level);
        if level.is_none() && !p.common.log_level.is_empty() {
            // The plugin's parser or serializer has the level too, and says so as well.
            let part = find(p.kind, &p.name)
                .and_then(|r| r.data_format)
                .map(|(kind, default)| {
                    let format = p
                        .table
                        .get("data_format")
                        .and_then(|n| n.as_str())
                        .unwrap_or(default);
                    format!("{}.{format}::{}", kind.plural(), p.name)
                });
            for name in [Some(name.clone()), part].into_iter().flatten() {
                let log = Log::new(name, None, None);
                wheatstone_plugin::error!(log, "invalid log-level {:?}", p.common.log_level);
            }
        }
        Log::new(name, level, Some(errors))
    }

    fn context(&self, p: &PluginConfig, log: &Log) -> Context {
        let cx = Context::new(
            p.kind,
            &p.name,
            &p.common.alias,
            p.table.clone(),
            log.clone(),
            self.agent.clone(),
        );
        match self.revealer {
            Some(revealer) => cx.with_revealer(revealer.clone()),
            None => cx,
        }
    }

    /// Builds the plugin itself; a key that nobody took is an error.
    fn plugin<T>(
        &self,
        p: &PluginConfig,
        log: &Log,
        build: fn(&Context) -> anyhow::Result<T>,
    ) -> Result<T, Cause> {
        let cx = self.context(p, log);
        let built = build(&cx);
        // An unknown key is named first: it is often why the options were refused.
        let mut unused = cx.unused();
        unused.retain(|u| !wheatstone_config::is_loader_key(&u.path));
        match built {
            Ok(_) | Err(_) if !unused.is_empty() => Err(Cause::Unused(unused)),
            Ok(plugin) => Ok(plugin),
            Err(e) => Err(Cause::Error(e)),
        }
    }

    fn input(&self, p: &PluginConfig) -> Result<BuiltInput, Cause> {
        let (agent, common) = (&self.config.agent, &p.common);
        let log = self.log(p);
        let interval = common.interval.filter(|i| !i.is_zero()).unwrap_or(agent.interval);
        let (plugin, service) = match self.build_of(p)? {
            Build::Input(build) => (InputPlugin::Polled(self.plugin(p, &log, build)?), false),
            Build::ServiceInput(build) => (InputPlugin::Service(self.plugin(p, &log, build)?), true),
            _ => return Err(Cause::Undefined),
        };
        // Inputs that run by themselves keep their times, unless the plugin itself says otherwise.
        let precision = match (service, common.precision) {
            (true, Some(own)) if !self.agent.once => own.nanos(),
            (true, _) => 1,
            (false, own) => precision(own.filter(|p| !p.is_zero()).unwrap_or(agent.precision), interval),
        };
        let time_source = match common.time_source.as_str() {
            "" | "metric" => TimeSource::Metric,
            "collection_start" => TimeSource::CollectionStart,
            "collection_end" => TimeSource::CollectionEnd,
            other => return Err(Cause::Error(anyhow!("invalid 'time_source' setting {other:?}"))),
        };
        let intake = Intake {
            filter: Filter::new(&common.filter, &log).map_err(Cause::Error)?,
            naming: Naming::new(common),
            local_tags: DefaultTags::new(&common.tags),
            global_tags: DefaultTags::new(&self.config.global_tags),
            local_again: agent.always_include_local_tags,
            global_again: agent.always_include_global_tags,
            precision,
            time_source,
        };
        let timing = Timing {
            interval: interval.0,
            jitter: common.collection_jitter.unwrap_or(agent.collection_jitter).0,
            offset: common
                .collection_offset
                .filter(|o| !o.is_zero())
                .unwrap_or(agent.collection_offset)
                .0,
            aligned: agent.round_interval,
        };
        Ok(BuiltInput {
            plugin,
            intake,
            timing,
            startup: startup(p)?,
            log,
            gathered: stat(p, "metrics_gathered"),
            agent_gathered: agent_stat("metrics_gathered"),
            stats: InputStats {
                gather_time: timing_stat(p, "gather_time_ns"),
                gather_errors: stat(p, "gather_errors"),
                gather_timeouts: stat(p, "gather_timeouts"),
                startup_errors: stat(p, "startup_errors"),
                agent_gather_errors: agent_stat("gather_errors"),
                agent_gather_timeouts: agent_stat("gather_timeouts"),
            },
        })
    }

    fn processor(&self, p: &PluginConfig) -> Result<RunningProcessor, Cause> {
        let log = self.log(p);
        let Build::Processor(build) = self.build_of(p)? else {
            return Err(Cause::Undefined);
        };
        let plugin = self.plugin(p, &log, build)?;
        Ok(RunningProcessor {
            plugin,
            filter: Filter::new(&p.common.filter, &log).map_err(Cause::Error)?,
            log,
        })
    }

    fn aggregator(&self, p: &PluginConfig) -> Result<RunningAggregator, Cause> {
        let common = &p.common;
        let log = self.log(p);
        let Build::Aggregator(build) = self.build_of(p)? else {
            return Err(Cause::Undefined);
        };
        let plugin = self.plugin(p, &log, build)?;
        let period = common.period.unwrap_or(conf::Duration::from_secs(30)).nanos();
        if period <= 0 {
            return Err(Cause::Error(anyhow!("the period must be greater than zero")));
        }
        Ok(RunningAggregator {
            filter: Filter::new(&common.filter, &log).map_err(Cause::Error)?,
            drop_original: common.drop_original,
            period,
            delay: common.delay.unwrap_or(conf::Duration::from_millis(100)).nanos(),
            grace: common.grace.unwrap_or_default().nanos(),
            precision: precision(self.config.agent.precision, self.config.agent.interval),
            tags: DefaultTags::new(&common.tags),
            state: Mutex::new(State {
                plugin,
                naming: Naming::new(common),
                start: 0,
                end: 0,
            }),
            pushed: stat(p, "metrics_pushed"),
            filtered: stat(p, "metrics_filtered"),
            dropped: stat(p, "metrics_dropped"),
            push_time: timing_stat(p, "push_time_ns"),
            log,
        })
    }

    fn output(&self, p: &PluginConfig) -> Result<BuiltOutput, Cause> {
        let (agent, common) = (&self.config.agent, &p.common);
        let log = self.log(p);
        let Build::Output(build) = self.build_of(p)? else {
            return Err(Cause::Undefined);
        };
        let plugin = self.plugin(p, &log, build)?;
        let or = |own: Option<usize>, agent: usize, default: usize| match own
            .filter(|n| *n > 0)
            .unwrap_or(agent)
        {
            0 => default,
            n => n,
        };
        let batch_size = or(common.metric_batch_size, agent.metric_batch_size, 1000);
        let limit = or(common.metric_buffer_limit, agent.metric_buffer_limit, 10_000);
        stat(p, "buffer_limit").set(limit as i64);
        let stats = OutputStats {
            added: stat(p, "metrics_added"),
            dropped: stat(p, "metrics_dropped"),
            rejected: stat(p, "metrics_rejected"),
            filtered: stat(p, "metrics_filtered"),
            written: stat(p, "metrics_written"),
            write_errors: stat(p, "write_errors"),
            startup_errors: stat(p, "startup_errors"),
            write_time: timing_stat(p, "write_time_ns"),
            buffer_size: stat(p, "buffer_size"),
            agent_dropped: agent_stat("metrics_dropped"),
            agent_rejected: agent_stat("metrics_rejected"),
            agent_written: agent_stat("metrics_written"),
            agent_write_errors: agent_stat("write_errors"),
        };
        let filter = Filter::new(&common.filter, &log).map_err(Cause::Error)?;
        let has_siblings = self
            .config
            .plugins
            .iter()
            .filter(|p| p.kind == Kind::Output)
            .count()
            > 1;
        let disk = self.disk_buffer(p, limit).map_err(Cause::Error)?;
        let guard = common
            .type_guard
            .clone()
            .map(|config| (config, format!("outputs.{}-{}", p.name, p.id)));
        Ok(BuiltOutput {
            plugin,
            queue: QueueParts {
                filter,
                naming: Naming::new(common),
                batch_size,
                has_siblings,
                stats,
                limit,
                disk,
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

/// How many bytes a disk buffer takes at most where `buffer_size` does not say.
const DEFAULT_DISK_BUFFER: u64 = 1 << 30;

/// What times are rounded to, where it is not said: as fine as the interval needs.
fn precision(precision: conf::Duration, interval: conf::Duration) -> i64 {
    if !precision.is_zero() {
        return precision.nanos();
    }
    match interval.nanos() {
        1_000_000_000.. => 1_000_000_000,
        1_000_000.. => 1_000_000,
        1_000.. => 1_000,
        _ => 1,
    }
}

fn startup(p: &PluginConfig) -> Result<Startup, Cause> {
    match p.common.startup_error_behavior.as_str() {
        "" | "error" => Ok(Startup::Error),
        "retry" => Ok(Startup::Retry),
        "ignore" => Ok(Startup::Ignore),
        "probe" if p.kind == Kind::Input => Ok(Startup::Ignore),
        other => Err(Cause::Error(anyhow!(
            "invalid 'startup_error_behavior' setting {other:?}"
        ))),
    }
}

/// The measurement and tags of a plugin's own numbers.
fn stat_name(p: &PluginConfig) -> (&'static str, Vec<(&'static str, &str)>) {
    let (measurement, tag) = match p.kind {
        Kind::Input => ("gather", "input"),
        Kind::Processor => ("process", "processor"),
        Kind::Aggregator => ("aggregate", "aggregator"),
        _ => ("write", "output"),
    };
    let mut tags = vec![(tag, p.name.as_str()), ("_id", p.id.as_str())];
    if !p.common.alias.is_empty() {
        tags.push(("alias", p.common.alias.as_str()));
    }
    (measurement, tags)
}

fn stat(p: &PluginConfig, field: &str) -> Stat {
    let (measurement, tags) = stat_name(p);
    register(measurement, field, &tags)
}

fn timing_stat(p: &PluginConfig, field: &str) -> Stat {
    let (measurement, tags) = stat_name(p);
    register_timing(measurement, field, &tags)
}

fn agent_stat(field: &str) -> Stat {
    register("agent", field, &[])
}
