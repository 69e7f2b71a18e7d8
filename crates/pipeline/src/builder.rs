//! One plugin of a configuration with all that the core puts around it: log, filter, names, times, numbers.

use std::sync::Arc;

use anyhow::anyhow;
use parking_lot::Mutex;
use wheatstone_config::{Config, PluginConfig};
use wheatstone_plugin::conf::{self, ConfigError};
use wheatstone_plugin::{AgentInfo, Build, Context, Kind, Level, Log, Revealer, find};

use crate::aggregate::{RunningAggregator, State};
use crate::chain::RunningProcessor;
use crate::filter::Filter;
use crate::intake::{Intake, TimeSource};
use crate::make_metric::{DefaultTags, Naming};
use crate::mark::Mark;
use crate::numbers::{agent_stat, stat, timing_stat};
use crate::running_input::{InputPlugin, Stats as InputStats, Timing};
use crate::running_output::Startup;
use crate::topology::{BuildProblem, BuiltInput, Cause};

/// Builds plugins and gathers what is wrong with them.
pub(crate) struct Builder<'a> {
    pub(crate) config: &'a Config,
    pub(crate) agent: &'a Arc<AgentInfo>,
    pub(crate) revealer: Option<&'a Arc<dyn Revealer>>,
    pub(crate) problems: Vec<BuildProblem>,
}

impl Builder<'_> {
    pub(crate) fn keep<T>(
        &mut self,
        plugin: usize,
        build: impl FnOnce(&Self) -> Result<T, Cause>,
    ) -> Option<T> {
        match build(self) {
            Ok(built) => Some(built),
            Err(cause) => {
                self.problems.push(BuildProblem { plugin, cause });
                None
            }
        }
    }

    /// A second instance of what was already built: its problems are known.
    pub(crate) fn keep_quietly<T>(&self, build: impl FnOnce(&Self) -> Result<T, Cause>) -> Option<T> {
        build(self).ok()
    }

    pub(crate) fn build_of(&self, p: &PluginConfig) -> Result<Build, Cause> {
        find(p.kind, &p.name).map(|r| r.build).ok_or(Cause::Undefined)
    }

    pub(crate) fn log(&self, p: &PluginConfig) -> Log {
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

    fn context(&self, p: &PluginConfig, id: &str, log: &Log) -> Context {
        let cx = Context::new(
            p.kind,
            &p.name,
            &p.common.alias,
            p.table.clone(),
            log.clone(),
            self.agent.clone(),
        )
        .with_id(id);
        match self.revealer {
            Some(revealer) => cx.with_revealer(revealer.clone()),
            None => cx,
        }
    }

    /// Builds the plugin itself; a key that nobody took is an error.
    pub(crate) fn plugin<T>(
        &self,
        p: &PluginConfig,
        log: &Log,
        build: fn(&Context) -> anyhow::Result<T>,
    ) -> Result<(T, Mark), Cause> {
        self.plugin_as(p, &p.id, log, build)
    }

    /// The same under another ID: a second instance must not share the state of the first.
    fn plugin_as<T>(
        &self,
        p: &PluginConfig,
        id: &str,
        log: &Log,
        build: fn(&Context) -> anyhow::Result<T>,
    ) -> Result<(T, Mark), Cause> {
        let cx = self.context(p, id, log);
        let built = build(&cx);
        // An unknown key is named first: it is often why the options were refused. But a parser whose options could not be read
        // took none of them, and each would be called unknown.
        let unreadable = |e: &anyhow::Error| e.chain().any(|e| e.is::<ConfigError>());
        let mut unused = cx.unused();
        unused.retain(|u| !wheatstone_config::is_loader_key(&u.path));
        match built {
            Err(e) if unreadable(&e) => Err(Cause::Error(e)),
            Ok(_) | Err(_) if !unused.is_empty() => Err(Cause::Unused(unused)),
            Ok(plugin) => Ok((plugin, Mark::new(p, self.config, self.agent, &cx))),
            Err(e) => Err(Cause::Error(e)),
        }
    }

    pub(crate) fn input(&self, p: &PluginConfig) -> Result<BuiltInput, Cause> {
        let (agent, common) = (&self.config.agent, &p.common);
        let log = self.log(p);
        let interval = common.interval.filter(|i| !i.is_zero()).unwrap_or(agent.interval);
        let (plugin, again, mark, service) = match self.build_of(p)? {
            Build::Input(build) => {
                let (plugin, mark) = self.plugin(p, &log, build)?;
                let again = mark.again(build, InputPlugin::Polled);
                (InputPlugin::Polled(plugin), again, mark, false)
            }
            Build::ServiceInput(build) => {
                let (plugin, mark) = self.plugin(p, &log, build)?;
                let again = mark.again(build, InputPlugin::Service);
                (InputPlugin::Service(plugin), again, mark, true)
            }
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
            mark,
            plugin,
            again,
            cx: self.context(p, &p.id, &log),
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

    pub(crate) fn processor(&self, p: &PluginConfig, id: &str) -> Result<RunningProcessor, Cause> {
        let log = self.log(p);
        let Build::Processor(build) = self.build_of(p)? else {
            return Err(Cause::Undefined);
        };
        let (plugin, mark) = self.plugin_as(p, id, &log, build)?;
        Ok(RunningProcessor {
            again: mark.again(build, |plugin| plugin),
            mark,
            plugin,
            filter: Filter::new(&p.common.filter, &log).map_err(Cause::Error)?,
            log,
        })
    }

    pub(crate) fn aggregator(&self, p: &PluginConfig) -> Result<RunningAggregator, Cause> {
        let common = &p.common;
        let log = self.log(p);
        let Build::Aggregator(build) = self.build_of(p)? else {
            return Err(Cause::Undefined);
        };
        let (plugin, mark) = self.plugin(p, &log, build)?;
        let period = common.period.unwrap_or(conf::Duration::from_secs(30)).nanos();
        if period <= 0 {
            return Err(Cause::Error(anyhow!("the period must be greater than zero")));
        }
        Ok(RunningAggregator {
            again: mark.again(build, |plugin| plugin),
            mark,
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
}

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

pub(crate) fn startup(p: &PluginConfig) -> Result<Startup, Cause> {
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
