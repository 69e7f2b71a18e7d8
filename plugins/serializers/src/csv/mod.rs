//! Metrics in, rows of comma-separated values out: time, name, tags and fields, or the columns that the options list.

#[cfg(test)]
mod tests;

use wheatstone_gotime::{Layout, Zone};
use wheatstone_plugin::prelude::*;

use crate::number::{push_plain, seconds};

/// Options of `data_format = "csv"`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CsvConfig {
    /// How times are written: `unix`, `unix_ms`, `unix_us`, `unix_ns`, or a Go layout such as `2006-01-02T15:04:05Z07:00`
    /// for UTC texts.
    pub csv_timestamp_format: String,
    /// What stands between two values; one character.
    pub csv_separator: String,
    /// Whether the names of the columns are written before the first row. Without `csv_columns` they are those of the
    /// first metric, so all should have the same tags and fields.
    pub csv_header: bool,
    /// Whether the names in the header begin with `tag_` and `field_`.
    pub csv_column_prefix: bool,
    /// The columns in their order: `timestamp`, `name`, `tag.NAME`, `field.NAME`. A metric that lacks one leaves it empty.
    /// Without this: time, name, all tags, all fields, both sorted by name.
    pub csv_columns: Vec<String>,
}

impl Default for CsvConfig {
    fn default() -> CsvConfig {
        CsvConfig {
            csv_timestamp_format: "unix".to_owned(),
            csv_separator: ",".to_owned(),
            csv_header: false,
            csv_column_prefix: false,
            csv_columns: Vec::new(),
        }
    }
}

enum Time {
    /// Counted in units of so many nanoseconds.
    Unix(i64),
    Text(Layout),
}

enum Column {
    Time,
    Name,
    Tag(String),
    Field(String),
}

/// The serializer of `data_format = "csv"`.
pub struct Csv {
    time: Time,
    separator: u8,
    /// The header is still to be written.
    header: bool,
    prefix: bool,
    columns: Vec<Column>,
    /// The options' names of the columns.
    names: Vec<String>,
    cell: Vec<u8>,
}

impl Plugin for Csv {
    type Config = CsvConfig;

    fn new(config: CsvConfig, _: &Context) -> Result<Csv> {
        let time = match config.csv_timestamp_format.as_str() {
            "" | "unix" => Time::Unix(1_000_000_000),
            "unix_ms" => Time::Unix(1_000_000),
            "unix_us" => Time::Unix(1_000),
            "unix_ns" => Time::Unix(1),
            format => {
                let layout = Layout::new(format);
                if layout.format(wheatstone_plugin::time::now(), &Zone::UTC) == format {
                    bail!("invalid timestamp format {format:?}");
                }
                Time::Text(layout)
            }
        };
        let separator = match config.csv_separator.as_bytes() {
            [] => b',',
            [b'"' | b'\r' | b'\n'] => bail!("invalid separator {:?}", config.csv_separator),
            [one] => *one,
            _ => bail!("invalid separator {:?}", config.csv_separator),
        };
        let columns = config.csv_columns.iter().map(|name| match name.as_str() {
            "timestamp" => Ok(Column::Time),
            "name" => Ok(Column::Name),
            other => match other.split_once('.') {
                Some(("tag", tag)) => Ok(Column::Tag(tag.to_owned())),
                Some(("field", field)) => Ok(Column::Field(field.to_owned())),
                _ => Err(anyhow!("invalid column reference {name:?}")),
            },
        });
        Ok(Csv {
            time,
            separator,
            header: config.csv_header,
            prefix: config.csv_column_prefix,
            columns: columns.collect::<Result<_>>()?,
            names: config.csv_columns,
            cell: Vec::new(),
        })
    }
}

register!(serializer "csv" = Csv);

impl Serializer for Csv {
    fn serialize(&mut self, metric: &Metric, out: &mut Vec<u8>) -> Result<()> {
        if std::mem::take(&mut self.header) {
            self.write_header(metric, out);
        }
        if self.columns.is_empty() {
            self.write_all(metric, out);
        } else {
            self.write_columns(metric, out);
        }
        Ok(())
    }
}

impl Csv {
    fn write_header(&mut self, first: &Metric, out: &mut Vec<u8>) {
        let names: Vec<String> = if self.columns.is_empty() {
            let (tag, field) = if self.prefix { ("tag_", "field_") } else { ("", "") };
            let mut names = vec!["timestamp".to_owned(), "measurement".to_owned()];
            names.extend(first.tags().map(|(key, _)| format!("{tag}{key}")));
            names.extend(sorted(first).iter().map(|(key, _)| format!("{field}{key}")));
            names
        } else if self.prefix {
            self.names.iter().map(|name| name.replace('.', "_")).collect()
        } else {
            let bare = |name: &String| {
                let name = name.strip_prefix("tag.").unwrap_or(name);
                name.strip_prefix("field.").unwrap_or(name).to_owned()
            };
            self.names.iter().map(bare).collect()
        };
        for (at, name) in names.iter().enumerate() {
            self.separate(at, out);
            self.push_cell(name.as_bytes(), out);
        }
        out.push(b'\n');
    }

    fn write_all(&mut self, metric: &Metric, out: &mut Vec<u8>) {
        self.write_time(metric, out);
        self.separate(1, out);
        self.push_cell(metric.name().as_bytes(), out);
        for (_, value) in metric.tags() {
            self.separate(1, out);
            self.push_cell(value.as_bytes(), out);
        }
        for (_, value) in sorted(metric) {
            self.separate(1, out);
            self.write_value(value, out);
        }
        out.push(b'\n');
    }

    fn write_columns(&mut self, metric: &Metric, out: &mut Vec<u8>) {
        let columns = std::mem::take(&mut self.columns);
        for (at, column) in columns.iter().enumerate() {
            self.separate(at, out);
            match column {
                Column::Time => self.write_time(metric, out),
                Column::Name => self.push_cell(metric.name().as_bytes(), out),
                Column::Tag(tag) => self.push_cell(metric.tag(tag).unwrap_or_default().as_bytes(), out),
                Column::Field(field) => {
                    if let Some(value) = metric.field(field) {
                        self.write_value(value, out);
                    }
                }
            }
        }
        out.push(b'\n');
        self.columns = columns;
    }

    fn write_time(&mut self, metric: &Metric, out: &mut Vec<u8>) {
        match &self.time {
            Time::Unix(1_000_000_000) => wheatstone_line_protocol::push_int(seconds(metric.time()), out),
            Time::Unix(unit) => wheatstone_line_protocol::push_int(metric.time() / unit, out),
            Time::Text(layout) => {
                let text = layout.format(metric.time(), &Zone::UTC);
                self.push_cell(text.as_bytes(), out);
            }
        }
    }

    fn write_value(&mut self, value: &Value, out: &mut Vec<u8>) {
        let mut cell = std::mem::take(&mut self.cell);
        cell.clear();
        push_plain(value, &mut cell);
        self.push_cell(&cell, out);
        self.cell = cell;
    }

    fn separate(&self, at: usize, out: &mut Vec<u8>) {
        if at > 0 {
            out.push(self.separator);
        }
    }

    /// Puts a cell into quotes where it needs them.
    fn push_cell(&self, cell: &[u8], out: &mut Vec<u8>) {
        let special = |b: &u8| matches!(*b, b'"' | b'\r' | b'\n') || *b == self.separator;
        let first = std::str::from_utf8(cell)
            .ok()
            .and_then(|text| text.chars().next());
        let quoted = cell == b"\\." || cell.iter().any(special) || first.is_some_and(char::is_whitespace);
        if !quoted {
            return out.extend_from_slice(cell);
        }
        out.push(b'"');
        for byte in cell {
            if *byte == b'"' {
                out.push(b'"');
            }
            out.push(*byte);
        }
        out.push(b'"');
    }
}

/// A metric's fields by their names.
fn sorted(metric: &Metric) -> Vec<(&Key, &Value)> {
    let mut fields: Vec<_> = metric.fields().collect();
    fields.sort_unstable_by_key(|(key, _)| key.as_str());
    fields
}
