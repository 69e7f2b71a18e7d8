//! The value of a field, with the five types that line protocol has.

use compact_str::CompactString;

/// A field's value. 24 bytes; strings of up to 24 bytes lie inside.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A float; NaN and the infinities are carried, and dropped where a format cannot hold them.
    Float(f64),
    /// A signed integer, `42i` in line protocol.
    Int(i64),
    /// An unsigned integer, `42u` in line protocol.
    Uint(u64),
    /// A truth value.
    Bool(bool),
    /// A text.
    Str(CompactString),
}

impl Value {
    /// The number in it as a float: what Telegraf's aggregators compute with. Strings and booleans are none.
    #[inline]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Float(v) => Some(*v),
            Value::Int(v) => Some(*v as f64),
            Value::Uint(v) => Some(*v as f64),
            Value::Bool(_) | Value::Str(_) => None,
        }
    }

    /// The text, where it is one.
    #[inline]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(v) => Some(v),
            _ => None,
        }
    }

    /// Line protocol's name of the type: float, integer, unsigned, boolean, string.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Float(_) => "float",
            Value::Int(_) => "integer",
            Value::Uint(_) => "unsigned",
            Value::Bool(_) => "boolean",
            Value::Str(_) => "string",
        }
    }
}

impl std::fmt::Display for Value {
    /// As Go's `%v` prints it, but floats in their shortest form without an exponent.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Float(v) => write!(f, "{v}"),
            Value::Int(v) => write!(f, "{v}"),
            Value::Uint(v) => write!(f, "{v}"),
            Value::Bool(v) => write!(f, "{v}"),
            Value::Str(v) => f.write_str(v),
        }
    }
}

macro_rules! from {
    ($($from:ty => $variant:ident as $to:ty),*) => {$(
        impl From<$from> for Value {
            #[inline]
            fn from(v: $from) -> Value { Value::$variant(v as $to) }
        }
    )*};
}
from!(f64 => Float as f64, f32 => Float as f64, i64 => Int as i64, i32 => Int as i64, u64 => Uint as u64, u32 => Uint as u64);

impl From<bool> for Value {
    fn from(v: bool) -> Value {
        Value::Bool(v)
    }
}
impl From<&str> for Value {
    fn from(v: &str) -> Value {
        Value::Str(CompactString::from(v))
    }
}
impl From<String> for Value {
    fn from(v: String) -> Value {
        Value::Str(CompactString::from(v))
    }
}
impl From<CompactString> for Value {
    fn from(v: CompactString) -> Value {
        Value::Str(v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_takes_24_bytes() {
        assert_eq!(std::mem::size_of::<Value>(), 24);
    }
}
