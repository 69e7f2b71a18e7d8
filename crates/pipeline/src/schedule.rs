//! When things happen: aligned or free intervals, with offset and jitter.

use std::time::Duration;

use tokio::time::Instant;
use wheatstone_plugin::time::now;

use crate::clock::Clocks;

/// A clock that was set by less, or has drifted by less, need not be followed yet.
const SET: i64 = 10_000_000;

/// A series of moments, `interval` apart.
#[derive(Debug)]
pub(crate) struct Schedule {
    interval: Duration,
    offset: Duration,
    jitter: Duration,
    aligned: bool,
    next: Instant,
    clocks: Clocks,
}

impl Schedule {
    /// On multiples of the interval by the wall clock where `aligned`, else from now on; shifted by `offset`.
    pub(crate) fn new(interval: Duration, jitter: Duration, offset: Duration, aligned: bool) -> Schedule {
        let wait = if aligned {
            until_aligned(now(), interval, offset)
        } else {
            offset
        };
        Schedule {
            interval,
            offset,
            jitter,
            aligned,
            next: Instant::now() + wait,
            clocks: Clocks::read(),
        }
    }

    /// The next moment, jitter included. Moments that have passed are skipped. Where the wall clock was set meanwhile, the
    /// multiples of the interval are elsewhere.
    pub(crate) fn next(&mut self) -> Instant {
        let present = Instant::now();
        if self.aligned && self.clocks.moved().saturating_abs() >= SET {
            let mut wait = until_aligned(now(), self.interval, self.offset);
            if wait < self.interval / 100 {
                // That is the moment that has just been.
                wait += self.interval;
            }
            (self.next, self.clocks) = (present + wait, Clocks::read());
        }
        let mut at = self.next;
        if at < present {
            at = present;
            if self.aligned {
                at += until_aligned(now(), self.interval, self.offset);
            }
        }
        self.next = at + self.interval;
        at + random_below(self.jitter)
    }
}

/// How long until the next multiple of `interval`, shifted by `offset`; never zero.
fn until_aligned(now: i64, interval: Duration, offset: Duration) -> Duration {
    let interval = interval.as_nanos().max(1) as i128;
    let shifted = i128::from(now) - offset.as_nanos() as i128;
    let rest = shifted.rem_euclid(interval);
    Duration::from_nanos(u64::try_from(interval - rest).unwrap_or(u64::MAX))
}

/// A random length below `max`.
pub(crate) fn random_below(max: Duration) -> Duration {
    if max.is_zero() {
        return Duration::ZERO;
    }
    use std::hash::{BuildHasher, Hasher};
    // Jitter needs no better source than the one that seeds hash tables.
    let random = std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish();
    let max = u64::try_from(max.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(random % max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alignment_is_to_the_next_multiple() {
        let s = Duration::from_secs;
        assert_eq!(until_aligned(12_000_000_000, s(10), s(0)), s(8));
        assert_eq!(until_aligned(20_000_000_000, s(10), s(0)), s(10));
        assert_eq!(until_aligned(12_000_000_000, s(10), s(3)), s(1));
    }

    #[tokio::test(start_paused = true)]
    async fn moments_that_passed_are_skipped() {
        let s = Duration::from_secs;
        let mut schedule = Schedule::new(s(10), s(0), s(0), false);
        let first = schedule.next();
        assert_eq!(schedule.next() - first, s(10));
        tokio::time::advance(s(35)).await;
        assert_eq!(schedule.next() - first, s(35));
        assert_eq!(schedule.next() - first, s(45));
    }

    #[test]
    fn a_clock_that_was_set_moves_the_moments() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let _inside = runtime.enter();
        let hour = Duration::from_secs(3600);
        let mut schedule = Schedule::new(hour, Duration::ZERO, Duration::ZERO, true);
        let far = Instant::now() + Duration::from_secs(86_400);
        schedule.next = far;
        assert_eq!(schedule.next(), far, "a clock that goes right changes nothing");
        schedule.clocks.set_forward(3 * 3_600_000_000_000);
        let wait = (schedule.next() - Instant::now()).as_nanos() as i64;
        let off = (now() + wait).rem_euclid(3_600_000_000_000);
        assert!(!(1_000_000_000..=3_599_000_000_000).contains(&off), "{off}");
        assert!(schedule.clocks.moved().abs() < 1_000_000_000, "once is enough");
    }

    #[test]
    fn jitter_stays_below_its_bound() {
        for _ in 0..1000 {
            assert!(random_below(Duration::from_millis(5)) < Duration::from_millis(5));
        }
        assert_eq!(random_below(Duration::ZERO), Duration::ZERO);
    }
}
