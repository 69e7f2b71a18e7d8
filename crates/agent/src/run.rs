//! A run of the agent: configuration in, signals heard, exit code out.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};
use wheatstone_config::Config;
use wheatstone_dead_letter::{DeadLetterConfig, Store};
use wheatstone_pipeline::{Mode, Topology};
use wheatstone_plugin::{Kind, Level, dead_letter};

use crate::cli::Flags;
use crate::load::{self, Loaded};
use crate::logging::{self, say};

/// Runs until a signal, or once.
pub(crate) fn run(flags: &Flags) -> anyhow::Result<ExitCode> {
    logging::init(flags.debug, flags.quiet);
    let wait = Duration::from_secs(flags.test_wait);
    let mode = if flags.once {
        Mode::Once { wait }
    } else if flags.test || flags.test_wait > 0 {
        Mode::Test { wait }
    } else {
        Mode::Run
    };
    let Some(loaded) = load::from_flags(flags, mode != Mode::Run)? else {
        return Ok(ExitCode::FAILURE);
    };
    logging::configure(&loaded.config.agent, flags.debug, flags.quiet)?;
    announce(&loaded.config, mode);
    let pidfile = match (&flags.pidfile, mode) {
        (Some(path), Mode::Run) => write_pidfile(path),
        _ => None,
    };
    let result = run_loaded(loaded, mode, std::future::pending());
    if let Some(path) = pidfile {
        let _ = std::fs::remove_file(path);
    }
    match result {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(e) => {
            // Telegraf's own prefix: monitoring looks for it.
            say(Level::Error, "telegraf", &format!("Error running agent: {e:#}"));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Runs a built configuration until a signal or until `end` is done.
pub(crate) fn run_loaded(
    loaded: Loaded,
    mode: Mode,
    end: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let Loaded { config, topology, .. } = loaded;
    check_complete(&topology, mode)?;
    let threads = match config.wheatstone.threads {
        0 => std::thread::available_parallelism().map_or(2, |n| n.get().min(4)),
        n => n,
    };
    let letters = match &config.wheatstone.dead_letter {
        Some(config) if mode == Mode::Run => Some(open_letters(config)?),
        _ => None,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("wheatstone")
        .enable_all()
        .build()?;
    let exit = runtime.block_on(async move {
        let (flush, flush_seen) = watch::channel(0u64);
        let stop = Arc::new(Notify::new());
        let signals = tokio::spawn(listen_for_signals(stop.clone(), flush));
        let stopped = async move {
            tokio::select! {
                () = stop.notified() => {}
                () = end => {}
            }
        };
        let exit = wheatstone_pipeline::run(topology, mode, stopped, flush_seen).await;
        signals.abort();
        exit
    });
    // The connections are closed by now: what could not be kept is not acknowledged to anyone.
    let unsaved = letters.map_or(0, |store| {
        dead_letter::set_sink(None);
        store.close(LETTERS_PATIENCE).unsaved
    });
    if unsaved > 0 {
        say(
            Level::Error,
            "agent",
            &format!("{unsaved} dead letters could not be written"),
        );
    }
    // A plugin's thread that hangs must not keep the process.
    runtime.shutdown_timeout(Duration::from_millis(100));
    let exit = exit?;
    if matches!(mode, Mode::Once { .. }) && exit.unsent > 0 {
        return Err(anyhow!("output plugins unable to send {} metrics", exit.unsent));
    }
    Ok(())
}

/// How long the last dead letters may take to be written.
const LETTERS_PATIENCE: Duration = Duration::from_secs(5);

fn open_letters(config: &DeadLetterConfig) -> anyhow::Result<Arc<Store>> {
    let store =
        Store::open(config).with_context(|| format!("opening the dead letters in {}", config.directory))?;
    let store = Arc::new(store);
    dead_letter::set_sink(Some(store.clone()));
    Ok(store)
}

fn check_complete(topology: &Topology, mode: Mode) -> anyhow::Result<()> {
    let (inputs, outputs) = topology.sizes();
    if outputs == 0 && !matches!(mode, Mode::Test { .. }) {
        return Err(anyhow!("no outputs found, probably invalid config file provided"));
    }
    if inputs == 0 {
        return Err(anyhow!("no inputs found, probably invalid config file provided"));
    }
    Ok(())
}

/// SIGTERM and SIGINT stop, a second one ends at once; SIGUSR1 flushes.
async fn listen_for_signals(stop: Arc<Notify>, flush: watch::Sender<u64>) {
    let (Ok(mut term), Ok(mut int), Ok(mut usr1)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
        signal(SignalKind::user_defined1()),
    ) else {
        say(
            Level::Warn,
            "agent",
            "signals cannot be heard; only SIGKILL ends this process",
        );
        return;
    };
    let mut stopping = false;
    loop {
        tokio::select! {
            _ = usr1.recv() => {
                flush.send_modify(|n| *n += 1);
                continue;
            }
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        if stopping {
            // Asked twice: the user does not want to wait for what is not written yet.
            std::process::exit(1);
        }
        stopping = true;
        stop.notify_one();
    }
}

fn write_pidfile(path: &Path) -> Option<PathBuf> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let written = std::fs::OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .mode(0o640)
        .open(path)
        .and_then(|mut file| writeln!(file, "{}", std::process::id()));
    match written {
        Ok(()) => Some(path.to_owned()),
        Err(e) => {
            say(Level::Error, "agent", &format!("Unable to create pidfile: {e}"));
            None
        }
    }
}

/// What Telegraf says at its start.
fn announce(config: &Config, mode: Mode) {
    say(
        Level::Info,
        "",
        &format!("Starting Wheatstone {}", crate::VERSION),
    );
    for (kind, word) in [
        (Kind::Input, "inputs"),
        (Kind::Aggregator, "aggregators"),
        (Kind::Processor, "processors"),
        (Kind::Output, "outputs"),
    ] {
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        for plugin in config.plugins.iter().filter(|p| p.kind == kind) {
            *names.entry(&plugin.name).or_default() += 1;
        }
        let names: Vec<String> = names
            .iter()
            .map(|(name, n)| {
                if *n > 1 {
                    format!("{name} ({n}x)")
                } else {
                    (*name).to_owned()
                }
            })
            .collect();
        if kind == Kind::Output && matches!(mode, Mode::Test { .. }) {
            say(Level::Warn, "", "Outputs are not used in testing mode!");
        } else {
            say(Level::Info, "", &format!("Loaded {word}: {}", names.join(" ")));
        }
    }
    let tags: Vec<String> = config
        .global_tags
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    say(Level::Info, "", &format!("Tags enabled: {}", tags.join(" ")));
}
