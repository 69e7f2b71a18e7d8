//! From the command line's files to built plugins; everything that is wrong is said at once.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;

use wheatstone_config::{
    Config, EnvMode, KnownKeys, LoadOptions, Passwords, Problem, Source, unknown_keys, without_feature,
};
use wheatstone_pipeline::{BuildProblem, Cause, Topology, build, options_sum};
use wheatstone_plugin::conf::ConfigError;
use wheatstone_plugin::{AgentInfo, Kind, Level, Revealer, States};

use crate::cli::{Flags, names};
use crate::features::feature;
use crate::logging::{self, say};
use crate::sources;
use crate::stores::{Stores, describe_reference};

/// A configuration and its plugins, built and not started.
pub(crate) struct Loaded {
    pub(crate) config: Config,
    /// The names of its files; spans count them from 0.
    pub(crate) files: Vec<String>,
    pub(crate) topology: Topology,
    /// What the plugins' secrets are asked of.
    pub(crate) stores: Arc<Stores>,
    /// What plugins keep over a restart.
    pub(crate) states: States,
}

/// What a configuration is loaded for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To run until it is told to stop.
    Run,
    /// To take the place of one that runs.
    Reload,
    /// To gather once.
    Once,
    /// To send dead letters again.
    Replay,
    /// To say what is wrong with it.
    Check,
}

/// Loads what the flags name. `None` when something was wrong: it has been said.
pub(crate) fn from_flags(flags: &Flags, purpose: Purpose) -> anyhow::Result<Option<Loaded>> {
    let loaded = sources::read(flags)
        .and_then(|sources| load(sources, &options(flags)?, purpose))
        .and_then(|loaded| match loaded.stores.resolve() {
            Ok(()) => Ok(with_secrets_noted(loaded)),
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

/// A plugin whose secrets are others, or come from another store, is another plugin to a reload.
fn with_secrets_noted(mut loaded: Loaded) -> Loaded {
    let stores = loaded
        .config
        .plugins
        .iter()
        .filter(|p| p.kind == Kind::SecretStore);
    let options = stores.fold(0u64, |sum, store| sum.wrapping_add(options_sum(&store.table)));
    let Loaded { topology, stores, .. } = &mut loaded;
    topology.note_secrets(|store, key| options ^ stores.sum(store, key));
    loaded
}

/// Loads a text that is no file.
#[cfg(feature = "demo")]
pub(crate) fn from_text(name: &str, text: &str, once: bool) -> anyhow::Result<Option<Loaded>> {
    let source = Source {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    let purpose = if once { Purpose::Once } else { Purpose::Run };
    match load(vec![source], &LoadOptions::default(), purpose) {
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
            let text = "flags --strict-env-handling and --non-strict-env-handling cannot be used together";
            return Err(vec![Problem::general(text)]);
        }
        (_, true) => EnvMode::NonStrict,
        _ => EnvMode::Strict,
    };
    Ok(LoadOptions {
        env,
        old_env: flags.old_env_behavior,
        select: flags.select.clone(),
        input_filter: names(&flags.input_filter),
        output_filter: names(&flags.output_filter),
        secretstore_filter: names(&flags.secretstore_filter),
        feature,
        passwords: passwords(flags.password.clone()),
        ..LoadOptions::default()
    })
}

/// `--password`, or what a person types where one sits there.
fn passwords(flag: Option<String>) -> Passwords {
    Arc::new(move |plugin, id| {
        if flag.is_some() || plugin != "jose" || !std::io::stdin().is_terminal() {
            return flag.clone();
        }
        rpassword::prompt_password(format!("Password of the secret store {id:?}: ")).ok()
    })
}

/// Loads and builds; the problems of all files and all plugins.
pub(crate) fn load(
    sources: Vec<Source>,
    options: &LoadOptions,
    purpose: Purpose,
) -> Result<Loaded, Vec<Problem>> {
    // Also of what cannot run, plugins are built: their mistakes are said along with the others.
    let (loaded, mut problems) = wheatstone_config::load_all(sources, options);
    let unread = !problems.is_empty();
    for note in &loaded.notes {
        say(note.level, "", &note.render(&loaded.sources));
    }
    let files = loaded.sources.iter().map(|s| s.name.clone()).collect();
    let config = loaded.config;
    let states = states(&config, purpose).map_err(|e| vec![Problem::general(format!("{e:#}")).at_start()])?;
    let agent = Arc::new(AgentInfo {
        version: crate::VERSION.to_owned(),
        hostname: config.global_tags.get("host").cloned(),
        interval: config.agent.interval,
        flush_interval: config.agent.flush_interval,
        metric_batch_size: config.agent.metric_batch_size,
        once: purpose == Purpose::Once,
        starting: matches!(purpose, Purpose::Run | Purpose::Once),
        states: states.clone(),
    });
    let (stores, of_stores) = Stores::build(&config, &agent, &loaded.sources);
    problems.extend(of_stores);
    let revealer: Arc<dyn Revealer> = stores.clone();
    if purpose == Purpose::Check {
        problems.extend(log_problem(&config, &loaded.sources));
    }
    match build(&config, &agent, Some(&revealer)) {
        Ok(topology) if problems.is_empty() => Ok(Loaded {
            config,
            files,
            topology,
            stores,
            states,
        }),
        Ok(_) => Err(problems),
        Err(others) => {
            let described = others.iter().map(|p| describe(p, &config, &loaded.sources));
            // What does not fit together may only lack what could not be read.
            problems.extend(described.filter(|p| !unread || (p.file.is_some() && !p.unfit)));
            problems.sort_by_key(|p| {
                let file = loaded
                    .sources
                    .iter()
                    .position(|s| Some(&s.name) == p.file.as_ref());
                (
                    file.unwrap_or(usize::MAX),
                    p.place.as_ref().map(|place| place.line),
                )
            });
            Err(problems)
        }
    }
}

/// What is wrong with the options of the log, which a run sets up before anything else.
fn log_problem(config: &Config, sources: &[Source]) -> Option<Problem> {
    let (option, error) = logging::check(&config.agent).err()?;
    Some(Problem::of_agent(sources, option, format!("{error:#}")))
}

/// What an earlier run kept, where a run keeps anything.
fn states(config: &Config, purpose: Purpose) -> anyhow::Result<States> {
    let path = Path::new(&config.agent.statefile);
    if !matches!(purpose, Purpose::Run | Purpose::Reload) || path.as_os_str().is_empty() {
        return Ok(States::default());
    }
    if !path.exists() {
        let text = "State file does not exist... Skip restoring states...";
        say(Level::Info, "agent", text);
    }
    States::open(path)
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
            let problem =
                describe_reference(sources, e).unwrap_or_else(|| Problem::of_plugin(sources, plugin, e));
            match feature_of_format(e) {
                Some(feature) => problem.with_help(Some(feature)),
                None => problem,
            }
        }
        Cause::Error(e) => {
            let name = match plugin.common.alias.as_str() {
                "" => format!("{}.{}", plugin.kind.plural(), plugin.name),
                alias => format!("{}.{}::{alias}", plugin.kind.plural(), plugin.name),
            };
            let message = format!("could not initialize {} {name}: {e:#}", plugin.kind.singular());
            Problem::of_options(sources, plugin, message, e).at_start()
        }
    }
}

/// The help about a data format of this repository that this program was built without.
fn feature_of_format(e: &anyhow::Error) -> Option<String> {
    let text = e.to_string();
    let (kind, name) = text.strip_prefix("undefined but requested ")?.split_once(": ")?;
    let kind = [Kind::Parser, Kind::Serializer]
        .into_iter()
        .find(|k| k.singular() == kind)?;
    Some(without_feature(feature(kind, name)?))
}

/// Whether an error is one of the table as it was written, not of what a plugin makes of it.
fn is_of_the_file(e: &anyhow::Error) -> bool {
    e.chain().any(|e| e.is::<ConfigError>()) || e.to_string().starts_with("undefined but requested ")
}

/// The problem with the help that its value is none of the user's yet, where that is so.
fn with_reason(problem: Problem, vars: &dyn Fn(&str) -> Option<String>) -> Problem {
    match problem.open(vars) {
        Some(reason) if !problem.lacks_file => problem.with_help(Some(reason)),
        _ => problem,
    }
}

fn say_problems(problems: &[Problem]) {
    let vars = LoadOptions::default().vars;
    for problem in problems {
        let problem = with_reason(problem.clone(), &*vars);
        say(Level::Error, "", &problem.render());
    }
}
