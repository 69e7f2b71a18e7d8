//! Times as metrics count them.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::Timestamp;

/// The wall clock, in nanoseconds since 1970.
pub fn now() -> Timestamp {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(d) => i64::try_from(d.as_nanos()).unwrap_or(i64::MAX),
        Err(e) => -i64::try_from(e.duration().as_nanos()).unwrap_or(i64::MAX),
    }
}

/// A clock that never gives the same time twice: messages without a time of their own must not fall on one point.
#[derive(Debug, Default)]
pub struct Clock {
    read: Timestamp,
    last: Timestamp,
}

impl Clock {
    /// Reads the wall clock; [`next`](Clock::next) counts from there.
    pub fn read(&mut self) {
        self.read = now();
    }
    /// The time that was read, or one nanosecond after the last one given. A clock set back is followed at once.
    #[allow(clippy::should_implement_trait, reason = "a clock is no list to walk")]
    pub fn next(&mut self) -> Timestamp {
        const ONE_SECOND: i64 = 1_000_000_000;
        self.last = if self.read > self.last || self.last - self.read > ONE_SECOND {
            self.read
        } else {
            self.last + 1
        };
        self.last
    }
}

/// Rounds to the nearest multiple of `precision` nanoseconds, halves up, counted from the year 1 as Go does.
pub fn round(time: Timestamp, precision: i64) -> Timestamp {
    if precision <= 1 {
        return time;
    }
    // Seconds from 0001-01-01 to 1970-01-01, as nanoseconds: too many for an i64.
    const YEAR_ONE: i128 = 62_135_596_800 * 1_000_000_000;
    let (t, p) = (i128::from(time) + YEAR_ONE, i128::from(precision));
    let rest = t.rem_euclid(p);
    let rounded = if rest * 2 < p { t - rest } else { t - rest + p };
    i64::try_from(rounded - YEAR_ONE).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_to_the_nearest_with_halves_up() {
        let s = 1_000_000_000;
        assert_eq!(round(1_499_999_999, s), s);
        assert_eq!(round(1_500_000_000, s), 2 * s);
        assert_eq!(round(-500_000_000, s), 0);
        assert_eq!(round(1_731_931_200_123_456_789, 1), 1_731_931_200_123_456_789);
        // One hour counts from the year 1, which began on a full hour of 1970's counting too.
        assert_eq!(round(1_731_931_200_000_000_000 + 7, 3_600 * s) % (3_600 * s), 0);
    }

    #[test]
    fn a_clock_never_repeats_itself() {
        let mut clock = Clock::default();
        clock.read();
        let (a, b, c) = (clock.next(), clock.next(), clock.next());
        assert!(a < b && b < c);
    }
}
