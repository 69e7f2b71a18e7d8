//! What is known of the edge nodes and their devices: names behind aliases, sequence numbers, who is there; kept over a restart.

mod kept;

use std::collections::HashMap;

use foldhash::fast::FixedState;
use wheatstone_plugin::Reply;
use wheatstone_plugin::prelude::*;

use super::config::{Form, Shape, Words};
use super::payload::{self, Metric, properties};
use super::topic::Topic;
use super::values::scalar;
use crate::protobuf::{Draft, Malformed};

pub(super) use kept::Kept;

/// Beyond so many metrics or senders all is forgotten: nothing from outside may fill the memory.
const MOST_KNOWN: usize = 1 << 20;
const MOST_SCOPES: usize = if cfg!(test) { 1 << 8 } else { 1 << 16 };
/// Requests that nobody has fetched.
const MOST_REPLIES: usize = 1024;

/// A metric that a birth, or a message with its name, has told of.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) name: CompactString,
    pub(super) alias: Option<u64>,
    pub(super) datatype: u32,
    pub(super) field: Key,
    /// The name of its metrics, where that differs from metric to metric.
    pub(super) measurement: Option<Key>,
    /// Its properties, where they are tags.
    pub(super) tags: Vec<(Key, CompactString)>,
}

/// An edge node itself, or one of its devices.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) node: usize,
    pub(super) device: Option<CompactString>,
    pub(super) online: bool,
    pub(super) known: Vec<Known>,
    aliases: HashMap<u64, u32, FixedState>,
    names: HashMap<CompactString, u32, FixedState>,
    /// The tags of all its metrics.
    pub(super) tags: Vec<(Key, CompactString)>,
    /// The name of all its metrics, where they have the same.
    pub(super) measurement: Key,
}

/// An edge node.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) namespace: CompactString,
    pub(super) group: CompactString,
    pub(super) name: CompactString,
    /// The last sequence number.
    pub(super) seq: Option<u8>,
    pub(super) bd_seq: Option<u64>,
    /// Its birth has been seen in this run.
    pub(super) born: bool,
    /// When it was asked for a rebirth.
    pub(super) asked: Option<Timestamp>,
    /// Itself first, then its devices.
    pub(super) scopes: Vec<usize>,
}

/// All edge nodes.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    pub(super) nodes: Vec<Node>,
    pub(super) scopes: Vec<Scope>,
    by_name: HashMap<(CompactString, CompactString, CompactString), usize, FixedState>,
}

/// What a sequence number says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sequence {
    Next,
    /// So many messages are missing.
    Gap(u8),
}

impl Node {
    /// Takes the sequence number of a message. The same number again is a message that came twice.
    pub(super) fn follow(&mut self, seq: Option<u64>) -> Sequence {
        let Some(seq) = seq else {
            return Sequence::Next;
        };
        let seq = (seq & 0xff) as u8;
        let last = self.seq.replace(seq);
        match last {
            Some(last) if last != seq && seq != last.wrapping_add(1) => {
                Sequence::Gap(seq.wrapping_sub(last.wrapping_add(1)))
            }
            _ => Sequence::Next,
        }
    }
}

impl Nodes {
    /// The scope that a topic speaks of; made where it is new.
    pub(super) fn scope(&mut self, topic: &Topic<'_>, shape: &Shape) -> usize {
        let id = (
            CompactString::from(topic.namespace),
            CompactString::from(topic.group),
            CompactString::from(topic.node),
        );
        let node = match self.by_name.get(&id) {
            Some(node) => *node,
            None => {
                let node = self.nodes.len();
                self.nodes.push(Node {
                    namespace: id.0.clone(),
                    group: id.1.clone(),
                    name: id.2.clone(),
                    seq: None,
                    bd_seq: None,
                    born: false,
                    asked: None,
                    scopes: Vec::new(),
                });
                self.by_name.insert(id, node);
                self.add_scope(node, None, shape);
                node
            }
        };
        let scopes = &self.nodes[node].scopes;
        let found = scopes
            .iter()
            .find(|at| self.scopes[**at].device.as_deref() == topic.device);
        match found {
            Some(at) => *at,
            None => self.add_scope(node, topic.device, shape),
        }
    }

    fn add_scope(&mut self, node: usize, device: Option<&str>, shape: &Shape) -> usize {
        let words = Words {
            group: &self.nodes[node].group,
            node: &self.nodes[node].name,
            device,
            metric: "",
        };
        let mut tags = Vec::new();
        if let Some(device) = device.filter(|_| shape.device_tag) {
            tags.push((key!("device_id"), device.into()));
        }
        if shape.node_tag && !words.node.is_empty() {
            tags.push((key!("edge_node_id"), words.node.into()));
        }
        if shape.group_tag && !words.group.is_empty() {
            tags.push((key!("group_id"), words.group.into()));
        }
        let mut measurement = String::new();
        shape.name.render(&words, &mut measurement);
        let at = self.scopes.len();
        self.scopes.push(Scope {
            node,
            device: device.map(CompactString::from),
            online: false,
            known: Vec::new(),
            aliases: HashMap::default(),
            names: HashMap::default(),
            tags,
            measurement: Key::new(&measurement),
        });
        self.nodes[node].scopes.push(at);
        at
    }

    /// Whether there are more nodes and devices than may be remembered.
    pub(super) fn too_many(&self) -> bool {
        self.scopes.len() > MOST_SCOPES
    }
    /// Whether there are more metrics.
    pub(super) fn too_many_metrics(&self) -> bool {
        self.scopes.iter().map(|s| s.known.len()).sum::<usize>() > MOST_KNOWN
    }

    /// A scope of other nodes, made here anew.
    pub(super) fn adopt(&mut self, others: &Nodes, scope: usize, shape: &Shape) -> usize {
        let scope = &others.scopes[scope];
        let node = &others.nodes[scope.node];
        let topic = Topic {
            message: super::topic::Message::Unknown,
            namespace: &node.namespace,
            group: &node.group,
            node: &node.name,
            device: scope.device.as_deref(),
        };
        self.scope(&topic, shape)
    }

    /// A node's birth: what was known of it and its devices holds no longer.
    pub(super) fn born(&mut self, scope: usize, seq: Option<u64>) {
        let node = &mut self.nodes[self.scopes[scope].node];
        node.seq = seq.map(|seq| (seq & 0xff) as u8);
        (node.born, node.asked, node.bd_seq) = (true, None, None);
        for at in &node.scopes {
            self.scopes[*at].forget();
        }
    }

    /// The request for a node's rebirth, unless it was made shortly before.
    pub(super) fn ask(&mut self, node: usize, now: Timestamp, interval: Duration, replies: &mut Vec<Reply>) {
        let node = &mut self.nodes[node];
        let lately = |asked: Timestamp| (0..interval.nanos()).contains(&now.saturating_sub(asked));
        if node.name.is_empty() || node.asked.is_some_and(lately) || replies.len() >= MOST_REPLIES {
            return;
        }
        node.asked = Some(now);
        replies.push(Reply {
            to: format!("{}/{}/NCMD/{}", node.namespace, node.group, node.name),
            payload: rebirth(now),
        });
    }
}

/// The payload of a command that asks for a rebirth.
pub(super) fn rebirth(now: Timestamp) -> Vec<u8> {
    const BOOLEAN: u64 = 11;
    let millis = u64::try_from(now / 1_000_000).unwrap_or(0);
    let metric = Draft::default()
        .text(1, "Node Control/Rebirth")
        .uint(3, millis)
        .uint(4, BOOLEAN)
        .uint(14, 1);
    Draft::default().uint(1, millis).message(2, metric).0
}

impl Scope {
    /// Forgets its metrics; the next birth tells of them anew.
    pub(super) fn forget(&mut self) {
        self.online = false;
        self.known.clear();
        self.aliases.clear();
        self.names.clear();
    }

    /// The metric that a message means; one that was not known is learnt where the message has its name.
    #[inline]
    pub(super) fn find(
        &mut self,
        node: &Node,
        metric: &Metric<'_>,
        shape: &Shape,
    ) -> Result<Option<usize>, Malformed> {
        let found = match (metric.alias, metric.name) {
            (Some(alias), None) => self.aliases.get(&alias),
            (_, Some(name)) => match std::str::from_utf8(name) {
                Ok(name) => self.names.get(name),
                Err(_) => self.names.get(&*payload::text(name)),
            },
            (None, None) => None,
        };
        match found {
            Some(at) => Ok(Some(*at as usize)),
            None => self.learn(node, metric, shape),
        }
    }

    /// Remembers a metric by its name, with its alias, datatype and properties. Nothing where it has no name.
    pub(super) fn learn(
        &mut self,
        node: &Node,
        metric: &Metric<'_>,
        shape: &Shape,
    ) -> Result<Option<usize>, Malformed> {
        let Some(name) = metric.name else {
            return Ok(None);
        };
        let name = CompactString::from(&*payload::text(name));
        let words = Words {
            group: &node.group,
            node: &node.name,
            device: self.device.as_deref(),
            metric: &name,
        };
        let mut field = String::new();
        shape.field.render(&words, &mut field);
        let measurement = shape.name.has_metric().then(|| {
            let mut name = String::new();
            shape.name.render(&words, &mut name);
            Key::new(&name)
        });
        let mut known = Known {
            alias: metric.alias,
            datatype: metric.datatype,
            field: Key::new(&field),
            measurement,
            tags: Vec::new(),
            name,
        };
        known.update(metric, shape)?;
        Ok(Some(self.remember(known)))
    }

    fn remember(&mut self, known: Known) -> usize {
        // The limit is far below what 32 bits count.
        let next = self.known.len() as u32;
        let at = *self.names.entry(known.name.clone()).or_insert(next);
        if let Some(alias) = known.alias {
            self.aliases.insert(alias, at);
        }
        match self.known.get_mut(at as usize) {
            Some(before) => *before = known,
            None => self.known.push(known),
        }
        at as usize
    }
}

impl Known {
    /// Takes over properties that are tags.
    pub(super) fn update(&mut self, metric: &Metric<'_>, shape: &Shape) -> Result<(), Malformed> {
        let Some(set) = metric.properties.filter(|_| shape.properties == Form::Tags) else {
            return Ok(());
        };
        properties(set, |property| {
            let key = Key::new(&payload::text(property.name));
            self.tags.retain(|(before, _)| *before != key);
            if let Some(value) = scalar(property.datatype, property.value).filter(|_| !property.null) {
                let text = match value {
                    Value::Str(text) => text,
                    value => CompactString::from(value.to_string()),
                };
                self.tags.push((key, text));
            }
            Ok(())
        })
    }
}
