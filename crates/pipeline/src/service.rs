//! An input that runs by itself: run again when it fails, later and later.

use std::time::Duration;

use tokio::time::Instant;
use wheatstone_plugin::{Accumulator, ServiceInput, StartError, error};

use crate::running_input::Runner;
use crate::schedule::random_below;
use crate::supervise::guarded;

/// How long the next start waits after an input that ran has failed: doubles from the first to the second.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

impl Runner {
    pub(crate) async fn run_service(
        self,
        plugin: &mut dyn ServiceInput,
        mut acc: Accumulator,
    ) -> anyhow::Result<()> {
        let mut pause = BACK_OFF.0;
        let mut was_ready = false;
        loop {
            let begun = Instant::now();
            let result = guarded(plugin.run(&mut acc)).await.and_then(|r| r);
            was_ready |= acc.is_ready();
            match result {
                Ok(()) => {
                    acc.flush().await;
                    return Ok(());
                }
                Err(e) => {
                    // What the run had not handed over is lost to it: its messages are not delivered.
                    acc.discard();
                    if !was_ready {
                        if !self.start_failed(StartError::from(e))? {
                            return Ok(());
                        }
                        pause = self.timing.borrow().interval;
                    } else {
                        error!(self.log, "Error in plugin: {e:#}; it is started again");
                        pause = if begun.elapsed() > BACK_OFF.1 {
                            BACK_OFF.0
                        } else {
                            (pause * 2).min(BACK_OFF.1)
                        };
                    }
                }
            }
            tokio::select! {
                () = acc.stopping() => return Ok(()),
                () = tokio::time::sleep(pause + random_below(pause / 10)) => {}
            }
        }
    }
}
