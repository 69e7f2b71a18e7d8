//! How many bytes may be sent in a period.

use std::time::{Duration, Instant};

/// An account that is filled up at the start of every period. A period begins with the first bytes that are sent.
#[derive(Debug)]
pub(crate) struct Limit {
    /// 0 for no limit.
    limit: usize,
    period: Duration,
    start: Option<Instant>,
    left: usize,
}

impl Limit {
    pub(crate) fn new(limit: u64, period: Duration) -> Limit {
        Limit {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            period,
            start: None,
            left: 0,
        }
    }

    /// How many bytes may be sent now.
    pub(crate) fn left(&self, now: Instant) -> usize {
        match self.start {
            _ if self.limit == 0 => usize::MAX,
            Some(start) if now.duration_since(start) < self.period => self.left,
            _ => self.limit,
        }
    }

    /// Whether nothing was sent in this period yet.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        self.left(now) >= self.limit
    }

    /// Takes what is sent from the account.
    pub(crate) fn take(&mut self, now: Instant, bytes: usize) {
        if self.limit == 0 {
            return;
        }
        let left = self.left(now);
        match &mut self.start {
            Some(start) => {
                let periods = now.duration_since(*start).as_nanos() / self.period.as_nanos().max(1);
                let gone = self.period.as_nanos().saturating_mul(periods);
                *start += Duration::from_nanos(u64::try_from(gone).unwrap_or(u64::MAX));
            }
            start @ None => *start = Some(now),
        }
        self.left = left.saturating_sub(bytes);
    }

    /// How long until the account is full again.
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        self.start.map_or(Duration::ZERO, |start| {
            self.period.saturating_sub(now.duration_since(start))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_fills_up_at_fixed_times_after_the_first_bytes() {
        let start = Instant::now();
        let at = |secs| start + Duration::from_secs(secs);
        let mut limit = Limit::new(100, Duration::from_secs(10));
        assert_eq!((limit.left(at(0)), limit.is_full(at(0))), (100, true));
        limit.take(at(0), 70);
        assert_eq!(
            (limit.left(at(9)), limit.wait(at(9))),
            (30, Duration::from_secs(1))
        );
        limit.take(at(9), 50);
        assert_eq!(limit.left(at(9)), 0);
        assert_eq!(limit.left(at(10)), 100);
        limit.take(at(25), 10);
        assert_eq!(
            (limit.left(at(29)), limit.left(at(30))),
            (90, 100),
            "the third period began at 20"
        );
    }

    #[test]
    fn without_a_limit_everything_may_go() {
        let mut limit = Limit::new(0, Duration::ZERO);
        limit.take(Instant::now(), 1 << 40);
        assert_eq!(limit.left(Instant::now()), usize::MAX);
        assert!(limit.is_full(Instant::now()));
    }
}
