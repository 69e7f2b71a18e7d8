//! One `[[…xpath]]` table at work: a document in, a metric out for each selected node.

mod convert;
mod query;

use std::collections::HashMap;

use wheatstone_gotime::{TimeFormat, Zone};
use wheatstone_plugin::prelude::*;

use crate::config::{Section, XpathConfig};
use crate::names;
use crate::trace::Trace;
use crate::tree::{Cursor, Document, NodeId};
use convert::{Bytes, field, integer, name_of, tag, tag_from_selection, time};
use query::{Query, Selection};

/// A table, its queries compiled.
pub(crate) struct Reading {
    default_name: Key,
    name: Option<Query>,
    nodes: Selection,
    allow_empty: bool,
    timestamp: Option<Query>,
    time_format: TimeFormat,
    tags: Vec<(Key, Query)>,
    fields: Vec<(Key, Query)>,
    integers: Vec<(Key, Query)>,
    bytes: Bytes,
    field_batch: Option<Batch>,
    tag_batch: Option<Batch>,
    native: bool,
    trace: Trace,
    log: Log,
    keys: KeyCache,
    /// Kept for their memory.
    selected: Vec<Cursor>,
    names_left: usize,
}

/// Nodes that become fields or tags, one each.
struct Batch {
    nodes: Selection,
    name: Query,
    value: Query,
    expand: bool,
}

impl Batch {
    fn new(nodes: &str, name: &str, value: &str, expand: bool) -> Option<Batch> {
        let or = |text: &str, default: &str| Query::new(if text.is_empty() { default } else { text });
        (!nodes.is_empty()).then(|| Batch {
            nodes: Selection::new(nodes),
            name: or(name, "name()"),
            value: or(value, "."),
            expand,
        })
    }
}

/// What was gathered for one metric, in the order it came. A name that comes again takes the place of the earlier one.
struct Gathered<V> {
    entries: Vec<(Key, V)>,
    places: HashMap<Key, usize, foldhash::fast::FixedState>,
}

impl<V> Gathered<V> {
    fn new() -> Gathered<V> {
        Gathered {
            entries: Vec::new(),
            places: HashMap::with_hasher(foldhash::fast::FixedState::default()),
        }
    }

    fn set(&mut self, name: Key, value: V) {
        match self.places.get(&name) {
            Some(place) => self.entries[*place].1 = value,
            None => {
                self.places.insert(name.clone(), self.entries.len());
                self.entries.push((name, value));
            }
        }
    }
}

/// Numbers for names that come again.
#[derive(Default)]
struct Numbers(HashMap<String, usize, foldhash::fast::FixedState>);

impl Numbers {
    /// A name that is still free: the name itself, or the name with the lowest number behind it.
    fn free<V>(&mut self, name: String, taken: &Gathered<V>) -> String {
        if !taken.places.contains_key(name.as_str()) {
            return name;
        }
        let last = self.0.entry(name.clone()).or_default();
        loop {
            *last += 1;
            let numbered = format!("{name}_{last}");
            if !taken.places.contains_key(numbered.as_str()) {
                return numbered;
            }
        }
    }
}

impl Reading {
    /// Makes a table ready; `number` is its place in the configuration. What is wrong with a query is said in the log, and
    /// is the error of every payload that needs it: as in Telegraf, the others are not held up.
    pub(crate) fn new(
        section: &Section,
        number: usize,
        config: &XpathConfig,
        cx: &Context,
    ) -> Result<Reading> {
        let zone = Zone::load(&section.timezone)
            .map_err(|error| anyhow!("invalid location in config {number}: {error}"))?;
        let time_format = match section.timestamp_format.as_str() {
            "" => "unix",
            format => format,
        };
        let some = |text: &String| (!text.is_empty()).then(|| Query::new(text));
        let all = |queries: &std::collections::BTreeMap<String, String>| {
            queries
                .iter()
                .map(|(name, text)| (Key::new(name), Query::new(text)))
                .collect::<Vec<_>>()
        };
        let s = section;
        let reading = Reading {
            default_name: cx.metric_name().clone(),
            name: some(&s.metric_name),
            nodes: Selection::new(if s.metric_selection.is_empty() {
                "/"
            } else {
                &s.metric_selection
            }),
            allow_empty: config.xpath_allow_empty_selection,
            timestamp: some(&s.timestamp),
            time_format: TimeFormat::with_zone(time_format, zone),
            tags: all(&s.tags),
            fields: all(&s.fields),
            integers: all(&s.fields_int),
            bytes: Bytes {
                hex: Glob::new(&s.fields_bytes_as_hex, "")
                    .map_err(|error| anyhow!("creating hex-fields filter failed: {error}"))?,
                base64: Glob::new(&s.fields_bytes_as_base64, "")
                    .map_err(|error| anyhow!("creating base64-fields filter failed: {error}"))?,
            },
            field_batch: Batch::new(
                &s.field_selection,
                &s.field_name,
                &s.field_value,
                s.field_name_expansion,
            ),
            tag_batch: Batch::new(&s.tag_selection, &s.tag_name, &s.tag_value, s.tag_name_expansion),
            native: config.xpath_native_types,
            trace: Trace::new(cx.log(), config.xpath_trace),
            log: cx.log().clone(),
            keys: KeyCache::default(),
            selected: Vec::new(),
            names_left: NAMES,
        };
        reading.warn_of_broken_queries();
        Ok(reading)
    }

    fn warn_of_broken_queries(&self) {
        let batches = [&self.field_batch, &self.tag_batch].into_iter().flatten();
        let singles = [&self.name, &self.timestamp].into_iter().flatten();
        let lists = [&self.tags, &self.fields, &self.integers].into_iter().flatten();
        let queries = singles
            .chain(lists.map(|(_, query)| query))
            .chain(batches.clone().flat_map(|batch| [&batch.name, &batch.value]))
            .filter_map(Query::fault);
        let selections = std::iter::once(&self.nodes).chain(batches.map(|batch| &batch.nodes));
        for (text, fault) in queries.chain(selections.filter_map(Selection::fault)) {
            warn!(self.log, "failed to compile query {text:?}: {fault}");
        }
    }

    /// Appends a metric for each node that the table selects.
    pub(crate) fn read(&mut self, doc: &Document, now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let top = Cursor::new(NodeId::DOCUMENT);
        self.names_left = NAMES;
        let mut selected = std::mem::take(&mut self.selected);
        selected.clear();
        self.nodes.select(doc, top, &mut selected)?;
        if selected.is_empty() && !self.allow_empty {
            self.trace.empty("metric selection", doc, top, self.nodes.text());
            bail!("cannot parse with empty selection node");
        }
        self.trace.count("metric", selected.len());
        for node in &selected {
            out.push(self.metric(doc, *node, now)?);
        }
        self.selected = selected;
        Ok(())
    }

    fn metric(&mut self, doc: &Document, at: Cursor, now: Timestamp) -> Result<Metric> {
        let name = match &mut self.name {
            None => self.default_name.clone(),
            Some(query) => {
                let value = query
                    .evaluate(doc, at, self.native)
                    .context("failed to query metric name")?;
                match name_of(&value) {
                    Ok(name) => self.keys.get(name),
                    Err(kind) => {
                        if kind == "<nil>" {
                            info!(
                                self.log,
                                "Hint: Empty metric-name-node. If you wanted to set a constant please use \
                                 `metric_name = \"'name'\"`."
                            );
                        }
                        bail!("failed to query metric name: query result is of type {kind} not 'string'");
                    }
                }
            }
        };
        let mut timestamp = now;
        if let Some(query) = &mut self.timestamp {
            let value = query
                .evaluate(doc, at, self.native)
                .context("failed to query timestamp")?;
            let read = time(&value, &self.time_format).context("failed to parse timestamp")?;
            timestamp = read.unwrap_or(now);
        }
        let mut tags = Gathered::new();
        self.batch_tags(doc, at, &mut tags)?;
        for (name, query) in &mut self.tags {
            let value = query
                .evaluate(doc, at, self.native)
                .with_context(|| format!("failed to query tag {:?}", name.as_str()))?;
            match tag(&value) {
                Ok(Some(text)) => tags.set(name.clone(), Value::from(&*text)),
                Ok(None) => {}
                Err(kind) => bail!("unknown format '{kind}' for tag {:?}", name.as_str()),
            }
        }
        let mut fields = Gathered::new();
        self.batch_fields(doc, at, &mut fields)?;
        for (name, query) in &mut self.integers {
            let value = query
                .evaluate(doc, at, self.native)
                .with_context(|| format!("failed to query field (int) {:?}", name.as_str()))?;
            if let Some(value) = integer(&value, name)? {
                fields.set(name.clone(), Some(Value::Int(value)));
            }
        }
        for (name, query) in &mut self.fields {
            let value = query
                .evaluate(doc, at, self.native)
                .with_context(|| format!("failed to query field {:?}", name.as_str()))?;
            fields.set(name.clone(), field(value, name, &self.bytes));
        }
        let mut row = tags.entries;
        row.sort_unstable_by(|a, b| a.0.as_str().cmp(b.0.as_str()));
        let tag_count = row.len();
        // What no field can hold has taken its name, and is left out now.
        row.extend(
            fields
                .entries
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        Ok(Metric::from_row(name, timestamp, row, tag_count))
    }

    fn batch_tags(&mut self, doc: &Document, at: Cursor, tags: &mut Gathered<Value>) -> Result<()> {
        let Some(batch) = &mut self.tag_batch else {
            return Ok(());
        };
        let mut nodes = Vec::new();
        batch.nodes.select(doc, at, &mut nodes)?;
        self.trace.count("tag", nodes.len());
        if nodes.is_empty() {
            self.trace.empty("tag selection", doc, at, batch.nodes.text());
        }
        let mut numbers = Numbers::default();
        for node in nodes {
            let name = batch_name(&mut batch.name, doc, at, node, batch.expand, "tag", self.native)?;
            spend(&mut self.names_left, &name)?;
            let value = batch
                .value
                .evaluate(doc, node, self.native)
                .with_context(|| format!("failed to query tag value for {name:?}"))?;
            let name = numbers.free(name, tags);
            let Some(text) = tag_from_selection(&value) else {
                bail!("failed to query tag value for {name:?}: result is not a string ({value})");
            };
            tags.set(self.keys.get(&name), Value::from(&*text));
        }
        Ok(())
    }

    fn batch_fields(
        &mut self,
        doc: &Document,
        at: Cursor,
        fields: &mut Gathered<Option<Value>>,
    ) -> Result<()> {
        let Some(batch) = &mut self.field_batch else {
            return Ok(());
        };
        let mut nodes = Vec::new();
        batch.nodes.select(doc, at, &mut nodes)?;
        self.trace.count("field", nodes.len());
        if nodes.is_empty() {
            self.trace.empty("field selection", doc, at, batch.nodes.text());
        }
        let mut numbers = Numbers::default();
        for node in nodes {
            let name = batch_name(&mut batch.name, doc, at, node, batch.expand, "field", self.native)?;
            spend(&mut self.names_left, &name)?;
            let value = batch
                .value
                .evaluate(doc, node, self.native)
                .with_context(|| format!("failed to query field value for {name:?}"))?;
            let name = numbers.free(name, fields);
            let value = field(value, &name, &self.bytes);
            fields.set(self.keys.get(&name), value);
        }
        Ok(())
    }
}

/// How many bytes the names that selections make may have together in one payload: with those of the nodes around it each
/// is as long as the nesting is deep.
const NAMES: usize = 16 << 20;

fn spend(left: &mut usize, name: &str) -> Result<()> {
    match left.checked_sub(name.len()) {
        Some(rest) => *left = rest,
        None => bail!("the names of the selected nodes have more than {NAMES} bytes together"),
    }
    Ok(())
}

/// The name of a node that becomes a field or a tag.
fn batch_name(
    query: &mut Query,
    doc: &Document,
    root: Cursor,
    at: Cursor,
    expand: bool,
    what: &str,
    native: bool,
) -> Result<String> {
    let text = query.text().to_owned();
    let value = query
        .evaluate(doc, at, native)
        .with_context(|| format!("failed to query {what} name with query {text:?}"))?;
    match name_of(&value) {
        Ok(name) => Ok(names::construct(doc, root.node, at, name, expand)),
        Err(_) => bail!("failed to query {what} name with query {text:?}: result is not a string ({value})"),
    }
}
