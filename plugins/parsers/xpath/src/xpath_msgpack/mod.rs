//! MessagePack: a payload is turned into JSON and read as that, so that all numbers are floats, as in Telegraf.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rmp::Marker;
use rmp::decode::{self, RmpRead as _};
use std::fmt::Write as _;
use wheatstone_gotime::{Layout, Zone};
use wheatstone_plugin::prelude::*;

use crate::shown::quote;
use crate::tree::Document;
use crate::xpath_json;

/// Nesting beyond this is refused; the reader descends as deep.
const MAX_DEPTH: usize = 512;
/// The types of extensions that hold a time: that of the library which Telegraf uses, and the official one.
const TIME: [i8; 2] = [5, -1];

/// The format `xpath_msgpack`.
pub(crate) fn read(payload: &[u8], doc: &mut Document) -> Result<()> {
    let mut json = String::with_capacity(payload.len() * 2);
    let mut rest = payload;
    while !rest.is_empty() {
        let at = payload.len() - rest.len();
        to_json(&mut rest, &mut json, 0)
            .map_err(|error| anyhow!("{error}, in the value at offset {at}"))
            .context("unmarshalling to json failed")?;
    }
    xpath_json::read(json.as_bytes(), doc)
}

fn short() -> String {
    "msgp: too few bytes left to read object".to_owned()
}

fn take<'a>(rest: &mut &'a [u8], length: u32) -> Result<&'a [u8], String> {
    let (taken, left) = rest.split_at_checked(length as usize).ok_or_else(short)?;
    *rest = left;
    Ok(taken)
}

/// Writes the next value as JSON.
fn to_json(rest: &mut &[u8], out: &mut String, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err("msgp: recursion limit reached".to_owned());
    }
    let before = *rest;
    let marker = decode::read_marker(rest).map_err(|_| short())?;
    match marker {
        Marker::Null => out.push_str("null"),
        Marker::True => out.push_str("true"),
        Marker::False => out.push_str("false"),
        Marker::F32 => number(
            out,
            f64::from(rest.read_data_f32().map_err(|_| short())?),
            |out, _| {
                let bits = before
                    .get(1..5)
                    .and_then(|b| b.try_into().ok())
                    .map_or(0, u32::from_be_bytes);
                let _ = write!(out, "{}", f32::from_bits(bits));
            },
        ),
        Marker::F64 => number(out, rest.read_data_f64().map_err(|_| short())?, |out, value| {
            let _ = write!(out, "{value}");
        }),
        Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => {
            let length = length(rest, marker)?;
            out.push('[');
            for i in 0..length {
                out.push_str(if i > 0 { "," } else { "" });
                to_json(rest, out, depth + 1)?;
            }
            out.push(']');
        }
        Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => {
            let length = length(rest, marker)?;
            out.push('{');
            for i in 0..length {
                out.push_str(if i > 0 { "," } else { "" });
                key(rest, out)?;
                out.push(':');
                to_json(rest, out, depth + 1)?;
            }
            out.push('}');
        }
        Marker::Reserved => return Err("msgp: unrecognized type prefix: 0xc1".to_owned()),
        _ => plain(rest, marker, out)?,
    }
    Ok(())
}

/// A map's key; integers become texts, and nothing else is one.
fn key(rest: &mut &[u8], out: &mut String) -> Result<(), String> {
    let marker = decode::read_marker(rest).map_err(|_| short())?;
    let quoted = match marker {
        Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => false,
        Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => false,
        Marker::FixPos(_) | Marker::FixNeg(_) => true,
        Marker::U8 | Marker::U16 | Marker::U32 | Marker::U64 => true,
        Marker::I8 | Marker::I16 | Marker::I32 | Marker::I64 => true,
        other => {
            return Err(format!(
                "msgp: attempted to decode type {other:?} with method for \"str\""
            ));
        }
    };
    out.push_str(if quoted { "\"" } else { "" });
    plain(rest, marker, out)?;
    out.push_str(if quoted { "\"" } else { "" });
    Ok(())
}

fn length(rest: &mut &[u8], marker: Marker) -> Result<u32, String> {
    Ok(match marker {
        Marker::FixArray(length) | Marker::FixMap(length) | Marker::FixStr(length) => u32::from(length),
        Marker::Str8 | Marker::Bin8 | Marker::Ext8 => u32::from(rest.read_data_u8().map_err(|_| short())?),
        Marker::Array16 | Marker::Map16 | Marker::Str16 | Marker::Bin16 | Marker::Ext16 => {
            u32::from(rest.read_data_u16().map_err(|_| short())?)
        }
        Marker::FixExt1 => 1,
        Marker::FixExt2 => 2,
        Marker::FixExt4 => 4,
        Marker::FixExt8 => 8,
        Marker::FixExt16 => 16,
        _ => rest.read_data_u32().map_err(|_| short())?,
    })
}

/// Integers, texts, bytes and extensions.
fn plain(rest: &mut &[u8], marker: Marker, out: &mut String) -> Result<(), String> {
    let integer: i128 = match marker {
        Marker::FixPos(value) => value.into(),
        Marker::FixNeg(value) => value.into(),
        Marker::U8 => rest.read_data_u8().map_err(|_| short())?.into(),
        Marker::U16 => rest.read_data_u16().map_err(|_| short())?.into(),
        Marker::U32 => rest.read_data_u32().map_err(|_| short())?.into(),
        Marker::U64 => rest.read_data_u64().map_err(|_| short())?.into(),
        Marker::I8 => rest.read_data_i8().map_err(|_| short())?.into(),
        Marker::I16 => rest.read_data_i16().map_err(|_| short())?.into(),
        Marker::I32 => rest.read_data_i32().map_err(|_| short())?.into(),
        Marker::I64 => rest.read_data_i64().map_err(|_| short())?.into(),
        Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
            let length = length(rest, marker)?;
            let text = String::from_utf8_lossy(take(rest, length)?);
            quote(&text, out);
            return Ok(());
        }
        Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => {
            let length = length(rest, marker)?;
            out.push('"');
            STANDARD.encode_string(take(rest, length)?, out);
            out.push('"');
            return Ok(());
        }
        _ => {
            let length = length(rest, marker)?;
            let kind = rest.read_data_i8().map_err(|_| short())?;
            return extension(kind, take(rest, length)?, out);
        }
    };
    let _ = write!(out, "{integer}");
    Ok(())
}

/// JSON has no word for what is no number; as in Telegraf it is written all the same, and refused by the reader.
fn number(out: &mut String, value: f64, finite: impl FnOnce(&mut String, f64)) {
    if value.is_finite() {
        finite(out, value);
    } else if value.is_nan() {
        out.push_str("NaN");
    } else {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    }
}

fn extension(kind: i8, data: &[u8], out: &mut String) -> Result<(), String> {
    if TIME.contains(&kind) {
        let ns = time(kind, data).ok_or("msgp: invalid timestamp")?;
        out.push('"');
        Layout::new("2006-01-02T15:04:05.999999999Z07:00").format_to(out, ns, &Zone::local());
        out.push('"');
        return Ok(());
    }
    let _ = write!(out, "{{\"type\":{kind},\"data\":\"");
    STANDARD.encode_string(data, out);
    out.push_str("\"}");
    Ok(())
}

/// Nanoseconds since 1970.
fn time(kind: i8, data: &[u8]) -> Option<i64> {
    let word = |at: usize| Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?));
    let double = |at: usize| Some(u64::from_be_bytes(data.get(at..at + 8)?.try_into().ok()?));
    let (seconds, nanos) = match (kind, data.len()) {
        (-1, 4) => (i64::from(word(0)?), 0),
        (-1, 8) => {
            let both = double(0)?;
            ((both & ((1 << 34) - 1)) as i64, (both >> 34) as i64)
        }
        (-1, 12) => (double(4)? as i64, i64::from(word(0)?)),
        (5, 12) => (double(0)? as i64, i64::from(word(8)?)),
        _ => return None,
    };
    if nanos > 999_999_999 {
        return None;
    }
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
}

#[cfg(test)]
mod tests;
