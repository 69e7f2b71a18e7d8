//! Messages of all brokers in, first ones and copies out: what came lately is remembered until no broker is awaited to bring it.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::BROKERS;
use super::copies::Copies;
use crate::frame::Publish;

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

/// What a message is to the window.
pub(crate) enum Sight {
    /// Nobody brought it before. With what its acknowledgement shall be, where somebody waits for it.
    First(Option<Arc<Copies>>),
    /// It is a copy.
    Copy(Option<Arc<Copies>>),
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

    /// Whether another broker is connected.
    pub fn has_other(&self, broker: usize) -> bool {
        let mut others = self.brokers.iter().enumerate().filter(|(i, _)| *i != broker);
        others.any(|(_, b)| b.since.is_some())
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

#[cfg(test)]
mod tests;
