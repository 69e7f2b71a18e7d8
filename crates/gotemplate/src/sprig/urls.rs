//! Addresses taken apart and put together, and the parts of paths.

use std::fmt::Write;

use wheatstone_metric::CompactString;

use crate::call::Param::{Dict, Str};
use crate::call::{Fault, Function, Out, dict, function, string};
use crate::value::{Map, Value};

pub(super) static FUNCTIONS: &[Function] = &[
    function("urlParse", &[Str], parse),
    function("urlJoin", &[Dict], join),
    function("base", &[Str], |a| Ok(base(string(a, 0)).into())),
    function("dir", &[Str], |a| Ok(dir(string(a, 0)).into())),
    function("clean", &[Str], |a| Ok(clean(string(a, 0)).into())),
    function("ext", &[Str], |a| Ok(ext(string(a, 0)).into())),
    function("isAbs", &[Str], |a| Ok(string(a, 0).starts_with('/').into())),
    function("osBase", &[Str], |a| Ok(base(string(a, 0)).into())),
    function("osDir", &[Str], |a| Ok(dir(string(a, 0)).into())),
    function("osClean", &[Str], |a| Ok(clean(string(a, 0)).into())),
    function("osExt", &[Str], |a| Ok(ext(string(a, 0)).into())),
    function("osIsAbs", &[Str], |a| Ok(string(a, 0).starts_with('/').into())),
];

fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    let trimmed = path.trim_end_matches('/');
    match trimmed.rsplit('/').next() {
        Some(last) if !last.is_empty() => last,
        _ => "/",
    }
}

fn dir(path: &str) -> String {
    clean(path.rfind('/').map_or("", |at| &path[..=at]))
}

/// The shortest path that means the same.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." => {
                    parts.pop();
                }
                _ if !rooted => parts.push(".."),
                _ => {}
            },
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

fn ext(path: &str) -> &str {
    let last = path.rfind('/').map_or(path, |at| &path[at..]);
    last.rfind('.').map_or("", |at| &last[at..])
}

/// Takes percent signs off.
fn unescape(text: &str) -> Result<String, Fault> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b'%' {
            let code = text
                .get(i + 1..i + 3)
                .filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()));
            match code.and_then(|h| u8::from_str_radix(h, 16).ok()) {
                Some(byte) => out.push(byte),
                None => {
                    let bad: String = text[i..].chars().take(3).collect();
                    return Err(Fault(format!(
                        "invalid URL escape {}",
                        crate::format::quote(&bad)
                    )));
                }
            }
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn escape(text: &str, kept: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || (byte.is_ascii() && kept.contains(char::from(byte))) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn scheme_of(text: &str) -> Result<(&str, &str), Fault> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme".into()),
            ':' => return Ok((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

fn parse<'a>(a: &[Value<'a>]) -> Out<'a> {
    let url = string(a, 0);
    let wrong = |Fault(what)| {
        let shown = crate::format::quote(url);
        Fault(format!("unable to parse url: parse {shown}: {what}"))
    };
    if url.chars().any(char::is_control) {
        return Err(wrong("net/url: invalid control character in URL".into()));
    }
    let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
    let (scheme, rest) = scheme_of(rest).map_err(wrong)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (mut user, mut host, mut path, mut opaque) = ("", "", rest, "");
    if let Some(behind) = rest.strip_prefix("//") {
        let end = behind.find('/').unwrap_or(behind.len());
        let authority;
        (authority, path) = behind.split_at(end);
        (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    } else if !scheme.is_empty() && !rest.starts_with('/') {
        (opaque, path) = (rest, "");
    }
    if let Some(bad) = host.chars().find(|c| c.is_ascii() && " \"<>\\^`{|}".contains(*c)) {
        let shown = crate::format::quote(&bad.to_string());
        return Err(wrong(Fault(format!("invalid character {shown} in host name"))));
    }
    let name = match host.strip_prefix('[').and_then(|h| h.split_once(']')) {
        Some((inside, _)) => inside,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let entry = |key: &str, value: String| (CompactString::from(key), Value::from(value));
    Ok(Value::Map(Map::dict([
        entry("scheme", scheme.to_lowercase()),
        entry("host", host.to_owned()),
        entry("hostname", name.to_owned()),
        entry("path", unescape(path).map_err(wrong)?),
        entry("query", query.to_owned()),
        entry("opaque", opaque.to_owned()),
        entry("fragment", unescape(fragment).map_err(wrong)?),
        entry("userinfo", user.to_owned()),
    ])))
}

fn join<'a>(a: &[Value<'a>]) -> Out<'a> {
    let dict = dict(a, 0);
    let part = |key: &str| match dict.get(key) {
        None => Ok(String::new()),
        Some(Value::Str(s)) => Ok(s.to_string()),
        Some(other) => {
            let kind = other.kind_name();
            Err(Fault(format!(
                "unable to parse {key} key, must be of type string, but {kind} found"
            )))
        }
    };
    let (scheme, host, path, query) = (part("scheme")?, part("host")?, part("path")?, part("query")?);
    let (opaque, fragment, user) = (part("opaque")?, part("fragment")?, part("userinfo")?);
    let mut out = String::new();
    if !scheme.is_empty() {
        out.push_str(&scheme);
        out.push(':');
    }
    if !opaque.is_empty() {
        out.push_str(&opaque);
    } else {
        if !scheme.is_empty() || !host.is_empty() || !user.is_empty() {
            if !host.is_empty() || !path.is_empty() || !user.is_empty() {
                out.push_str("//");
            }
            if !user.is_empty() {
                out.push_str(&user);
                out.push('@');
            }
            out.push_str(&escape(&host, "-_.~!$&'()*+,;=:[]<>\""));
        }
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            out.push('/');
        }
        out.push_str(&escape(&path, "-_.~$&+,/:;=@"));
    }
    if !query.is_empty() {
        out.push('?');
        out.push_str(&query);
    }
    if !fragment.is_empty() {
        out.push('#');
        out.push_str(&escape(&fragment, "-_.~$&+,/:;=?@!()*"));
    }
    Ok(out.into())
}
