//! A run of the agent: configuration in, signals heard, exit code out.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc, watch as signs};
use wheatstone_pipeline::{Mode, Topology};
use wheatstone_plugin::Level;

use crate::announce::announce;
use crate::cli::Flags;
use crate::load::{self, Loaded, Purpose};
use crate::logging::{self, say};
use crate::reload::{Kept, Reloader};
use crate::{start_pages, watch};

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
    let purpose = match mode {
        Mode::Run => Purpose::Run,
        _ => Purpose::Once,
    };
    let Some(loaded) = load::from_flags(flags, purpose)? else {
        return Ok(ExitCode::FAILURE);
    };
    logging::configure(&loaded.config.agent, flags.debug, flags.quiet)?;
    let files = flags
        .print_plugin_config_source
        .then_some(loaded.files.as_slice());
    announce(&loaded.config, mode, files);
    match run_loaded(loaded, mode, std::future::pending(), Some(flags)) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(e) => {
            // Telegraf's own prefix: monitoring looks for it.
            say(Level::Error, "telegraf", &format!("Error running agent: {e:#}"));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Runs a built configuration until a signal or until `end` is done. What the flags name is loaded again when that is asked for.
pub(crate) fn run_loaded(
    loaded: Loaded,
    mode: Mode,
    end: impl Future<Output = ()> + Send + 'static,
    flags: Option<&Flags>,
) -> anyhow::Result<()> {
    let Loaded {
        config,
        topology,
        states,
        ..
    } = loaded;
    check_complete(&topology, mode)?;
    let threads = match config.wheatstone.threads {
        0 => std::thread::available_parallelism().map_or(2, |n| n.get().min(4)),
        n => n,
    };
    let kept = Arc::new(Kept::open(&config, states, mode == Mode::Run)?);
    let flags = flags.filter(|_| mode == Mode::Run).cloned().map(Arc::new);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("wheatstone")
        .enable_all()
        .build()?;
    let kept_to_the_end = kept.clone();
    let pidfile = flags.as_ref().and_then(|flags| flags.pidfile.clone());
    let mut written = None;
    let exit = runtime.block_on(async {
        let (flush, flush_seen) = signs::channel(0u64);
        let (stop, reload) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let signals = Signals::hear();
        // Who reads the file may send a signal at once.
        written = pidfile.as_deref().and_then(write_pidfile);
        let signals = tokio::spawn(listen(signals, stop.clone(), flush, reload.clone()));
        let (to_pipeline, reloads) = mpsc::channel(1);
        if let Some(flags) = flags {
            watch::start(&flags, &reload);
            let reloader = Reloader {
                flags,
                config,
                kept,
                asked: reload,
                to_pipeline,
            };
            tokio::spawn(reloader.run());
        }
        if mode == Mode::Run {
            tokio::spawn(async {
                tokio::time::sleep(STARTED).await;
                start_pages::release();
            });
        }
        let stopped = async move {
            tokio::select! {
                () = stop.notified() => {}
                () = end => {}
            }
        };
        let exit = wheatstone_pipeline::run_with_reloads(topology, mode, stopped, flush_seen, reloads).await;
        signals.abort();
        exit
    });
    // A plugin's thread that hangs must not keep the process.
    runtime.shutdown_timeout(Duration::from_millis(100));
    if let Some(path) = written {
        let _ = std::fs::remove_file(path);
    }
    let saved = kept_to_the_end.close();
    let exit = exit?;
    saved?;
    if matches!(mode, Mode::Once { .. }) && exit.unsent > 0 {
        return Err(anyhow!("output plugins unable to send {} metrics", exit.unsent));
    }
    Ok(())
}

/// By then all that the start does once is done.
const STARTED: Duration = Duration::from_millis(500);

/// Whether there is something to run.
pub(crate) fn check_complete(topology: &Topology, mode: Mode) -> anyhow::Result<()> {
    let (inputs, outputs) = topology.sizes();
    if outputs == 0 && !matches!(mode, Mode::Test { .. }) {
        return Err(anyhow!("no outputs found, probably invalid config file provided"));
    }
    if inputs == 0 {
        return Err(anyhow!("no inputs found, probably invalid config file provided"));
    }
    Ok(())
}

/// The signals that mean something to the agent.
struct Signals {
    term: Signal,
    int: Signal,
    usr1: Signal,
    hup: Signal,
}

impl Signals {
    /// From now on they are heard and do not end the process. Must be called in the runtime.
    fn hear() -> std::io::Result<Signals> {
        Ok(Signals {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            usr1: signal(SignalKind::user_defined1())?,
            hup: signal(SignalKind::hangup())?,
        })
    }
}

/// SIGTERM and SIGINT stop, a second one ends at once; SIGUSR1 flushes, SIGHUP reloads.
async fn listen(
    signals: std::io::Result<Signals>,
    stop: Arc<Notify>,
    flush: signs::Sender<u64>,
    reload: Arc<Notify>,
) {
    let Ok(mut signals) = signals else {
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
            _ = signals.usr1.recv() => {
                flush.send_modify(|n| *n += 1);
                continue;
            }
            _ = signals.hup.recv() => {
                reload.notify_one();
                continue;
            }
            _ = signals.term.recv() => {}
            _ = signals.int.recv() => {}
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
