//! The subscriptions of a client: asked for at every connection, the answer checked, what is no longer wanted taken back.

use std::time::Duration;

use tokio::time::Instant;
use wheatstone_plugin::prelude::*;

use crate::memory::Memory;
use crate::packets::{self, Level};

const SUBSCRIBE_ID: u16 = 1;
const UNSUBSCRIBE_ID: u16 = 2;

/// What to subscribe to.
pub(crate) struct Subscription {
    pub topics: Vec<String>,
    pub qos: u8,
    pub skip_retained: bool,
    /// How long the answer may take.
    pub timeout: Duration,
    /// What the broker has kept of the session, as far as we know.
    pub memory: Memory,
    log: Log,
    deadline: Option<Instant>,
}

impl Subscription {
    pub fn new(
        topics: Vec<String>,
        qos: u8,
        skip_retained: bool,
        timeout: Duration,
        memory: Memory,
        log: Log,
    ) -> Self {
        Subscription {
            topics,
            qos,
            skip_retained,
            timeout,
            memory,
            log,
            deadline: None,
        }
    }

    pub fn log(&self) -> &Log {
        &self.log
    }

    /// When the answer must have come.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Writes SUBSCRIBE, and UNSUBSCRIBE for what a resumed session has too much. Whether there is anything to ask for.
    pub fn ask(&mut self, level: Level, session_present: bool, out: &mut Vec<u8>, acc: &Accumulator) -> bool {
        if session_present {
            let gone = self.gone();
            if !gone.is_empty() {
                info!(self.log, "Unsubscribing from topics {}", quoted(&gone));
                out.extend_from_slice(&packets::unsubscribe(level, UNSUBSCRIBE_ID, &gone));
            }
        }
        if self.topics.is_empty() {
            acc.error("subscription error: topics \"\": there is no topic");
            return false;
        }
        out.extend_from_slice(&packets::subscribe(
            level,
            SUBSCRIBE_ID,
            &self.topics,
            self.qos,
            self.skip_retained,
        ));
        self.deadline = Some(Instant::now() + self.timeout);
        true
    }

    /// Checks the broker's answer: a topic that it refuses is an error, the others go on.
    pub fn answered(
        &mut self,
        packet: &[u8],
        level: Level,
        acc: &Accumulator,
    ) -> std::result::Result<(), String> {
        let (id, codes) = packets::suback(packet, level)?;
        if id != SUBSCRIBE_ID || codes.len() != self.topics.len() {
            return Err("SUBACK does not fit the subscription".to_owned());
        }
        self.deadline = None;
        for (topic, code) in self.topics.iter().zip(codes) {
            match code {
                Err(why) => acc.error(format_args!(
                    "subscription error: topics {topic:?}: refused by the server: {why}"
                )),
                Ok(granted) if granted < self.qos => {
                    warn!(
                        self.log,
                        "Topic {topic:?} is sent with qos {granted}, not {}", self.qos
                    );
                }
                Ok(_) => {}
            }
        }
        self.memory.subscribed(&self.topics);
        Ok(())
    }

    fn gone(&self) -> Vec<String> {
        let had = self.memory.topics();
        had.iter()
            .filter(|topic| !self.topics.contains(topic))
            .cloned()
            .collect()
    }
}

fn quoted(topics: &[String]) -> String {
    topics
        .iter()
        .map(|t| format!("{t:?}"))
        .collect::<Vec<_>>()
        .join(", ")
}
