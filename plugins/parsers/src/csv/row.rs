//! The fields of one record in, a metric out.

use std::collections::BTreeMap;

use wheatstone_gotime::TimeFormat;
use wheatstone_plugin::prelude::*;

use super::CsvConfig;
use crate::value::number::{parse_bool, parse_float, parse_int, show_float};

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Tag,
    Time,
    Field,
}

/// A type that `csv_column_types` sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Int,
    Float,
    Bool,
    Str,
}

/// What is known about the columns, and the options that make metrics of their values.
pub(super) struct Rows {
    names: Vec<String>,
    /// Key and use of each column; empty when the names have changed.
    columns: Vec<(Key, Use)>,
    types: Vec<Type>,
    tag_columns: Vec<String>,
    tag_overwrite: bool,
    time_column: String,
    time_format: Option<TimeFormat>,
    measurement_column: String,
    skip_values: Vec<String>,
    trim_space: bool,
    metric_name: Key,
    default_tags: BTreeMap<String, String>,
    metadata: BTreeMap<String, String>,
}

impl Rows {
    pub(super) fn new(config: CsvConfig, metric_name: Key, time_format: Option<TimeFormat>) -> Rows {
        let types = config.csv_column_types.iter().map(|name| match name.as_str() {
            "int" => Type::Int,
            "float" => Type::Float,
            "bool" => Type::Bool,
            _ => Type::Str,
        });
        Rows {
            types: types.collect(),
            names: config.csv_column_names,
            columns: Vec::new(),
            tag_columns: config.csv_tag_columns,
            tag_overwrite: config.csv_tag_overwrite,
            time_column: config.csv_timestamp_column,
            time_format,
            measurement_column: config.csv_measurement_column,
            skip_values: config.csv_skip_values,
            trim_space: config.csv_trim_space,
            metric_name,
            default_tags: config.defaulttags,
            metadata: BTreeMap::new(),
        }
    }

    pub(super) fn set_names(&mut self, names: Vec<String>) {
        self.names = names;
        self.columns.clear();
    }

    /// Takes in a header row: its names go behind those of the row before.
    pub(super) fn add_names(&mut self, row: Vec<String>, trim: bool) {
        for (at, name) in row.into_iter().enumerate() {
            let name = if trim { name.trim_matches(' ') } else { &name };
            match self.names.get_mut(at) {
                Some(begun) => begun.push_str(name),
                None => self.names.push(name.to_owned()),
            }
        }
        self.columns.clear();
    }

    pub(super) fn skip_names(&mut self, count: usize) {
        self.names.drain(..count.min(self.names.len()));
        self.columns.clear();
    }

    pub(super) fn set_metadata(&mut self, key: String, value: String) {
        self.metadata.insert(key, value);
    }

    fn name_columns(&mut self) {
        let of = |name: &String| {
            let used = if self.tag_columns.contains(name) {
                Use::Tag
            } else if *name == self.time_column {
                Use::Time
            } else {
                Use::Field
            };
            (Key::new(name), used)
        };
        self.columns = self.names.iter().map(of).collect();
    }

    /// The metric of one record, whose time is `now` unless a column holds it.
    pub(super) fn metric(&mut self, record: &[String], now: Timestamp) -> Result<Metric> {
        if self.columns.len() != self.names.len() {
            self.name_columns();
        }
        let entries = self.columns.len() + self.default_tags.len() + self.metadata.len();
        let mut metric = Metric::with_capacity(self.metric_name.clone(), now, entries);
        if self.tag_overwrite {
            self.default_tags
                .iter()
                .chain(&self.metadata)
                .for_each(|(k, v)| metric.set_tag(k, v.as_str()));
        }
        let mut time = None;
        for (at, ((key, used), value)) in self.columns.iter().zip(record).enumerate() {
            let value = if self.trim_space {
                value.trim_matches(' ')
            } else {
                value
            };
            if self.skip_values.iter().any(|skipped| skipped == value) {
                continue;
            }
            match used {
                Use::Tag => metric.set_tag(key, value),
                Use::Time => time = Some(value),
                Use::Field => {
                    let value = self.value(at, value)?;
                    metric.set_field(key, value);
                }
            }
        }
        if !self.tag_overwrite {
            self.metadata
                .iter()
                .chain(&self.default_tags)
                .for_each(|(k, v)| metric.set_tag(k, v.as_str()));
        }
        if !self.measurement_column.is_empty() {
            // The column may be the one of the time, which is a text until it is read.
            let named = if self.measurement_column == self.time_column {
                time.map(str::to_owned)
            } else {
                metric
                    .remove_field(&self.measurement_column)
                    .map(|value| match value {
                        Value::Float(value) => show_float(value),
                        value => value.to_string(),
                    })
            };
            if let Some(name) = named.filter(|name| !name.is_empty()) {
                metric.set_name(name);
            }
        }
        if !self.time_column.is_empty() {
            metric.set_time(self.time(time)?);
        }
        Ok(metric)
    }

    fn time(&self, text: Option<&str>) -> Result<Timestamp> {
        let Some(text) = text else {
            bail!("timestamp column: {} could not be found", self.time_column)
        };
        let Some(format) = &self.time_format else {
            bail!("timestamp format must be specified")
        };
        Ok(format.parse_str(text)?)
    }

    /// The value of a field: of its column's type, or of the first type that fits.
    fn value(&self, at: usize, text: &str) -> Result<Value> {
        if self.types.is_empty() {
            let value = parse_int(text, "ParseInt").map(Value::Int);
            let value = value.or_else(|_| parse_float(text).map(Value::Float));
            let value = value.or_else(|_| parse_bool(text).map(Value::Bool));
            return Ok(value.unwrap_or_else(|_| Value::from(text)));
        }
        let Some(of_column) = self.types.get(at) else {
            bail!("column type: column count exceeded")
        };
        Ok(match of_column {
            Type::Int => Value::Int(
                parse_int(text, "ParseInt").map_err(|e| anyhow!("column type: parse int error {e}"))?,
            ),
            Type::Float => {
                Value::Float(parse_float(text).map_err(|e| anyhow!("column type: parse float error {e}"))?)
            }
            Type::Bool => {
                Value::Bool(parse_bool(text).map_err(|e| anyhow!("column type: parse bool error {e}"))?)
            }
            Type::Str => Value::from(text),
        })
    }
}
