//! Dates: moments written, read and shifted.

use std::time::{SystemTime, UNIX_EPOCH};

use wheatstone_gotime::{TimeFormat, Zone, format_duration, parse_go_duration};

use crate::call::Param::{Any, Str};
use crate::call::{Fault, Function, Out, any, function, string, time};
use crate::members::{ZERO_TIME, add, between, layout, local, round};
use crate::value::{IntType, Time, Value};

const SECOND: i64 = 1_000_000_000;

pub(super) static FUNCTIONS: &[Function] = &[
    function("now", &[], |_| Ok(value(now()))),
    function("date", &[Str, Any], |a| {
        Ok(layout(&moment(any(a, 1), local()), string(a, 0)).into())
    }),
    function("date_in_zone", &[Str, Any, Str], in_zone),
    function("dateInZone", &[Str, Any, Str], in_zone),
    function("htmlDate", &[Any], |a| {
        Ok(layout(&moment(any(a, 0), local()), "2006-01-02").into())
    }),
    function("htmlDateInZone", &[Any, Str], |a| {
        Ok(layout(&moment(any(a, 0), zone(string(a, 1))), "2006-01-02").into())
    }),
    function("date_modify", &[Str, crate::call::Param::Time], |a| {
        Ok(modify(a).unwrap_or_else(|_| any(a, 1).clone()))
    }),
    function("dateModify", &[Str, crate::call::Param::Time], |a| {
        Ok(modify(a).unwrap_or_else(|_| any(a, 1).clone()))
    }),
    function("must_date_modify", &[Str, crate::call::Param::Time], modify),
    function("mustDateModify", &[Str, crate::call::Param::Time], modify),
    function("ago", &[Any], |a| {
        let ns = between(&now(), &moment(any(a, 0), local()));
        Ok(format_duration(round(ns, SECOND)).into())
    }),
    function("duration", &[Any], |a| {
        let seconds = match any(a, 0) {
            Value::Str(s) => s.parse().unwrap_or(0),
            Value::Int(n, IntType::Int64) => *n,
            _ => 0i64,
        };
        Ok(format_duration(seconds.wrapping_mul(SECOND)).into())
    }),
    function("durationRound", &[Any], rounded),
    function("toDate", &[Str, Str], |a| {
        Ok(read(a).unwrap_or_else(|_| Value::time(ZERO_TIME, 0, Zone::UTC)))
    }),
    function("mustToDate", &[Str, Str], read),
    function("unixEpoch", &[crate::call::Param::Time], |a| {
        Ok(time(a, 0).map_or(0, |t| t.unix).to_string().into())
    }),
];

fn value<'a>(time: Time) -> Value<'a> {
    Value::time(time.unix, time.nanos, time.zone)
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time {
        unix: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        nanos: since.subsec_nanos(),
        zone: local(),
    }
}

/// A zone by its name; UTC where there is none.
fn zone(name: &str) -> Zone {
    if name == "Local" {
        return local();
    }
    Zone::load(name).unwrap_or(Zone::UTC)
}

/// A moment out of a time or a count of seconds, now out of anything else, on a clock.
fn moment(value: &Value<'_>, zone: Zone) -> Time {
    let (unix, nanos) = match value {
        Value::Time(t) => (t.unix, t.nanos),
        Value::Int(n, IntType::Int | IntType::Int64 | IntType::Rune) => (*n, 0),
        _ => {
            let now = now();
            (now.unix, now.nanos)
        }
    };
    // Sums with offsets must not overflow; the year is beyond all layouts anyway.
    let unix = unix.clamp(-(1 << 55), 1 << 55);
    Time { unix, nanos, zone }
}

fn in_zone<'a>(a: &[Value<'a>]) -> Out<'a> {
    Ok(layout(&moment(any(a, 1), zone(string(a, 2))), string(a, 0)).into())
}

fn modify<'a>(a: &[Value<'a>]) -> Out<'a> {
    let by = parse_go_duration(string(a, 0)).map_err(|e| Fault(e.to_string()))?;
    Ok(time(a, 1).map_or(Value::Nil, |t| add(t, by)))
}

fn read<'a>(a: &[Value<'a>]) -> Out<'a> {
    let ns = TimeFormat::with_zone(string(a, 0), local())
        .parse_str(string(a, 1))
        .map_err(|e| Fault(e.to_string()))?;
    Ok(Value::time(
        ns.div_euclid(SECOND),
        ns.rem_euclid(SECOND) as u32,
        local(),
    ))
}

/// A duration in its largest unit.
fn rounded<'a>(a: &[Value<'a>]) -> Out<'a> {
    let ns = match any(a, 0) {
        Value::Str(s) => parse_go_duration(s).unwrap_or(0),
        Value::Int(n, IntType::Int64) => *n,
        Value::Time(t) => between(&now(), t),
        _ => 0,
    };
    const HOUR: u64 = 3_600_000_000_000;
    let units = [
        (HOUR * 24 * 365, "y"),
        (HOUR * 24 * 30, "mo"),
        (HOUR * 24, "d"),
        (HOUR, "h"),
        (HOUR / 60, "m"),
        (HOUR / 3600, "s"),
    ];
    let size = ns.unsigned_abs();
    let largest = units.iter().find(|(unit, _)| size > *unit);
    Ok(largest
        .map_or_else(
            || "0s".to_owned(),
            |(unit, name)| format!("{}{name}", size / unit),
        )
        .into())
}
