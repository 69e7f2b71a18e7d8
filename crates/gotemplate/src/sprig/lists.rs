//! Lists: made, taken apart, searched. None is changed in place.

use super::misc::empty;
use super::numbers::to_int;
use crate::call::Param::{Any, Int};
use crate::call::{Fault, Function, Out, any, function, int, list, variadic};
use crate::compare::deep_equal;
use crate::value::{Elem, List, Value};

pub(super) static FUNCTIONS: &[Function] = &[
    variadic("list", &[], Any, |a| Ok(Value::list(a.to_vec()))),
    variadic("tuple", &[], Any, |a| Ok(Value::list(a.to_vec()))),
    function("append", &[Any, Any], push),
    function("push", &[Any, Any], push),
    function("mustAppend", &[Any, Any], push),
    function("mustPush", &[Any, Any], push),
    function("prepend", &[Any, Any], prepend),
    function("mustPrepend", &[Any, Any], prepend),
    function("first", &[Any], |a| {
        one(a, "Cannot find first on type", <[_]>::first)
    }),
    function("mustFirst", &[Any], |a| {
        one(a, "Cannot find first on type", <[_]>::first)
    }),
    function("last", &[Any], |a| {
        one(a, "Cannot find last on type", <[_]>::last)
    }),
    function("mustLast", &[Any], |a| {
        one(a, "Cannot find last on type", <[_]>::last)
    }),
    function("rest", &[Any], rest),
    function("mustRest", &[Any], rest),
    function("initial", &[Any], initial),
    function("mustInitial", &[Any], initial),
    function("reverse", &[Any], reverse),
    function("mustReverse", &[Any], reverse),
    function("compact", &[Any], compact),
    function("mustCompact", &[Any], compact),
    function("uniq", &[Any], uniq),
    function("mustUniq", &[Any], uniq),
    variadic("without", &[Any], Any, without),
    variadic("mustWithout", &[Any], Any, without),
    function("has", &[Any, Any], has),
    function("mustHas", &[Any, Any], has),
    variadic("slice", &[Any], Any, slice),
    variadic("mustSlice", &[Any], Any, slice),
    variadic("concat", &[], Any, concat),
    function("chunk", &[Int, Any], chunk),
    function("mustChunk", &[Int, Any], chunk),
];

fn push<'a>(a: &[Value<'a>]) -> Out<'a> {
    let mut items = list(a, 0, "Cannot push on type")?.items().to_vec();
    items.push(any(a, 1).clone());
    Ok(Value::list(items))
}

fn prepend<'a>(a: &[Value<'a>]) -> Out<'a> {
    let list = list(a, 0, "Cannot prepend on type")?;
    let mut items = vec![any(a, 1).clone()];
    items.extend_from_slice(list.items());
    Ok(Value::list(items))
}

fn one<'a>(
    a: &[Value<'a>],
    what: &str,
    pick: impl for<'v> Fn(&'v [Value<'a>]) -> Option<&'v Value<'a>>,
) -> Out<'a> {
    Ok(pick(list(a, 0, what)?.items()).cloned().unwrap_or_default())
}

fn rest<'a>(a: &[Value<'a>]) -> Out<'a> {
    let items = list(a, 0, "Cannot find rest on type")?.items();
    Ok(Value::list(items.iter().skip(1).cloned().collect()))
}

fn initial<'a>(a: &[Value<'a>]) -> Out<'a> {
    let items = list(a, 0, "Cannot find initial on type")?.items();
    Ok(Value::list(items[..items.len().saturating_sub(1)].to_vec()))
}

fn reverse<'a>(a: &[Value<'a>]) -> Out<'a> {
    let items = list(a, 0, "Cannot find reverse on type")?.items();
    Ok(Value::list(items.iter().rev().cloned().collect()))
}

fn compact<'a>(a: &[Value<'a>]) -> Out<'a> {
    let items = list(a, 0, "Cannot compact on type")?.items();
    Ok(Value::list(items.iter().filter(|v| !empty(v)).cloned().collect()))
}

/// The most comparisons of one call: a list against a list must end.
const MAX_COMPARISONS: usize = 20_000_000;

fn comparisons(a: usize, b: usize) -> Result<(), Fault> {
    if a.saturating_mul(b) > MAX_COMPARISONS {
        return Err("the lists are too long to compare".into());
    }
    Ok(())
}

fn uniq<'a>(a: &[Value<'a>]) -> Out<'a> {
    let items = list(a, 0, "Cannot find uniq on type")?.items();
    let mut kept: Vec<Value<'a>> = Vec::new();
    for item in items {
        comparisons(items.len(), kept.len())?;
        if !kept.iter().any(|k| deep_equal(item, k)) {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn without<'a>(a: &[Value<'a>]) -> Out<'a> {
    let items = list(a, 0, "Cannot find without on type")?.items();
    let omitted = a.get(1..).unwrap_or_default();
    comparisons(items.len(), omitted.len())?;
    let keep = |item: &&Value<'a>| !omitted.iter().any(|o| deep_equal(item, o));
    Ok(Value::list(items.iter().filter(keep).cloned().collect()))
}

fn has<'a>(a: &[Value<'a>]) -> Out<'a> {
    if matches!(any(a, 1), Value::Nil) {
        return Ok(false.into());
    }
    let items = list(a, 1, "Cannot find has on type")?.items();
    Ok(items.iter().any(|item| deep_equal(any(a, 0), item)).into())
}

fn slice<'a>(a: &[Value<'a>]) -> Out<'a> {
    let list = list(a, 0, "list should be type of slice or array but")?;
    let len = list.items().len();
    if len == 0 {
        return Ok(Value::Nil);
    }
    let from = a.get(1).map_or(0, to_int);
    let to = a.get(2).map_or(len as i64, to_int);
    let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
    match range.and_then(|(from, to)| list.items().get(from..to)) {
        Some(part) => Ok(Value::List(List::new(part.to_vec(), list.elem()))),
        None => Err("reflect.Value.Slice: slice index out of bounds".into()),
    }
}

fn concat<'a>(a: &[Value<'a>]) -> Out<'a> {
    let mut items = Vec::new();
    for i in 0..a.len() {
        match any(a, i) {
            Value::List(list) => items.extend_from_slice(list.items()),
            Value::Nil => {
                return Err("runtime error: invalid memory address or nil pointer dereference".into());
            }
            other => {
                let kind = other.kind_name();
                return Err(Fault(format!("Cannot concat type {kind} as list")));
            }
        }
    }
    Ok(Value::list(items))
}

fn chunk<'a>(a: &[Value<'a>]) -> Out<'a> {
    let items = list(a, 1, "Cannot chunk type")?.items();
    let size = usize::try_from(int(a, 0)).unwrap_or(0);
    if size == 0 {
        return Err("the size of a chunk is at least 1".into());
    }
    let chunks = items.chunks(size).map(|c| Value::list(c.to_vec())).collect();
    Ok(Value::List(List::new(chunks, Elem::List)))
}
