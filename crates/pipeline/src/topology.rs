//! From a loaded configuration to built plugins, nothing started yet; every plugin's errors are gathered, none is hidden
//! behind another's.

use std::sync::Arc;
use std::time::Duration;

use wheatstone_config::Config;
use wheatstone_plugin::conf::Unused;
use wheatstone_plugin::stats::Stat;
use wheatstone_plugin::{AgentInfo, Context, Kind, Log, Output, Revealer};
use wheatstone_type_guard::TypeGuardConfig;

use crate::aggregate::RunningAggregator;
use crate::builder::Builder;
use crate::chain::Chain;
use crate::intake::Intake;
use crate::mark::{Again, Mark};
use crate::queue::QueueParts;
use crate::running_input::{InputPlugin, Stats as InputStats, Timing};
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
    pub(crate) mark: Mark,
    pub(crate) plugin: InputPlugin,
    pub(crate) again: Again<InputPlugin>,
    /// What a replay builds a parser from.
    pub(crate) cx: Context,
    pub(crate) intake: Intake,
    pub(crate) timing: Timing,
    pub(crate) startup: Startup,
    pub(crate) log: Log,
    pub(crate) gathered: Stat,
    pub(crate) agent_gathered: Stat,
    pub(crate) stats: InputStats,
}

pub(crate) struct BuiltOutput {
    pub(crate) mark: Mark,
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

    /// Notes what the secrets are that options refer to, each by a sum that `of` gives for its store and key: a reload takes a
    /// plugin for another when its secrets are others.
    pub fn note_secrets(&mut self, of: impl Fn(&str, &str) -> u64) {
        let processors = self.before.0.iter_mut().chain(&mut self.after.0);
        let marks = self.inputs.iter_mut().map(|p| &mut p.mark);
        let marks = marks.chain(processors.map(|p| &mut p.mark));
        let marks = marks.chain(self.aggregators.iter_mut().map(|p| &mut p.mark));
        for mark in marks.chain(self.outputs.iter_mut().map(|p| &mut p.mark)) {
            mark.note_secrets(&of);
        }
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
        let first = builder.keep(i, |b| b.processor(p, &p.id));
        let second = (aggregates && !skip_after)
            .then(|| builder.keep_quietly(|b| b.processor(p, &p.second_id)))
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
