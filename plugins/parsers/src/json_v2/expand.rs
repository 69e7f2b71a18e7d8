//! Values found in a payload in, metrics out: arrays make one metric per element, objects one with all their members.

use wheatstone_plugin::prelude::*;

use super::convert;
use super::plan::{Item, Object};
use crate::gjson_path::{Found, Kind};

/// A metric among those of a payload. Values of one object share theirs, so it is named by its place.
pub(super) type Id = usize;

/// What is known while one payload is read.
pub(super) struct Expander<'p> {
    pub(super) log: &'p Log,
    pub(super) keys: &'p mut KeyCache,
    pub(super) metrics: Vec<Metric>,
    /// Name and time of new metrics.
    pub(super) name: Key,
    pub(super) time: Timestamp,
    /// The object that is read, or was read last: as in Telegraf, its options hold until the next one, but not beyond the
    /// payload.
    pub(super) object: &'p Object,
    /// What the paths within the object lead to.
    pub(super) found: Vec<(Found<'p>, &'p Item)>,
    /// Whether objects are read. Outside of `object` tables they are not.
    pub(super) in_object: bool,
    /// The last value took the place of another one.
    replaced: bool,
    /// How many of these bytes are left; nothing once it was too little.
    left: Option<usize>,
    /// How many bytes the names of nested values may still have together.
    names: usize,
}

/// About how many bytes the metrics of a payload may take beyond those that stand in it: arrays beside each other make one
/// of each element with each, so that a short payload can say very much. Long payloads may make more, up to a bound too.
const LEAST: usize = 32 << 20;
const TIMES: usize = 1024;
const MOST: usize = 256 << 20;
/// How many bytes the names may have; those of nested values begin with those around them. Long payloads may have more.
const NAMES: usize = 4 << 20;
/// About what a metric takes, and each of its fields and tags.
const METRIC: usize = 128;
const ENTRY: usize = 48;

/// A value on its way into a metric.
pub(super) struct Node<'v, 'p> {
    pub(super) value: Found<'v>,
    /// Where the value stands, as paths within the object count it.
    pub(super) parent_index: usize,
    /// Name of the field or tag.
    pub(super) output_name: String,
    /// Name by which the options call it.
    pub(super) set_name: String,
    pub(super) tag: bool,
    pub(super) kind: &'p str,
    /// The path within the object that led to an array around it.
    pub(super) item: Option<&'p Item>,
    pub(super) metric: Id,
}

impl<'p> Expander<'p> {
    pub(super) fn new(
        log: &'p Log,
        keys: &'p mut KeyCache,
        name: Key,
        time: Timestamp,
        object: &'p Object,
    ) -> Expander<'p> {
        Expander {
            log,
            keys,
            metrics: Vec::new(),
            name,
            time,
            object,
            found: Vec::new(),
            in_object: false,
            replaced: false,
            left: Some(LEAST),
            names: NAMES,
        }
    }

    /// A payload of so many bytes comes.
    pub(super) fn next_payload(&mut self, bytes: usize) {
        self.names = NAMES.max(bytes.saturating_mul(16));
        self.left = Some(bytes.saturating_mul(TIMES).clamp(LEAST, MOST));
    }

    /// Whether the payload has made more than it may.
    pub(super) fn is_beyond(&self) -> bool {
        self.left.is_none()
    }

    fn spend(&mut self, bytes: usize) {
        self.left = self.left.and_then(|left| left.checked_sub(bytes));
    }

    pub(super) fn new_metric(&mut self) -> Id {
        self.metrics.push(Metric::new(self.name.clone(), self.time));
        self.metrics.len() - 1
    }

    /// Each of `a` with each of `b`; what both have is taken from `b`.
    pub(super) fn product(&mut self, a: Vec<Id>, b: Vec<Id>) -> Vec<Id> {
        if a.is_empty() {
            return b;
        }
        if b.is_empty() {
            return a;
        }
        let least = METRIC.saturating_mul(a.len()).saturating_mul(b.len());
        self.left = self.left.filter(|left| *left >= least);
        let mut made = Vec::new();
        for &a in &a {
            for &b in &b {
                let (of_a, of_b) = (entries(&self.metrics[a]), entries(&self.metrics[b]));
                // Each of one is looked for among all of the other.
                self.spend(METRIC + (of_a + of_b) * ENTRY + of_a * of_b);
                if self.is_beyond() {
                    return made;
                }
                let mut metric = self.metrics[a].clone();
                merge(&self.metrics[b], &mut metric);
                made.push(self.metrics.len());
                self.metrics.push(metric);
            }
        }
        made
    }

    /// The metrics that a value makes. An error refuses the payload; those of an array's elements are only logged.
    pub(super) fn expand(&mut self, mut node: Node<'_, 'p>) -> Result<Vec<Id>> {
        let is_object = node.value.is_object();
        if !is_object && !node.value.is_array() {
            return self.scalar(node);
        }
        if node.kind == "string" {
            self.add(&node, node.tag, "string", &node.output_name)?;
            return Ok(vec![node.metric]);
        }
        if is_object && !self.in_object {
            debug!(
                self.log,
                "Found object in query ignoring it please use 'object' to gather metrics from objects"
            );
            return Ok(Vec::new());
        }
        if is_object {
            return Ok(self.combine(&node));
        }
        if node.item.is_none() {
            node.item = self.item_at(node.value.index);
        }
        Ok(self.elements(&node))
    }

    /// A metric for each element of an array, or several.
    fn elements(&mut self, array: &Node<'_, 'p>) -> Vec<Id> {
        let mut made = Vec::new();
        array.value.for_each(|_, value| {
            let index = value.index.wrapping_sub(array.value.index);
            let metric = self.new_metric();
            let element = Node {
                value: Found { index, ..value },
                parent_index: index.wrapping_add(array.parent_index),
                output_name: array.output_name.clone(),
                set_name: array.set_name.clone(),
                metric,
                ..*array
            };
            if element.value.is_object() {
                for id in self.combine(&element) {
                    self.merge_into(array.metric, id);
                    made.push(id);
                }
                return !self.is_beyond();
            }
            self.merge_into(array.metric, metric);
            let expanded = self
                .expand(element)
                .inspect_err(|error| error!(self.log, "{error:#}"));
            let goes_on = expanded.is_ok();
            made.extend(expanded.unwrap_or_default());
            goes_on && !self.is_beyond()
        });
        made
    }

    /// All members of an object in one metric; a member that is an array makes several of it.
    fn combine(&mut self, node: &Node<'_, 'p>) -> Vec<Id> {
        let mut made = Vec::new();
        let object = self.object;
        node.value.for_each(|key, value| {
            let key = key.map_or_else(String::new, |key| key.string().replace(' ', "_"));
            let set_name = match node.set_name.as_str() {
                "" => key.clone(),
                prefix => format!("{prefix}_{key}"),
            };
            match self.names.checked_sub(set_name.len()) {
                Some(names) => self.names = names,
                None => {
                    self.left = None;
                    return false;
                }
            }
            let is_object = value.is_object();
            if !object.wants(&set_name, is_object || value.is_array()) {
                return true;
            }
            let output_name = match object.renames.get(&set_name) {
                Some(name) => name.clone(),
                None if object.prepend_keys => set_name.clone(),
                None => key,
            };
            let mut member = Node {
                parent_index: node.parent_index.wrapping_add(value.index),
                kind: object.kinds.get(&set_name).map_or(node.kind, String::as_str),
                tag: object.tags.contains(&set_name),
                value,
                output_name,
                set_name,
                ..*node
            };
            if is_object {
                // As in Telegraf, an inner object takes the place of what arrays before it have made.
                made = self.combine(&member);
                return true;
            }
            member.value.index = member.value.index.wrapping_sub(node.value.index);
            member.parent_index = member.parent_index.wrapping_sub(node.value.index);
            self.replaced = false;
            let expanded = self
                .expand(member)
                .inspect_err(|error| error!(self.log, "{error:#}"));
            let goes_on = expanded.is_ok();
            let ids = expanded.unwrap_or_default();
            // The usual case: the value stands in the object's own metric, of which no copy is needed.
            if made != ids || self.replaced {
                made = self.product(ids, std::mem::take(&mut made));
            }
            goes_on
        });
        made
    }

    fn scalar(&mut self, node: Node<'_, 'p>) -> Result<Vec<Id>> {
        let whole = Ok(vec![node.metric]);
        let object = self.object;
        if !object.time_key.is_empty() && node.set_name == object.time_key {
            let format = object
                .time_format
                .as_ref()
                .map_err(|error| anyhow!(error.clone()))?;
            let time = format.parse_str(&node.value.string())?;
            self.metrics[node.metric].set_time(time);
            return whole;
        }
        if node.value.kind == Kind::Null {
            return whole;
        }
        if object.items.is_empty() {
            self.add(&node, node.tag, node.kind, &node.output_name)?;
            return whole;
        }
        let Some(item) = node.item.or_else(|| self.item_at(node.parent_index)) else {
            return Ok(Vec::new());
        };
        let kind = if item.tag { node.kind } else { &item.kind };
        let name = if item.renamed {
            &item.name
        } else {
            &node.output_name
        };
        self.add(&node, node.tag || item.tag, kind, name)?;
        whole
    }

    /// Puts a value into its metric.
    fn add(&mut self, node: &Node<'_, '_>, tag: bool, kind: &str, name: &str) -> Result<()> {
        let metric = &mut self.metrics[node.metric];
        let key = self.keys.get(name);
        if tag {
            self.replaced = metric.has_tag(&key);
            metric.set_tag(key, CompactString::from(convert::text(&node.value)));
        } else {
            let value = convert::field(&node.value, kind, &node.set_name)?;
            let before = metric.field_count();
            metric.set_field(key, value);
            self.replaced = metric.field_count() == before;
        }
        Ok(())
    }

    /// The path within the object that led to this place.
    fn item_at(&self, index: usize) -> Option<&'p Item> {
        let leads_here = |found: &Found<'_>| {
            let among = |indexes: &Vec<usize>| indexes.contains(&index);
            found.index == index || found.indexes.as_ref().is_some_and(among)
        };
        self.found
            .iter()
            .find(|(found, _)| leads_here(found))
            .map(|(_, item)| *item)
    }

    fn merge_into(&mut self, from: Id, to: Id) {
        if let Some(entries) = self.metrics.get(from).map(entries) {
            self.spend(entries * ENTRY);
        }
        if from != to
            && !self.is_beyond()
            && let Ok([from, to]) = self.metrics.get_disjoint_mut([from, to])
        {
            merge(from, to);
        }
    }
}

fn entries(metric: &Metric) -> usize {
    metric.tag_count() + metric.field_count()
}

/// Sets the fields and tags of one metric in another.
fn merge(from: &Metric, to: &mut Metric) {
    let fresh = to.field_count() == 0;
    for (key, value) in from.fields() {
        if fresh {
            to.push_field(key.clone(), value.clone());
        } else {
            to.set_field(key, value.clone());
        }
    }
    for (key, value) in from.tags() {
        to.set_tag(key, value);
    }
}
