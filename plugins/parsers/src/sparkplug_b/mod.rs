//! Sparkplug B messages in, metrics out: names behind aliases are remembered from births, and births, deaths and lost messages
//! are noticed.

mod config;
mod lives;
mod nodes;
mod payload;
mod topic;
mod values;
mod write;

use std::collections::HashMap;
use std::time::{Duration as Span, Instant};

use foldhash::fast::FixedState;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::stats::{self, Stat};
use wheatstone_plugin::{Reply, State};

pub use config::SparkplugConfig;

use crate::protobuf::Malformed;
use config::Shape;
use lives::{bd_seq, host_state};
use nodes::{Kept, Nodes, Sequence};
use payload::{Head, Metrics};
use topic::{Message, Topic};
use write::{Told, Writer, describes, nanos};

/// So many topics are remembered; longer ones than this are not. Tests would take long to reach the real limits.
const MOST_TOPICS: usize = if cfg!(test) { 1 << 9 } else { 1 << 17 };
const LONGEST_TOPIC: usize = 512;
/// After so many new names it is looked whether they are too many.
const OFTEN: usize = 1 << 14;
/// The names are put into the state again once so many times the time has passed that it took.
const REST: u32 = 50;

/// Where the payloads come from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Node {
        message: Message,
        scope: usize,
    },
    /// A host application.
    Host(CompactString),
}

/// The parser of `data_format = "sparkplug_b"`.
pub struct Sparkplug {
    shape: Shape,
    births: bool,
    commands: bool,
    state_name: Option<Key>,
    /// How often a node is asked for a rebirth, where it is.
    rebirth: Option<Duration>,
    nodes: Nodes,
    topics: HashMap<CompactString, Source, FixedState>,
    source: Source,
    writer: Writer,
    replies: Vec<Reply>,
    state: Option<State>,
    /// How many names were learnt since somebody looked whether they are too many.
    learnt: usize,
    /// Names have been learnt since they were kept.
    unkept: bool,
    kept_at: Option<(Instant, Span)>,
    gaps: Stat,
    lost: Stat,
    unknown: Stat,
    log: Log,
}

impl Plugin for Sparkplug {
    type Config = SparkplugConfig;

    fn new(config: SparkplugConfig, cx: &Context) -> Result<Sparkplug> {
        let shape = Shape::new(&config, cx.metric_name())?;
        // A second parser of the same plugin cannot have a state; it learns the names from births.
        let state = cx.state().ok().filter(State::is_kept);
        let kept: Option<Kept> = match &state {
            Some(state) => state.load()?,
            None => None,
        };
        let nodes = Nodes::restore(kept.unwrap_or_default(), &shape);
        let stat = |field| stats::register("sparkplug_b", field, &[]);
        let mut parser = Sparkplug {
            nodes: nodes.map_err(|e| anyhow!("not a Sparkplug B payload: {}", e.describe(&[])))?,
            shape,
            births: config.sparkplug_births,
            commands: config.sparkplug_commands,
            state_name: Some(config.sparkplug_state_name.as_str())
                .filter(|name| !name.is_empty())
                .map(Key::new),
            rebirth: config
                .sparkplug_rebirth
                .then_some(config.sparkplug_rebirth_interval),
            topics: HashMap::default(),
            source: Source::Host(CompactString::default()),
            writer: Writer::default(),
            replies: Vec::new(),
            state,
            learnt: 0,
            unkept: false,
            kept_at: None,
            gaps: stat("sequence_gaps"),
            lost: stat("messages_lost"),
            unknown: stat("aliases_unknown"),
            log: cx.log().clone(),
        };
        parser.set_source("");
        Ok(parser)
    }
}

register!(parser "sparkplug_b" = Sparkplug);

impl Parser for Sparkplug {
    fn set_source(&mut self, source: &str) {
        if let Some(known) = self.topics.get(source) {
            self.source.clone_from(known);
            return;
        }
        if self.topics.len() >= MOST_TOPICS {
            self.topics.clear();
        }
        if self.nodes.too_many() {
            self.forget();
        }
        let topic = Topic::parse(source);
        self.source = match topic.message {
            Message::State => Source::Host(topic.node.into()),
            message => Source::Node {
                message,
                scope: self.nodes.scope(&topic, &self.shape),
            },
        };
        if source.len() <= LONGEST_TOPIC {
            self.topics.insert(source.into(), self.source.clone());
        }
    }

    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let (message, scope) = match &self.source {
            Source::Host(name) => {
                let metric = self
                    .state_name
                    .as_ref()
                    .map(|key| host_state(key, name, payload, now));
                return metric.transpose().map(|metric| out.extend(metric));
            }
            Source::Node { message, scope } => (*message, *scope),
        };
        let command = matches!(message, Message::NodeCommand | Message::DeviceCommand);
        if command && !self.commands {
            return Ok(());
        }
        let before = out.len();
        let taken = self.take(message, scope, payload, now, out);
        if let Err(error) = taken {
            out.truncate(before);
            bail!("not a Sparkplug B payload: {}", error.describe(payload));
        }
        if self.learnt > OFTEN {
            self.learnt = 0;
            if self.nodes.too_many_metrics() {
                self.forget();
            }
        }
        self.keep();
        Ok(())
    }

    fn take_replies(&mut self) -> Vec<Reply> {
        std::mem::take(&mut self.replies)
    }
}

impl Sparkplug {
    /// Begins anew: nothing from outside may fill the memory.
    fn forget(&mut self) {
        warn!(self.log, "Too many topics or metrics: all is forgotten");
        let before = std::mem::take(&mut self.nodes);
        self.topics = HashMap::default();
        if let Source::Node { scope, .. } = &mut self.source {
            *scope = self.nodes.adopt(&before, *scope, &self.shape);
        }
    }

    fn take(
        &mut self,
        message: Message,
        scope: usize,
        payload: &[u8],
        now: Timestamp,
        out: &mut Vec<Metric>,
    ) -> Result<(), Malformed> {
        let head = Head::read(payload)?;
        if head.compressed {
            return Err(Malformed::at(
                payload,
                "a compressed payload, which is not supported,",
            ));
        }
        let node = self.nodes.scopes[scope].node;
        let time = head.timestamp.and_then(nanos).unwrap_or(now);
        match message {
            Message::NodeDeath => {
                self.node_death(node, payload, now, out)?;
                return Ok(());
            }
            Message::NodeBirth => self.nodes.born(scope, head.seq),
            Message::DeviceBirth | Message::DeviceDeath | Message::NodeData | Message::DeviceData => {
                self.follow(node, head.seq, now);
            }
            _ => {}
        }
        match message {
            Message::NodeBirth | Message::DeviceBirth => {
                self.nodes.scopes[scope].forget();
                self.nodes.scopes[scope].online = true;
                self.unkept = true;
                self.learn(scope, payload)?;
                self.tell(scope, true, time, out);
            }
            Message::DeviceDeath => {
                self.nodes.scopes[scope].online = false;
                self.tell(scope, false, time, out);
            }
            _ => {}
        }
        let birth = matches!(message, Message::NodeBirth | Message::DeviceBirth);
        if !birth || self.births {
            let command = matches!(message, Message::NodeCommand | Message::DeviceCommand);
            let tagged = (self.shape.message_tag || command) && message != Message::Unknown;
            let told = Told {
                message: tagged.then_some(message),
                time,
            };
            self.values(scope, payload, head, told, now)?;
            self.writer.finish(out);
        }
        Ok(())
    }

    /// Notices what is missing before a message.
    fn follow(&mut self, node: usize, seq: Option<u64>, now: Timestamp) {
        let at = &mut self.nodes.nodes[node];
        let known = at.seq.is_some();
        match at.follow(seq) {
            Sequence::Gap(lost) if known => {
                self.gaps.add(1);
                self.lost.add(i64::from(lost));
                debug!(
                    self.log,
                    "{lost} messages of {}/{} were lost before sequence number {}",
                    at.group,
                    at.name,
                    at.seq.unwrap_or_default()
                );
            }
            _ if at.born => return,
            _ => {}
        }
        self.ask(node, now);
    }

    fn ask(&mut self, node: usize, now: Timestamp) {
        if let Some(interval) = self.rebirth {
            self.nodes.ask(node, now, interval, &mut self.replies);
        }
    }

    /// Reads the names of a birth, and a node's `bdSeq`.
    fn learn(&mut self, scope: usize, payload: &[u8]) -> Result<(), Malformed> {
        let Nodes { nodes, scopes, .. } = &mut self.nodes;
        let scope = &mut scopes[scope];
        let mut metrics = Metrics::of(payload);
        while let Some(read) = metrics.next()? {
            if let Some(number) = bd_seq(&read) {
                nodes[scope.node].bd_seq = Some(number);
            } else if !describes(&read)? {
                scope.learn(&nodes[scope.node], &read, &self.shape)?;
                self.learnt += 1;
            }
        }
        Ok(())
    }

    /// Makes metrics of the values.
    fn values(
        &mut self,
        scope: usize,
        payload: &[u8],
        head: Head,
        told: Told,
        now: Timestamp,
    ) -> Result<(), Malformed> {
        let Nodes { nodes, scopes, .. } = &mut self.nodes;
        let scope = &mut scopes[scope];
        let node = scope.node;
        let mut unknown = 0;
        self.writer.begin(head.metrics);
        let mut metrics = Metrics::of(payload);
        while let Some(read) = metrics.next()? {
            if read.name == Some(b"bdSeq") || describes(&read)? {
                continue;
            }
            let learnt = scope.known.len();
            let Some(at) = scope.find(&nodes[node], &read, &self.shape)? else {
                unknown += 1;
                continue;
            };
            if at < learnt && read.properties.is_some() {
                scope.known[at].update(&read, &self.shape)?;
            }
            if scope.known.len() > learnt {
                self.unkept = true;
                self.learnt += 1;
            }
            self.writer
                .write(scope, &scope.known[at], &read, told, &self.shape)?;
        }
        if unknown > 0 {
            self.unknown.add(unknown);
            debug!(
                self.log,
                "{unknown} metrics of {}/{} have aliases that no birth has told of",
                nodes[node].group,
                nodes[node].name
            );
            self.ask(node, now);
        }
        Ok(())
    }

    /// Keeps the names over a restart, but not so often that it would take more than a fiftieth of the time.
    fn keep(&mut self) {
        let rested = |(at, took): (Instant, Span)| at.elapsed() >= took * REST;
        if self.unkept && self.kept_at.is_none_or(rested) {
            self.keep_now();
        }
    }

    fn keep_now(&mut self) {
        self.unkept = false;
        let Some(state) = &self.state else {
            return;
        };
        let begun = Instant::now();
        if let Err(error) = state.put(&self.nodes.keep()) {
            warn!(self.log, "The names behind aliases cannot be kept: {error:#}");
        }
        self.kept_at = Some((Instant::now(), begun.elapsed()));
    }
}

impl Drop for Sparkplug {
    fn drop(&mut self) {
        if self.unkept {
            self.keep_now();
        }
    }
}

#[cfg(test)]
mod tests;
