//! Encoded values in, field values out: numbers by their datatypes, arrays element by element, all of it as JSON where asked.

use std::fmt::Write as _;

use base64::Engine as _;
use wheatstone_plugin::prelude::*;

use super::payload::{DataSet, Raw, text};
use crate::protobuf::Malformed;

pub(super) const TEMPLATE: u32 = 19;
/// So long a JSON text may become: a dataset repeats the names of its columns in every row.
const LONGEST_JSON: usize = 1 << 22;
const INT8_ARRAY: u32 = 22;
const BOOLEAN_ARRAY: u32 = 32;
const STRING_ARRAY: u32 = 33;
const DATE_TIME_ARRAY: u32 = 34;

/// The name of a datatype.
pub(super) fn datatype_name(datatype: u32) -> &'static str {
    const NAMES: [&str; 35] = [
        "Unknown",
        "Int8",
        "Int16",
        "Int32",
        "Int64",
        "UInt8",
        "UInt16",
        "UInt32",
        "UInt64",
        "Float",
        "Double",
        "Boolean",
        "String",
        "DateTime",
        "Text",
        "UUID",
        "DataSet",
        "Bytes",
        "File",
        "Template",
        "PropertySet",
        "PropertySetList",
        "Int8Array",
        "Int16Array",
        "Int32Array",
        "Int64Array",
        "UInt8Array",
        "UInt16Array",
        "UInt32Array",
        "UInt64Array",
        "FloatArray",
        "DoubleArray",
        "BooleanArray",
        "StringArray",
        "DateTimeArray",
    ];
    NAMES.get(datatype as usize).copied().unwrap_or("Unknown")
}

/// The value of a number, a truth value or a text. Signed numbers come in unsigned varints, cut to their own width by some
/// encoders and widened by others, so only the bits of their width count. The value wins where it contradicts the datatype.
#[inline]
pub(super) fn scalar(datatype: u32, raw: Raw<'_>) -> Option<Value> {
    Some(match (datatype, raw) {
        (1, Raw::Int(n)) => Value::Int(i64::from(n as i8)),
        (2, Raw::Int(n)) => Value::Int(i64::from(n as i16)),
        (3, Raw::Int(n)) => Value::Int(i64::from(n as i32)),
        (5..=8, Raw::Int(n)) => Value::Uint(n),
        (9 | 10, Raw::Int(n)) => Value::Float(n as f64),
        (11, Raw::Int(n)) => Value::Bool(n != 0),
        // Int64, DateTime, and what is not said.
        (_, Raw::Int(n)) => Value::Int(n as i64),
        (_, Raw::Float(x)) => Value::Float(f64::from(x)),
        (_, Raw::Double(x)) => Value::Float(x),
        (_, Raw::Bool(b)) => Value::Bool(b),
        (_, Raw::Text(bytes)) => Value::Str(CompactString::from(&*text(bytes))),
        _ => return None,
    })
}

/// Whether values of this datatype are arrays in bytes.
pub(super) fn is_array(datatype: u32) -> bool {
    (INT8_ARRAY..=DATE_TIME_ARRAY).contains(&datatype)
}

/// Hands over the elements of an array.
pub(super) fn elements(
    datatype: u32,
    bytes: &[u8],
    mut each: impl FnMut(Value) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let wrong = || Malformed::at(bytes, "an array whose length does not fit its datatype");
    let width = match datatype {
        22 | 26 => 1,
        23 | 27 => 2,
        24 | 28 | 30 => 4,
        25 | 29 | 31 | DATE_TIME_ARRAY => 8,
        BOOLEAN_ARRAY => {
            let (count, bits) = bytes.split_first_chunk::<4>().ok_or_else(wrong)?;
            let count = u32::from_le_bytes(*count) as usize;
            if count > bits.len().saturating_mul(8) {
                return Err(wrong());
            }
            // The first value is the highest bit.
            return (0..count).try_for_each(|i| each(Value::Bool(bits[i / 8] >> (7 - i % 8) & 1 == 1)));
        }
        STRING_ARRAY => {
            // Every text ends with a zero; the last one may lack it.
            let mut texts = bytes.split(|b| *b == 0).peekable();
            while let Some(one) = texts.next() {
                if texts.peek().is_some() || !one.is_empty() {
                    each(Value::Str(CompactString::from(&*text(one))))?;
                }
            }
            return Ok(());
        }
        _ => return Err(wrong()),
    };
    if !bytes.len().is_multiple_of(width) {
        return Err(wrong());
    }
    for one in bytes.chunks_exact(width) {
        let mut wide = [0; 8];
        wide[..width].copy_from_slice(one);
        let n = u64::from_le_bytes(wide);
        each(match datatype {
            22 => Value::Int(i64::from(n as i8)),
            23 => Value::Int(i64::from(n as i16)),
            24 => Value::Int(i64::from(n as i32)),
            26..=29 => Value::Uint(n),
            30 => Value::Float(f64::from(f32::from_bits(n as u32))),
            31 => Value::Float(f64::from_bits(n)),
            _ => Value::Int(n as i64),
        })?;
    }
    Ok(())
}

/// Bytes as text.
pub(super) fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Bytes as text.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to memory cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// An array as JSON.
pub(super) fn array_json(datatype: u32, bytes: &[u8]) -> Result<String, Malformed> {
    let mut out = String::from("[");
    elements(datatype, bytes, |value| {
        if out.len() > 1 {
            out.push(',');
        }
        json(&value, &mut out);
        check_length(&out, bytes)?;
        Ok(())
    })?;
    out.push(']');
    Ok(out)
}

/// A dataset as JSON: a list of rows.
pub(super) fn dataset_json(bytes: &[u8]) -> Result<String, Malformed> {
    let set = DataSet::read(bytes)?;
    let mut out = String::from("[");
    for (at, row) in set.rows.iter().enumerate() {
        out.push_str(if at > 0 { ",{" } else { "{" });
        let mut first = true;
        set.row(row, |cell| {
            if !std::mem::take(&mut first) {
                out.push(',');
            }
            quote(&text(cell.name), &mut out);
            out.push(':');
            match scalar(cell.datatype, cell.value) {
                Some(value) => json(&value, &mut out),
                None => out.push_str("null"),
            }
            check_length(&out, bytes)
        })?;
        out.push('}');
    }
    out.push(']');
    Ok(out)
}

fn check_length(json: &str, within: &[u8]) -> Result<(), Malformed> {
    if json.len() > LONGEST_JSON {
        return Err(Malformed::at(within, "a value that is too long for a JSON text"));
    }
    Ok(())
}

fn json(value: &Value, out: &mut String) {
    match value {
        Value::Float(x) if !x.is_finite() => out.push_str("null"),
        Value::Str(text) => quote(text, out),
        value => {
            let _ = write!(out, "{value}");
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
