//! Values as Go prints them: a node's value goes in, its text comes out, as JSON or by `%v`.

mod json;
mod xml;

use std::borrow::Cow;
use std::fmt::Write as _;

pub(crate) use json::{go_json, json, quote};
pub(crate) use xml::as_xml;

use crate::tree::{Content, Document};
use crate::xpath_cbor::items::Item;

/// A value in the type that its format gave it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Native<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Int32(i32),
    Uint(u64),
    Uint32(u32),
    Float(f64),
    Float32(f32),
    Enum(i32),
    Str(Cow<'a, str>),
    Bytes(&'a [u8]),
    /// A list or a map: its Go type, and its text by `%v`.
    Shown(&'static str, String),
    /// What fits into no field: its Go type, and its text by `%v`.
    Other(&'static str, String),
}

impl Native<'_> {
    /// The type as Go's `%T` prints it.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Native::Null => "<nil>",
            Native::Bool(_) => "bool",
            Native::Int(_) => "int64",
            Native::Int32(_) => "int32",
            Native::Uint(_) => "uint64",
            Native::Uint32(_) => "uint32",
            Native::Float(_) => "float64",
            Native::Float32(_) => "float32",
            Native::Enum(_) => "protoreflect.EnumNumber",
            Native::Str(_) => "string",
            Native::Bytes(_) => "[]uint8",
            Native::Shown(kind, _) | Native::Other(kind, _) => kind,
        }
    }
}

impl std::fmt::Display for Native<'_> {
    /// As Go's `%v` prints it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Native::Null => f.write_str("<nil>"),
            Native::Bool(v) => write!(f, "{v}"),
            Native::Int(v) => write!(f, "{v}"),
            Native::Int32(v) | Native::Enum(v) => write!(f, "{v}"),
            Native::Uint(v) => write!(f, "{v}"),
            Native::Uint32(v) => write!(f, "{v}"),
            Native::Float(v) => f.write_str(&general(*v, 'e')),
            Native::Float32(v) => f.write_str(&general(*v, 'e')),
            Native::Str(v) => f.write_str(v),
            Native::Bytes(v) => f.write_str(&bytes(v)),
            Native::Shown(_, text) | Native::Other(_, text) => f.write_str(text),
        }
    }
}

/// A plain value in its own type.
pub(crate) fn native(doc: &Document, content: Content) -> Native<'_> {
    match content {
        Content::Nothing | Content::Null | Content::Object | Content::Array | Content::Item(_) => {
            Native::Null
        }
        Content::Bool(v) => Native::Bool(v),
        Content::Int(v) => Native::Int(v),
        Content::Int32(v) => Native::Int32(v),
        Content::Uint(v) => Native::Uint(v),
        Content::Uint32(v) => Native::Uint32(v),
        Content::Float(v) => Native::Float(v),
        Content::Float32(v) => Native::Float32(v),
        Content::Enum(v) => Native::Enum(v),
        Content::Text(span) => Native::Str(Cow::Borrowed(doc.text(span))),
        Content::Bytes(span) => Native::Bytes(doc.bytes(span)),
        Content::Message(span) => Native::Other("*dynamicpb.Message", doc.text(span).to_owned()),
    }
}

/// The text of a plain protobuf value.
pub(crate) fn protobuf(doc: &Document, content: Content) -> Cow<'_, str> {
    match native(doc, content) {
        Native::Str(text) => text,
        other => Cow::Owned(other.to_string()),
    }
}

/// The text of a CBOR value by `%v`.
pub(crate) fn cbor(doc: &Document, item: u32) -> Cow<'_, str> {
    match doc.items.get(item) {
        Item::Text(span) => Cow::Borrowed(doc.text(span)),
        _ => {
            let mut out = String::new();
            cbor_to(doc, item, &mut out);
            Cow::Owned(out)
        }
    }
}

/// CBOR is nested at most 32 deep.
fn cbor_to(doc: &Document, item: u32, out: &mut String) {
    match doc.items.get(item) {
        Item::Array(children) => {
            out.push('[');
            for (i, child) in doc.items.list(children).iter().enumerate() {
                out.push_str(if i > 0 { " " } else { "" });
                cbor_to(doc, *child, out);
            }
            out.push(']');
        }
        Item::Map(children) => {
            out.push_str("map[");
            for (i, pair) in doc.items.list(children).chunks_exact(2).enumerate() {
                out.push_str(if i > 0 { " " } else { "" });
                cbor_to(doc, pair[0], out);
                out.push(':');
                cbor_to(doc, pair[1], out);
            }
            out.push(']');
        }
        Item::Tag(number, content) => {
            let _ = write!(out, "{{{number} ");
            cbor_to(doc, content, out);
            out.push('}');
        }
        _ => {
            let _ = write!(out, "{}", cbor_native(doc, item));
        }
    }
}

/// A CBOR value in its own type.
pub(crate) fn cbor_native(doc: &Document, item: u32) -> Native<'_> {
    let printed = || {
        let mut out = String::new();
        cbor_to(doc, item, &mut out);
        out
    };
    match doc.items.get(item) {
        Item::Null => Native::Null,
        Item::Bool(v) => Native::Bool(v),
        Item::Uint(v) => Native::Uint(v),
        Item::Int(v) => Native::Int(v),
        Item::Float(v) => Native::Float(v),
        Item::Text(span) => Native::Str(Cow::Borrowed(doc.text(span))),
        Item::Bytes(span) => Native::Bytes(doc.bytes(span)),
        Item::ByteKey(span) => Native::Other(
            "cbor.ByteString",
            String::from_utf8_lossy(doc.bytes(span)).into_owned(),
        ),
        Item::Big(span) => Native::Other("big.Int", doc.text(span).to_owned()),
        Item::Time(span) => Native::Other("time.Time", doc.text(span).to_owned()),
        Item::Simple(v) => Native::Other("cbor.SimpleValue", v.to_string()),
        Item::Array(_) => Native::Shown("[]interface {}", printed()),
        Item::Map(_) => Native::Shown("map[interface {}]interface {}", printed()),
        Item::Tag(..) => Native::Other("cbor.Tag", printed()),
    }
}

fn bytes(bytes: &[u8]) -> String {
    let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
    format!("[{}]", numbers.join(" "))
}

/// A float as Go's `%v` (`e`) or `'G'` (`E`) prints it: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
pub(crate) fn general<F: Into<f64> + std::fmt::LowerExp + std::fmt::Display + Copy>(
    number: F,
    mark: char,
) -> String {
    let wide: f64 = number.into();
    if wide.is_nan() {
        return "NaN".to_owned();
    }
    if wide.is_infinite() {
        return if wide > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let short = format!("{number:e}");
    let Some((digits, exponent)) = short.split_once('e') else {
        return short;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return number.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}{mark}{sign}{:02}", exponent.abs())
}
