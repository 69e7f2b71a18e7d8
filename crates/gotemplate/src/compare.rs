//! Two values against each other: `eq`, `lt` and their kin, and Go's `DeepEqual`.

use crate::call::Fault;
use crate::format::sprintf;
use crate::value::Value;

/// How deep values are compared.
const MAX_DEPTH: usize = 100;

fn incompatible(a: &Value<'_>, b: &Value<'_>) -> Fault {
    let (a, b) = (a.type_name(), b.type_name());
    Fault(format!("incompatible types for comparison: {a} and {b}"))
}

/// Whether two values are equal for `eq`: of one kind, or integers with and without a sign.
pub(crate) fn equal<'a>(a: &Value<'a>, b: &Value<'a>) -> Result<bool, Fault> {
    Ok(match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a, _), Value::Int(b, _)) => a == b,
        (Value::Uint(a, _), Value::Uint(b, _)) => a == b,
        (Value::Int(a, _), Value::Uint(b, _)) | (Value::Uint(b, _), Value::Int(a, _)) => {
            u64::try_from(*a).is_ok_and(|a| a == *b)
        }
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::Nil, Value::Nil) => true,
        (Value::Nil, _) | (_, Value::Nil) => false,
        (Value::Time(a), Value::Time(b)) => {
            (a.unix, a.nanos) == (b.unix, b.nanos) && a.zone.name_at(a.unix) == b.zone.name_at(b.unix)
        }
        (Value::Object(a), Value::Object(b)) => std::rc::Rc::ptr_eq(a, b),
        (Value::List(_), Value::List(_)) | (Value::Map(_), Value::Map(_)) => {
            return Err(Fault(format!(
                "non-comparable type {}: {}",
                sprintf("%s", std::slice::from_ref(b)),
                b.type_name()
            )));
        }
        _ => return Err(incompatible(a, b)),
    })
}

/// Whether `a` is less than `b` for `lt`.
pub(crate) fn less<'a>(a: &Value<'a>, b: &Value<'a>) -> Result<bool, Fault> {
    Ok(match (a, b) {
        (Value::Int(a, _), Value::Int(b, _)) => a < b,
        (Value::Uint(a, _), Value::Uint(b, _)) => a < b,
        (Value::Int(a, _), Value::Uint(b, _)) => u64::try_from(*a).map_or(true, |a| a < *b),
        (Value::Uint(a, _), Value::Int(b, _)) => u64::try_from(*b).is_ok_and(|b| *a < b),
        (Value::Float(a), Value::Float(b)) => a < b,
        (Value::Str(a), Value::Str(b)) => a < b,
        _ => {
            let ordered = |v: &Value<'_>| {
                matches!(
                    v,
                    Value::Bool(_) | Value::Int(..) | Value::Uint(..) | Value::Float(_) | Value::Str(_)
                )
            };
            let same = matches!((a, b), (Value::Bool(_), Value::Bool(_)));
            if same || !ordered(a) || !ordered(b) {
                return Err("invalid type for comparison".into());
            }
            return Err(incompatible(a, b));
        }
    })
}

/// Go's `reflect.DeepEqual`: the same in type and content.
pub(crate) fn deep_equal<'a>(a: &Value<'a>, b: &Value<'a>) -> bool {
    same(a, b, 0)
}

fn same<'a>(a: &Value<'a>, b: &Value<'a>, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    match (a, b) {
        (Value::Int(a, s), Value::Int(b, t)) => a == b && s == t,
        (Value::Uint(a, s), Value::Uint(b, t)) => a == b && s == t,
        (Value::List(a), Value::List(b)) => {
            a.elem() == b.elem()
                && a.items().len() == b.items().len()
                && a.items()
                    .iter()
                    .zip(b.items())
                    .all(|(a, b)| same(a, b, depth + 1))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.elem() == b.elem()
                && a.len() == b.len()
                && a.entries()
                    .iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same(a, &b, depth + 1)))
        }
        (Value::Int(..), Value::Uint(..)) | (Value::Uint(..), Value::Int(..)) => false,
        _ => equal(a, b).unwrap_or(false),
    }
}
