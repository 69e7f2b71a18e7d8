//! Maps: made, read, changed and merged.

use wheatstone_metric::CompactString;

use super::misc::empty;
use super::strings::text_of;
use crate::call::Param::{Any, Dict, Str};
use crate::call::{Fault, Function, Out, any, dict, function, string, variadic};
use crate::value::{Elem, List, Map, Value};

/// How deep maps are merged and copied.
const MAX_DEPTH: usize = 100;

pub(super) static FUNCTIONS: &[Function] = &[
    variadic("dict", &[], Any, make),
    function("get", &[Dict, Str], |a| {
        Ok(dict(a, 0).get(string(a, 1)).unwrap_or_else(|| "".into()))
    }),
    function("set", &[Dict, Str, Any], |a| {
        let Some(Value::Map(map)) = a.first() else {
            return Err("assignment to entry in nil map".into());
        };
        map.set(string(a, 1), any(a, 2).clone())?;
        Ok(any(a, 0).clone())
    }),
    function("unset", &[Dict, Str], |a| {
        dict(a, 0).unset(string(a, 1));
        Ok(any(a, 0).clone())
    }),
    function("hasKey", &[Dict, Str], |a| {
        Ok(dict(a, 0).get(string(a, 1)).is_some().into())
    }),
    variadic("pluck", &[Str], Dict, |a| {
        let found = (1..a.len()).filter_map(|i| dict(a, i).get(string(a, 0)));
        Ok(Value::list(found.collect()))
    }),
    variadic("keys", &[], Dict, |a| {
        let all = (0..a.len()).flat_map(|i| dict(a, i).entries());
        Ok(Value::strings(all.map(|(key, _)| key)))
    }),
    function("values", &[Dict], |a| {
        Ok(Value::list(
            dict(a, 0).entries().into_iter().map(|(_, v)| v).collect(),
        ))
    }),
    variadic("pick", &[Dict], Str, |a| chosen(a, true)),
    variadic("omit", &[Dict], Str, |a| chosen(a, false)),
    variadic("merge", &[Dict], Dict, |a| merged(a, false)),
    variadic("mustMerge", &[Dict], Dict, |a| merged(a, false)),
    variadic("mergeOverwrite", &[Dict], Dict, |a| merged(a, true)),
    variadic("mustMergeOverwrite", &[Dict], Dict, |a| merged(a, true)),
    variadic("dig", &[], Any, dig),
    function("deepCopy", &[Any], |a| copy(any(a, 0), 0)),
    function("mustDeepCopy", &[Any], |a| copy(any(a, 0), 0)),
];

fn make<'a>(a: &[Value<'a>]) -> Out<'a> {
    let pairs = a.chunks(2).map(|pair| {
        let value = pair.get(1).cloned().unwrap_or_else(|| "".into());
        (CompactString::from(text_of(any(pair, 0))), value)
    });
    Ok(Value::Map(Map::dict(pairs)))
}

fn chosen<'a>(a: &[Value<'a>], picked: bool) -> Out<'a> {
    let keys: Vec<&str> = (1..a.len()).map(|i| string(a, i)).collect();
    let entries = dict(a, 0).entries().into_iter();
    let kept = entries.filter(|(key, _)| keys.contains(&key.as_str()) == picked);
    Ok(Value::Map(Map::dict(kept)))
}

fn merged<'a>(a: &[Value<'a>], overwrite: bool) -> Out<'a> {
    let Some(Value::Map(into)) = a.first() else {
        return Ok(Value::Map(Map::dict([])));
    };
    for i in 1..a.len() {
        merge(into, &dict(a, i), overwrite, 0)?;
    }
    Ok(any(a, 0).clone())
}

/// Fills what is empty in `into`; with `overwrite` whatever `from` has wins. Nil is nothing to merge.
fn merge<'a>(into: &Map<'a>, from: &Map<'a>, overwrite: bool, depth: usize) -> Result<(), Fault> {
    if depth > MAX_DEPTH {
        return Err("the dicts are nested too deeply".into());
    }
    for (key, value) in from.entries() {
        match (into.get(&key), &value) {
            (Some(Value::Map(old)), Value::Map(new)) if !old.same(new) => {
                merge(&old, new, overwrite, depth + 1)?;
            }
            (_, Value::Nil) => {}
            (Some(old), _) if !empty(&old) && !overwrite => {}
            _ => into.set(&key, value)?,
        }
    }
    Ok(())
}

/// What lies under several keys, one below the other; the last but one argument where it is not there.
fn dig<'a>(a: &[Value<'a>]) -> Out<'a> {
    let [keys @ .., default, from] = a else {
        return Err("dig needs at least three arguments".into());
    };
    if keys.is_empty() {
        return Err("dig needs at least three arguments".into());
    }
    let mut value = from.clone();
    for key in keys {
        let map = match &value {
            Value::Map(map) if map.elem() == Elem::Any => map.clone(),
            other => {
                let got = other.type_name();
                return Err(Fault(format!(
                    "interface conversion: interface {{}} is {got}, not map[string]interface {{}}"
                )));
            }
        };
        let Value::Str(key) = key else {
            let got = key.type_name();
            return Err(Fault(format!(
                "interface conversion: interface {{}} is {got}, not string"
            )));
        };
        match map.get(key) {
            Some(found) => value = found,
            None => return Ok(default.clone()),
        }
    }
    Ok(value)
}

fn copy<'a>(value: &Value<'a>, depth: usize) -> Out<'a> {
    if depth > MAX_DEPTH {
        return Err("the value is nested too deeply".into());
    }
    Ok(match value {
        Value::List(list) => {
            let items: Result<Vec<_>, _> = list.items().iter().map(|v| copy(v, depth + 1)).collect();
            Value::List(List::new(items?, list.elem()))
        }
        Value::Map(map) => {
            let entries: Result<Vec<_>, Fault> = map
                .entries()
                .into_iter()
                .map(|(key, v)| Ok((key, copy(&v, depth + 1)?)))
                .collect();
            Value::Map(Map::new(entries?, map.elem()))
        }
        other => other.clone(),
    })
}
