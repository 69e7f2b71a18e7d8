//! The agent's life: start, run until a signal, take new configurations meanwhile, and stop.

use std::future::Future;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use wheatstone_plugin::debug;

use crate::changes::Changes;
use crate::live::Live;
use crate::reload::Patience;
use crate::topology::Topology;

/// How the agent runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Until it is told to stop.
    Run,
    /// Gather once, write, and end.
    Once {
        /// How long inputs that run by themselves are listened to.
        wait: Duration,
    },
    /// Gather once, print, and end; outputs are not used.
    Test {
        /// How long inputs that run by themselves are listened to.
        wait: Duration,
    },
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// Metrics that no output took.
    pub unsent: usize,
}

/// A new configuration for a run that goes on.
pub struct Reload {
    /// Its plugins, all of them built.
    pub topology: Topology,
    /// Told what has changed, or why nothing has.
    pub done: oneshot::Sender<anyhow::Result<Changes>>,
}

/// Runs a topology until `stop` is done. Each change of `flush` makes all outputs write at once.
pub async fn run(
    topology: Topology,
    mode: Mode,
    stop: impl Future<Output = ()>,
    flush: watch::Receiver<u64>,
) -> anyhow::Result<Exit> {
    let (_never, reloads) = mpsc::channel(1);
    run_with_reloads(topology, mode, stop, flush, reloads).await
}

/// The same, and exchanges what differs for each of `reloads`, one after the other.
pub async fn run_with_reloads(
    topology: Topology,
    mode: Mode,
    stop: impl Future<Output = ()>,
    mut flush: watch::Receiver<u64>,
    mut reloads: mpsc::Receiver<Reload>,
) -> anyhow::Result<Exit> {
    let (fatal, mut fatal_seen) = mpsc::unbounded_channel();
    let mut live = Live::start(topology, mode, fatal, &mut fatal_seen).await?;
    let mut stop = std::pin::pin!(stop);
    // An input or output that cannot start ends the agent.
    let failure = match mode {
        Mode::Run => loop {
            tokio::select! {
                biased;
                () = &mut stop => break None,
                Some(e) = fatal_seen.recv() => break Some(e),
                Ok(()) = flush.changed() => live.flush(),
                Some(Reload { topology, done }) = reloads.recv() => {
                    let (hurry, patience) = Patience::new();
                    let mut changing = std::pin::pin!(live.reload(topology, patience));
                    let (changed, stopped) = tokio::select! {
                        changed = &mut changing => (changed, false),
                        () = &mut stop => {
                            hurry.send_replace(true);
                            (changing.await, true)
                        }
                    };
                    // Nobody may be there to hear it.
                    drop(done.send(changed));
                    if stopped {
                        break None;
                    }
                }
            }
        },
        Mode::Once { wait } | Mode::Test { wait } => tokio::select! {
            biased;
            () = &mut stop => None,
            Some(e) = fatal_seen.recv() => Some(e),
            () = live.listen(wait) => None,
        },
    };
    let log = live.log.clone();
    let stopped = live.stop().await;
    debug!(log, "Stopped Successfully");
    match failure {
        Some(e) => Err(e),
        None => Ok(Exit { unsent: stopped? }),
    }
}
