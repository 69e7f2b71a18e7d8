//! From the command line's files to built plugins; everything that is wrong is said at once.

use std::sync::Arc;

use wheatstone_config::{Config, EnvMode, KnownKeys, LoadOptions, Problem, Source, unknown_keys};
use wheatstone_pipeline::{BuildProblem, Cause, Topology, build};
use wheatstone_plugin::conf::ConfigError;
use wheatstone_plugin::{AgentInfo, Level, Revealer};

use crate::cli::Flags;
use crate::logging::say;
use crate::stores::{Stores, describe_reference};

/// A configuration and its plugins, built and not started.
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) topology: Topology,
    /// What the plugins' secrets are asked of.
    pub(crate) stores: Arc<Stores>,
}

/// Loads what the flags name. `None` when something was wrong: it has been said.
pub(crate) fn from_flags(flags: &Flags, once: bool) -> anyhow::Result<Option<Loaded>> {
    let (files, notes) = match wheatstone_config::list_files(&flags.config, &flags.config_directory) {
        Ok(listed) => listed,
        Err(problem) => {
            say_problems(&[problem]);
            return Ok(None);
        }
    };
    for note in notes {
        say(note.level, "", &note.message);
    }
    for file in &files {
        say(Level::Info, "", &format!("Loading config: {file}"));
    }
    let fetch = |url: &str| Err(format!("configurations from URLs are not supported yet: {url}"));
    let loaded = wheatstone_config::read_sources(&files, fetch)
        .and_then(|sources| load(sources, &options(flags)?, once))
        .and_then(|loaded| match loaded.stores.resolve() {
            Ok(()) => Ok(loaded),
            Err(e) => Err(vec![Problem::general(format!("{e:#}"))]),
        });
    match loaded {
        Ok(loaded) => Ok(Some(loaded)),
        Err(problems) => {
            say_problems(&problems);
            Ok(None)
        }
    }
}

/// Loads a text that is no file.
#[cfg(feature = "demo")]
pub(crate) fn from_text(name: &str, text: &str, once: bool) -> anyhow::Result<Option<Loaded>> {
    let source = Source {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    match load(vec![source], &LoadOptions::default(), once) {
        Ok(loaded) => Ok(Some(loaded)),
        Err(problems) => {
            say_problems(&problems);
            Ok(None)
        }
    }
}

/// What the flags say about loading.
pub(crate) fn options(flags: &Flags) -> Result<LoadOptions, Vec<Problem>> {
    let env = match (flags.strict_env_handling, flags.non_strict_env_handling) {
        (true, true) => {
            let text = "flags --strict-env-handling and --non-strict-env-handling exclude each other";
            return Err(vec![Problem::general(text)]);
        }
        (_, true) => EnvMode::NonStrict,
        _ => EnvMode::Strict,
    };
    let list = |text: &str| {
        text.split(':')
            .map(str::trim)
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect()
    };
    Ok(LoadOptions {
        env,
        old_env: flags.old_env_behavior,
        select: flags.select.clone(),
        input_filter: list(&flags.input_filter),
        output_filter: list(&flags.output_filter),
        secretstore_filter: list(&flags.secretstore_filter),
        ..LoadOptions::default()
    })
}

/// Loads and builds; the problems of all files and all plugins.
pub(crate) fn load(sources: Vec<Source>, options: &LoadOptions, once: bool) -> Result<Loaded, Vec<Problem>> {
    let loaded = wheatstone_config::load(sources, options)?;
    for note in &loaded.notes {
        say(note.level, "", &note.message);
    }
    let config = loaded.config;
    let agent = Arc::new(AgentInfo {
        version: crate::VERSION.to_owned(),
        hostname: config.global_tags.get("host").cloned(),
        interval: config.agent.interval,
        flush_interval: config.agent.flush_interval,
        metric_batch_size: config.agent.metric_batch_size,
        once,
    });
    let (stores, mut problems) = Stores::build(&config, &agent, &loaded.sources);
    let revealer: Arc<dyn Revealer> = stores.clone();
    match build(&config, &agent, Some(&revealer)) {
        Ok(topology) if problems.is_empty() => Ok(Loaded {
            config,
            topology,
            stores,
        }),
        Ok(_) => Err(problems),
        Err(others) => {
            problems.extend(others.iter().map(|p| describe(p, &config, &loaded.sources)));
            Err(problems)
        }
    }
}

fn describe(problem: &BuildProblem, config: &Config, sources: &[Source]) -> Problem {
    let plugin = &config.plugins[problem.plugin];
    match &problem.cause {
        // The loader has looked for the plugin already, by its name.
        Cause::Undefined => Problem::at(
            sources,
            plugin.span,
            format!(
                "undefined but requested {}: {}",
                plugin.kind.singular(),
                plugin.name
            ),
        ),
        Cause::Unused(unused) => {
            let known = KnownKeys::of(plugin.kind, &plugin.name, &plugin.table);
            unknown_keys(sources, plugin, unused, &known).unwrap_or_else(|| {
                Problem::at(sources, plugin.span, "some options of this plugin were not used")
            })
        }
        Cause::Error(e) if is_of_the_file(e) => {
            describe_reference(sources, e).unwrap_or_else(|| Problem::of_plugin(sources, plugin, e))
        }
        Cause::Error(e) => {
            let name = match plugin.common.alias.as_str() {
                "" => format!("{}.{}", plugin.kind.plural(), plugin.name),
                alias => format!("{}.{}::{alias}", plugin.kind.plural(), plugin.name),
            };
            let message = format!("could not initialize {} {name}: {e:#}", plugin.kind.singular());
            Problem::at(sources, plugin.span, message).at_start()
        }
    }
}

/// Whether an error is one of the table as it was written, not of what a plugin makes of it.
fn is_of_the_file(e: &anyhow::Error) -> bool {
    e.chain().any(|e| e.is::<ConfigError>()) || e.to_string().starts_with("undefined but requested ")
}

fn say_problems(problems: &[Problem]) {
    for problem in problems {
        say(Level::Error, "", &problem.render());
    }
}
