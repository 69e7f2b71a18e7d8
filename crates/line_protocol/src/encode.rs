//! Metrics to lines of text.

mod keys;

use std::fmt;

use keys::Keys;
use wheatstone_metric::{Key, Metric, Value};

use crate::escape::{push_key, push_name, push_string};
use crate::number::{push_float, push_int, push_uint};
use crate::quote::quote;

/// How lines are written; the defaults are Telegraf's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// A metric that needs more bytes than this, the line break included, is split over several lines; 0 sets no
    /// limit. As in Telegraf the commas between the fields before the last are not counted.
    pub max_line_bytes: usize,
    /// Fields are written sorted by key, not in the order they were added.
    pub sort_fields: bool,
    /// Unsigned integers are written as such, `42u`, which InfluxDB 1.x does not read. Otherwise they are written as
    /// integers, and the largest integer stands for what is larger.
    pub uint_support: bool,
    /// Lines have no timestamp, so that the receiver sets its own.
    pub omit_timestamp: bool,
}

/// Why a metric has no line. The texts are Telegraf's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// The name is empty.
    InvalidName,
    /// Not even one field fits into `max_line_bytes` together with the name, the tags and the time.
    NeedMoreSpace {
        /// Name and tags as they would have been written.
        series: String,
    },
    /// There is no field, or none that can be written: NaN, infinities and empty keys are left out.
    NoFields {
        /// Name and tags as they would have been written.
        series: String,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EncodeError::InvalidName => f.write_str("invalid name"),
            EncodeError::NeedMoreSpace { series } => {
                write!(f, "{}: need more space", quote(series.as_bytes()))
            }
            EncodeError::NoFields { series } => {
                write!(f, "{}: no serializable fields", quote(series.as_bytes()))
            }
        }
    }
}

impl std::error::Error for EncodeError {}

/// Writes metrics as lines. It owns the scratch space that this takes, so keep one per output.
#[derive(Debug)]
pub struct Encoder {
    options: Options,
    /// What ends a line of time `footer_time`: metrics of one gathering share their time.
    footer: Vec<u8>,
    footer_time: Option<i64>,
    header: Vec<u8>,
    pair: Vec<u8>,
    keys: Keys,
}

impl Encoder {
    /// An encoder that writes as `options` say.
    pub fn new(options: Options) -> Encoder {
        Encoder {
            options,
            footer: Vec::new(),
            footer_time: None,
            header: Vec::new(),
            pair: Vec::new(),
            keys: Keys::default(),
        }
    }

    /// Appends the metric's line, or lines where one would exceed `max_line_bytes`, each with its line break.
    /// After an error `out` is as it was before.
    pub fn encode(&mut self, metric: &Metric, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let before = out.len();
        self.write(metric, out).inspect_err(|_| out.truncate(before))
    }

    /// Appends the lines of all metrics that have some, and calls `skipped` with the position and the error of each
    /// that does not. As in Telegraf, the lines of a metric that were complete before it ran out of space stay.
    pub fn encode_batch<'m>(
        &mut self,
        metrics: impl IntoIterator<Item = &'m Metric>,
        out: &mut Vec<u8>,
        mut skipped: impl FnMut(usize, EncodeError),
    ) {
        for (i, metric) in metrics.into_iter().enumerate() {
            if let Err(error) = self.write(metric, out) {
                skipped(i, error);
            }
        }
    }

    /// Appends complete lines only, whether it succeeds or not.
    #[inline]
    fn write(&mut self, metric: &Metric, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if self.footer_time != Some(metric.time()) {
            self.set_footer(metric.time());
        }
        if !self.options.sort_fields || metric.fields().is_sorted_by_key(|(key, _)| key.as_str()) {
            return self.write_fields(metric, metric.fields(), out);
        }
        let mut fields: Vec<_> = metric.fields().collect();
        fields.sort_unstable_by_key(|(key, _)| key.as_str());
        self.write_fields(metric, fields.into_iter(), out)
    }

    fn set_footer(&mut self, time: i64) {
        self.footer.clear();
        if !self.options.omit_timestamp {
            self.footer.push(b' ');
            push_int(time, &mut self.footer);
        }
        self.footer.push(b'\n');
        self.footer_time = Some(time);
    }

    #[inline]
    fn write_fields<'m>(
        &mut self,
        metric: &Metric,
        fields: impl Iterator<Item = (&'m Key, &'m Value)>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        if self.options.max_line_bytes > 0 {
            return self.write_split(metric, fields, out);
        }
        let before = out.len();
        push_header(metric, &mut self.keys, out)?;
        let header = out.len();
        for (key, value) in fields {
            push_pair(key, value, &mut self.keys, self.options.uint_support, out);
        }
        if out.len() == header {
            let series = series(&out[before..]);
            out.truncate(before);
            return Err(EncodeError::NoFields { series });
        }
        // Every pair ends with a comma; the last one's place is the footer's.
        out.pop();
        out.extend_from_slice(&self.footer);
        Ok(())
    }

    fn write_split<'m>(
        &mut self,
        metric: &Metric,
        fields: impl Iterator<Item = (&'m Key, &'m Value)>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        self.header.clear();
        push_header(metric, &mut self.keys, &mut self.header)?;
        let frame = self.header.len() + self.footer.len();
        let mut pairs = None;
        for (key, value) in fields {
            self.pair.clear();
            push_pair(
                key,
                value,
                &mut self.keys,
                self.options.uint_support,
                &mut self.pair,
            );
            if self.pair.pop().is_none() {
                continue;
            }
            let fits = |bytes: usize| frame + bytes <= self.options.max_line_bytes;
            pairs = match pairs {
                Some(bytes) if fits(bytes + self.pair.len() + 1) => {
                    out.push(b',');
                    Some(bytes + self.pair.len())
                }
                open => {
                    if open.is_some() {
                        out.extend_from_slice(&self.footer);
                    }
                    if !fits(self.pair.len()) {
                        return Err(EncodeError::NeedMoreSpace {
                            series: series(&self.header),
                        });
                    }
                    out.extend_from_slice(&self.header);
                    Some(self.pair.len())
                }
            };
            out.extend_from_slice(&self.pair);
        }
        if pairs.is_none() {
            return Err(EncodeError::NoFields {
                series: series(&self.header),
            });
        }
        out.extend_from_slice(&self.footer);
        Ok(())
    }
}

/// Appends name, tags and the space behind them; nothing where the name is empty.
#[inline]
fn push_header(metric: &Metric, keys: &mut Keys, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    if metric.name().is_empty() {
        return Err(EncodeError::InvalidName);
    }
    push_name(metric.name(), out);
    for (key, value) in metric.tags() {
        // A backslash at the end would escape what follows it: line protocol has no way to write it.
        let value = value.trim_end_matches('\\');
        if key.is_empty() || value.is_empty() {
            continue;
        }
        if key.ends_with('\\') {
            let key = key.trim_end_matches('\\');
            if key.is_empty() {
                continue;
            }
            out.push(b',');
            push_key(key, out);
            out.push(b'=');
        } else {
            out.extend_from_slice(keys.get(key));
        }
        push_key(value, out);
    }
    out.push(b' ');
    Ok(())
}

/// Appends `key=value,`; nothing where line protocol cannot hold one of them.
#[inline]
fn push_pair(key: &Key, value: &Value, keys: &mut Keys, uint_support: bool, out: &mut Vec<u8>) {
    if key.is_empty() || matches!(value, Value::Float(v) if !v.is_finite()) {
        return;
    }
    // Without the comma: the one behind the pair before stands there.
    out.extend_from_slice(keys.get(key).get(1..).unwrap_or_default());
    match value {
        Value::Float(v) => push_float(*v, out),
        Value::Int(v) => {
            push_int(*v, out);
            out.push(b'i');
        }
        Value::Uint(v) if uint_support => {
            push_uint(*v, out);
            out.push(b'u');
        }
        Value::Uint(v) => {
            push_uint((*v).min(i64::MAX as u64), out);
            out.push(b'i');
        }
        Value::Bool(v) => out.extend_from_slice(if *v { b"true" } else { b"false" }),
        Value::Str(v) => push_string(v, out),
    }
    out.push(b',');
}

#[cold]
fn series(header: &[u8]) -> String {
    String::from_utf8_lossy(header).trim_end_matches(' ').to_owned()
}

#[cfg(test)]
mod tests;
