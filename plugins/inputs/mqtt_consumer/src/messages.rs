//! From a message to its metrics: the parser, the topic's tag, `topic_parsing`, and a word about what cannot be read.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use wheatstone_plugin::anyhow::Error;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::stats::{self, Stat};
use wheatstone_plugin::time::Clock;

use crate::config::Retained;
use crate::frame::Publish;
use crate::topic::{Edit, Rule};

/// What is known of so many topics at most; beyond that it is worked out anew.
const KNOWN_TOPICS: usize = 16_384;
/// Longer topics are not remembered: they would make the memory's bound a poor one.
const LONGEST_KNOWN: usize = 512;
/// So many errors are told in full, then only counted until the time is over.
const COMPLAINTS: u32 = 10;
const COMPLAINT_TIME: Duration = Duration::from_secs(10);
/// How much of a payload an error shows.
const EXCERPT: usize = 80;

/// What the rules make of a topic. It stands beside the topic in the table, and the topic's own text is the tag's value: at
/// some thousand topics each further place in memory would cost more than the parsing.
enum Plan {
    /// The topic's tag is all.
    Plain,
    Edits(Box<[Edit]>),
    /// Its messages are dropped, for this reason.
    Wrong(Box<str>),
}

/// Turns messages into metrics.
pub(crate) struct Messages {
    parser: Box<dyn Parser>,
    topic_tag: Option<Key>,
    rules: Vec<Rule>,
    retained: Retained,
    known: HashMap<CompactString, Plan, foldhash::fast::FixedState>,
    clock: Clock,
    log: Log,
    complaints: Complaints,
    warned_empty: bool,
    payload_size: Stat,
    received: Stat,
    dropped: Stat,
    /// Not yet added to the numbers that all threads see.
    bytes: i64,
    count: i64,
}

impl Messages {
    pub fn new(
        parser: Box<dyn Parser>,
        topic_tag: Option<Key>,
        rules: Vec<Rule>,
        retained: Retained,
        log: Log,
    ) -> Messages {
        Messages {
            parser,
            topic_tag,
            rules,
            retained,
            known: HashMap::default(),
            clock: Clock::default(),
            log,
            complaints: Complaints::default(),
            warned_empty: false,
            payload_size: stats::register("mqtt_consumer", "payload_size", &[]),
            received: stats::register("mqtt_consumer", "messages_received", &[]),
            dropped: stats::register("mqtt_consumer", "messages_dropped", &[]),
            bytes: 0,
            count: 0,
        }
    }

    /// Called before the messages of one read.
    pub fn begin_gulp(&mut self) {
        self.clock.read();
    }

    /// Called after them.
    pub fn end_gulp(&mut self) {
        self.payload_size.add(std::mem::take(&mut self.bytes));
        self.received.add(std::mem::take(&mut self.count));
    }

    /// Appends the message's metrics. Where it gives none (it cannot be parsed, or holds nothing, or is not wanted) the
    /// message is settled as it is.
    pub fn take(&mut self, message: &Publish<'_>, out: &mut Vec<Metric>) {
        self.count += 1;
        self.bytes += message.payload.len() as i64;
        if message.retain && self.retained == Retained::Drop {
            return;
        }
        let from = out.len();
        if let Err(error) = self.parser.parse(message.payload, self.clock.next(), out) {
            out.truncate(from);
            self.complain(&error, message);
            return;
        }
        if out.len() == from {
            if !self.warned_empty {
                self.warned_empty = true;
                warn!(
                    self.log,
                    "No metrics were created from a message. Verify your parser settings. This message is only printed once."
                );
            }
            return;
        }
        if let Err(why) = self.apply_topic(message.topic, &mut out[from..]) {
            out.truncate(from);
            self.complain(&anyhow!(why), message);
            return;
        }
        if message.retain && self.retained == Retained::Tag {
            for metric in &mut out[from..] {
                metric.set_tag(key!("retained"), "true");
            }
        }
    }

    /// Puts what the topic says into the metrics. The error is the message's.
    fn apply_topic(&mut self, topic: &[u8], metrics: &mut [Metric]) -> std::result::Result<(), String> {
        // A broker checks topics; should one come that is no text, the message is worth more than its bytes.
        let topic = String::from_utf8_lossy(topic);
        if let Some((topic, plan)) = self.known.get_key_value(&*topic) {
            return plan.apply(self.topic_tag.as_ref(), topic, metrics);
        }
        let plan = Plan::new(&self.rules, &topic);
        let topic = CompactString::from(&*topic);
        let applied = plan.apply(self.topic_tag.as_ref(), &topic, metrics);
        if topic.len() <= LONGEST_KNOWN {
            if self.known.len() >= KNOWN_TOPICS {
                self.known.clear();
            }
            self.known.insert(topic, plan);
        }
        applied
    }

    fn complain(&mut self, error: &Error, message: &Publish<'_>) {
        self.dropped.add(1);
        let (tell, kept_back) = self.complaints.note(Instant::now());
        if kept_back > 0 {
            error!(
                self.log,
                "Error in plugin: {kept_back} more messages could not be read"
            );
        }
        if tell {
            let topic = String::from_utf8_lossy(message.topic);
            let more = if message.payload.len() > EXCERPT {
                "…"
            } else {
                ""
            };
            let excerpt = String::from_utf8_lossy(&message.payload[..message.payload.len().min(EXCERPT)]);
            error!(
                self.log,
                "Error in plugin: {error:#} (topic {topic:?}, payload {excerpt:?}{more})"
            );
        }
    }
}

impl Plan {
    fn new(rules: &[Rule], topic: &str) -> Plan {
        let mut edits = Vec::new();
        match rules.iter().try_for_each(|rule| rule.edits(topic, &mut edits)) {
            Err(why) => Plan::Wrong(why.to_string().into()),
            Ok(()) if edits.is_empty() => Plan::Plain,
            Ok(()) => Plan::Edits(edits.into()),
        }
    }

    fn apply(
        &self,
        tag: Option<&Key>,
        topic: &CompactString,
        metrics: &mut [Metric],
    ) -> std::result::Result<(), String> {
        let edits = match self {
            Plan::Plain => &[][..],
            Plan::Edits(edits) => edits,
            Plan::Wrong(why) => return Err(why.to_string()),
        };
        for metric in metrics {
            if let Some(tag) = tag {
                metric.set_tag(tag.clone(), topic.clone());
            }
            for edit in edits {
                edit.apply(metric);
            }
        }
        Ok(())
    }
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
    use crate::topic::TopicParsing;

    /// One float `v` per word.
    struct Words;
    impl Parser for Words {
        fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
            for word in std::str::from_utf8(payload)?.split_whitespace() {
                let mut m = Metric::new("words", now);
                m.set_tag("topic", "mine");
                m.set_field("v", word.parse::<f64>()?);
                out.push(m);
            }
            Ok(())
        }
    }

    fn messages(rules: &[TopicParsing], retained: Retained) -> Messages {
        let rules = rules.iter().map(|r| Rule::new(r).unwrap()).collect();
        Messages::new(
            Box::new(Words),
            Some(Key::new("topic")),
            rules,
            retained,
            Log::new("inputs.mqtt_consumer", None, None),
        )
    }

    fn publish<'a>(topic: &'a str, payload: &'a [u8]) -> Publish<'a> {
        Publish {
            topic: topic.as_bytes(),
            payload,
            id: 0,
            qos: 0,
            dup: false,
            retain: false,
        }
    }

    #[test]
    fn the_topic_overwrites_a_tag_of_its_name_and_times_differ() {
        let (mut m, mut out) = (messages(&[], Retained::Store), Vec::new());
        m.begin_gulp();
        m.take(&publish("a/b", b"1 2"), &mut out);
        m.take(&publish("a/b", b"3"), &mut out);
        assert_eq!(
            out.iter().map(|m| m.tag("topic")).collect::<Vec<_>>(),
            [Some("a/b"); 3]
        );
        assert!(out[0].time() == out[1].time() && out[1].time() < out[2].time());
    }

    #[test]
    fn what_cannot_be_read_leaves_nothing() {
        let rule = TopicParsing {
            topic: "+/+".into(),
            fields: "_/n".into(),
            types: [("n".to_owned(), "int".to_owned())].into(),
            ..TopicParsing::default()
        };
        let (mut m, mut out) = (messages(&[rule], Retained::Store), Vec::new());
        m.take(&publish("a/7", b"1 x"), &mut out);
        m.take(&publish("a/seven", b"1"), &mut out);
        m.take(&publish("a/7", b""), &mut out);
        assert!(out.is_empty());
        m.take(&publish("a/7", b"1"), &mut out);
        assert_eq!(out[0].field("n"), Some(&Value::Int(7)));
    }

    #[test]
    fn retained_messages_are_stored_dropped_or_tagged() {
        for (retained, expected) in [
            (Retained::Store, vec![None]),
            (Retained::Drop, vec![]),
            (Retained::Tag, vec![Some("true")]),
        ] {
            let (mut m, mut out) = (messages(&[], retained), Vec::new());
            m.take(
                &Publish {
                    retain: true,
                    ..publish("a", b"1")
                },
                &mut out,
            );
            assert_eq!(
                out.iter().map(|m| m.tag("retained")).collect::<Vec<_>>(),
                expected
            );
            m.take(&publish("a", b"1"), &mut out);
            assert_eq!(out.last().unwrap().tag("retained"), None);
        }
    }

    #[test]
    fn the_memory_of_topics_is_bounded() {
        let (mut m, mut out) = (messages(&[], Retained::Store), Vec::new());
        for i in 0..KNOWN_TOPICS * 2 {
            m.take(&publish(&format!("t/{i}"), b"1"), &mut out);
            out.clear();
        }
        assert!(m.known.len() <= KNOWN_TOPICS);
    }

    #[test]
    fn many_errors_are_counted_rather_than_told() {
        let (mut c, now) = (Complaints::default(), Instant::now());
        let told = (0..100).filter(|_| c.note(now).0).count();
        assert_eq!(told, COMPLAINTS as usize);
        assert_eq!(c.note(now + COMPLAINT_TIME), (true, 100 - u64::from(COMPLAINTS)));
    }
}
