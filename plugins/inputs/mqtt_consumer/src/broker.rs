//! One broker, or one cluster of them: connected to, served, and connected to again for as long as the agent runs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{Phase, Tracker};

use crate::acks::Acks;
use crate::buffer::Buffer;
use crate::config::MqttConsumerConfig;
use crate::link::{Dialer, Failure, Link};
use crate::numbers::{Gauge, Numbers};
use crate::session::{End, Session, Shared};
use crate::silence::Silence;
use crate::subscription::Subscription;

/// A connection that lived shorter than this and was lost is not made anew at once.
const STABLE: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// So many of those in a row are told once, and not one by one.
const STORM: u32 = 3;

/// What the brokers of one input have in common.
pub(crate) struct Common<'a> {
    pub config: &'a MqttConsumerConfig,
    pub shared: &'a Mutex<Shared>,
    pub numbers: &'a Numbers,
    pub log: &'a Log,
    /// Brokers that may still answer for the first time: the input starts with one of them.
    pub hopes: AtomicUsize,
    /// Brokers that are still read.
    pub reading: AtomicUsize,
}

impl Common<'_> {
    /// Nothing more comes from one broker.
    pub fn drained(&self, acc: &Accumulator) {
        if self.reading.fetch_sub(1, Ordering::AcqRel) == 1 {
            acc.drained();
        }
    }
}

/// A broker.
pub(crate) struct Broker {
    pub dialer: Dialer,
    pub subscription: Subscription,
    /// Its addresses, for the log.
    pub name: String,
}

impl Broker {
    /// Serves it until the agent ends. An error is one of the start: nobody could be reached.
    pub async fn run(&mut self, number: usize, common: &Common<'_>, acc: &mut Accumulator) -> Result<()> {
        let (config, log, name) = (common.config, common.log, &self.name);
        let mut phase = acc.phase();
        let mut buffer = Buffer::default();
        let first = tokio::select! {
            biased;
            () = stopped(&mut phase) => None,
            link = self.dialer.connect(&mut buffer) => Some(link),
        };
        let mut link = match first {
            None => return ended(common, acc).await,
            Some(Ok(link)) => Some(link),
            Some(Err(failure)) if common.hopes.fetch_sub(1, Ordering::AcqRel) == 1 => {
                return Err(failure.into_error());
            }
            Some(Err(failure)) => {
                warn!(log, "Connecting to {name} failed: {failure}");
                None
            }
        };
        let mut acks = Acks::default();
        let (stored, mut acknowledged) = self.subscription.memory.recall();
        let journal = self.subscription.memory.journal();
        let journal = journal.map(|(journal, lately)| {
            // Newer than what the end of a run has noted, where the last one was killed.
            acknowledged = lately;
            (journal, log.clone())
        });
        acks.restore(stored, acknowledged, journal);
        let (limit, persistent) = (config.max_undelivered_messages, config.persistent_session);
        let mut session = Session {
            phase: acc.phase(),
            acc,
            shared: common.shared,
            broker: number,
            subscription: &mut self.subscription,
            persistent,
            ping_timeout: *config.ping_timeout,
            coalesce: *config.coalesce_reads,
            limit,
            acks,
            tracker: if persistent {
                Tracker::new(limit)
            } else {
                Tracker::counting(limit)
            },
            settled: Vec::new(),
            silence: Silence::new(config.max_silence.map(|d| *d), common.numbers, Instant::now()),
            unacknowledged: Gauge::new(&common.numbers.unacknowledged),
            duplicates: common.numbers.duplicates.clone(),
        };
        let mut attempts = Attempts::new(*config.max_reconnect_interval);
        let mut up = Gauge::new(&common.numbers.connections);
        loop {
            if let Some(link) = link.take() {
                if attempts.is_storm() {
                    debug!(log, "Connected {name}");
                } else {
                    info!(log, "Connected {name}");
                }
                up.set(1);
                let since = Instant::now();
                let end = session.serve(link, &mut buffer).await;
                up.set(0);
                match end {
                    End::Stopping(conn) => {
                        session.finish(conn, &mut buffer, common).await;
                        session.remember();
                        return Ok(());
                    }
                    End::Lost(why) => {
                        // The input was up, whatever became of it: from here on it looks after itself.
                        session.acc.ready();
                        attempts.lost(since.elapsed());
                        attempts.tell_lost(log, session.acc, name, &self.dialer.client_id, &why);
                    }
                }
            }
            let next = tokio::select! {
                biased;
                () = stopped(&mut phase) => None,
                link = attempts.reconnect(&mut self.dialer, &mut buffer, log) => Some(link),
            };
            match next {
                Some(next) => {
                    common.numbers.reconnects.add(1);
                    link = Some(next);
                }
                None => {
                    session.remember();
                    return ended(common, session.acc).await;
                }
            }
        }
    }
}

/// The pauses between attempts to connect, and what is told of them.
struct Attempts {
    pause: Duration,
    most: Duration,
    /// How many connections in a row were lost as soon as they were made.
    short: u32,
    /// The last failure that was told.
    told: String,
}

impl Attempts {
    fn new(most: Duration) -> Attempts {
        Attempts {
            pause: FIRST_PAUSE,
            most: most.max(FIRST_PAUSE),
            short: 0,
            told: String::new(),
        }
    }

    /// A connection was lost after so long.
    fn lost(&mut self, lived: Duration) {
        self.told.clear();
        if lived >= STABLE {
            (self.pause, self.short) = (FIRST_PAUSE, 0);
        } else {
            self.short = self.short.saturating_add(1);
        }
    }

    fn is_storm(&self) -> bool {
        self.short >= STORM
    }

    fn tell_lost(&self, log: &Log, acc: &Accumulator, name: &str, client_id: &str, why: &str) {
        if self.short > STORM {
            debug!(log, "connection lost: {why}");
            return;
        }
        acc.error(format_args!("connection lost: {why}"));
        debug!(log, "Disconnected {name}");
        if self.short == STORM {
            warn!(
                log,
                "{name}: {STORM} connections in a row were lost as soon as they were made. Does another client use client_id \
                 {client_id:?}? Attempts go on, at most one in {}, and are told at log_level \"debug\"",
                wheatstone_plugin::conf::Duration(self.most)
            );
        }
    }

    /// Tries until it succeeds. What failed is told once, and again when it changes.
    async fn reconnect(&mut self, dialer: &mut Dialer, buffer: &mut Buffer, log: &Log) -> Link {
        // Taken and dropped again and again: two clients of one name do that to each other.
        if self.short > 0 {
            sleep(self.next()).await;
        }
        loop {
            match dialer.connect(buffer).await {
                Ok(link) => return link,
                Err(failure) => {
                    self.tell_failed(log, &failure);
                    sleep(self.next()).await;
                }
            }
        }
    }

    fn tell_failed(&mut self, log: &Log, failure: &Failure) {
        let text = failure.to_string();
        if text != self.told {
            warn!(log, "Reconnecting failed: {text}");
            self.told = text;
        }
    }

    fn next(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(self.most);
        pause
    }
}

async fn stopped(phase: &mut watch::Receiver<Phase>) {
    // A core that is gone has stopped.
    let _ = phase.wait_for(|p| *p >= Phase::Stopping).await;
}

/// The end of a run that has no connection.
async fn ended(common: &Common<'_>, acc: &mut Accumulator) -> Result<()> {
    common.drained(acc);
    acc.closing().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_limit_and_begin_anew_after_a_stable_connection() {
        let mut attempts = Attempts::new(Duration::from_secs(5));
        let pauses: Vec<_> = (0..5).map(|_| attempts.next().as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 5, 5]);
        attempts.lost(STABLE / 2);
        assert_eq!(attempts.next().as_secs(), 5);
        attempts.lost(STABLE);
        assert_eq!(attempts.next(), FIRST_PAUSE);
    }

    #[test]
    fn a_storm_is_three_short_connections_in_a_row() {
        let mut attempts = Attempts::new(Duration::from_secs(30));
        let short = STABLE / 2;
        attempts.lost(short);
        attempts.lost(short);
        attempts.lost(STABLE);
        attempts.lost(short);
        attempts.lost(short);
        assert!(!attempts.is_storm());
        attempts.lost(short);
        assert!(attempts.is_storm());
        attempts.lost(STABLE);
        assert!(!attempts.is_storm());
    }
}
