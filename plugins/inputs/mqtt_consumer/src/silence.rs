//! A subscription that is silent though it usually is not: first a warning, and after a further while a new connection.

use std::time::Duration;

use tokio::time::Instant;

use crate::numbers::{Gauge, Numbers};

/// Silence shorter than this is never worth a word.
const LEAST: Duration = Duration::from_secs(60);
/// So many times the usual pause between messages is silence.
const UNUSUAL: u32 = 50;
/// So many times that, and the connection is not trusted any more.
const PATIENCE: u32 = 3;

/// What to do about the silence.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Wait,
    /// Warn: so long without a message, and the usual pause.
    Warn(Duration, Duration),
    /// Connect anew: so long without a message.
    Reconnect(Duration),
}

/// The silence of one subscription, over its connections.
pub(crate) struct Silence {
    /// `max_silence`: none to judge by what is usual.
    limit: Option<Duration>,
    /// The mean time between messages that were read together; zero while it is not known.
    usual: Duration,
    last: Instant,
    warned: bool,
    /// A new connection did not help: another would not either.
    tried: bool,
    gauge: Gauge,
}

impl Silence {
    pub fn new(limit: Option<Duration>, numbers: &Numbers, now: Instant) -> Silence {
        Silence {
            limit,
            usual: Duration::ZERO,
            last: now,
            warned: false,
            tried: false,
            gauge: Gauge::new(&numbers.silent),
        }
    }

    /// A connection is up: time without one does not count.
    pub fn connected(&mut self, now: Instant) {
        self.last = now;
    }

    /// Messages came.
    pub fn heard(&mut self, now: Instant) {
        let pause = now.saturating_duration_since(self.last);
        self.usual = if self.usual.is_zero() {
            pause
        } else {
            (self.usual * 7 + pause) / 8
        };
        self.last = now;
        if self.warned {
            self.warned = false;
            self.gauge.set(0);
        }
        self.tried = false;
    }

    /// Nothing is read for a reason of ours: that is no silence.
    pub fn not_listening(&mut self, now: Instant) {
        self.last = now;
    }

    fn warn_after(&self) -> Option<Duration> {
        (!self.usual.is_zero() && !self.warned).then(|| self.long())
    }
    fn reconnect_after(&self) -> Option<Duration> {
        match self.limit {
            Some(limit) => (!limit.is_zero()).then_some(limit),
            None => (!self.usual.is_zero() && !self.tried).then(|| self.long() * PATIENCE),
        }
    }
    fn long(&self) -> Duration {
        self.usual.saturating_mul(UNUSUAL).max(LEAST)
    }

    /// When to look again.
    pub fn due(&self) -> Option<Instant> {
        let after = [self.warn_after(), self.reconnect_after()]
            .into_iter()
            .flatten()
            .min()?;
        self.last.checked_add(after)
    }

    /// Looks.
    pub fn check(&mut self, now: Instant) -> Act {
        let silent = now.saturating_duration_since(self.last);
        if self.reconnect_after().is_some_and(|after| silent >= after) {
            self.tried = true;
            return Act::Reconnect(silent);
        }
        if self.warn_after().is_some_and(|after| silent >= after) {
            self.warned = true;
            self.gauge.set(1);
            return Act::Warn(silent, self.usual);
        }
        Act::Wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn heard(limit: Option<Duration>, every: Duration) -> (Silence, Instant) {
        let mut now = Instant::now();
        let mut s = Silence::new(limit, &Numbers::new(), now);
        for _ in 0..20 {
            now += every;
            s.heard(now);
        }
        (s, now)
    }

    #[test]
    fn silence_is_warned_of_once_then_the_connection_is_made_anew_once() {
        let (mut s, now) = heard(None, SECOND / 10);
        assert_eq!(s.check(now + LEAST - SECOND), Act::Wait);
        assert_eq!(s.due(), Some(now + LEAST));
        assert_eq!(s.check(now + LEAST), Act::Warn(LEAST, SECOND / 10));
        assert_eq!(s.check(now + LEAST + SECOND), Act::Wait);
        assert_eq!(s.due(), Some(now + LEAST * PATIENCE));
        let at = now + LEAST * PATIENCE;
        assert_eq!(s.check(at), Act::Reconnect(LEAST * PATIENCE));
        s.connected(at);
        assert_eq!((s.due(), s.check(at + LEAST * 100)), (None, Act::Wait));
        s.heard(at + LEAST * 101);
        assert!(s.due().is_some());
    }

    #[test]
    fn what_is_usual_counts() {
        let (mut s, now) = heard(None, SECOND * 60);
        assert_eq!(s.check(now + SECOND * 60 * 49), Act::Wait);
        assert!(matches!(s.check(now + SECOND * 60 * 51), Act::Warn(..)));
    }

    #[test]
    fn an_own_limit_holds_again_and_again_and_zero_is_never() {
        let now = Instant::now();
        let mut s = Silence::new(Some(SECOND * 5), &Numbers::new(), now);
        for i in 1..4 {
            let at = now + SECOND * 5 * i;
            assert_eq!(s.due(), Some(at));
            assert_eq!(s.check(at), Act::Reconnect(SECOND * 5));
            s.connected(at);
        }
        let (mut s, now) = heard(Some(Duration::ZERO), SECOND);
        assert!(matches!(s.check(now + LEAST), Act::Warn(..)));
        assert_eq!((s.due(), s.check(now + LEAST * 1000)), (None, Act::Wait));
    }

    #[test]
    fn one_who_never_heard_anything_waits() {
        let now = Instant::now();
        let mut s = Silence::new(None, &Numbers::new(), now);
        assert_eq!((s.due(), s.check(now + LEAST * 1000)), (None, Act::Wait));
    }
}
