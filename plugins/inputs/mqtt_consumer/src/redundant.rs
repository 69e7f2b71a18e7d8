//! Copies of one message from several brokers: the first goes on, the others wait for its end and are acknowledged with it.
//!
//! Nothing in MQTT says that two messages are one, so topic and payload say it: of what one broker sent first, every other
//! broker's next message that is the same is the copy. A message that a broker sends twice is two messages, unless it says
//! itself (DUP) that it sends it again after a reconnect. A copy is waited for as long as `redundant_window`, counted from when
//! the other broker could deliver it: a broker that was away brings with it what its session kept.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use wheatstone_plugin::Tracker;
use wheatstone_plugin::metric::{Ack, Outcome, Settle};

use crate::frame::Publish;

/// So many brokers at most.
pub(crate) const BROKERS: usize = 4;
/// So many messages are remembered at most, some 100 bytes each: while a broker is away nothing else bounds them.
const REMEMBERED: usize = 500_000;
/// How many of one content are looked at for a message that is sent again.
const LOOKED_AT: usize = 4096;

/// So many are noted at the end of a run.
const NOTED: usize = 20_000;
/// Stands for the connections of an earlier run.
const EARLIER: u32 = u32::MAX;

/// Topic, payload and the retain flag, by 128 bits of hash with a secret.
type Content = (u64, u64);

/// What a later run must know: messages that are settled, and of which some broker has not brought its copy.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Rest {
    secret: (u64, u64),
    /// A content, and the brokers that have brought it.
    awaited: Vec<(u64, u64, [bool; BROKERS])>,
}

impl Rest {
    pub fn is_empty(&self) -> bool {
        self.awaited.is_empty()
    }
}

/// The acknowledgements of one message's copies: given back when the first copy is settled.
#[derive(Default)]
pub(crate) struct Copies(Mutex<Fate>);

enum Fate {
    Pending(Vec<Ack>),
    Settled,
}

impl Default for Fate {
    fn default() -> Fate {
        Fate::Pending(Vec::new())
    }
}

impl Copies {
    /// The acknowledgement that the metrics of the first copy carry; `own` is the one of its broker.
    pub fn lead(self: Arc<Copies>, own: Ack) -> Ack {
        self.join(own);
        Ack::new(self, 0)
    }
    fn is_settled(&self) -> bool {
        matches!(*self.0.lock(), Fate::Settled)
    }
    /// Settles a copy with the first one; at once where that is settled.
    pub fn join(&self, copy: Ack) {
        if let Fate::Pending(waiting) = &mut *self.0.lock() {
            waiting.push(copy);
        }
    }
}

impl Settle for Copies {
    fn settle(&self, _: u64, outcome: Outcome) {
        let fate = std::mem::replace(&mut *self.0.lock(), Fate::Settled);
        if let (Fate::Pending(waiting), Outcome::Rejected) = (&fate, outcome) {
            waiting.iter().for_each(Ack::reject);
        }
    }
}

/// A message of which copies may come.
struct Seen {
    at: Instant,
    content: Content,
    /// For each broker the connection that brought it; 0 for none yet.
    by: [u32; BROKERS],
    copies: Option<Arc<Copies>>,
    /// The next one of the same content.
    next: Option<u64>,
}

/// The messages of one content, chained in the order in which they came.
struct Chain {
    first: u64,
    last: u64,
    /// For each broker the last one that it has brought.
    brought: [Option<u64>; BROKERS],
}

#[derive(Clone, Copy, Default)]
struct Broker {
    /// Counts its connections.
    connection: u32,
    /// When it was connected last; none while it is away.
    since: Option<Instant>,
}

/// What a message is to the window.
pub(crate) enum Sight {
    /// Nobody brought it before. With what its acknowledgement shall be, where somebody waits for it.
    First(Option<Arc<Copies>>),
    /// It is a copy.
    Copy(Option<Arc<Copies>>),
}

/// Remembers what came lately.
pub(crate) struct Window {
    length: Duration,
    /// Sessions are kept by the brokers: one that was away brings later what it could not deliver.
    resumes: bool,
    /// Acknowledgements wait for messages to settle.
    holds: bool,
    brokers: Vec<Broker>,
    seen: VecDeque<Seen>,
    /// The number of the first of `seen`.
    base: u64,
    chains: HashMap<Content, Chain, foldhash::fast::RandomState>,
    secret: (u64, u64),
}

impl Window {
    pub fn new(brokers: usize, length: Duration, persistent: bool) -> Window {
        Window {
            length,
            resumes: persistent,
            holds: persistent,
            brokers: vec![Broker::default(); brokers.min(BROKERS)],
            seen: VecDeque::new(),
            base: 0,
            chains: HashMap::default(),
            secret: (random(), random()),
        }
    }

    /// Takes over what an earlier run noted, before the first connection.
    pub fn recall(&mut self, rest: Rest, now: Instant) {
        if rest.is_empty() || !self.seen.is_empty() {
            return;
        }
        self.secret = rest.secret;
        for (a, b, by) in rest.awaited {
            self.remember(Seen {
                at: now,
                content: (a, b),
                by: by.map(|brought| if brought { EARLIER } else { 0 }),
                copies: None,
                next: None,
            });
        }
    }

    /// What the next run must know.
    pub fn rest(&self) -> Rest {
        let is_awaited = |seen: &&Seen| {
            seen.by[..self.brokers.len()].contains(&0) && seen.copies.as_ref().is_none_or(|c| c.is_settled())
        };
        let newest = self.seen.iter().rev().filter(is_awaited).take(NOTED);
        let mut awaited: Vec<_> = newest
            .map(|s| (s.content.0, s.content.1, s.by.map(|connection| connection != 0)))
            .collect();
        awaited.reverse();
        Rest {
            secret: self.secret,
            awaited,
        }
    }

    /// A broker is connected.
    pub fn connected(&mut self, broker: usize, now: Instant) {
        if let Some(broker) = self.brokers.get_mut(broker) {
            broker.connection = broker.connection.wrapping_add(1).max(1);
            broker.since = Some(now);
        }
    }

    /// A broker is away.
    pub fn lost(&mut self, broker: usize) {
        if let Some(broker) = self.brokers.get_mut(broker) {
            broker.since = None;
        }
    }

    /// Looks at a message of a broker.
    pub fn see(&mut self, broker: usize, message: &Publish<'_>, now: Instant) -> Sight {
        self.forget(now);
        let content = self.content(message);
        let Some(&Broker { connection, .. }) = self.brokers.get(broker) else {
            return Sight::First(self.copies());
        };
        if let Some(number) = self.find(broker, connection, content, message.dup, now)
            && let Some(seen) = self.at(number)
        {
            seen.by[broker] = connection;
            return Sight::Copy(seen.copies.clone());
        }
        let copies = self.copies();
        let mut seen = Seen {
            at: now,
            content,
            by: [0; BROKERS],
            copies: copies.clone(),
            next: None,
        };
        seen.by[broker] = connection;
        self.remember(seen);
        Sight::First(copies)
    }

    fn copies(&self) -> Option<Arc<Copies>> {
        self.holds.then(Arc::default)
    }

    fn content(&self, message: &Publish<'_>) -> Content {
        let hash = |secret: u64| {
            let mut hasher = foldhash::quality::FixedState::with_seed(secret).build_hasher();
            hasher.write_usize(message.topic.len());
            hasher.write(message.topic);
            hasher.write(message.payload);
            hasher.write_u8(u8::from(message.retain));
            hasher.finish()
        };
        (hash(self.secret.0), hash(self.secret.1))
    }

    /// The message that this one is a copy of.
    fn find(
        &mut self,
        broker: usize,
        connection: u32,
        content: Content,
        dup: bool,
        now: Instant,
    ) -> Option<u64> {
        let chain = self.chains.get(&content)?;
        let (first, brought) = (chain.first, chain.brought[broker]);
        if dup {
            // What the broker itself brought in an earlier connection it says to bring again.
            let mut next = Some(first);
            for _ in 0..LOOKED_AT {
                let Some((number, seen)) = next.and_then(|n| Some((n, self.get(n)?))) else {
                    break;
                };
                if seen.by[broker] != 0 && seen.by[broker] != connection && self.is_awaited(seen, broker, now)
                {
                    return Some(number);
                }
                next = seen.next;
            }
        }
        // Brokers keep the order: what is before the last one that it brought, it will not bring any more.
        let mut next = match brought.filter(|n| *n >= self.base) {
            Some(last) => self.get(last)?.next,
            None => Some(first),
        };
        while let Some((number, seen)) = next.and_then(|n| Some((n, self.get(n)?))) {
            if seen.by[broker] == 0 && self.is_awaited(seen, broker, now) {
                if let Some(chain) = self.chains.get_mut(&content) {
                    chain.brought[broker] = Some(number);
                }
                return Some(number);
            }
            next = seen.next;
        }
        None
    }

    /// Whether a broker may still bring a message.
    fn is_awaited(&self, seen: &Seen, broker: usize, now: Instant) -> bool {
        let since = self.brokers[broker].since.filter(|_| self.resumes);
        let from = since.map_or(seen.at, |since| since.max(seen.at));
        now.saturating_duration_since(from) <= self.length
    }

    fn remember(&mut self, seen: Seen) {
        let number = self.base + self.seen.len() as u64;
        let mut before = None;
        let chain = self.chains.entry(seen.content).or_insert(Chain {
            first: number,
            last: number,
            brought: [None; BROKERS],
        });
        if chain.last != number {
            before = Some(std::mem::replace(&mut chain.last, number));
        }
        for (brought, by) in chain.brought.iter_mut().zip(seen.by) {
            if by != 0 {
                *brought = Some(number);
            }
        }
        self.seen.push_back(seen);
        if let Some(before) = before.and_then(|n| self.at(n)) {
            before.next = Some(number);
        }
    }

    /// Drops what no broker is awaited to bring any more.
    fn forget(&mut self, now: Instant) {
        // Of a broker that is away nobody knows yet what it will bring.
        let away = self.resumes && self.brokers.iter().any(|b| b.since.is_none());
        let latest = if self.resumes {
            self.brokers.iter().filter_map(|b| b.since).max()
        } else {
            None
        };
        while let Some(oldest) = self.seen.front() {
            let from = latest.map_or(oldest.at, |latest| latest.max(oldest.at));
            let over = !away && now.saturating_duration_since(from) > self.length;
            if !over && self.seen.len() < REMEMBERED {
                break;
            }
            if let Some(gone) = self.seen.pop_front() {
                let number = self.base;
                self.base += 1;
                match gone.next {
                    Some(next) => {
                        if let Some(chain) = self.chains.get_mut(&gone.content) {
                            chain.first = next;
                        }
                    }
                    None => {
                        // The last of its chain, which is now empty.
                        debug_assert!(self.chains.get(&gone.content).is_some_and(|c| c.last == number));
                        self.chains.remove(&gone.content);
                    }
                }
            }
        }
        if self.seen.is_empty() && self.chains.capacity() > 1 << 16 {
            self.chains.shrink_to_fit();
            self.seen.shrink_to_fit();
        }
    }

    fn get(&self, number: u64) -> Option<&Seen> {
        self.seen
            .get(usize::try_from(number.checked_sub(self.base)?).ok()?)
    }
    fn at(&mut self, number: u64) -> Option<&mut Seen> {
        let i = usize::try_from(number.checked_sub(self.base)?).ok()?;
        self.seen.get_mut(i)
    }
}

/// A number that nobody can guess.
fn random() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}

/// What a message's metrics carry: the tracker's acknowledgement, or the one of all copies.
pub(crate) fn ack(tracker: &Tracker, token: u64, copies: Option<Arc<Copies>>) -> Ack {
    let own = tracker.issue(token);
    match copies {
        Some(copies) => copies.lead(own),
        None => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use wheatstone_plugin::serde_json;

    const LENGTH: Duration = Duration::from_secs(10);

    fn publish(payload: &[u8], dup: bool) -> Publish<'_> {
        Publish {
            topic: b"t",
            payload,
            id: 1,
            qos: 1,
            dup,
            retain: false,
        }
    }

    fn window(brokers: usize, persistent: bool, now: Instant) -> Window {
        let mut window = Window::new(brokers, LENGTH, persistent);
        (0..brokers).for_each(|b| window.connected(b, now));
        window
    }

    fn is_first(window: &mut Window, broker: usize, payload: &str, dup: bool, now: Instant) -> bool {
        matches!(
            window.see(broker, &publish(payload.as_bytes(), dup), now),
            Sight::First(_)
        )
    }

    #[test]
    fn a_copy_of_another_broker_is_dropped_and_a_repeat_of_the_same_is_not() {
        let now = Instant::now();
        let mut w = window(2, true, now);
        let mut first = |broker, payload| is_first(&mut w, broker, payload, false, now);
        assert!(first(0, "a"));
        assert!(first(0, "a"));
        assert!(!first(1, "a"));
        assert!(!first(1, "a"));
        assert!(first(1, "a"), "the third is new, whoever brings it");
        assert!(!first(0, "a"));
        assert!(first(1, "b"));
        assert!(!first(0, "b"));
    }

    #[test]
    fn what_a_broker_missed_is_not_waited_for_for_ever() {
        let now = Instant::now();
        let mut w = window(2, true, now);
        assert!(is_first(&mut w, 0, "on", false, now));
        let later = now + LENGTH * 2;
        assert!(is_first(&mut w, 1, "on", false, later));
        assert!(
            w.seen.len() == 1 && w.chains.len() == 1,
            "the old one is forgotten"
        );
    }

    #[test]
    fn one_that_was_away_brings_copies_of_what_its_session_kept() {
        let now = Instant::now();
        for persistent in [true, false] {
            let mut w = window(2, persistent, now);
            w.lost(1);
            assert!(is_first(&mut w, 0, "a", false, now));
            let back = now + LENGTH * 20;
            assert!(is_first(&mut w, 0, "b", false, back));
            w.connected(1, back);
            assert_eq!(is_first(&mut w, 1, "a", false, back), !persistent);
            assert!(!is_first(&mut w, 1, "b", false, back));
            assert!(is_first(&mut w, 1, "a", false, back + LENGTH * 2));
        }
    }

    #[test]
    fn what_a_broker_says_to_send_again_is_not_new() {
        let now = Instant::now();
        let mut w = window(2, true, now);
        assert!(is_first(&mut w, 0, "a", false, now));
        assert!(is_first(&mut w, 0, "a", false, now));
        w.lost(0);
        w.connected(0, now);
        assert!(!is_first(&mut w, 0, "a", true, now));
        assert!(!is_first(&mut w, 0, "a", true, now));
        assert!(is_first(&mut w, 0, "a", true, now), "sent before, and never seen");
        assert!(is_first(&mut w, 0, "a", false, now));
        // Brought by the other, and on its way here when the connection broke.
        assert!(is_first(&mut w, 1, "c", false, now));
        assert!(!is_first(&mut w, 0, "c", true, now));
    }

    #[test]
    fn a_copy_is_settled_with_the_first_one_and_not_before() {
        let now = Instant::now();
        let (a, b) = (Tracker::new(10), Tracker::new(10));
        let mut w = window(2, true, now);
        let Sight::First(copies) = w.see(0, &publish(b"x", false), now) else {
            panic!("it is new");
        };
        let metric = ack(&a, 1, copies);
        let Sight::Copy(Some(copies)) = w.see(1, &publish(b"x", false), now) else {
            panic!("it is a copy");
        };
        copies.join(b.issue(2));
        assert_eq!((a.in_flight(), b.in_flight()), (1, 1));
        drop(metric);
        assert_eq!((a.in_flight(), b.in_flight()), (0, 0));
        // One that comes after the end has nothing to wait for.
        copies.join(b.issue(3));
        assert_eq!(b.in_flight(), 0);
    }

    #[test]
    fn what_is_remembered_is_bounded_while_a_broker_is_away() {
        let now = Instant::now();
        let mut w = window(2, true, now);
        w.lost(1);
        for i in 0..REMEMBERED + 1000 {
            w.see(0, &publish(&i.to_le_bytes(), false), now);
        }
        assert_eq!((w.seen.len(), w.chains.len()), (REMEMBERED, REMEMBERED));
        w.connected(1, now);
        assert!(is_first(&mut w, 0, "x", false, now + LENGTH * 2));
        assert_eq!((w.seen.len(), w.chains.len()), (1, 1));
    }

    #[test]
    fn a_later_run_knows_the_copies_of_what_this_one_stored() {
        let now = Instant::now();
        let tracker = Tracker::new(10);
        let mut w = window(2, true, now);
        for (token, payload) in ["both", "stored", "under way"].iter().enumerate() {
            let Sight::First(copies) = w.see(0, &publish(payload.as_bytes(), false), now) else {
                panic!("it is new");
            };
            let ack = ack(&tracker, token as u64, copies);
            if *payload == "under way" {
                std::mem::forget(ack);
            }
        }
        assert!(!is_first(&mut w, 1, "both", false, now));
        let rest = serde_json::to_string(&w.rest()).unwrap();

        let mut w = Window::new(2, LENGTH, true);
        w.recall(serde_json::from_str(&rest).unwrap(), now);
        (0..2).for_each(|b| w.connected(b, now));
        assert!(!is_first(&mut w, 1, "stored", false, now));
        assert!(
            is_first(&mut w, 1, "stored", false, now),
            "one copy for one message"
        );
        assert!(is_first(&mut w, 1, "under way", false, now));
        assert!(
            is_first(&mut w, 1, "both", false, now),
            "another message of this content"
        );
        // Its acknowledgement was lost on the way to the broker that brought it.
        let mut w = Window::new(2, LENGTH, true);
        w.recall(serde_json::from_str(&rest).unwrap(), now);
        (0..2).for_each(|b| w.connected(b, now));
        assert!(!is_first(&mut w, 0, "stored", true, now));
    }

    proptest! {
        /// Whatever the interleaving: of each content as many go on as the broker sent that sent most of it.
        #[test]
        fn each_message_goes_on_once(order in proptest::collection::vec((0usize..3, 0u8..4), 0..200)) {
            let now = Instant::now();
            let mut w = window(3, true, now);
            let (mut sent, mut on) = ([[0; 4]; 3], [0; 4]);
            for (broker, content) in order {
                sent[broker][usize::from(content)] += 1;
                on[usize::from(content)] += usize::from(is_first(&mut w, broker, &content.to_string(), false, now));
            }
            for content in 0..4 {
                let most = sent.iter().map(|s| s[content]).max().unwrap_or(0);
                prop_assert_eq!(on[content], most);
            }
        }
    }
}
