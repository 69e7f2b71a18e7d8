//! Functions and methods with the types of their arguments: an argument goes in, the same in the type asked for, or Go's
//! complaint, comes out.

use crate::value::{Elem, IntType, List, Map, Time, Value};

/// What went wrong in a function or method; the place is added by who called it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub String);

impl From<&str> for Fault {
    fn from(text: &str) -> Fault {
        Fault(text.to_owned())
    }
}
impl From<String> for Fault {
    fn from(text: String) -> Fault {
        Fault(text)
    }
}

/// What a function gives.
pub type Out<'a> = Result<Value<'a>, Fault>;

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Param {
    /// Anything, nil included.
    Any,
    /// `string`.
    Str,
    /// `int`.
    Int,
    /// `float64`.
    Float,
    /// `bool`.
    Bool,
    /// `map[string]interface {}`; nil is an empty one that cannot be written to.
    Dict,
    /// `time.Time`.
    Time,
    /// `time.Duration`.
    Duration,
}

impl Param {
    pub(crate) fn go_name(self) -> &'static str {
        match self {
            Param::Any => "interface {}",
            Param::Str => "string",
            Param::Int => "int",
            Param::Float => "float64",
            Param::Bool => "bool",
            Param::Dict => "map[string]interface {}",
            Param::Time => "time.Time",
            Param::Duration => "time.Duration",
        }
    }

    pub(crate) fn can_be_nil(self) -> bool {
        matches!(self, Param::Any | Param::Dict)
    }

    /// Checks a value that is there already; a constant is read in the light of the type before it comes here.
    pub(crate) fn check<'a>(self, value: Value<'a>) -> Out<'a> {
        let fits = match (self, &value) {
            (Param::Any, _) | (Param::Dict, Value::Nil) => true,
            (_, Value::Nil) => {
                return Err(Fault(format!("invalid value; expected {}", self.go_name())));
            }
            (Param::Str, Value::Str(_))
            | (Param::Int, Value::Int(_, IntType::Int))
            | (Param::Float, Value::Float(_))
            | (Param::Bool, Value::Bool(_))
            | (Param::Time, Value::Time(_))
            | (Param::Duration, Value::Int(_, IntType::Duration)) => true,
            (Param::Dict, Value::Map(m)) => m.elem() == Elem::Any,
            _ => false,
        };
        if fits {
            return Ok(value);
        }
        Err(Fault(format!(
            "wrong type for value; expected {}; got {}",
            self.go_name(),
            value.type_name()
        )))
    }
}

/// The parameters of a function.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// Those that must be there.
    pub fixed: &'static [Param],
    /// The type of any number more.
    pub variadic: Option<Param>,
}

impl Signature {
    /// One with these parameters and no more.
    pub const fn of(fixed: &'static [Param]) -> Signature {
        Signature {
            fixed,
            variadic: None,
        }
    }

    /// The type of the argument at `i`.
    pub(crate) fn param(&self, i: usize) -> Param {
        self.fixed.get(i).copied().or(self.variadic).unwrap_or(Param::Any)
    }
}

/// What a function does. Its arguments fit its signature when it is called.
pub(crate) type Run = for<'a> fn(&[Value<'a>]) -> Out<'a>;

/// A function of the language.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) signature: Signature,
    pub(crate) run: Run,
}

pub(crate) const fn function(name: &'static str, fixed: &'static [Param], run: Run) -> Function {
    Function {
        name,
        signature: Signature {
            fixed,
            variadic: None,
        },
        run,
    }
}

pub(crate) const fn variadic(name: &'static str, fixed: &'static [Param], more: Param, run: Run) -> Function {
    Function {
        name,
        signature: Signature {
            fixed,
            variadic: Some(more),
        },
        run,
    }
}

// Reading arguments that were checked against the signature: what is not there is the zero of its type.

pub(crate) fn string<'v>(args: &'v [Value<'_>], i: usize) -> &'v str {
    match args.get(i) {
        Some(Value::Str(s)) => s,
        _ => "",
    }
}
pub(crate) fn int(args: &[Value<'_>], i: usize) -> i64 {
    match args.get(i) {
        Some(Value::Int(n, _)) => *n,
        _ => 0,
    }
}
pub(crate) fn float(args: &[Value<'_>], i: usize) -> f64 {
    match args.get(i) {
        Some(Value::Float(x)) => *x,
        _ => 0.0,
    }
}
pub(crate) fn any<'v, 'a>(args: &'v [Value<'a>], i: usize) -> &'v Value<'a> {
    args.get(i).unwrap_or(&Value::Nil)
}
pub(crate) fn dict<'a>(args: &[Value<'a>], i: usize) -> Map<'a> {
    match args.get(i) {
        Some(Value::Map(m)) => m.clone(),
        _ => Map::dict([]),
    }
}
pub(crate) fn time<'v>(args: &'v [Value<'_>], i: usize) -> Option<&'v Time> {
    match args.get(i) {
        Some(Value::Time(t)) => Some(t),
        _ => None,
    }
}
/// A list of any type, or the complaint that `what` cannot be done to something else.
pub(crate) fn list<'v, 'a>(args: &'v [Value<'a>], i: usize, what: &str) -> Result<&'v List<'a>, Fault> {
    match args.get(i) {
        Some(Value::List(l)) => Ok(l),
        Some(Value::Nil) | None => {
            Err("runtime error: invalid memory address or nil pointer dereference".into())
        }
        Some(other) => Err(Fault(format!("{what} {}", other.kind_name()))),
    }
}
