//! One column of a row group in, its cells out, a few hundred at a time.

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{AsBytes, ByteArray, DataType, FixedLenByteArray};
use wheatstone_plugin::prelude::*;

use crate::budget::Budget;

/// What stands in a cell.
pub(crate) type Cell = Value;
/// The cells of some rows; some may be missing.
pub(crate) type Cells = Vec<Option<Cell>>;

const BATCH: usize = 512;

/// A column's reader, whatever its type.
pub(crate) struct Column {
    read: Read,
}

type Read = Box<dyn FnMut() -> Result<Option<Cells>>>;

impl Column {
    /// `full` is the definition level of what is not missing.
    pub(crate) fn new(reader: ColumnReader, full: i16, budget: Budget) -> Column {
        Column {
            read: match reader {
                ColumnReader::BoolColumnReader(reader) => cells(reader, full, budget, |v| Value::Bool(*v)),
                ColumnReader::Int32ColumnReader(reader) => {
                    cells(reader, full, budget, |v| Value::Int(i64::from(*v)))
                }
                ColumnReader::Int64ColumnReader(reader) => cells(reader, full, budget, |v| Value::Int(*v)),
                ColumnReader::Int96ColumnReader(reader) => {
                    cells(reader, full, budget, |v| Value::Int(v.to_nanos()))
                }
                ColumnReader::FloatColumnReader(reader) => {
                    cells(reader, full, budget, |v| Value::Float(f64::from(*v)))
                }
                ColumnReader::DoubleColumnReader(reader) => cells(reader, full, budget, |v| Value::Float(*v)),
                ColumnReader::ByteArrayColumnReader(reader) => {
                    cells(reader, full, budget, |v: &ByteArray| text(v.data()))
                }
                ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                    cells(reader, full, budget, |v: &FixedLenByteArray| text(v.data()))
                }
            },
        }
    }

    /// The next cells, one for each row; nothing at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Cells>> {
        (self.read)()
    }
}

fn cells<T: DataType + 'static>(
    mut reader: ColumnReaderImpl<T>,
    full: i16,
    budget: Budget,
    value: fn(&T::T) -> Cell,
) -> Read {
    let (mut definitions, mut repetitions, mut values) = (Vec::new(), Vec::new(), Vec::new());
    Box::new(move || {
        definitions.clear();
        repetitions.clear();
        values.clear();
        let (records, _, levels) =
            reader.read_records(BATCH, Some(&mut definitions), Some(&mut repetitions), &mut values)?;
        if records == 0 && levels == 0 {
            return Ok(None);
        }
        // Before they are copied: values of a dictionary are one value in the library's hands, however often they occur.
        budget.spend(values.iter().map(|v| v.as_bytes().len()).sum())?;
        let mut next = values.iter();
        if full == 0 {
            // Nothing can be missing, and nothing can be a list.
            return Ok(Some(next.map(|v| Some(value(v))).collect()));
        }
        let mut row: Cells = Vec::with_capacity(records);
        for (at, definition) in definitions.iter().enumerate() {
            let cell = if *definition == full {
                next.next().map(value)
            } else {
                None
            };
            // Of a list the first element is taken.
            if repetitions.get(at).is_none_or(|level| *level == 0) {
                row.push(cell);
            }
        }
        Ok(Some(row))
    })
}

/// Texts are not marked as such in older files, so all bytes are taken for one.
fn text(bytes: &[u8]) -> Cell {
    Value::from(String::from_utf8_lossy(bytes).as_ref())
}
