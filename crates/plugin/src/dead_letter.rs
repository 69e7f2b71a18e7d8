//! What a plugin hands over when something was refused for good, and to whom: the sink that the core has set.

use std::sync::Arc;

use crate::{Ack, Metric, Timestamp};
use parking_lot::RwLock;

/// Something that cannot be delivered, with all that is known about why.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    /// When it was received, or refused, in nanoseconds since 1970. A payload without a time of its own has this one when it
    /// is sent again, so that a second replay gives the same points.
    pub time: Timestamp,
    /// Who says so: `outputs.influxdb::alias`, `inputs.mqtt_consumer`.
    pub plugin: String,
    /// Where it came from, where that is known: a topic, a file, an address.
    pub source: Option<String>,
    /// Why it was refused, in one line.
    pub reason: String,
    /// The rule that it broke, or all that the server said.
    pub answer: Option<String>,
    /// The thing itself.
    pub body: Body,
}

/// What is in a letter.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// A message as it came.
    Payload {
        /// Its bytes, every one of them.
        bytes: Vec<u8>,
        /// The format that it was taken for, or nothing.
        data_format: String,
    },
    /// A metric as it should have been written. Its acknowledgement is kept until the letter is safe.
    Metric(Metric),
}

impl Letter {
    /// A message that could not be read.
    pub fn payload(time: Timestamp, bytes: impl Into<Vec<u8>>, reason: impl Into<String>) -> Letter {
        Letter::new(
            time,
            reason.into(),
            Body::Payload {
                bytes: bytes.into(),
                data_format: String::new(),
            },
        )
    }
    /// A metric that was refused.
    pub fn metric(time: Timestamp, metric: Metric, reason: impl Into<String>) -> Letter {
        Letter::new(time, reason.into(), Body::Metric(metric))
    }
    fn new(time: Timestamp, reason: String, body: Body) -> Letter {
        Letter {
            time,
            plugin: String::new(),
            source: None,
            reason,
            answer: None,
            body,
        }
    }
    /// The same, from this plugin.
    pub fn plugin(mut self, name: impl Into<String>) -> Letter {
        self.plugin = name.into();
        self
    }
    /// The same, with the topic, file or address that it came from.
    pub fn source(mut self, source: impl Into<String>) -> Letter {
        self.source = Some(source.into());
        self
    }
    /// The same, with the rule that it broke or the server's answer.
    pub fn answer(mut self, answer: impl Into<String>) -> Letter {
        self.answer = Some(answer.into());
        self
    }
    /// The same, with the format that the payload was taken for.
    pub fn data_format(mut self, name: impl Into<String>) -> Letter {
        if let Body::Payload { data_format, .. } = &mut self.body {
            *data_format = name.into();
        }
        self
    }
}

/// Who keeps letters.
pub trait DeadLetterSink: Send + Sync {
    /// Takes a letter; never waits. `keep`, and the acknowledgement of a metric in the letter, are dropped once the letter is
    /// safe, so that a message is not acknowledged before. A letter that cannot be kept is counted, and they are rejected.
    fn record(&self, letter: Letter, keep: Option<Ack>);
}

static SINK: RwLock<Option<Arc<dyn DeadLetterSink>>> = RwLock::new(None);

/// Sets who keeps letters from now on, and gives back who did: called by the core.
pub fn set_sink(sink: Option<Arc<dyn DeadLetterSink>>) -> Option<Arc<dyn DeadLetterSink>> {
    std::mem::replace(&mut *SINK.write(), sink)
}

/// Whether anybody keeps letters: asked before a payload is copied for one.
pub fn enabled() -> bool {
    SINK.read().is_some()
}

/// Hands a letter over. Where nobody keeps letters it is dropped, and with it what it holds: the caller has counted it.
pub fn record(letter: Letter, keep: Option<Ack>) {
    let sink = SINK.read().clone();
    if let Some(sink) = sink {
        sink.record(letter, keep);
    }
}
