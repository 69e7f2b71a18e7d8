//! When the outputs shall not wait for their next flush: the broker, or this input, waits for them.
//!
//! A broker sends only so many messages ahead of acknowledgements, and what is acknowledged after delivery is acknowledged
//! after a flush. So the outputs are asked to write at once where the window is half full, where nothing new came for a
//! moment, and where this input has no room. Where the window is known to be wide, a moment without messages tells little:
//! at a thousand a second there are hundreds of such moments, and a flush for each would cost more than all the rest.

use std::time::Duration;

use tokio::time::Instant;

/// Messages are under way and none came for so long.
const MOMENT: Duration = Duration::from_millis(5);
/// Where the window is known to be wide, moments count once in so long.
const APART: Duration = Duration::from_millis(50);
/// Messages that come so soon after an acknowledgement were waiting for it.
const PROMPT: Duration = Duration::from_millis(2);
/// So many standstills of the same size that an acknowledgement ended: the size is the broker's window.
const CERTAIN: u32 = 3;

/// Standstills of one connection.
pub(crate) struct Standstill {
    /// The broker was told how many messages it may send ahead.
    told: bool,
    /// Messages handed over since the outputs were last asked.
    fresh: usize,
    /// Something was settled since.
    moved: bool,
    due: Option<Instant>,
    last: Option<Instant>,
    acknowledged: Option<Instant>,
    /// Outstanding messages at the last standstill, and how often in a row.
    size: usize,
    evidence: u32,
    window: Option<usize>,
}

impl Standstill {
    pub fn new(told: bool) -> Standstill {
        Standstill {
            told,
            fresh: 0,
            moved: false,
            due: None,
            last: None,
            acknowledged: None,
            size: 0,
            evidence: 0,
            window: None,
        }
    }

    /// When the moment is over.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Messages were handed over; so many are `outstanding` that the broker waits for.
    pub fn handed_over(&mut self, messages: usize, outstanding: usize, now: Instant) {
        self.fresh += messages;
        if let Some(acknowledged) = self.acknowledged.take()
            && now - acknowledged > PROMPT
        {
            (self.evidence, self.window) = (0, None);
        }
        if self.window.is_some_and(|window| outstanding > window) {
            (self.evidence, self.window) = (0, None);
        }
        if outstanding > 0 {
            let apart = if self.told {
                self.last.map(|last| last + APART)
            } else {
                None
            };
            self.due = Some(apart.map_or(now + MOMENT, |apart| apart.max(now + MOMENT)));
        }
    }

    /// Messages were settled.
    pub fn moved(&mut self) {
        self.moved = true;
    }

    /// Acknowledgements were written.
    pub fn acknowledged(&mut self, outstanding: usize, now: Instant) {
        self.acknowledged = Some(now);
        if outstanding == 0 {
            self.due = None;
        }
    }

    /// Whether the outputs shall hurry because nothing came for a moment.
    pub fn over(&mut self, outstanding: usize, now: Instant) -> bool {
        if self.due.is_none_or(|due| now < due) {
            return false;
        }
        self.evidence = if outstanding == self.size {
            self.evidence + 1
        } else {
            0
        };
        self.size = outstanding;
        if self.evidence >= CERTAIN {
            self.window = Some(outstanding);
        }
        self.last = Some(now);
        self.hurried();
        true
    }

    /// Whether they shall hurry at once: no room here, or little left of the broker's window.
    pub fn near(&mut self, room: bool, outstanding: usize, window: usize) -> bool {
        let near = if room {
            let half = outstanding * 2 >= window && (self.moved || self.fresh * 4 >= window);
            let whole = self.fresh > 0 && self.window.is_some_and(|window| outstanding >= window);
            outstanding > 0 && (half || whole)
        } else {
            self.moved || self.fresh > 0
        };
        if near {
            self.hurried();
        }
        near
    }

    fn hurried(&mut self) {
        (self.fresh, self.moved, self.due) = (0, false, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_message_waits_for_a_moment_only() {
        let (mut s, now) = (Standstill::new(true), Instant::now());
        s.handed_over(1, 1, now);
        assert!(!s.near(true, 1, 1000));
        assert!(!s.over(1, now + MOMENT / 2));
        assert!(s.over(1, now + MOMENT));
        assert!(!s.over(1, now + MOMENT * 100), "once per standstill");
    }

    #[test]
    fn in_a_wide_window_moments_count_seldom() {
        let (mut s, mut now, mut hurried) = (Standstill::new(true), Instant::now(), 0);
        for _ in 0..100 {
            s.handed_over(2, 10, now);
            now += MOMENT * 2;
            hurried += usize::from(s.over(10, now));
            s.acknowledged(0, now);
            now += PROMPT * 2;
        }
        assert!((15..40).contains(&hurried), "{hurried} in 1.4 s");
    }

    #[test]
    fn a_window_that_is_smaller_than_told_is_found() {
        let (mut s, mut now, mut at_once) = (Standstill::new(true), Instant::now(), 0);
        for _ in 0..20 {
            s.handed_over(32, 32, now);
            if s.near(true, 32, 65_535) {
                at_once += 1;
            } else {
                now = s.due().unwrap_or(now);
                assert!(s.over(32, now));
            }
            s.moved();
            s.acknowledged(0, now);
            now += PROMPT / 4;
        }
        assert!(at_once >= 15, "{at_once} of 20");
    }

    #[test]
    fn half_a_window_is_enough_and_asked_once() {
        let mut s = Standstill::new(true);
        s.handed_over(10, 10, Instant::now());
        assert!(s.near(true, 10, 20));
        assert!(!s.near(true, 10, 20));
        s.moved();
        assert!(s.near(true, 10, 20));
        s.handed_over(1, 1, Instant::now());
        assert!(s.near(false, 1, 20), "no room");
        assert!(!s.near(false, 1, 20));
    }
}
