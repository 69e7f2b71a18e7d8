//! Defaults, types, chance, the environment.

use std::net::ToSocketAddrs;

use super::encode::{base64, hex};
use crate::call::Param::{Any, Bool, Int, Str};
use crate::call::{Fault, Function, Out, any, function, int, string, variadic};
use crate::compare::deep_equal;
use crate::value::Value;

/// The most that chance gives at once.
const MAX_RANDOM: i64 = 1 << 20;

pub(super) static FUNCTIONS: &[Function] = &[
    variadic("default", &[Any], Any, |a| {
        let given = a.get(1).filter(|v| !empty(v));
        Ok(given.unwrap_or(any(a, 0)).clone())
    }),
    function("empty", &[Any], |a| Ok(empty(any(a, 0)).into())),
    variadic("coalesce", &[], Any, |a| {
        Ok(a.iter().find(|v| !empty(v)).cloned().unwrap_or_default())
    }),
    variadic("all", &[], Any, |a| Ok((!a.iter().any(empty)).into())),
    variadic("any", &[], Any, |a| Ok(a.iter().any(|v| !empty(v)).into())),
    function("ternary", &[Any, Any, Bool], |a| {
        Ok(any(a, usize::from(!any(a, 2).truth())).clone())
    }),
    function("typeOf", &[Any], |a| Ok(any(a, 0).type_name().into())),
    function("typeIs", &[Str, Any], |a| {
        Ok((string(a, 0) == any(a, 1).type_name()).into())
    }),
    function("typeIsLike", &[Str, Any], |a| {
        let name = any(a, 1).type_name();
        Ok((string(a, 0) == name || name.strip_prefix('*') == Some(string(a, 0))).into())
    }),
    function("kindOf", &[Any], |a| Ok(any(a, 0).kind_name().into())),
    function("kindIs", &[Str, Any], |a| {
        Ok((string(a, 0) == any(a, 1).kind_name()).into())
    }),
    function("deepEqual", &[Any, Any], |a| {
        Ok(deep_equal(any(a, 0), any(a, 1)).into())
    }),
    function("fail", &[Str], |a| Err(string(a, 0).into())),
    function("env", &[Str], |a| Ok(env(string(a, 0)).into())),
    function("expandenv", &[Str], |a| Ok(expand(string(a, 0)).into())),
    function("getHostByName", &[Str], address),
    function("randInt", &[Int, Int], |a| {
        let (min, max) = (int(a, 0), int(a, 1));
        match max.checked_sub(min).and_then(|span| u64::try_from(span).ok()) {
            Some(span) if span > 0 => Ok(Value::int(min + (random_number()? % span) as i64)),
            _ => Err("invalid argument to Intn".into()),
        }
    }),
    function("randAlphaNum", &[Int], |a| {
        letters(
            a,
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        )
    }),
    function("randAlpha", &[Int], |a| {
        letters(a, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    }),
    function("randNumeric", &[Int], |a| letters(a, b"0123456789")),
    function("randAscii", &[Int], |a| {
        let printable: Vec<u8> = (b' '..=b'~').collect();
        letters(a, &printable)
    }),
    function("randBytes", &[Int], |a| Ok(base64(&random(int(a, 0))?).into())),
    function("shuffle", &[Str], |a| {
        let mut chars: Vec<char> = string(a, 0).chars().collect();
        for i in (1..chars.len()).rev() {
            chars.swap(i, (random_number()? % (i as u64 + 1)) as usize);
        }
        Ok(chars.into_iter().collect::<String>().into())
    }),
    function("uuidv4", &[], |_| {
        let mut bytes = random(16)?;
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let text = hex(&bytes);
        let parts = [
            &text[..8],
            &text[8..12],
            &text[12..16],
            &text[16..20],
            &text[20..],
        ];
        Ok(parts.join("-").into())
    }),
];

/// Whether a value is the zero of its type, or holds nothing.
pub(super) fn empty(value: &Value<'_>) -> bool {
    !value.truth()
}

fn env(name: &str) -> String {
    // A name with one of these in it would be refused with a panic.
    if name.is_empty() || name.contains(['=', '\0']) {
        return String::new();
    }
    std::env::var_os(name).map_or_else(String::new, |value| value.to_string_lossy().into_owned())
}

/// `$NAME` and `${NAME}`.
fn expand(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if let Some((name, behind)) = after.strip_prefix('{').and_then(|a| a.split_once('}')) {
            out.push_str(&env(name));
            rest = behind;
        } else {
            let special = after.starts_with(|c: char| c.is_ascii_digit() || "*#$@!?-".contains(c));
            let len = if special {
                1
            } else {
                after.find(|c| !word(c)).unwrap_or(after.len())
            };
            if len == 0 {
                out.push('$');
            } else {
                out.push_str(&env(&after[..len]));
            }
            rest = &after[len..];
        }
    }
    out.push_str(rest);
    out
}

fn address<'a>(a: &[Value<'a>]) -> Out<'a> {
    let name = string(a, 0);
    let found = (name, 0).to_socket_addrs().ok().and_then(|mut all| all.next());
    match found {
        Some(address) => Ok(address.ip().to_string().into()),
        None => Err(Fault(format!("no address of {}", crate::format::quote(name)))),
    }
}

fn random(count: i64) -> Result<Vec<u8>, Fault> {
    if !(0..=MAX_RANDOM).contains(&count) {
        return Err(Fault(format!(
            "a count from 0 to {MAX_RANDOM} is needed, not {count}"
        )));
    }
    let mut bytes = vec![0; usize::try_from(count).unwrap_or(0)];
    getrandom::fill(&mut bytes).map_err(|e| Fault(e.to_string()))?;
    Ok(bytes)
}

fn random_number() -> Result<u64, Fault> {
    getrandom::u64().map_err(|e| Fault(e.to_string()))
}

fn letters<'a>(a: &[Value<'a>], from: &[u8]) -> Out<'a> {
    let limit = 256 - 256 % from.len();
    let count = int(a, 0);
    if !(0..=MAX_RANDOM).contains(&count) {
        return random(count).map(|_| Value::Nil);
    }
    let mut out = String::new();
    while (out.len() as i64) < count {
        // Bytes beyond the last whole round would favour the first letters.
        for byte in random((count - out.len() as i64) * 2)?
            .into_iter()
            .map(usize::from)
        {
            if byte < limit && (out.len() as i64) < count {
                out.push(char::from(from[byte % from.len()]));
            }
        }
    }
    Ok(out.into())
}
