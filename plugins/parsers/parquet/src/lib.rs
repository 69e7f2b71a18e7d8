//! Apache Parquet files in, a metric for each row out.

mod budget;
mod column;
mod delta;
mod pages;
mod source;
#[cfg(test)]
mod tests;
mod thrift;
mod varint;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::column::reader::get_column_reader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;
use wheatstone_gotime::TimeFormat;
use wheatstone_plugin::prelude::*;

use budget::{Budget, METRIC};
use column::{Cell, Column};
use pages::Checked;
use source::Source;

/// Options of `data_format = "parquet"`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ParquetConfig {
    /// The column with the measurement's name; without it the name is that of the input.
    pub measurement_column: String,
    /// The columns that become tags; all others become fields.
    pub tag_columns: Vec<String>,
    /// The column with the time; without it the time is that of arrival.
    pub timestamp_column: String,
    /// How times are written: `unix`, `unix_ms`, `unix_us`, `unix_ns`, a Go layout such as `2006-01-02T15:04:05Z07:00`, or the
    /// name of one, such as `RFC3339`.
    pub timestamp_format: String,
    /// The time zone of times that name none, such as `America/New_York` or `Local`.
    pub timestamp_timezone: String,
}

impl Default for ParquetConfig {
    fn default() -> ParquetConfig {
        ParquetConfig {
            measurement_column: String::new(),
            tag_columns: Vec::new(),
            timestamp_column: String::new(),
            timestamp_format: "unix".to_owned(),
            timestamp_timezone: "UTC".to_owned(),
        }
    }
}

/// The parser of `data_format = "parquet"`.
pub struct Parquet {
    config: ParquetConfig,
    time: TimeFormat,
    name: Key,
}

/// What a column is for.
#[derive(Clone, Copy)]
enum Role {
    Measurement,
    Tag,
    Time,
    Field,
}

impl Plugin for Parquet {
    type Config = ParquetConfig;

    fn new(mut config: ParquetConfig, cx: &Context) -> Result<Parquet> {
        if config.timestamp_format.is_empty() {
            config.timestamp_format = "unix".to_owned();
        }
        let zone = match config.timestamp_timezone.as_str() {
            "" => "UTC",
            zone => zone,
        };
        let time = TimeFormat::new(&config.timestamp_format, zone)
            .map_err(|error| anyhow!("invalid location {zone}: {error}"))?;
        Ok(Parquet {
            config,
            time,
            name: cx.metric_name().clone(),
        })
    }
}

register!(parser "parquet" = Parquet);

impl Parser for Parquet {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let payload = Bytes::copy_from_slice(payload);
        // The library panics at some damaged files; what it held then is thrown away.
        let budget = Budget::of_file(payload.len());
        let read = catch_unwind(AssertUnwindSafe(|| self.read(&payload, now, &budget)));
        let metrics = read.unwrap_or_else(|_| bail!("unable to read parquet: the file is damaged"))?;
        out.extend(metrics);
        Ok(())
    }
}

impl Parquet {
    fn read(&self, payload: &Bytes, now: Timestamp, budget: &Budget) -> Result<Vec<Metric>> {
        let wrong = "unable to create parquet reader";
        if footer(payload).is_some_and(|footer| !thrift::is_footer(footer)) {
            bail!("{wrong}: the footer is damaged");
        }
        let file = ParquetMetaDataReader::new()
            .parse_and_finish(payload)
            .context(wrong)?;
        let mut metrics = Vec::new();
        for (at, group) in file.row_groups().iter().enumerate() {
            let mut rows = Vec::new();
            self.read_group(group, payload, now, budget, &mut rows)
                .with_context(|| format!("row group {at}"))?;
            // A row without any value is none.
            metrics.extend(rows.into_iter().flatten());
        }
        Ok(metrics)
    }

    fn read_group(
        &self,
        group: &RowGroupMetaData,
        file: &Bytes,
        now: Timestamp,
        budget: &Budget,
        rows: &mut Vec<Option<Metric>>,
    ) -> Result<()> {
        for (at, chunk) in group.columns().iter().enumerate() {
            let description = chunk.column_descr();
            let name = description.name();
            let (key, role) = (Key::new(name), self.role(name));
            let wrong = || format!("unable to read column {at} ({name:?})");
            let source = Source {
                file: file.clone(),
                budget: budget.clone(),
                gzip: matches!(chunk.compression(), Compression::GZIP(_)),
            };
            let levels = [description.max_rep_level(), description.max_def_level()];
            let pages = usize::try_from(group.num_rows())
                .map_err(ParquetError::from)
                .and_then(|rows| SerializedPageReader::new(Arc::new(source), chunk, rows, None))
                .with_context(wrong)?;
            let reader = get_column_reader(
                chunk.column_descr_ptr(),
                Box::new(Checked::new(pages, levels, budget.clone())),
            );
            let mut column = Column::new(reader, description.max_def_level(), budget.clone());
            let mut row = 0;
            while let Some(cells) = column.next().with_context(wrong)? {
                for cell in cells {
                    if row == rows.len() {
                        budget.spend(METRIC)?;
                        rows.push(None);
                    }
                    if let Some(cell) = cell {
                        let metric = rows[row].get_or_insert_with(|| Metric::new(self.name.clone(), now));
                        self.set(metric, &key, role, cell)?;
                    }
                    row += 1;
                }
            }
        }
        Ok(())
    }

    fn role(&self, column: &str) -> Role {
        let config = &self.config;
        if !config.measurement_column.is_empty() && column == config.measurement_column {
            Role::Measurement
        } else if config.tag_columns.iter().any(|tag| tag == column) {
            Role::Tag
        } else if !config.timestamp_column.is_empty() && column == config.timestamp_column {
            Role::Time
        } else {
            Role::Field
        }
    }

    fn set(&self, metric: &mut Metric, key: &Key, role: Role, cell: Cell) -> Result<()> {
        match role {
            Role::Field => metric.set_field(key.clone(), cell),
            Role::Tag => metric.set_tag(key.clone(), text(cell)),
            Role::Measurement => metric.set_name(text(cell).as_str()),
            Role::Time => {
                let text = text(cell);
                let time = self.time.parse_str(&text).map_err(|_| {
                    let piece: String = text.chars().take(80).collect();
                    anyhow!("could not parse '{piece}' to '{}'", self.config.timestamp_format)
                })?;
                metric.set_time(time);
            }
        }
        Ok(())
    }
}

/// The footer of what ends like a file: it, its length in four bytes, and a mark.
fn footer(file: &[u8]) -> Option<&[u8]> {
    let (rest, mark) = file.split_last_chunk::<4>()?;
    let (rest, length) = rest.split_last_chunk::<4>()?;
    // An encrypted footer has another mark, and the library says that it reads none.
    let start = rest.len().checked_sub(u32::from_le_bytes(*length) as usize)?;
    (mark == b"PAR1").then(|| &rest[start..])
}

/// A cell as text: floats without an exponent.
fn text(cell: Cell) -> String {
    match cell {
        Value::Float(v) => {
            let mut out = Vec::new();
            wheatstone_line_protocol::push_float(v, &mut out);
            String::from_utf8_lossy(&out).into_owned()
        }
        other => other.to_string(),
    }
}
