//! Regular expressions. A pattern is compiled once in each thread, as long as not too many others come between.

use std::cell::RefCell;
use std::rc::Rc;

use wheatstone_goregexp::{Regexp, quote_meta};

use super::strings::room;
use crate::call::Param::{Int, Str};
use crate::call::{Fault, Function, Out, function, int, string};
use crate::value::Value;

/// How many patterns a thread keeps.
const KEPT: usize = 32;

thread_local! {
    static COMPILED: RefCell<Vec<(String, Rc<Regexp>)>> = const { RefCell::new(Vec::new()) };
}

pub(super) static FUNCTIONS: &[Function] = &[
    function("regexMatch", &[Str, Str], |a| {
        Ok(compiled(a).is_ok_and(|r| r.is_match(string(a, 1))).into())
    }),
    function("mustRegexMatch", &[Str, Str], |a| {
        Ok(compiled(a)?.is_match(string(a, 1)).into())
    }),
    function("regexFind", &[Str, Str], |a| find(a).map_err(named(a))),
    function("mustRegexFind", &[Str, Str], find),
    function("regexFindAll", &[Str, Str, Int], |a| {
        find_all(a).map_err(named(a))
    }),
    function("mustRegexFindAll", &[Str, Str, Int], find_all),
    function("regexReplaceAll", &[Str, Str, Str], |a| {
        replace(a, false).map_err(named(a))
    }),
    function("mustRegexReplaceAll", &[Str, Str, Str], |a| replace(a, false)),
    function("regexReplaceAllLiteral", &[Str, Str, Str], |a| {
        replace(a, true).map_err(named(a))
    }),
    function("mustRegexReplaceAllLiteral", &[Str, Str, Str], |a| {
        replace(a, true)
    }),
    function("regexSplit", &[Str, Str, Int], |a| split(a).map_err(named(a))),
    function("mustRegexSplit", &[Str, Str, Int], split),
    function("regexQuoteMeta", &[Str], |a| Ok(quote_meta(string(a, 0)).into())),
];

/// The functions whose names do not begin with `must` say which pattern was wrong.
fn named(a: &[Value<'_>]) -> impl Fn(Fault) -> Fault {
    let pattern = string(a, 0).to_owned();
    move |Fault(what)| Fault(format!("regexp: Compile(`{pattern}`): {what}"))
}

/// The first argument as a pattern.
fn compiled(a: &[Value<'_>]) -> Result<Rc<Regexp>, Fault> {
    let pattern = string(a, 0);
    COMPILED.with_borrow_mut(|kept| {
        if let Some(at) = kept.iter().position(|(known, _)| known == pattern) {
            // The newest stands last.
            let found = kept.remove(at);
            let regexp = found.1.clone();
            kept.push(found);
            return Ok(regexp);
        }
        let regexp = Rc::new(Regexp::new(pattern).map_err(|e| Fault(e.to_string()))?);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((pattern.to_owned(), regexp.clone()));
        Ok(regexp)
    })
}

fn find<'a>(a: &[Value<'a>]) -> Out<'a> {
    let (regexp, text) = (compiled(a)?, string(a, 1));
    let found = regexp.matches(text).next();
    Ok(found.map_or("", |range| &text[range]).into())
}

/// A count of which a negative one means all.
fn limit(a: &[Value<'_>]) -> usize {
    usize::try_from(int(a, 2)).unwrap_or(usize::MAX)
}

fn find_all<'a>(a: &[Value<'a>]) -> Out<'a> {
    let (regexp, text) = (compiled(a)?, string(a, 1));
    let found = regexp.matches(text).take(limit(a));
    Ok(Value::strings(found.map(|range| &text[range])))
}

fn replace<'a>(a: &[Value<'a>], literal: bool) -> Out<'a> {
    let (regexp, text, with) = (compiled(a)?, string(a, 1), string(a, 2));
    // A replacement can name the whole text, once for each two of its bytes.
    let most = with.len() + with.matches('$').count() * text.len();
    room(most, regexp.matches(text).count())?;
    let with = if literal {
        with.replace('$', "$$")
    } else {
        with.to_owned()
    };
    let template = regexp.template(&with);
    Ok(regexp.replace_all(text, &template).as_ref().into())
}

/// The parts between the matches, at most as many as asked for.
fn split<'a>(a: &[Value<'a>]) -> Out<'a> {
    let (regexp, text, limit) = (compiled(a)?, string(a, 1), limit(a));
    if limit == 0 {
        return Ok(Value::strings::<&str>([]));
    }
    if !string(a, 0).is_empty() && text.is_empty() {
        return Ok(Value::strings([""]));
    }
    let mut parts = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for found in regexp.matches(text) {
        if parts.len() + 1 >= limit {
            break;
        }
        end = found.start;
        if found.end != 0 {
            parts.push(&text[begin..end]);
        }
        begin = found.end;
    }
    if end != text.len() {
        parts.push(&text[begin..]);
    }
    Ok(Value::strings(parts))
}
