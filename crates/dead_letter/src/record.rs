//! A letter to a line of text and back, exactly.
//!
//! ```text
//! line   = checksum, space, JSON, newline              checksum: CRC-32 of the JSON, eight hex digits
//! JSON   = {"id":7,"time":ns,"plugin":"…","source":"…","reason":"…","answer":"…", payload or metric}
//! payload = {"text":"…","format":"json"} | {"base64":"…","format":"json"}     text wherever it is UTF-8
//! metric = {"name":"m","kind":"gauge","time":ns,"tags":[["k","v"]],"fields":[["f",{"float":"21.5"}]]}
//! ```
//!
//! A newline stands nowhere else, so what is behind a damaged line is found again, and `grep` finds a letter.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use wheatstone_metric::{CompactString, Key, Metric, Value, ValueType};

use wheatstone_plugin::dead_letter::{Body, Letter};

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    id: u64,
    time: i64,
    plugin: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<Cow<'a, str>>,
    reason: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload: Option<PayloadRecord<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metric: Option<MetricRecord<'a>>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct PayloadRecord<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<Cow<'a, str>>,
    format: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct MetricRecord<'a> {
    name: Cow<'a, str>,
    kind: Kind,
    time: i64,
    tags: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    fields: Vec<(Cow<'a, str>, ValueRecord<'a>)>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Counter,
    Gauge,
    Untyped,
    Summary,
    Histogram,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ValueRecord<'a> {
    /// As text: JSON has no NaN and no infinity, and its readers round.
    Float(Cow<'a, str>),
    Int(i64),
    Uint(u64),
    Bool(bool),
    Str(Cow<'a, str>),
}

/// Appends the letter's line. False, with `out` as it was, if it has none; that does not happen with what a [`Letter`] holds.
pub(crate) fn encode(id: u64, letter: &Letter, out: &mut Vec<u8>) -> bool {
    let begin = out.len();
    let record = Record {
        id,
        time: letter.time,
        plugin: Cow::Borrowed(&letter.plugin),
        source: letter.source.as_deref().map(Cow::Borrowed),
        reason: Cow::Borrowed(&letter.reason),
        answer: letter.answer.as_deref().map(Cow::Borrowed),
        payload: match &letter.body {
            Body::Payload { bytes, data_format } => Some(payload_record(bytes, data_format)),
            Body::Metric(_) => None,
        },
        metric: match &letter.body {
            Body::Metric(metric) => Some(metric_record(metric)),
            Body::Payload { .. } => None,
        },
    };
    out.extend_from_slice(b"00000000 ");
    let json = out.len();
    if serde_json::to_writer(&mut *out, &record).is_err() {
        out.truncate(begin);
        return false;
    }
    let checksum = format!("{:08x}", crc32fast::hash(&out[json..]));
    out[begin..begin + 8].copy_from_slice(checksum.as_bytes());
    out.push(b'\n');
    true
}

/// Reads a line without its newline. `None` where it is damaged.
pub(crate) fn decode(line: &[u8]) -> Option<(u64, Letter)> {
    let json = checked(line)?;
    let record: Record<'_> = serde_json::from_slice(json).ok()?;
    let body = match (record.payload, record.metric) {
        (Some(payload), None) => {
            let bytes = match (payload.text, payload.base64) {
                (Some(text), None) => text.into_owned().into_bytes(),
                (None, Some(text)) => BASE64.decode(text.as_bytes()).ok()?,
                _ => return None,
            };
            Body::Payload {
                bytes,
                data_format: payload.format.into_owned(),
            }
        }
        (None, Some(metric)) => Body::Metric(metric_of(metric)?),
        _ => return None,
    };
    let letter = Letter {
        time: record.time,
        plugin: record.plugin.into_owned(),
        source: record.source.map(Cow::into_owned),
        reason: record.reason.into_owned(),
        answer: record.answer.map(Cow::into_owned),
        body,
    };
    Some((record.id, letter))
}

/// What stands behind a line's checksum, if it is right.
pub(crate) fn checked(line: &[u8]) -> Option<&[u8]> {
    let (checksum, json) = (line.get(..8)?, line.get(9..)?);
    let checksum = u32::from_str_radix(std::str::from_utf8(checksum).ok()?, 16).ok()?;
    (line[8] == b' ' && crc32fast::hash(json) == checksum).then_some(json)
}

pub(crate) fn payload_record<'a>(bytes: &'a [u8], format: &'a str) -> PayloadRecord<'a> {
    let text = std::str::from_utf8(bytes).ok();
    PayloadRecord {
        base64: text.is_none().then(|| Cow::Owned(BASE64.encode(bytes))),
        text: text.map(Cow::Borrowed),
        format: Cow::Borrowed(format),
    }
}

pub(crate) fn metric_record(metric: &Metric) -> MetricRecord<'_> {
    let value = |value: &'_ Value| match value {
        Value::Float(v) => ValueRecord::Float(Cow::Owned(float_text(*v))),
        Value::Int(v) => ValueRecord::Int(*v),
        Value::Uint(v) => ValueRecord::Uint(*v),
        Value::Bool(v) => ValueRecord::Bool(*v),
        Value::Str(v) => ValueRecord::Str(Cow::Owned(v.to_string())),
    };
    MetricRecord {
        name: Cow::Borrowed(metric.name()),
        kind: match metric.kind() {
            ValueType::Counter => Kind::Counter,
            ValueType::Gauge => Kind::Gauge,
            ValueType::Untyped => Kind::Untyped,
            ValueType::Summary => Kind::Summary,
            ValueType::Histogram => Kind::Histogram,
        },
        time: metric.time(),
        tags: metric
            .tags()
            .map(|(k, v)| (Cow::Borrowed(k.as_str()), Cow::Borrowed(v)))
            .collect(),
        fields: metric
            .fields()
            .map(|(k, v)| (Cow::Borrowed(k.as_str()), value(v)))
            .collect(),
    }
}

fn metric_of(record: MetricRecord<'_>) -> Option<Metric> {
    let mut row = Vec::with_capacity(record.tags.len() + record.fields.len());
    for (key, text) in &record.tags {
        row.push((Key::new(key), Value::Str(CompactString::from(text.as_ref()))));
    }
    for (key, value) in &record.fields {
        let value = match value {
            ValueRecord::Float(text) => Value::Float(float_of(text)?),
            ValueRecord::Int(v) => Value::Int(*v),
            ValueRecord::Uint(v) => Value::Uint(*v),
            ValueRecord::Bool(v) => Value::Bool(*v),
            ValueRecord::Str(text) => Value::Str(CompactString::from(text.as_ref())),
        };
        row.push((Key::new(key), value));
    }
    let mut metric = Metric::from_row(Key::new(&record.name), record.time, row, record.tags.len());
    metric.set_kind(match record.kind {
        Kind::Counter => ValueType::Counter,
        Kind::Gauge => ValueType::Gauge,
        Kind::Untyped => ValueType::Untyped,
        Kind::Summary => ValueType::Summary,
        Kind::Histogram => ValueType::Histogram,
    });
    Some(metric)
}

/// The shortest text that reads back as the same number; a NaN with its bits.
fn float_text(v: f64) -> String {
    if v.is_nan() {
        format!("nan:{:016x}", v.to_bits())
    } else {
        format!("{v:?}")
    }
}

fn float_of(text: &str) -> Option<f64> {
    match text.strip_prefix("nan:") {
        Some(bits) => u64::from_str_radix(bits, 16).ok().map(f64::from_bits),
        None => text.parse().ok(),
    }
}
