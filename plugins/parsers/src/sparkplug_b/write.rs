//! Sparkplug metrics in, metrics out: those of one time as the fields of one, or each apart, as the options say.

mod parts;

use std::collections::HashSet;

use foldhash::fast::FixedState;
use wheatstone_plugin::prelude::*;

use super::config::{Form, Shape};
use super::nodes::{Known, Scope};
use super::payload::{Metric as Read, Raw, is_definition};
use super::topic::Message;
use super::values::{
    TEMPLATE, array_json, base64, dataset_json, datatype_name, elements, hex, is_array, scalar,
};
use crate::protobuf::{Fields, Malformed};

/// From so many fields on a set tells which are there already.
const MANY: usize = 16;
/// So many metrics back one of the same time is looked for.
const RECENT: usize = 16;

/// What the metrics of one Sparkplug metric have in common.
struct Place<'a> {
    scope: &'a Scope,
    known: &'a Known,
    message: Option<Message>,
    datatype: u32,
    time: Timestamp,
    historical: bool,
}

/// A metric that gathers fields.
struct Group {
    metric: Metric,
    historical: bool,
    /// Its fields, once they are many.
    seen: HashSet<Key, FixedState>,
}

impl Group {
    #[inline]
    fn put(&mut self, key: Key, value: Value) {
        if self.metric.field_count() < MANY {
            return self.metric.set_field(key, value);
        }
        if self.seen.is_empty() {
            self.seen.extend(self.metric.fields().map(|(key, _)| key.clone()));
        }
        if self.seen.insert(key.clone()) {
            self.metric.push_field(key, value);
        } else if let Some(before) = self.metric.field_mut(&key) {
            *before = value;
        }
    }
}

/// Gathers the metrics of one payload.
#[derive(Default)]
pub(super) struct Writer {
    groups: Vec<Group>,
    /// Rows of datasets: nothing joins them.
    rows: Vec<Metric>,
    /// The group of the Sparkplug metric at work.
    current: Option<usize>,
    keys: KeyCache,
    joined: String,
    parts: usize,
    /// How many Sparkplug metrics are still to come: room to make at once.
    expected: usize,
}

/// What a message says of all its metrics.
#[derive(Clone, Copy)]
pub(super) struct Told {
    pub(super) message: Option<Message>,
    /// The time of metrics without one.
    pub(super) time: Timestamp,
}

/// Milliseconds as nanoseconds, where they fit.
pub(super) fn nanos(millis: u64) -> Option<Timestamp> {
    i64::try_from(millis).ok()?.checked_mul(1_000_000)
}

impl Writer {
    /// Begins with a payload of so many metrics.
    pub(super) fn begin(&mut self, metrics: usize) {
        self.groups.clear();
        self.rows.clear();
        self.parts = 0;
        self.expected = metrics.min(4096);
    }

    /// Hands the metrics over.
    pub(super) fn finish(&mut self, out: &mut Vec<Metric>) {
        out.extend(self.groups.drain(..).map(|group| group.metric));
        out.append(&mut self.rows);
    }

    /// Writes one Sparkplug metric of a message.
    pub(super) fn write(
        &mut self,
        scope: &Scope,
        known: &Known,
        read: &Read<'_>,
        told: Told,
        shape: &Shape,
    ) -> Result<(), Malformed> {
        let dropped = (read.historical && shape.historical == Form::Drop)
            || (read.transient && shape.transient == Form::Drop);
        if dropped {
            return Ok(());
        }
        let datatype = if read.datatype == 0 {
            known.datatype
        } else {
            read.datatype
        };
        let place = Place {
            scope,
            known,
            message: told.message,
            datatype,
            time: read.timestamp.and_then(nanos).unwrap_or(told.time),
            historical: read.historical && shape.historical == Form::Tag,
        };
        self.current = None;
        let field = known.field.clone();
        self.value(&place, shape, field, datatype, read.value, read.null, 0)?;
        if let Some(set) = read.properties.filter(|_| shape.properties == Form::Fields) {
            self.properties(&place, shape, &known.field, set, 0)?;
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "a value's place is all of them")]
    #[inline]
    fn value(
        &mut self,
        place: &Place<'_>,
        shape: &Shape,
        field: Key,
        datatype: u32,
        raw: Raw<'_>,
        null: bool,
        depth: usize,
    ) -> Result<(), Malformed> {
        if null || raw == Raw::None {
            if shape.nulls == Form::Flag {
                let flag = self.keys.get(&format!("{field}_null"));
                self.put(place, shape, flag, Value::Bool(true));
            }
            return Ok(());
        }
        match raw {
            Raw::Bytes(bytes) if is_array(datatype) => match shape.arrays {
                Form::Json => {
                    let json = array_json(datatype, bytes)?;
                    self.put(place, shape, field, Value::Str(json.into()));
                }
                Form::Fields => {
                    let mut at = 0usize;
                    elements(datatype, bytes, |value| {
                        let key = self.part(shape, &field, &at.to_string(), bytes)?;
                        self.put(place, shape, key, value);
                        at += 1;
                        Ok(())
                    })?;
                }
                _ => {}
            },
            Raw::Bytes(bytes) => {
                let text = match shape.bytes {
                    Form::Base64 => base64(bytes),
                    Form::Hex => hex(bytes),
                    _ => return Ok(()),
                };
                self.put(place, shape, field, Value::Str(text.into()));
            }
            Raw::DataSet(bytes) => match shape.datasets {
                Form::Json => {
                    let json = dataset_json(bytes)?;
                    self.put(place, shape, field, Value::Str(json.into()));
                }
                Form::Rows => self.rows(place, shape, &field, bytes)?,
                _ => {}
            },
            Raw::Template(bytes) => self.template(place, shape, &field, bytes, depth)?,
            Raw::Set(bytes) => self.properties(place, shape, &field, bytes, depth)?,
            Raw::Sets(bytes) => {
                // A list of property sets is a message whose field 1 repeats.
                let (mut sets, mut at) = (Fields::of(bytes), 0usize);
                while let Some((number, wire)) = sets.next()? {
                    if number == 1 {
                        let key = self.part(shape, &field, &at.to_string(), bytes)?;
                        self.properties(place, shape, &key, wire.bytes(), depth + 1)?;
                        at += 1;
                    }
                }
            }
            raw => {
                if let Some(value) = scalar(datatype, raw) {
                    self.put(place, shape, field, value);
                }
            }
        }
        Ok(())
    }

    /// A new metric with its tags.
    fn metric(&self, place: &Place<'_>, shape: &Shape, fields: usize) -> Metric {
        let name = place
            .known
            .measurement
            .as_ref()
            .unwrap_or(&place.scope.measurement);
        let tags = &place.scope.tags;
        let mut metric = Metric::with_capacity(name.clone(), place.time, tags.len() + 2 + fields);
        for (key, value) in tags {
            metric.set_tag(key.clone(), value.clone());
        }
        if let Some(message) = place.message {
            metric.set_tag(key!("message_type"), message.name());
        }
        if place.historical {
            metric.set_tag(key!("historical"), "true");
        }
        if shape.metric_tag {
            metric.set_tag(key!("metric"), place.known.name.clone());
        }
        if shape.datatype_tag {
            metric.set_tag(key!("datatype"), datatype_name(place.datatype));
        }
        for (key, value) in &place.known.tags {
            metric.set_tag(key.clone(), value.clone());
        }
        metric
    }

    #[inline]
    fn put(&mut self, place: &Place<'_>, shape: &Shape, key: Key, value: Value) {
        let at = match self.current {
            Some(at) => at,
            None => {
                let joins =
                    |group: &Group| group.metric.time() == place.time && group.historical == place.historical;
                let recent = self.groups.iter().enumerate().rev().take(RECENT);
                let found = if shape.apart() {
                    None
                } else {
                    recent
                        .into_iter()
                        .find(|(_, group)| joins(group))
                        .map(|(at, _)| at)
                };
                found.unwrap_or_else(|| {
                    let fields = if shape.apart() { 1 } else { self.expected };
                    // Times differ seldom; where they do, the first metric has had its room.
                    self.expected = self.expected.min(8);
                    let metric = self.metric(place, shape, fields);
                    self.groups.push(Group {
                        metric,
                        historical: place.historical,
                        seen: HashSet::default(),
                    });
                    self.groups.len() - 1
                })
            }
        };
        self.current = Some(at);
        if let Some(group) = self.groups.get_mut(at) {
            group.put(key, value);
        }
    }
}

/// Whether a metric only describes a type.
pub(super) fn describes(read: &Read<'_>) -> Result<bool, Malformed> {
    match read.value {
        Raw::Template(bytes) if read.datatype == TEMPLATE || read.datatype == 0 => is_definition(bytes),
        _ => Ok(false),
    }
}
