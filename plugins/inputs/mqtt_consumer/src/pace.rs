//! How long to leave the socket alone between two reads: at a steady rate one wake-up then serves many messages.
//!
//! A wake-up costs more than the parsing of a small message, for the agent and for the broker. So at a rate at which a
//! pause would gather several messages the reader sleeps for some milliseconds before it reads again; it never does so
//! where messages are rare, where a read fills the buffer, or where the broker waits for acknowledgements.
//!
//! Where every output gathers metrics for its next write anyway, nobody misses the messages before that, and the pause may
//! be some times as long. Messages that bear the time of their arrival are an exception: it shall be right.

use std::time::{Duration, Instant};

use wheatstone_plugin::Slack;

/// The shortest pause worth a timer.
const LEAST: Duration = Duration::from_millis(1);
/// The rate is averaged over about so long.
const MEMORY: f64 = 0.05;
/// More messages than this per gulp save little, too little to keep anyone waiting.
const ENOUGH: f64 = 128.0;
/// More bytes neither; what waits in the socket must not reach its end, or the broker is held up.
const ENOUGH_BYTES: f64 = 64.0 * 1024.0;
/// So many times the longest pause where nobody waits.
const UNMISSED: u32 = 8;
/// So long before a write such a pause is over: what came until then goes with it.
const BEFORE_WRITE: Duration = Duration::from_millis(2);
/// It takes at most this part of what may still be under way.
const ROOM: usize = 4;
/// Fewer messages than this per pause: the timer would cost what it saves.
const WORTH: f64 = 2.0;
/// How many messages a broker leaves unacknowledged where it was told nothing: mosquitto's default.
const CAUTIOUS_WINDOW: usize = 20;
/// So many gulps of the size of the one before make the size suspicious: it may be the broker's window.
const SUSPICIOUS: u32 = 2;
/// How long the reader then reads without pauses, to see whether more comes.
const TRIAL: Duration = Duration::from_millis(50);
/// More comes without pauses: so they held the broker up.
const FASTER: f64 = 1.5;
/// How long a window that a trial found is believed in; it costs some milliseconds to find it again.
const BELIEVED: Duration = Duration::from_secs(60);
/// How long no trial is made after one that found none.
const TRUSTED: Duration = Duration::from_secs(10);

/// One read's worth of work.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gulp {
    pub messages: usize,
    pub bytes: usize,
    /// What they became.
    pub metrics: usize,
    /// Some metric bears the time of its arrival.
    pub stamped: bool,
    /// How many more messages may be under way to the outputs.
    pub room: usize,
    /// Those with QoS 1 or 2: the broker's window counts them.
    pub acknowledged: usize,
    /// Unacknowledged after the gulp, because they are not settled.
    pub outstanding: usize,
    /// The read filled the buffer: more is there.
    pub full: bool,
}

#[derive(Clone, Copy)]
enum Doubt {
    No,
    /// Reading without pauses since `began`; `messages` so far; `paused` messages a second came with pauses.
    Trial {
        began: Instant,
        messages: usize,
        paused: f64,
        size: usize,
    },
    /// Settled until then.
    Until(Instant),
}

/// The pace of one connection.
pub(crate) struct Pace {
    longest: Duration,
    rate: f64,
    byte_rate: f64,
    last: Option<Instant>,
    /// What the broker was told, if anything.
    told: Option<usize>,
    /// The most that were seen unacknowledged at once.
    seen: usize,
    /// A window that a trial found.
    found: Option<usize>,
    /// Of the gulps that came after a pause: how many in a row were of one size, which, and how long they took together.
    size: usize,
    same: u32,
    same_seconds: f64,
    /// The last gulp was followed by a pause.
    paused: bool,
    doubt: Doubt,
}

impl Pace {
    /// `longest`: the option; `told`: MQTT 5's receive maximum.
    pub fn new(longest: Duration, told: Option<usize>) -> Pace {
        Pace {
            longest,
            rate: 0.0,
            byte_rate: 0.0,
            last: None,
            told,
            seen: 0,
            found: None,
            size: 0,
            same: 0,
            same_seconds: 0.0,
            paused: false,
            doubt: Doubt::No,
        }
    }

    /// How many unacknowledged messages the broker is believed to allow.
    pub fn window(&self) -> usize {
        let base = self.found.or(self.told).unwrap_or(CAUTIOUS_WINDOW);
        // A broker that was seen to allow more than it should by this reckoning allows an unknown number.
        if self.seen > base { self.seen * 2 } else { base }
    }

    /// Messages a second, of late.
    #[cfg(test)]
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Notes a gulp and says how long to pause before the next read. `slack` is asked for how long nobody misses what comes
    /// next, where that counts.
    pub fn after(&mut self, gulp: Gulp, slack: impl FnOnce() -> Slack, now: Instant) -> Duration {
        if self.longest.is_zero() {
            return Duration::ZERO;
        }
        let since = self
            .last
            .replace(now)
            .map_or(MEMORY, |last| (now - last).as_secs_f64())
            .max(1e-6);
        let weight = since / (since + MEMORY);
        self.rate += weight * (gulp.messages as f64 / since - self.rate);
        self.byte_rate += weight * (gulp.bytes as f64 / since - self.byte_rate);
        self.seen = self.seen.max(gulp.acknowledged).max(gulp.outstanding);
        if self.found.is_some_and(|found| self.seen > found) {
            self.found = None;
        }
        let waits = gulp.acknowledged > 0 && self.in_doubt(&gulp, now, since);
        let pause = if waits || gulp.full {
            Duration::ZERO
        } else {
            self.pause(&gulp, slack)
        };
        self.paused = !pause.is_zero();
        pause
    }

    fn pause(&self, gulp: &Gulp, slack: impl FnOnce() -> Slack) -> Duration {
        let (longest, unmissed) = (self.longest.as_secs_f64(), self.unmissed(gulp, slack));
        if self.rate * longest.max(unmissed) < WORTH {
            return Duration::ZERO;
        }
        let mut pause = longest
            .min(ENOUGH / self.rate)
            .max(unmissed)
            .min(ENOUGH_BYTES / self.byte_rate.max(1.0));
        if gulp.acknowledged > 0 {
            let free = (self.window() / 2).saturating_sub(gulp.outstanding);
            pause = pause.min(free as f64 / self.rate);
        }
        let pause = Duration::from_secs_f64(pause);
        if pause < LEAST { Duration::ZERO } else { pause }
    }

    /// How many seconds nobody waits for what comes.
    fn unmissed(&self, gulp: &Gulp, slack: impl FnOnce() -> Slack) -> f64 {
        if gulp.stamped {
            return 0.0;
        }
        let slack = slack();
        let messages = slack.metrics as f64 * gulp.messages as f64 / gulp.metrics.max(1) as f64;
        let time = slack
            .time
            .saturating_sub(BEFORE_WRITE)
            .min(self.longest * UNMISSED);
        time.as_secs_f64()
            .min(messages / self.rate)
            .min((gulp.room / ROOM) as f64 / self.rate)
    }

    /// Whether this is a trial without pauses. Gulps of always the same size may be the broker's window: if so, more comes
    /// when acknowledgements go out at once.
    fn in_doubt(&mut self, gulp: &Gulp, now: Instant, since: f64) -> bool {
        match &mut self.doubt {
            Doubt::Trial {
                began,
                messages,
                paused,
                size,
            } => {
                *messages += gulp.messages;
                let lasted = now - *began;
                if lasted < TRIAL {
                    return true;
                }
                let held_up = *messages as f64 / lasted.as_secs_f64() > *paused * FASTER;
                if held_up {
                    (self.found, self.seen) = (Some(*size), 0);
                }
                self.doubt = Doubt::Until(now + if held_up { BELIEVED } else { TRUSTED });
                false
            }
            Doubt::Until(end) if now < *end => false,
            Doubt::Until(_) => {
                (self.doubt, self.found, self.same) = (Doubt::No, None, 0);
                false
            }
            Doubt::No => {
                if !self.paused {
                    return false;
                }
                if gulp.acknowledged != self.size {
                    (self.size, self.same, self.same_seconds) = (gulp.acknowledged, 0, 0.0);
                    return false;
                }
                self.same += 1;
                self.same_seconds += since;
                if self.same < SUSPICIOUS {
                    return false;
                }
                let paused = f64::from(self.same) * gulp.messages as f64 / self.same_seconds;
                self.doubt = Doubt::Trial {
                    began: now,
                    messages: 0,
                    paused,
                    size: gulp.acknowledged,
                };
                self.same_seconds = 0.0;
                self.same = 0;
                true
            }
        }
    }
}

#[cfg(test)]
mod tests;
