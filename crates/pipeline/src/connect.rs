//! How an output gets its connection: at the start of the agent, and when a reload brings it.

use wheatstone_plugin::{Log, StartError, debug, error, info};

use crate::running_output::{RunningOutput, Startup};
use crate::supervise::guarded;

/// After how long a failed connect is tried once more.
const SECOND_TRY: std::time::Duration = std::time::Duration::from_secs(15);

impl RunningOutput {
    /// Connects as Telegraf does at its start. `Ok(false)` means that the plugin shall be removed.
    pub(crate) async fn start(&mut self) -> anyhow::Result<bool> {
        let log = Log::new("agent", None, None);
        debug!(log, "Attempting connection to [{}]", self.name());
        let mut failed = match self.connect().await {
            Ok(()) => {
                debug!(log, "Successfully connected to {}", self.name());
                return Ok(true);
            }
            Err(e) => e,
        };
        for second in [false, true] {
            self.queue.stats.startup_errors.add(1);
            match self.startup {
                Startup::Retry if failed.retry => {
                    info!(self.log, "Connect failed: {:#}; retrying...", failed.error);
                    return Ok(true);
                }
                Startup::Ignore if failed.retry => {
                    info!(
                        log,
                        "Failed to connect to [{}], error was {:?};  shutting down plugin...",
                        self.name(),
                        format!("{:#}", failed.error)
                    );
                    return Ok(false);
                }
                _ if second => break,
                _ => {}
            }
            error!(
                log,
                "Failed to connect to [{}], retrying in 15s, error was {:?}",
                self.name(),
                format!("{:#}", failed.error)
            );
            tokio::time::sleep(SECOND_TRY).await;
            match self.connect().await {
                Ok(()) => return Ok(true),
                Err(e) => failed = e,
            }
        }
        Err(failed.error.context(format!("connecting output {}", self.name())))
    }

    /// Connects while the old configuration still runs: there is no second try, for whoever reloads can try again.
    /// `Ok(false)` means that the plugin shall be left out.
    pub(crate) async fn start_in_reload(&mut self) -> Result<bool, StartError> {
        let Err(failed) = self.connect().await else {
            return Ok(true);
        };
        self.queue.stats.startup_errors.add(1);
        match self.startup {
            Startup::Retry if failed.retry => {
                info!(self.log, "Connect failed: {:#}; retrying...", failed.error);
                Ok(true)
            }
            Startup::Ignore if failed.retry => {
                let error = format!("{:#}", failed.error);
                info!(
                    self.log,
                    "Failed to connect, error was {error:?};  shutting down plugin..."
                );
                Ok(false)
            }
            _ => Err(StartError {
                error: failed.error.context(format!("connecting output {}", self.name())),
                ..failed
            }),
        }
    }

    pub(crate) async fn connect(&mut self) -> Result<(), StartError> {
        self.closed = false;
        match guarded(self.plugin.connect()).await {
            Ok(Ok(())) => {
                self.connected = true;
                self.seeds.ask(self.plugin.as_mut(), &self.queue, &self.log).await;
                Ok(())
            }
            Ok(Err(e)) => Err(e),
            Err(panic) => Err(StartError {
                error: panic,
                retry: false,
            }),
        }
    }
}
