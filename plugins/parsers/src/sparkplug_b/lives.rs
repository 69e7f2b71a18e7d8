//! Births, deaths and the states of host applications in, metrics that say who is there out.

use wheatstone_plugin::prelude::*;

use super::Sparkplug;
use super::payload::{self, Metrics, Raw};
use super::write::nanos;
use crate::protobuf::Malformed;

impl Sparkplug {
    /// A node's death is its devices' death too. One that belongs to an earlier birth tells nothing.
    pub(super) fn node_death(
        &mut self,
        node: usize,
        payload: &[u8],
        now: Timestamp,
        out: &mut Vec<Metric>,
    ) -> Result<(), Malformed> {
        let mut metrics = Metrics::of(payload);
        let mut number = None;
        while let Some(read) = metrics.next()? {
            number = bd_seq(&read).or(number);
        }
        let at = &mut self.nodes.nodes[node];
        if let (Some(death), Some(birth)) = (number, at.bd_seq)
            && death != birth
            && at.born
        {
            debug!(
                self.log,
                "A death of {}/{} with bdSeq {death} is older than its birth with {birth}", at.group, at.name
            );
            return Ok(());
        }
        at.bd_seq = number.or(at.bd_seq);
        (at.seq, at.born) = (None, false);
        for scope in at.scopes.clone() {
            // Devices that were not there cannot go.
            let is_node = self.nodes.scopes[scope].device.is_none();
            if std::mem::replace(&mut self.nodes.scopes[scope].online, false) || is_node {
                // The will was written when the node connected: its own time is not that of the death.
                self.tell(scope, false, now, out);
            }
        }
        Ok(())
    }

    /// Makes the metric of a birth or a death.
    pub(super) fn tell(&self, scope: usize, online: bool, time: Timestamp, out: &mut Vec<Metric>) {
        let Some(name) = &self.state_name else {
            return;
        };
        let scope = &self.nodes.scopes[scope];
        let node = &self.nodes.nodes[scope.node];
        let mut metric = Metric::with_capacity(name.clone(), time, 5);
        if let Some(device) = &scope.device {
            metric.set_tag(key!("device_id"), device.clone());
        }
        metric.set_tag(key!("edge_node_id"), node.name.clone());
        metric.set_tag(key!("group_id"), node.group.clone());
        metric.push_field(key!("online"), Value::Bool(online));
        if let Some(number) = node.bd_seq.filter(|_| scope.device.is_none()) {
            metric.push_field(key!("bd_seq"), Value::Int(number as i64));
        }
        out.push(metric);
    }
}

/// The number that joins a node's birth and its death.
pub(super) fn bd_seq(read: &payload::Metric<'_>) -> Option<u64> {
    match read.value {
        Raw::Int(number) if read.name == Some(b"bdSeq") => Some(number),
        _ => None,
    }
}

/// A host application's state: JSON since version 3, a word before.
pub(super) fn host_state(name: &Key, host: &str, payload: &[u8], now: Timestamp) -> Result<Metric> {
    #[derive(Deserialize)]
    struct Said {
        online: bool,
        timestamp: Option<u64>,
    }
    let (online, time) = match payload.trim_ascii() {
        b"ONLINE" => (true, None),
        b"OFFLINE" => (false, None),
        json => {
            let said: Said = wheatstone_plugin::serde_json::from_slice(json).map_err(|error| {
                let excerpt = String::from_utf8_lossy(&json[..json.len().min(80)]);
                anyhow!(
                    "the state of host {host:?} is neither JSON nor ONLINE nor OFFLINE: {error}: {excerpt:?}"
                )
            })?;
            (said.online, said.timestamp.and_then(nanos))
        }
    };
    let mut metric = Metric::with_capacity(name.clone(), time.unwrap_or(now), 2);
    metric.set_tag(key!("host_id"), host);
    metric.push_field(key!("online"), Value::Bool(online));
    Ok(metric)
}
