//! What becomes of a message that cannot be read: a line in the log, within bounds, and a dead letter that holds its
//! acknowledgement until it is on disk.

use std::time::{Duration, Instant};

use wheatstone_plugin::anyhow::Error;
use wheatstone_plugin::dead_letter::{self, Letter};
use wheatstone_plugin::metric::Ack;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{EXCERPT, ParseError, cut, stats::Stat};

use crate::numbers::Numbers;

/// So many errors are told in full, then only counted until the time is over.
const COMPLAINTS: u32 = 10;
const COMPLAINT_TIME: Duration = Duration::from_secs(10);

/// A message that cannot be read.
pub(crate) struct Refusal<'a> {
    pub error: &'a Error,
    pub topic: &'a str,
    pub payload: &'a [u8],
    /// All of it, of which `payload` may be the beginning.
    pub size: usize,
    /// When it was received.
    pub time: Timestamp,
    /// The adapter that took it, or those that did not.
    pub rule: Option<&'a str>,
    /// What it was taken for.
    pub data_format: &'a str,
}

/// Where such messages go.
pub(crate) struct Refusals {
    log: Log,
    dropped: Stat,
    letters: Stat,
    complaints: Complaints,
}

impl Refusals {
    pub fn new(log: Log, numbers: &Numbers) -> Refusals {
        Refusals {
            log,
            dropped: numbers.dropped.clone(),
            letters: numbers.letters.clone(),
            complaints: Complaints::default(),
        }
    }

    /// Tells and counts it, and hands it to the dead letters with `keep`, the acknowledgement that is held until it is safe.
    /// Whether it was handed over.
    pub fn refuse(&mut self, refusal: &Refusal<'_>, keep: impl FnOnce() -> Option<Ack>) -> bool {
        self.dropped.add(1);
        let offset = ParseError::offset(refusal.error).filter(|at| *at <= refusal.payload.len());
        let error = cut(format!("{:#}", refusal.error));
        self.complain(refusal, &error, offset);
        // What was passed over unread is no letter.
        if !dead_letter::enabled() || refusal.payload.len() < refusal.size {
            return false;
        }
        self.letters.add(1);
        let reason = match offset {
            Some(at) => format!("{error} (offset {at})"),
            None => error,
        };
        let mut letter = Letter::payload(refusal.time, refusal.payload, reason)
            .plugin(self.log.name())
            .source(refusal.topic)
            .data_format(refusal.data_format);
        if let Some(rule) = refusal.rule {
            letter = letter.answer(rule);
        }
        dead_letter::record(letter, keep());
        true
    }

    fn complain(&mut self, refusal: &Refusal<'_>, error: &str, offset: Option<usize>) {
        let (tell, kept_back) = self.complaints.note(Instant::now());
        if kept_back > 0 {
            error!(
                self.log,
                "Error in plugin: {kept_back} more messages could not be read"
            );
        }
        if !tell {
            return;
        }
        let topic = refusal.topic;
        let place = offset.map_or_else(String::new, |at| format!(", offset {at}"));
        let rule = refusal.rule.map_or_else(String::new, |rule| format!(", {rule}"));
        let excerpt = excerpt(refusal.payload, refusal.size, offset);
        error!(
            self.log,
            "Error in plugin: {error} (topic {topic:?}{rule}{place}, payload {excerpt})"
        );
    }
}

/// At most [`EXCERPT`] bytes of a payload, those around the place where it is known.
fn excerpt(payload: &[u8], size: usize, offset: Option<usize>) -> String {
    let continues = |at: usize| payload.get(at).is_some_and(|b| b & 0xC0 == 0x80);
    let mut start = match offset {
        Some(at) if at > EXCERPT * 3 / 4 && payload.len() > EXCERPT => {
            (at - EXCERPT / 2).min(payload.len() - EXCERPT)
        }
        _ => 0,
    };
    let mut end = (start + EXCERPT).min(payload.len());
    // Not in the middle of a character; what is no UTF-8 is cut anywhere.
    (0..3).for_each(|_| start += usize::from(start < end && start > 0 && continues(start)));
    let whole = end;
    (0..3).for_each(|_| end -= usize::from(end > start && continues(end)));
    if continues(end) {
        end = whole;
    }
    let (before, after) = (
        if start > 0 { "…" } else { "" },
        if end < size { "…" } else { "" },
    );
    format!(
        "{before}{:?}{after}",
        String::from_utf8_lossy(&payload[start..end])
    )
}

/// Lets the first errors of a time through and counts the others.
#[derive(Default)]
struct Complaints {
    since: Option<Instant>,
    told: u32,
    kept_back: u64,
}

impl Complaints {
    /// Whether to tell this one, and how many of the time before were kept back.
    fn note(&mut self, now: Instant) -> (bool, u64) {
        let mut kept_back = 0;
        if self.since.is_none_or(|since| now - since >= COMPLAINT_TIME) {
            (self.since, self.told) = (Some(now), 0);
            kept_back = std::mem::take(&mut self.kept_back);
        }
        if self.told < COMPLAINTS {
            self.told += 1;
            (true, kept_back)
        } else {
            self.kept_back += 1;
            (false, kept_back)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn many_errors_are_counted_rather_than_told() {
        let (mut c, now) = (Complaints::default(), Instant::now());
        let told = (0..100).filter(|_| c.note(now).0).count();
        assert_eq!(told, COMPLAINTS as usize);
        assert_eq!(c.note(now + COMPLAINT_TIME), (true, 100 - u64::from(COMPLAINTS)));
    }

    #[test]
    fn an_excerpt_shows_the_place() {
        let long = "x".repeat(100) + "WRONG" + &"y".repeat(100);
        assert_eq!(excerpt(b"short", 5, Some(3)), "\"short\"");
        assert_eq!(excerpt(b"the beginning", 900, None), "\"the beginning\"…");
        assert_eq!(
            excerpt(long.as_bytes(), 205, None),
            format!("{:?}…", "x".repeat(80))
        );
        let around = excerpt(long.as_bytes(), 205, Some(100));
        assert!(
            around.starts_with("…\"x") && around.contains("WRONG") && around.ends_with("y\"…"),
            "{around}"
        );
        let end = excerpt(long.as_bytes(), 205, Some(205));
        assert!(end.starts_with('…') && end.ends_with("y\""), "{end}");
        let umlauts = "ü".repeat(100);
        assert!(!excerpt(umlauts.as_bytes(), 200, Some(101)).contains('\u{FFFD}'));
    }

    proptest! {
        #[test]
        fn an_excerpt_is_short(payload in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..400) {
            let text = excerpt(&payload, payload.len(), Some(at));
            // The longest form of a byte is the replacement character.
            prop_assert!(text.chars().count() <= EXCERPT * 8 + 4);
        }
    }
}
