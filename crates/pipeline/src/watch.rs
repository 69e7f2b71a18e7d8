//! An output that has not succeeded for long: it is told in the log, once in a while, and shown as a number all the time.

use std::time::Duration;

use tokio::time::Instant;
use wheatstone_plugin::conf::Duration as Span;
use wheatstone_plugin::stats::Stat;
use wheatstone_plugin::time::now;
use wheatstone_plugin::{Log, Timestamp, error, info};

/// Looks after one output.
pub(crate) struct Watch {
    /// `alarm_after`; zero tells nothing.
    patience: Duration,
    trouble: Option<Trouble>,
    /// `failing_seconds` of `internal_write`.
    failing: Stat,
}

/// A time without a write that succeeded, though something was to be written.
struct Trouble {
    begun: Instant,
    since: Timestamp,
    why: String,
    told: Option<Instant>,
}

impl Watch {
    pub(crate) fn new(patience: Duration, failing: Stat) -> Watch {
        Watch {
            patience,
            trouble: None,
            failing,
        }
    }

    /// A write or connect failed, or does not come back.
    pub(crate) fn failed(&mut self, why: impl FnOnce() -> String) {
        let trouble = self.trouble.get_or_insert_with(|| Trouble {
            begun: Instant::now(),
            since: now(),
            why: String::new(),
            told: None,
        });
        trouble.why = why();
    }

    /// Something was written.
    pub(crate) fn succeeded(&mut self, log: &Log) {
        if let Some(trouble) = self.trouble.take() {
            self.failing.set(0);
            if trouble.told.is_some() {
                info!(log, "Writes succeed again, after {}", length(trouble.begun));
            }
        }
    }

    /// Called now and then; says what is to be said. `waiting` metrics are not written.
    pub(crate) fn look(&mut self, log: &Log, waiting: usize) {
        let Some(trouble) = &mut self.trouble else { return };
        self.failing
            .set(i64::try_from(trouble.begun.elapsed().as_secs()).unwrap_or(i64::MAX));
        let from = trouble.told.unwrap_or(trouble.begun);
        if self.patience.is_zero() || from.elapsed() < self.patience {
            return;
        }
        trouble.told = Some(Instant::now());
        error!(
            log,
            "Nothing has been written since {} ({}), {waiting} metrics wait; last error: {}",
            clock_time(trouble.since),
            length(trouble.begun),
            trouble.why
        );
    }
}

fn length(since: Instant) -> Span {
    Span::from_secs(since.elapsed().as_secs())
}

fn clock_time(time: Timestamp) -> String {
    wheatstone_gotime::format("2006-01-02T15:04:05Z07:00", time, "UTC").unwrap_or_else(|_| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wheatstone_plugin::stats;

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_for_long_is_told_once_in_a_while() {
        let (failing, told) = (Stat::default(), Stat::default());
        let log = Log::new("outputs.watched", None, Some(told.clone()));
        let mut watch = Watch::new(Duration::from_secs(300), failing.clone());
        watch.look(&log, 0);
        watch.failed(|| "refused".into());
        for _ in 0..29 {
            pass(10).await;
            watch.look(&log, 7);
        }
        assert_eq!((told.get(), failing.get()), (0, 290), "not yet");
        for _ in 0..31 {
            pass(10).await;
            watch.failed(|| "still refused".into());
            watch.look(&log, 7);
        }
        assert_eq!(
            (told.get(), failing.get()),
            (2, 600),
            "after five minutes and after ten"
        );
        watch.succeeded(&log);
        assert_eq!(failing.get(), 0);
        pass(1000).await;
        watch.look(&log, 0);
        assert_eq!(
            (told.get(), failing.get()),
            (2, 0),
            "an idle output is not in trouble"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn zero_keeps_silent_and_counts_all_the_same() {
        let (failing, told) = (stats::register("watch_test", "failing", &[]), Stat::default());
        let log = Log::new("outputs.watched", None, Some(told.clone()));
        let mut watch = Watch::new(Duration::ZERO, failing.clone());
        watch.failed(|| "refused".into());
        pass(10_000).await;
        watch.look(&log, 7);
        assert_eq!((told.get(), failing.get()), (0, 10_000));
    }

    #[test]
    fn times_are_read_without_a_calculator() {
        assert_eq!(clock_time(1_700_000_000_000_000_000), "2023-11-14T22:13:20Z");
    }
}
