//! What is known of the nodes in, its JSON for the state out, and back after a restart.

use wheatstone_plugin::prelude::*;

use super::super::topic::Message;
use super::{Known, Malformed, Metric, Node, Nodes, Shape, Topic};

/// What is kept over a restart.
#[derive(Debug, Default, Serialize, Deserialize, PartialEq)]
pub(in super::super) struct Kept {
    nodes: Vec<KeptNode>,
}

#[derive(Debug, Serialize, Deserialize, PartialEq)]
struct KeptNode {
    namespace: String,
    group: String,
    node: String,
    bd_seq: Option<u64>,
    scopes: Vec<KeptScope>,
}

#[derive(Debug, Serialize, Deserialize, PartialEq)]
struct KeptScope {
    device: Option<String>,
    metrics: Vec<KeptMetric>,
}

#[derive(Debug, Serialize, Deserialize, PartialEq)]
struct KeptMetric {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alias: Option<u64>,
    #[serde(default)]
    datatype: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<(String, String)>,
}

impl Nodes {
    pub(in super::super) fn keep(&self) -> Kept {
        let metric = |known: &Known| KeptMetric {
            name: known.name.to_string(),
            alias: known.alias,
            datatype: known.datatype,
            tags: known
                .tags
                .iter()
                .map(|(k, v)| (k.to_string(), v.to_string()))
                .collect(),
        };
        let scope = |at: &usize| KeptScope {
            device: self.scopes[*at].device.as_ref().map(ToString::to_string),
            metrics: self.scopes[*at].known.iter().map(metric).collect(),
        };
        let node = |node: &Node| KeptNode {
            namespace: node.namespace.to_string(),
            group: node.group.to_string(),
            node: node.name.to_string(),
            bd_seq: node.bd_seq,
            scopes: node.scopes.iter().map(scope).collect(),
        };
        Kept {
            nodes: self.nodes.iter().map(node).collect(),
        }
    }

    pub(in super::super) fn restore(kept: Kept, shape: &Shape) -> Result<Nodes, Malformed> {
        let mut nodes = Nodes::default();
        for node in kept.nodes {
            for scope in node.scopes {
                let topic = Topic {
                    message: Message::Unknown,
                    namespace: &node.namespace,
                    group: &node.group,
                    node: &node.node,
                    device: scope.device.as_deref(),
                };
                let at = nodes.scope(&topic, shape);
                let owner = nodes.scopes[at].node;
                nodes.nodes[owner].bd_seq = node.bd_seq;
                for metric in scope.metrics {
                    let read = Metric {
                        name: Some(metric.name.as_bytes()),
                        alias: metric.alias,
                        datatype: metric.datatype,
                        ..Metric::default()
                    };
                    let (owner, scope) = (&nodes.nodes[owner], &mut nodes.scopes[at]);
                    if let Some(learnt) = scope.learn(owner, &read, shape)? {
                        let tags = metric.tags.iter().map(|(k, v)| (Key::new(k), v.as_str().into()));
                        scope.known[learnt].tags = tags.collect();
                    }
                }
            }
        }
        Ok(nodes)
    }
}
