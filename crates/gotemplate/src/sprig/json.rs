//! JSON in and out, as Go writes it: keys in order, and without the characters that matter to HTML.

use std::fmt::Write;

use wheatstone_metric::CompactString;

use crate::call::Param::{Any, Str};
use crate::call::{Fault, Function, Out, any, function, string};
use crate::format::{MAX_TEXT, display};
use crate::members;
use crate::value::{IntType, Map, Value};

/// How deep JSON goes.
const MAX_DEPTH: usize = 100;

pub(super) static FUNCTIONS: &[Function] = &[
    function("fromJson", &[Str], |a| Ok(read(a).unwrap_or_default())),
    function("mustFromJson", &[Str], read),
    function("toJson", &[Any], |a| {
        Ok(COMPACT.text(any(a, 0)).unwrap_or_default().into())
    }),
    function("mustToJson", &[Any], |a| COMPACT.text(any(a, 0)).map(Value::from)),
    function("toPrettyJson", &[Any], |a| {
        Ok(PRETTY.text(any(a, 0)).unwrap_or_default().into())
    }),
    function("mustToPrettyJson", &[Any], |a| {
        PRETTY.text(any(a, 0)).map(Value::from)
    }),
    function("toRawJson", &[Any], |a| RAW.text(any(a, 0)).map(Value::from)),
    function("mustToRawJson", &[Any], |a| RAW.text(any(a, 0)).map(Value::from)),
];

fn read<'a>(a: &[Value<'a>]) -> Out<'a> {
    let parsed: serde_json::Value = serde_json::from_str(string(a, 0)).map_err(|e| Fault(e.to_string()))?;
    Ok(of_json(parsed))
}

/// The parser stops at a depth of 128.
fn of_json<'a>(json: serde_json::Value) -> Value<'a> {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::Nil,
        Json::Bool(b) => Value::Bool(b),
        // Go knows no other numbers here.
        Json::Number(n) => Value::Float(n.as_f64().unwrap_or(f64::NAN)),
        Json::String(s) => s.into(),
        Json::Array(items) => Value::list(items.into_iter().map(of_json).collect()),
        Json::Object(entries) => Value::Map(Map::dict(
            entries
                .into_iter()
                .map(|(key, value)| (CompactString::from(key), of_json(value))),
        )),
    }
}

/// How it is written.
struct Style {
    pretty: bool,
    html: bool,
}
const COMPACT: Style = Style {
    pretty: false,
    html: true,
};
const PRETTY: Style = Style {
    pretty: true,
    html: true,
};
const RAW: Style = Style {
    pretty: false,
    html: false,
};

impl Style {
    fn text(&self, value: &Value<'_>) -> Result<String, Fault> {
        let mut out = String::new();
        self.write(&mut out, value, 0)?;
        Ok(out)
    }

    fn line(&self, out: &mut String, depth: usize) {
        if self.pretty {
            out.push('\n');
            out.push_str(&"  ".repeat(depth));
        }
    }

    fn write(&self, out: &mut String, value: &Value<'_>, depth: usize) -> Result<(), Fault> {
        if depth > MAX_DEPTH || out.len() > MAX_TEXT {
            return Err("json: the value is too deep or too large".into());
        }
        match value {
            Value::Nil => out.push_str("null"),
            Value::Float(x) if !x.is_finite() => {
                return Err(Fault(format!("json: unsupported value: {}", display(value))));
            }
            Value::Float(x) => out.push_str(&number(*x)),
            Value::Int(n, IntType::Duration | IntType::Month | IntType::Weekday) => {
                let _ = write!(out, "{n}");
            }
            Value::Bool(_) | Value::Int(..) | Value::Uint(..) => out.push_str(&display(value)),
            Value::Str(s) => self.string(out, s),
            Value::Time(t) => {
                self.string(out, &members::layout(t, "2006-01-02T15:04:05.999999999Z07:00"));
            }
            Value::List(list) => {
                let items = list.items();
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    self.line(out, depth + 1);
                    self.write(out, item, depth + 1)?;
                }
                if !items.is_empty() {
                    self.line(out, depth);
                }
                out.push(']');
            }
            Value::Map(map) => self.object(out, &map.entries(), depth)?,
            Value::Object(object) => {
                let entries: Result<Vec<_>, Fault> = object
                    .fields()
                    .iter()
                    .map(|name| Ok((CompactString::from(*name), object.get(name, &[])?)))
                    .collect();
                self.object(out, &entries?, depth)?;
            }
        }
        Ok(())
    }

    fn object(
        &self,
        out: &mut String,
        entries: &[(CompactString, Value<'_>)],
        depth: usize,
    ) -> Result<(), Fault> {
        out.push('{');
        for (i, (key, value)) in entries.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            self.line(out, depth + 1);
            self.string(out, key);
            out.push_str(if self.pretty { ": " } else { ":" });
            self.write(out, value, depth + 1)?;
        }
        if !entries.is_empty() {
            self.line(out, depth);
        }
        out.push('}');
        Ok(())
    }

    fn string(&self, out: &mut String, text: &str) {
        out.push('"');
        for c in text.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\x08' => out.push_str("\\b"),
                '\x0c' => out.push_str("\\f"),
                '\u{2028}' | '\u{2029}' | '\0'..='\x1f' => {
                    let _ = write!(out, "\\u{:04x}", c as u32);
                }
                '<' | '>' | '&' if self.html => {
                    let _ = write!(out, "\\u{:04x}", c as u32);
                }
                c => out.push(c),
            }
        }
        out.push('"');
    }
}

/// A float as Go's JSON has it: without an exponent as long as it is not very small or large.
fn number(x: f64) -> String {
    let size = x.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{x:e}");
        return match text.split_once('e') {
            Some((mantissa, exponent)) if !exponent.starts_with('-') => format!("{mantissa}e+{exponent}"),
            _ => text,
        };
    }
    format!("{x}")
}
