//! A wall clock that jumps: measured against the clock that only counts, told, and what goes by the wall clock is set right.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use wheatstone_plugin::stats::register;
use wheatstone_plugin::time::now;
use wheatstone_plugin::{Log, Timestamp, warn};

/// How often the clocks are compared.
const EVERY: Duration = Duration::from_secs(2);
/// What a clock may be set by between two looks without a word: time services move it by milliseconds.
const JUMP: i64 = 1_000_000_000;

/// The wall clock against the steady one. A suspended machine counts as a jump: the steady clock stands still meanwhile.
#[derive(Debug)]
pub(crate) struct Clocks {
    wall: Timestamp,
    steady: Instant,
}

impl Clocks {
    pub(crate) fn read() -> Clocks {
        Clocks {
            wall: now(),
            steady: Instant::now(),
        }
    }

    /// By how many nanoseconds the wall clock has been set since they were read; forward is positive.
    pub(crate) fn moved(&self) -> i64 {
        moved(now().saturating_sub(self.wall), self.steady.elapsed())
    }
}

#[cfg(test)]
impl Clocks {
    /// As if the wall clock had been set forward by so many nanoseconds.
    pub(crate) fn set_forward(&mut self, by: i64) {
        self.wall -= by;
    }
}

fn moved(wall: i64, steady: Duration) -> i64 {
    wall.saturating_sub(i64::try_from(steady.as_nanos()).unwrap_or(i64::MAX))
}

/// Compares the clocks until it is aborted; `jumped` counts the jumps.
pub(crate) async fn watch_clock(jumped: watch::Sender<u64>) {
    let log = Log::new("agent", None, None);
    let jumps = register("clock", "jumps", &[]);
    let moved_by = register("clock", "last_jump_ns", &[]);
    let mut clocks = Clocks::read();
    loop {
        tokio::time::sleep(EVERY).await;
        let moved = clocks.moved();
        clocks = Clocks::read();
        if moved.saturating_abs() < JUMP {
            continue;
        }
        jumps.add(1);
        moved_by.set(moved);
        warn!(log, "{}", tell(moved));
        jumped.send_modify(|n| *n += 1);
    }
}

fn tell(moved: i64) -> String {
    let by = wheatstone_plugin::conf::Duration(Duration::from_millis(moved.unsigned_abs() / 1_000_000));
    if moved > 0 {
        format!("The clock went forward by {by}: it was set, or the machine slept")
    } else {
        format!("The clock was set back by {by}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_go_alike_have_not_moved() {
        let mut clocks = Clocks::read();
        std::thread::sleep(Duration::from_millis(5));
        assert!(clocks.moved().saturating_abs() < JUMP);
        clocks.set_forward(3600 * JUMP);
        assert!(
            (clocks.moved() - 3600 * JUMP).saturating_abs() < JUMP,
            "it went forward"
        );
        clocks.wall = i64::MAX;
        assert!(clocks.moved() < 0);
    }

    #[test]
    fn both_ways_are_told() {
        assert_eq!(
            tell(moved(3_723_500_000_000, Duration::from_secs(2))),
            "The clock went forward by 1h2m1.5s: it was set, or the machine slept"
        );
        assert_eq!(tell(-5 * JUMP), "The clock was set back by 5s");
    }
}
