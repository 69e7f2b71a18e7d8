//! The functions that the language itself has.

use std::fmt::Write;

use crate::call::Param::{Any, Str};
use crate::call::{Fault, Function, Out, any, function, string, variadic};
use crate::compare::{equal, less};
use crate::format::{self, is_print, sprint};
use crate::value::{IntType, UintType, Value};

pub(crate) static FUNCTIONS: &[Function] = &[
    // `and` and `or` decide themselves which of their arguments are looked at: the walk knows them.
    variadic("and", &[Any], Any, |a| Ok(any(a, 0).clone())),
    variadic("or", &[Any], Any, |a| Ok(any(a, 0).clone())),
    function("not", &[Any], |a| Ok((!any(a, 0).truth()).into())),
    variadic("call", &[Any], Any, call),
    variadic("html", &[], Any, |a| Ok(html(&text(a)).into())),
    variadic("js", &[], Any, |a| Ok(javascript(&text(a)).into())),
    variadic("urlquery", &[], Any, |a| Ok(query_escape(&text(a)).into())),
    variadic("index", &[Any], Any, index),
    function("len", &[Any], len),
    variadic("print", &[], Any, |a| Ok(sprint(a).into())),
    variadic("printf", &[Str], Any, |a| {
        Ok(format::sprintf(string(a, 0), a.get(1..).unwrap_or_default()).into())
    }),
    variadic("println", &[], Any, |a| Ok(format::sprintln(a).into())),
    variadic("eq", &[Any], Any, eq),
    function("ne", &[Any, Any], |a| Ok((!equal(any(a, 0), any(a, 1))?).into())),
    function("lt", &[Any, Any], |a| Ok(less(any(a, 0), any(a, 1))?.into())),
    function("le", &[Any, Any], |a| Ok(less_or_equal(a)?.into())),
    function("gt", &[Any, Any], |a| Ok((!less_or_equal(a)?).into())),
    function("ge", &[Any, Any], |a| Ok((!less(any(a, 0), any(a, 1))?).into())),
];

fn less_or_equal<'a>(a: &[Value<'a>]) -> Result<bool, Fault> {
    Ok(less(any(a, 0), any(a, 1))? || equal(any(a, 0), any(a, 1))?)
}

fn eq<'a>(args: &[Value<'a>]) -> Out<'a> {
    let Some((first, others)) = args.split_first() else {
        return Ok(false.into());
    };
    if others.is_empty() {
        return Err("missing argument for comparison".into());
    }
    for other in others {
        if equal(first, other)? {
            return Ok(true.into());
        }
    }
    Ok(false.into())
}

/// No value is a function: Telegraf's data has none.
fn call<'a>(args: &[Value<'a>]) -> Out<'a> {
    match any(args, 0) {
        Value::Nil => Err("call of nil".into()),
        other => Err(Fault(format!(
            "non-function {} of type {}",
            format::display(other),
            other.type_name()
        ))),
    }
}

/// The text of all arguments, of one alone as it would be printed.
fn text(args: &[Value<'_>]) -> String {
    // On the way through an escape, nothing is `<no value>`.
    let shown: Vec<Value<'_>> = args
        .iter()
        .map(|arg| match arg {
            Value::Nil => Value::str("<no value>"),
            other => other.clone(),
        })
        .collect();
    sprint(&shown)
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0' => out.push('\u{fffd}'),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

fn javascript(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' | '\0'..=' ' if c != ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            c if c.is_ascii() || is_print(c) => out.push(c),
            c => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
        }
    }
    out
}

/// Go's `url.QueryEscape`.
pub(crate) fn query_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

fn len<'a>(args: &[Value<'a>]) -> Out<'a> {
    let len = match any(args, 0) {
        Value::Str(s) => s.len(),
        Value::List(l) => l.items().len(),
        Value::Map(m) => m.len(),
        Value::Nil => return Err("reflect: call of reflect.Value.Type on zero Value".into()),
        other => return Err(Fault(format!("len of type {}", other.type_name()))),
    };
    Ok(Value::int(len as i64))
}

fn index<'a>(args: &[Value<'a>]) -> Out<'a> {
    let mut item = any(args, 0).clone();
    if matches!(item, Value::Nil) {
        return Err("index of untyped nil".into());
    }
    for index in args.iter().skip(1) {
        item = match &item {
            Value::List(list) => list.items()[position(index, list.items().len())?].clone(),
            Value::Str(text) => {
                let byte = text.as_bytes()[position(index, text.len())?];
                Value::Uint(u64::from(byte), UintType::Byte)
            }
            Value::Map(map) => match index {
                Value::Str(key) => map.get(key).unwrap_or_else(|| zero_of(map.elem())),
                Value::Nil => return Err("value is nil; should be of type string".into()),
                other => {
                    let got = other.type_name();
                    return Err(Fault(format!("value has type {got}; should be string")));
                }
            },
            Value::Nil => return Err("index of nil pointer".into()),
            other => {
                return Err(Fault(format!("can't index item of type {}", other.type_name())));
            }
        };
    }
    Ok(item)
}

fn zero_of<'a>(elem: crate::value::Elem) -> Value<'a> {
    match elem {
        crate::value::Elem::Str => Value::str(""),
        crate::value::Elem::Int => Value::Int(0, IntType::Int),
        _ => Value::Nil,
    }
}

/// An index that lies inside.
fn position(index: &Value<'_>, len: usize) -> Result<usize, Fault> {
    let (shown, at) = match index {
        Value::Int(n, _) => (n.to_string(), usize::try_from(*n).ok()),
        Value::Uint(n, _) => (n.to_string(), usize::try_from(*n).ok()),
        Value::Nil => return Err("cannot index slice/array with nil".into()),
        other => {
            let got = other.type_name();
            return Err(Fault(format!("cannot index slice/array with type {got}")));
        }
    };
    at.filter(|at| *at < len)
        .ok_or_else(|| Fault(format!("index out of range: {shown}")))
}
