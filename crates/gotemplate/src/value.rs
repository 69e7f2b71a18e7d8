//! What flows through a template: values with the types that Go would give them, because `printf "%T"`, `eq` and the checks of
//! arguments look at the type.

mod container;

use std::rc::Rc;

use wheatstone_gotime::Zone;
use wheatstone_metric::CompactString;

use crate::call::{Fault, Signature};

pub use container::{List, Map};

/// A value during one execution; `'a` is the life of the data that the template is executed with.
#[derive(Clone, Default)]
pub enum Value<'a> {
    /// Nothing: Go's nil, a key that is not there. Printed as `<no value>` on its own and as `<nil>` inside of something.
    #[default]
    Nil,
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    Int(i64, IntType),
    /// An unsigned integer.
    Uint(u64, UintType),
    /// A `float64`.
    Float(f64),
    /// A text. Go's strings are bytes; what would be no UTF-8 has replacement characters here.
    Str(CompactString),
    /// A slice.
    List(List<'a>),
    /// A map with texts as keys.
    Map(Map<'a>),
    /// A `time.Time`.
    Time(Rc<Time>),
    /// Something with members of its own, such as a metric.
    Object(Rc<dyn Object<'a> + 'a>),
}

/// Go's type of a signed integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntType {
    /// `int`: constants, indexes and lengths.
    Int,
    /// `int32`: a character.
    Rune,
    /// `int64`: the integer fields of metrics.
    Int64,
    /// `time.Duration`, in nanoseconds.
    Duration,
    /// `time.Month`.
    Month,
    /// `time.Weekday`.
    Weekday,
    /// `telegraf.ValueType`.
    ValueType,
}

/// Go's type of an unsigned integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UintType {
    /// `uint64`: the unsigned fields of metrics.
    Uint64,
    /// `uint8`: a byte of a text.
    Byte,
}

/// What a list or map holds, as far as Go's type of it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elem {
    /// `interface {}`.
    Any,
    /// `string`.
    Str,
    /// `int`.
    Int,
    /// `[]interface {}`.
    List,
    /// A type of the host, by its name.
    Named(&'static str),
}

impl Elem {
    fn go_name(self) -> &'static str {
        match self {
            Elem::Any => "interface {}",
            Elem::Str => "string",
            Elem::Int => "int",
            Elem::List => "[]interface {}",
            Elem::Named(name) => name,
        }
    }
}

/// A moment with the clock that shows it.
#[derive(Clone, Debug)]
pub struct Time {
    /// Seconds since 1970.
    pub unix: i64,
    /// Nanoseconds in that second.
    pub nanos: u32,
    /// The clock.
    pub zone: Zone,
}

/// A thing of the host: what stands in `.Name` or `.Tag "x"` is asked of it.
pub trait Object<'a> {
    /// Go's name of its type, for errors and `%T`.
    fn type_name(&self) -> &'static str;
    /// What it prints as.
    fn text(&self) -> String;
    /// Whether it has a member of that name, and what arguments it takes.
    fn member(&self, name: &str) -> Option<Member>;
    /// Reads a field, or calls a method with arguments that fit its signature.
    ///
    /// # Errors
    /// What the method says went wrong.
    fn get(&self, name: &str, args: &[Value<'a>]) -> Result<Value<'a>, Fault>;
    /// The fields that stand in its JSON form.
    fn fields(&self) -> &'static [&'static str] {
        &[]
    }
}

/// What a name means on a value.
pub enum Member {
    /// A field, which takes no arguments.
    Field,
    /// A method.
    Method(Signature),
    /// A method that a template cannot call, and why: it changes something, or has more than one result.
    Uncallable(&'static str),
}

impl<'a> Value<'a> {
    /// A text.
    pub fn str(text: impl AsRef<str>) -> Value<'a> {
        Value::Str(CompactString::from(text.as_ref()))
    }
    /// An `int`.
    pub fn int(n: i64) -> Value<'a> {
        Value::Int(n, IntType::Int)
    }
    /// An `int64`.
    pub fn int64(n: i64) -> Value<'a> {
        Value::Int(n, IntType::Int64)
    }
    /// A `[]interface {}`.
    pub fn list(items: Vec<Value<'a>>) -> Value<'a> {
        Value::List(List::new(items, Elem::Any))
    }
    /// A `[]string`.
    pub fn strings<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> Value<'a> {
        let items = items.into_iter().map(Value::str).collect();
        Value::List(List::new(items, Elem::Str))
    }
    /// A moment.
    pub fn time(unix: i64, nanos: u32, zone: Zone) -> Value<'a> {
        Value::Time(Rc::new(Time { unix, nanos, zone }))
    }

    pub(crate) fn is_container(&self) -> bool {
        matches!(self, Value::List(_) | Value::Map(_))
    }

    /// Go's truth: not the zero of its type.
    pub fn truth(&self) -> bool {
        match self {
            Value::Nil => false,
            Value::Bool(b) => *b,
            Value::Int(n, _) => *n != 0,
            Value::Uint(n, _) => *n != 0,
            Value::Float(x) => *x != 0.0,
            Value::Str(s) => !s.is_empty(),
            Value::List(l) => !l.items().is_empty(),
            Value::Map(m) => !m.is_empty(),
            Value::Time(_) | Value::Object(_) => true,
        }
    }

    /// What `%T` prints.
    pub fn type_name(&self) -> String {
        match self {
            Value::Nil => "<nil>".into(),
            Value::Bool(_) => "bool".into(),
            Value::Int(_, t) => t.go_name().into(),
            Value::Uint(_, UintType::Uint64) => "uint64".into(),
            Value::Uint(_, UintType::Byte) => "uint8".into(),
            Value::Float(_) => "float64".into(),
            Value::Str(_) => "string".into(),
            Value::List(l) => format!("[]{}", l.elem().go_name()),
            Value::Map(m) => format!("map[string]{}", m.elem().go_name()),
            Value::Time(_) => "time.Time".into(),
            Value::Object(o) => o.type_name().into(),
        }
    }

    /// What Go's `reflect.Kind` prints.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Value::Nil => "invalid",
            Value::Bool(_) => "bool",
            Value::Int(_, t) => match t {
                IntType::Rune => "int32",
                IntType::Int64 | IntType::Duration => "int64",
                _ => "int",
            },
            Value::Uint(_, UintType::Uint64) => "uint64",
            Value::Uint(_, UintType::Byte) => "uint8",
            Value::Float(_) => "float64",
            Value::Str(_) => "string",
            Value::List(_) => "slice",
            Value::Map(_) => "map",
            Value::Time(_) => "struct",
            Value::Object(_) => "ptr",
        }
    }
}

impl IntType {
    pub(crate) fn go_name(self) -> &'static str {
        match self {
            IntType::Int => "int",
            IntType::Rune => "int32",
            IntType::Int64 => "int64",
            IntType::Duration => "time.Duration",
            IntType::Month => "time.Month",
            IntType::Weekday => "time.Weekday",
            IntType::ValueType => "telegraf.ValueType",
        }
    }
}

impl From<bool> for Value<'_> {
    fn from(b: bool) -> Self {
        Value::Bool(b)
    }
}
impl From<f64> for Value<'_> {
    fn from(x: f64) -> Self {
        Value::Float(x)
    }
}
impl From<String> for Value<'_> {
    fn from(s: String) -> Self {
        Value::Str(CompactString::from(s))
    }
}
impl From<&str> for Value<'_> {
    fn from(s: &str) -> Self {
        Value::str(s)
    }
}
