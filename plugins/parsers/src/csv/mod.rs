//! CSV payloads in, one metric per row out: columns become fields by the look of their values, some become tags.

mod reader;
mod row;

use std::collections::BTreeMap;

use wheatstone_gotime::{TimeFormat, Zone};
use wheatstone_plugin::prelude::*;

use reader::{Dialect, Reader, is_delimiter};
use row::Rows;

/// Options of `data_format = "csv"`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CsvConfig {
    /// Name of the metrics; without it they bear the name of the input.
    pub metric_name: String,
    /// Rows at the beginning that name the columns; the names of several rows are joined. 0 needs `csv_column_names`.
    pub csv_header_row_count: i64,
    /// Names of the columns, where no header names them or in its place.
    pub csv_column_names: Vec<String>,
    /// Type of each column: `int`, `float`, `bool` or `string`. Without it the values decide.
    pub csv_column_types: Vec<String>,
    /// Rows to skip before the header.
    pub csv_skip_rows: i64,
    /// Rows behind those that hold tags for all metrics, such as `# site: north`.
    pub csv_metadata_rows: i64,
    /// What separates name and value in such a row; the longest that fits is taken.
    pub csv_metadata_separators: Vec<String>,
    /// Characters to cut off both ends of those names and values.
    pub csv_metadata_trim_set: String,
    /// Columns to skip at the left.
    pub csv_skip_columns: i64,
    /// The character between columns; a comma without it.
    pub csv_delimiter: String,
    /// The character that begins a comment line; without it there are none.
    pub csv_comment: String,
    /// Whether spaces around values are cut off.
    pub csv_trim_space: bool,
    /// Columns that become tags.
    pub csv_tag_columns: Vec<String>,
    /// Whether a column wins over a metadata row or a default tag of the same name.
    pub csv_tag_overwrite: bool,
    /// Column that holds the name of the metric.
    pub csv_measurement_column: String,
    /// Column that holds the time; it needs `csv_timestamp_format`.
    pub csv_timestamp_column: String,
    /// How that time is written: `unix`, `unix_ms`, `unix_us`, `unix_ns`, the name of a Go layout such as `RFC3339`, or a
    /// Go layout such as `2006-01-02T15:04:05Z07:00`.
    pub csv_timestamp_format: String,
    /// Time zone of times that name none, such as `Europe/Berlin` or `Local`; UTC without it.
    pub csv_timezone: String,
    /// Values that are left out.
    pub csv_skip_values: Vec<String>,
    /// Whether a row that cannot be read is left out rather than refusing the payload.
    pub csv_skip_errors: bool,
    /// When the header is read again: `none` reads it once, at the beginning of the first payload; `always` in every one.
    pub csv_reset_mode: String,
    /// Tags of all metrics.
    pub defaulttags: BTreeMap<String, String>,
}

impl Default for CsvConfig {
    fn default() -> CsvConfig {
        CsvConfig {
            metric_name: String::new(),
            csv_header_row_count: 0,
            csv_column_names: Vec::new(),
            csv_column_types: Vec::new(),
            csv_skip_rows: 0,
            csv_metadata_rows: 0,
            csv_metadata_separators: Vec::new(),
            csv_metadata_trim_set: String::new(),
            csv_skip_columns: 0,
            csv_delimiter: String::new(),
            csv_comment: String::new(),
            csv_trim_space: false,
            csv_tag_columns: Vec::new(),
            csv_tag_overwrite: false,
            csv_measurement_column: String::new(),
            csv_timestamp_column: String::new(),
            csv_timestamp_format: String::new(),
            csv_timezone: String::new(),
            csv_skip_values: Vec::new(),
            csv_skip_errors: false,
            csv_reset_mode: "none".to_owned(),
            defaulttags: BTreeMap::new(),
        }
    }
}

/// The parser of `data_format = "csv"`.
pub struct Csv {
    dialect: Dialect,
    /// A delimiter that CSV cannot have; it changes places with the comma.
    odd_delimiter: Option<String>,
    trim_space: bool,
    skip_columns: usize,
    skip_errors: bool,
    metadata_separators: Vec<String>,
    metadata_trim_set: Vec<char>,
    always_reset: bool,
    /// The column names of the configuration.
    named: Vec<String>,
    rows: Rows,
    /// What is still to come before the first row of data.
    initial: Head,
    left: Head,
    log: Log,
}

/// Rows before the data.
#[derive(Clone, Copy)]
struct Head {
    skip: i64,
    metadata: i64,
    header: i64,
    named: bool,
}

/// A payload that ends before its data begins: what follows belongs to it. Those who read line by line go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotEnoughData;

impl std::fmt::Display for NotEnoughData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not enough data")
    }
}
impl std::error::Error for NotEnoughData {}

fn count(n: i64) -> usize {
    usize::try_from(n).unwrap_or(0)
}

impl Plugin for Csv {
    type Config = CsvConfig;

    fn new(config: CsvConfig, cx: &Context) -> Result<Csv> {
        if config.csv_header_row_count == 0 && config.csv_column_names.is_empty() {
            bail!("`csv_header_row_count` must be defined if `csv_column_names` is not specified");
        }
        let one = |text: &str| -> Result<Option<char>> {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (first, None) => Ok(first),
                // Telegraf speaks of the delimiter for a comment too.
                _ => bail!("csv_delimiter must be a single character, got: {text}"),
            }
        };
        let delimiter = one(&config.csv_delimiter)?;
        let odd_delimiter = delimiter.filter(|c| !is_delimiter(*c)).map(String::from);
        let dialect = Dialect {
            delimiter: delimiter.filter(|c| is_delimiter(*c)).unwrap_or(','),
            comment: one(&config.csv_comment)?,
            trim_leading_space: config.csv_trim_space,
        };
        let (names, types) = (config.csv_column_names.len(), config.csv_column_types.len());
        if names > 0 && types > 0 && names != types {
            bail!("csv_column_names field count doesn't match with csv_column_types");
        }
        let mut separators = Vec::new();
        if config.csv_metadata_rows > 0 {
            if config.csv_metadata_separators.is_empty() {
                bail!(
                    "initializing separators failed: csv_metadata_separators required when specifying csv_metadata_rows"
                );
            }
            separators.clone_from(&config.csv_metadata_separators);
            separators.sort_by_key(|separator| std::cmp::Reverse(separator.len()));
        }
        let zone = Zone::load(&config.csv_timezone).context("invalid timezone")?;
        let always_reset = match config.csv_reset_mode.as_str() {
            "" | "none" => false,
            "always" => true,
            other => bail!("unknown reset mode {other:?}"),
        };
        let head = Head {
            skip: config.csv_skip_rows,
            metadata: config.csv_metadata_rows,
            header: config.csv_header_row_count,
            named: names > 0,
        };
        let time_format = (!config.csv_timestamp_format.is_empty())
            .then(|| TimeFormat::with_zone(&config.csv_timestamp_format, zone));
        let metric_name = match config.metric_name.as_str() {
            "" => cx.metric_name().clone(),
            name => Key::new(name),
        };
        Ok(Csv {
            dialect,
            odd_delimiter,
            trim_space: config.csv_trim_space,
            skip_columns: count(config.csv_skip_columns),
            skip_errors: config.csv_skip_errors,
            metadata_separators: separators,
            metadata_trim_set: config.csv_metadata_trim_set.chars().collect(),
            always_reset,
            named: config.csv_column_names.clone(),
            rows: Rows::new(config, metric_name, time_format),
            initial: head,
            left: head,
            log: cx.log().clone(),
        })
    }
}

register!(parser "csv" = Csv);

impl Parser for Csv {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let before = out.len();
        if self.always_reset {
            self.reset();
        }
        let mut text = String::from_utf8_lossy(payload);
        if let Some(odd) = &self.odd_delimiter {
            text = text.replace(',', "\u{fffd}").replace(odd.as_str(), ",").into();
        }
        let parsed = self.parse_text(&text, now, out);
        if parsed.is_err() {
            out.truncate(before);
        }
        parsed
    }
}

impl Csv {
    fn reset(&mut self) {
        self.left = self.initial;
        self.rows.set_names(self.named.clone());
    }

    fn parse_text(&mut self, mut text: &str, now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        let mut next_line = || match text.split_inclusive('\n').next() {
            Some(line) => {
                text = &text[line.len()..];
                Ok(line)
            }
            None => Err(NotEnoughData),
        };
        while self.left.skip > 0 {
            next_line()?;
            self.left.skip -= 1;
        }
        while self.left.metadata > 0 {
            let line = next_line()?;
            self.left.metadata -= 1;
            if let Some((key, value)) = self.metadata(line) {
                self.rows.set_metadata(key, value);
            }
        }
        let mut reader = Reader::new(text, self.dialect.clone());
        while self.left.header > 0 {
            let names = reader.record()?.ok_or(NotEnoughData)?;
            self.left.header -= 1;
            if !self.left.named {
                self.rows.add_names(names, self.trim_space);
            }
        }
        if !self.left.named {
            self.rows.skip_names(self.skip_columns);
            self.left.named = true;
        }
        // A row that is no CSV refuses the payload, whatever csv_skip_errors says, so all are read first.
        let mut records = Vec::new();
        while let Some(record) = reader.record()? {
            records.push(record);
        }
        out.reserve(records.len());
        for record in records {
            match self
                .rows
                .metric(record.get(self.skip_columns..).unwrap_or_default(), now)
            {
                Ok(metric) => out.push(metric),
                Err(error) if self.skip_errors => debug!(self.log, "Parsing error: {error:#}"),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Name and value of a metadata row, at the longest separator that it has.
    fn metadata(&self, line: &str) -> Option<(String, String)> {
        let line = line.trim_end_matches(['\r', '\n']);
        let trim = |text: &str| {
            text.trim_matches(|c| self.metadata_trim_set.contains(&c))
                .to_owned()
        };
        self.metadata_separators.iter().find_map(|separator| {
            let (key, value) = line.split_once(separator.as_str())?;
            let key = trim(key);
            (!key.is_empty()).then(|| (key, trim(value)))
        })
    }
}

#[cfg(test)]
mod tests;
