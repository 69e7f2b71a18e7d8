//! From a message to its metrics: the adapter and its parser, the topic's tag, `topic_parsing`, and what cannot be read.

use std::borrow::Cow;
use std::collections::HashMap;

use wheatstone_plugin::Reply;
use wheatstone_plugin::anyhow::Error;
use wheatstone_plugin::metric::Ack;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::time::Clock;

use crate::adapter::{Adapter, Reader};
use crate::config::Retained;
use crate::frame::Publish;
use crate::numbers::Numbers;
use crate::refusals::{Refusal, Refusals};
use crate::topic::{Edit, Rule};

/// What is known of so many topics at most; beyond that it is worked out anew.
const KNOWN_TOPICS: usize = 16_384;
/// Longer topics are not remembered: they would make the memory's bound a poor one.
const LONGEST_KNOWN: usize = 512;

/// Which parser reads the messages of a topic, and what the rules make of it. It stands beside the topic in the table: at some
/// thousand topics each further place in memory would cost more than the parsing.
enum Plan {
    /// The topic's tag is all.
    Plain(u16),
    Edits(u16, Box<[Edit]>),
    /// Its messages are refused, for this reason.
    Wrong(u16, Box<str>),
    /// No adapter takes it, and the plugin has no format of its own.
    Nobody,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Its metrics are there.
    Metrics,
    /// There is nothing to wait for.
    Nothing,
    /// It is on its way to the dead letters, with its acknowledgement.
    Letter,
}

/// How messages are read.
pub(crate) struct Format {
    pub adapters: Vec<Adapter>,
    /// The adapters' parsers in their order, and behind them the plugin's own, where it has one.
    pub readers: Vec<Reader>,
    pub topic_tag: Option<Key>,
    pub rules: Vec<Rule>,
    pub retained: Retained,
    /// `max_payload_size`, in bytes.
    pub max_payload: usize,
}

/// Turns messages into metrics.
pub(crate) struct Messages {
    format: Format,
    known: HashMap<CompactString, Plan, foldhash::fast::FixedState>,
    /// All topics are read by one parser, and nothing but their tag is made of them: there is nothing to work out.
    plain: bool,
    clock: Clock,
    log: Log,
    refusals: Refusals,
    numbers: Numbers,
    warned_empty: bool,
    /// Some metric of this gulp has the time of its reading.
    stamped: bool,
    /// Not yet added to the numbers that all threads see.
    bytes: i64,
    count: i64,
}

/// Why a message is refused, and by which of the readers.
type Refused = (Error, Option<usize>);

impl Messages {
    pub fn new(format: Format, numbers: Numbers, log: Log) -> Messages {
        let plain = format.adapters.is_empty() && format.rules.is_empty() && !format.readers.is_empty();
        Messages {
            format,
            plain,
            known: HashMap::default(),
            clock: Clock::default(),
            refusals: Refusals::new(log.clone(), &numbers),
            log,
            numbers,
            warned_empty: false,
            stamped: false,
            bytes: 0,
            count: 0,
        }
    }

    /// Called before the messages of one read.
    pub fn begin_gulp(&mut self) {
        self.clock.read();
    }

    /// Called after them. Whether some metric bears the time at which its message was read.
    pub fn end_gulp(&mut self) -> bool {
        self.numbers.payload_size.add(std::mem::take(&mut self.bytes));
        self.numbers.received.add(std::mem::take(&mut self.count));
        std::mem::take(&mut self.stamped)
    }

    /// What parsers have to say to those who sent the messages of this read.
    pub fn take_replies(&mut self) -> impl Iterator<Item = Reply> + '_ {
        self.format
            .readers
            .iter_mut()
            .flat_map(|r| r.parser.take_replies())
    }

    /// A payload longer than this is not read.
    pub fn max_payload(&self) -> usize {
        self.format.max_payload
    }

    /// Appends the message's metrics. Where it gives none because it holds nothing or is not wanted, it is settled as it is.
    /// One that cannot be read becomes a dead letter with `keep`, or is settled where nobody keeps letters.
    pub fn take(
        &mut self,
        message: &Publish<'_>,
        out: &mut Vec<Metric>,
        keep: impl FnOnce() -> Option<Ack>,
    ) -> Taken {
        self.count += 1;
        self.bytes += message.payload.len() as i64;
        if message.retain && self.format.retained == Retained::Drop {
            return Taken::Nothing;
        }
        // A broker checks topics; should one come that is no text, the message is worth more than its bytes.
        let topic = match std::str::from_utf8(message.topic) {
            Ok(topic) => Cow::Borrowed(topic),
            Err(_) => String::from_utf8_lossy(message.topic),
        };
        let (now, from) = (self.clock.next(), out.len());
        let read = if message.payload.len() > self.format.max_payload {
            Err((self.too_large(message.payload.len()), None))
        } else {
            self.read(&topic, message.payload, now, out)
        };
        if let Err(refused) = read {
            out.truncate(from);
            return self.refuse(&refused, &topic, message.payload, now, keep);
        }
        self.stamped = self.stamped || out[from..].iter().any(|metric| metric.time() == now);
        if out.len() == from {
            if !self.warned_empty {
                self.warned_empty = true;
                warn!(
                    self.log,
                    "No metrics were created from a message. Verify your parser settings. This message is only printed once."
                );
            }
            return Taken::Nothing;
        }
        if message.retain && self.format.retained == Retained::Tag {
            for metric in &mut out[from..] {
                metric.set_tag(key!("retained"), "true");
            }
        }
        Taken::Metrics
    }

    /// Tells of a message that could not be read, and of who tried.
    fn refuse(
        &mut self,
        (error, reader): &Refused,
        topic: &str,
        payload: &[u8],
        time: Timestamp,
        keep: impl FnOnce() -> Option<Ack>,
    ) -> Taken {
        let format = &self.format;
        let tried;
        let (rule, data_format) = match reader.and_then(|i| format.readers.get(i)) {
            Some(reader) => (reader.rule.as_deref(), reader.data_format.as_str()),
            None if format.adapters.is_empty() || payload.len() > format.max_payload => (None, ""),
            None => {
                let rules: Vec<&str> = format.adapters.iter().map(|a| a.rule.as_str()).collect();
                tried = format!("tried {}", rules.join(", "));
                (Some(tried.as_str()), "")
            }
        };
        let refusal = Refusal {
            error,
            topic,
            payload,
            size: payload.len(),
            time,
            rule,
            data_format,
        };
        if self.refusals.refuse(&refusal, keep) {
            Taken::Letter
        } else {
            Taken::Nothing
        }
    }

    /// Refuses a message that was passed over unread because of its size; `beginning` is what is known of its payload.
    pub fn passed_over(&mut self, topic: &[u8], beginning: &[u8], size: usize) {
        self.count += 1;
        self.bytes += i64::try_from(size).unwrap_or(i64::MAX);
        let error = self.too_large(size);
        let refusal = Refusal {
            error: &error,
            topic: &String::from_utf8_lossy(topic),
            payload: beginning,
            size,
            time: self.clock.next(),
            rule: None,
            data_format: "",
        };
        self.refusals.refuse(&refusal, || None);
    }

    /// Appends the metrics of a message that could not be read in an earlier run.
    pub fn read_again(
        &mut self,
        topic: &str,
        payload: &[u8],
        now: Timestamp,
        out: &mut Vec<Metric>,
    ) -> Result<()> {
        self.read(topic, payload, now, out).map_err(|(error, _)| error)
    }

    fn too_large(&self, size: usize) -> Error {
        let most = self.format.max_payload;
        anyhow!("payload of {size} bytes exceeds option \"max_payload_size\" ({most} bytes)")
    }

    fn read(
        &mut self,
        topic: &str,
        payload: &[u8],
        now: Timestamp,
        out: &mut Vec<Metric>,
    ) -> std::result::Result<(), Refused> {
        if self.plain {
            return self.format.read(0, topic, payload, now, &[], out);
        }
        if let Some((topic, plan)) = self.known.get_key_value(topic) {
            return plan.read(&mut self.format, topic, payload, now, out);
        }
        let plan = Plan::new(&self.format, topic);
        let topic = CompactString::from(topic);
        let read = plan.read(&mut self.format, &topic, payload, now, out);
        if topic.len() <= LONGEST_KNOWN {
            if self.known.len() >= KNOWN_TOPICS {
                self.known.clear();
            }
            self.known.insert(topic, plan);
        }
        read
    }
}

impl Plan {
    fn new(format: &Format, topic: &str) -> Plan {
        let taken = format
            .adapters
            .iter()
            .enumerate()
            .find_map(|(i, adapter)| adapter.edits(topic).map(|edits| (i, edits)));
        let (reader, mut edits) = match taken {
            Some(taken) => taken,
            None if format.readers.len() > format.adapters.len() => (format.adapters.len(), Vec::new()),
            None => return Plan::Nobody,
        };
        let Ok(reader) = u16::try_from(reader) else {
            return Plan::Nobody;
        };
        match format
            .rules
            .iter()
            .try_for_each(|rule| rule.edits(topic, &mut edits))
        {
            Err(why) => Plan::Wrong(reader, why.to_string().into()),
            Ok(()) if edits.is_empty() => Plan::Plain(reader),
            Ok(()) => Plan::Edits(reader, edits.into()),
        }
    }

    /// Gives a payload to the parser, and puts what the topic says into its metrics.
    #[inline]
    fn read(
        &self,
        format: &mut Format,
        topic: &str,
        payload: &[u8],
        now: Timestamp,
        out: &mut Vec<Metric>,
    ) -> std::result::Result<(), Refused> {
        let (index, edits) = match self {
            Plan::Plain(reader) => (usize::from(*reader), &[][..]),
            Plan::Edits(reader, edits) => (usize::from(*reader), &edits[..]),
            Plan::Wrong(reader, _) => (usize::from(*reader), &[][..]),
            Plan::Nobody => return Err((anyhow!("no adapter takes the topic"), None)),
        };
        let from = out.len();
        format.read(index, topic, payload, now, edits, out)?;
        match self {
            Plan::Wrong(_, why) if out.len() > from => Err((anyhow!(why.to_string()), Some(index))),
            _ => Ok(()),
        }
    }
}

impl Format {
    /// Appends what one of the readers makes of a payload, with the topic's tag and edits.
    #[inline]
    fn read(
        &mut self,
        index: usize,
        topic: &str,
        payload: &[u8],
        now: Timestamp,
        edits: &[Edit],
        out: &mut Vec<Metric>,
    ) -> std::result::Result<(), Refused> {
        let from = out.len();
        if let Some(reader) = self.readers.get_mut(index) {
            reader.parser.set_source(topic);
            reader
                .parser
                .parse(payload, now, out)
                .map_err(|e| (e, Some(index)))?;
        }
        for metric in out.get_mut(from..).unwrap_or_default() {
            if let Some(tag) = &self.topic_tag {
                metric.set_tag(tag.clone(), topic);
            }
            for edit in edits {
                edit.apply(metric);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
