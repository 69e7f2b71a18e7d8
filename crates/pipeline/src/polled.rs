//! An input that is asked: gathered at its intervals, never twice at once.

use std::time::Duration;

use tokio::time::Instant;
use wheatstone_plugin::{Accumulator, Input, debug, warn};

use crate::running_input::Runner;
use crate::schedule::Schedule;
use crate::supervise::guarded;

impl Runner {
    pub(crate) async fn run_polled(
        mut self,
        plugin: &mut dyn Input,
        mut acc: Accumulator,
        once: bool,
    ) -> anyhow::Result<()> {
        let mut started = match guarded(plugin.start()).await.unwrap_or_else(|p| Err(p.into())) {
            Ok(()) => true,
            Err(e) => {
                if !self.start_failed(e)? {
                    return Ok(());
                }
                false
            }
        };
        if once {
            self.gather(plugin, &mut acc).await;
            plugin.stop().await;
            return Ok(());
        }
        acc.ready();
        let mut schedule = self.schedule();
        loop {
            let at = schedule.next();
            tokio::select! {
                biased;
                () = acc.stopping() => break,
                Ok(()) = self.timing.changed() => {
                    schedule = self.schedule();
                    continue;
                }
                () = tokio::time::sleep_until(at) => {}
            }
            if !started {
                match guarded(plugin.start()).await.unwrap_or_else(|p| Err(p.into())) {
                    Ok(()) => started = true,
                    Err(e) => {
                        self.stats.startup_errors.add(1);
                        debug!(self.log, "start failed again: {:#}", e.error);
                        continue;
                    }
                }
            }
            self.gather(plugin, &mut acc).await;
        }
        plugin.stop().await;
        Ok(())
    }

    fn schedule(&mut self) -> Schedule {
        let timing = self.timing.borrow_and_update();
        Schedule::new(timing.interval, timing.jitter, timing.offset, timing.aligned)
    }

    async fn gather(&self, plugin: &mut dyn Input, acc: &mut Accumulator) {
        self.sink.begin_gather();
        let interval = self.timing.borrow().interval;
        let begun = Instant::now();
        let result = {
            let gather = guarded(plugin.gather(acc));
            tokio::pin!(gather);
            loop {
                tokio::select! {
                    result = &mut gather => break result,
                    () = tokio::time::sleep(interval.max(Duration::from_millis(1))) => {
                        warn!(
                            self.log,
                            "Collection took longer than expected; not complete after interval of {}",
                            wheatstone_plugin::conf::Duration(interval)
                        );
                        self.stats.gather_timeouts.add(1);
                        self.stats.agent_gather_timeouts.add(1);
                    }
                }
            }
        };
        self.stats.gather_time.time(begun.elapsed());
        if let Err(e) = result.and_then(|r| r) {
            self.stats.gather_errors.add(1);
            self.stats.agent_gather_errors.add(1);
            acc.error(format_args!("{e:#}"));
        }
        acc.flush().await;
    }
}
