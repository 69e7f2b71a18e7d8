//! The types that an expression's parts have before it is evaluated, and how they fit together.

use std::fmt;

/// A type as far as it is known.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    /// Known when a metric is there; fits everything.
    Dyn,
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Bytes,
    Null,
    Timestamp,
    Duration,
    List(Box<Type>),
    Map(Box<Type>, Box<Type>),
    /// A type as a value, `type(x)`.
    Kind,
    /// A place of a signature that takes any type, the same one throughout: `A`, `B`.
    Param(usize),
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Dyn | Type::Param(_) => "dyn",
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Uint => "uint",
            Type::Double => "double",
            Type::Text => "string",
            Type::Bytes => "bytes",
            Type::Null => "null",
            Type::Timestamp => "timestamp",
            Type::Duration => "duration",
            Type::Kind => "type",
            Type::List(item) => return write!(f, "list({item})"),
            Type::Map(key, value) => return write!(f, "map({key}, {value})"),
        })
    }
}

/// What the parameters of a signature stand for in one call.
pub(crate) type Bindings = [Option<Type>; 2];

impl Type {
    /// Whether an argument of type `given` can stand where the signature has `self`.
    pub(crate) fn accepts(&self, given: &Type, bindings: &mut Bindings) -> bool {
        match (self, given) {
            (Type::Param(n), _) => match &bindings[*n] {
                None => {
                    bindings[*n] = Some(given.clone());
                    true
                }
                Some(bound) => {
                    let joined = bound.join(given);
                    let fits = joined.is_some();
                    bindings[*n] = joined.or(Some(Type::Dyn));
                    fits
                }
            },
            (Type::Dyn, _) | (_, Type::Dyn) => true,
            (Type::List(a), Type::List(b)) => a.accepts(b, bindings),
            (Type::Map(ka, va), Type::Map(kb, vb)) => ka.accepts(kb, bindings) && va.accepts(vb, bindings),
            (a, b) => a == b,
        }
    }

    /// The type that both are, the less known one where one fits the other.
    pub(crate) fn join(&self, other: &Type) -> Option<Type> {
        Some(match (self, other) {
            (a, b) if a == b => a.clone(),
            (Type::Dyn, _) | (_, Type::Dyn) => Type::Dyn,
            (Type::List(a), Type::List(b)) => Type::List(Box::new(a.join(b)?)),
            (Type::Map(ka, va), Type::Map(kb, vb)) => {
                Type::Map(Box::new(ka.join(kb)?), Box::new(va.join(vb)?))
            }
            _ => return None,
        })
    }

    /// The result of a call whose arguments made these bindings.
    pub(crate) fn bound(&self, bindings: &Bindings) -> Type {
        match self {
            Type::Param(n) => bindings[*n].clone().unwrap_or(Type::Dyn),
            Type::List(item) => Type::List(Box::new(item.bound(bindings))),
            Type::Map(key, value) => {
                Type::Map(Box::new(key.bound(bindings)), Box::new(value.bound(bindings)))
            }
            known => known.clone(),
        }
    }
}
