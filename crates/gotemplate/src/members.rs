//! Fields and methods of values: `.Time.Format "15:04"` asks here what a name means on a value, and then for its result.

use wheatstone_gotime::civil::{Civil, days_from_civil};
use wheatstone_gotime::{Layout, Zone, format_duration};

use crate::call::{Fault, Out, Param, Signature, int, string, time};
use crate::value::{IntType, Member, Time, Value};

/// Seconds from Go's zero time, the year 1, to 1970.
pub(crate) const ZERO_TIME: i64 = -62_135_596_800;
const SECOND: i128 = 1_000_000_000;

/// What a name means on a value; nothing where the value has no such method. Keys of maps are not looked at here.
pub(crate) fn member(value: &Value<'_>, name: &str) -> Option<Member> {
    use Param::{Duration, Int, Str, Time};
    const fn method(fixed: &'static [Param]) -> Option<Member> {
        Some(Member::Method(Signature::of(fixed)))
    }
    match value {
        Value::Object(object) => object.member(name),
        Value::Time(_) => match name {
            "Unix" | "UnixMilli" | "UnixMicro" | "UnixNano" | "Nanosecond" | "Second" | "Minute" | "Hour"
            | "Day" | "Year" | "YearDay" | "Month" | "Weekday" | "UTC" | "Local" | "String" | "GoString"
            | "IsZero" | "IsDST" | "Location" => method(&[]),
            "Format" => method(&[Str]),
            "Add" | "Truncate" | "Round" => method(&[Duration]),
            "AddDate" => method(&[Int, Int, Int]),
            "Sub" | "After" | "Before" | "Equal" | "Compare" => method(&[Time]),
            "ISOWeek" | "Zone" | "ZoneBounds" => {
                Some(Member::Uncallable("second return value should be error; is int"))
            }
            "Date" | "Clock" => Some(Member::Uncallable("should have 1 or 2 return values")),
            _ => None,
        },
        Value::Int(_, IntType::Duration) => match name {
            "Hours" | "Minutes" | "Seconds" | "Milliseconds" | "Microseconds" | "Nanoseconds" | "String"
            | "Abs" => method(&[]),
            "Round" | "Truncate" => method(&[Duration]),
            _ => None,
        },
        Value::Int(_, IntType::Month | IntType::Weekday) if name == "String" => method(&[]),
        _ => None,
    }
}

/// The result of a member that is there, with arguments that fit.
pub(crate) fn get<'a>(value: &Value<'a>, name: &str, args: &[Value<'a>]) -> Out<'a> {
    match value {
        Value::Object(object) => object.get(name, args),
        Value::Time(time) => of_time(time, name, args),
        Value::Int(n, IntType::Duration) => of_duration(*n, name, args),
        Value::Int(n, IntType::Month) => Ok(month_text(*n).into()),
        Value::Int(n, IntType::Weekday) => Ok(weekday_text(*n).into()),
        _ => Err(Fault(format!("no member {name}"))),
    }
}

/// As `time.Time` prints itself.
pub(crate) fn time_text(time: &Time) -> String {
    layout(time, "2006-01-02 15:04:05.999999999 -0700 MST")
}

pub(crate) fn layout(time: &Time, layout: &str) -> String {
    let mut out = String::new();
    Layout::new(layout).format_at(&mut out, time.unix, time.nanos, &time.zone);
    out
}

pub(crate) fn month_text(month: i64) -> String {
    match usize::try_from(month).ok().filter(|m| (1..=12).contains(m)) {
        Some(m) => wheatstone_gotime::MONTHS[m - 1].to_owned(),
        None => format!("%!Month({month})"),
    }
}

pub(crate) fn weekday_text(day: i64) -> String {
    match usize::try_from(day).ok().filter(|d| *d < 7) {
        Some(d) => wheatstone_gotime::WEEKDAYS[d].to_owned(),
        None => format!("%!Weekday({day})"),
    }
}

/// The moment `ns` nanoseconds after Go's zero time, on a clock.
fn since_zero<'a>(ns: i128, zone: &Zone) -> Value<'a> {
    let unix = i64::try_from(ns.div_euclid(SECOND)).unwrap_or(i64::MAX);
    let nanos = ns.rem_euclid(SECOND) as u32;
    Value::time(unix.saturating_add(ZERO_TIME), nanos, zone.clone())
}

fn to_zero(time: &Time) -> i128 {
    (i128::from(time.unix) - i128::from(ZERO_TIME)) * SECOND + i128::from(time.nanos)
}

/// A count of units since 1970, cut to what an `int64` holds.
pub(crate) fn unix_in(time: &Time, unit: i128) -> i64 {
    let ns = i128::from(time.unix) * SECOND + i128::from(time.nanos);
    ns.div_euclid(unit) as i64
}

pub(crate) fn add<'a>(time: &Time, ns: i64) -> Value<'a> {
    since_zero(to_zero(time) + i128::from(ns), &time.zone)
}

/// The time from `earlier` to `later`, as far as a duration reaches.
pub(crate) fn between(later: &Time, earlier: &Time) -> i64 {
    let ns = to_zero(later) - to_zero(earlier);
    ns.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

fn of_time<'a>(t: &Time, name: &str, args: &[Value<'a>]) -> Out<'a> {
    let civil = Civil::from_seconds(t.unix + i64::from(t.zone.offset_at(t.unix)));
    let int_of = |n: u32| Ok(Value::int(i64::from(n)));
    let other = || time(args, 0).map_or(0, to_zero);
    let own = to_zero(t);
    match name {
        "Unix" => Ok(Value::int64(t.unix)),
        "UnixMilli" => Ok(Value::int64(unix_in(t, 1_000_000))),
        "UnixMicro" => Ok(Value::int64(unix_in(t, 1_000))),
        "UnixNano" => Ok(Value::int64(unix_in(t, 1))),
        "Nanosecond" => int_of(t.nanos),
        "Second" => int_of(civil.second),
        "Minute" => int_of(civil.minute),
        "Hour" => int_of(civil.hour),
        "Day" => int_of(civil.day),
        "Year" => Ok(Value::int(civil.year)),
        "YearDay" => int_of(civil.day_of_year()),
        "Month" => Ok(Value::Int(i64::from(civil.month), IntType::Month)),
        "Weekday" => Ok(Value::Int(civil.weekday() as i64, IntType::Weekday)),
        "UTC" => Ok(Value::time(t.unix, t.nanos, Zone::UTC)),
        "Local" => Ok(Value::time(t.unix, t.nanos, local())),
        "String" => Ok(time_text(t).into()),
        "GoString" => Ok(format!(
            "time.Date({}, time.{}, {}, {}, {}, {}, {}, time.{})",
            civil.year,
            month_text(i64::from(civil.month)),
            civil.day,
            civil.hour,
            civil.minute,
            civil.second,
            t.nanos,
            if t.zone.name_at(t.unix) == "UTC" {
                "UTC"
            } else {
                "Local"
            }
        )
        .into()),
        "IsZero" => Ok((own == 0).into()),
        // Summer is when the clock is ahead of where it stands in either January or July.
        "IsDST" => {
            let at = |month| t.zone.offset_at(days_from_civil(civil.year, month, 1) * 86_400);
            let (now, standard) = (t.zone.offset_at(t.unix), at(1).min(at(7)));
            Ok((now > standard).into())
        }
        "Location" => Ok(t.zone.name_at(t.unix).into()),
        "Format" => Ok(layout(t, string(args, 0)).into()),
        "Add" => Ok(add(t, int(args, 0))),
        "AddDate" => add_date(t, &civil, args),
        "Truncate" | "Round" => {
            let step = i128::from(int(args, 0));
            if step <= 0 {
                return Ok(since_zero(own, &t.zone));
            }
            let rest = own.rem_euclid(step);
            let up = name == "Round" && rest * 2 >= step;
            Ok(since_zero(own - rest + if up { step } else { 0 }, &t.zone))
        }
        "Sub" => {
            let ns = (own - other()).clamp(i128::from(i64::MIN), i128::from(i64::MAX));
            Ok(Value::Int(ns as i64, IntType::Duration))
        }
        "After" => Ok((own > other()).into()),
        "Before" => Ok((own < other()).into()),
        "Equal" => Ok((own == other()).into()),
        "Compare" => Ok(Value::int(own.cmp(&other()) as i64)),
        _ => Err(Fault(format!("no member {name}"))),
    }
}

fn add_date<'a>(t: &Time, civil: &Civil, args: &[Value<'a>]) -> Out<'a> {
    // Beyond some thousand years either way nobody means it, and sums stay small.
    let limit = |i, most: i64| int(args, i).clamp(-most, most);
    let months = i64::from(civil.month) - 1 + limit(1, 1_000_000);
    let year = civil.year + limit(0, 100_000) + months.div_euclid(12);
    let month = months.rem_euclid(12) as u32 + 1;
    let days = days_from_civil(year, month, civil.day) + limit(2, 100_000_000);
    let clock = days * 86_400 + i64::from(civil.hour * 3600 + civil.minute * 60 + civil.second);
    Ok(Value::time(t.zone.instant_of(clock), t.nanos, t.zone.clone()))
}

fn of_duration<'a>(ns: i64, name: &str, args: &[Value<'a>]) -> Out<'a> {
    let duration = |ns| Ok(Value::Int(ns, IntType::Duration));
    // As Go divides: the whole and the rest apart, so that a whole number stays one.
    let in_unit = |unit: i64| {
        Ok(Value::Float(
            (ns / unit) as f64 + (ns % unit) as f64 / unit as f64,
        ))
    };
    match name {
        "Hours" => in_unit(3_600_000_000_000),
        "Minutes" => in_unit(60_000_000_000),
        "Seconds" => in_unit(1_000_000_000),
        "Milliseconds" => Ok(Value::int64(ns / 1_000_000)),
        "Microseconds" => Ok(Value::int64(ns / 1_000)),
        "Nanoseconds" => Ok(Value::int64(ns)),
        "String" => Ok(format_duration(ns).into()),
        "Abs" => duration(ns.saturating_abs()),
        "Truncate" => {
            let step = int(args, 0);
            duration(if step <= 0 { ns } else { ns - ns % step })
        }
        "Round" => duration(round(ns, int(args, 0))),
        _ => Err(Fault(format!("no member {name}"))),
    }
}

/// Rounds a duration to a multiple, halves away from zero.
pub(crate) fn round(ns: i64, step: i64) -> i64 {
    if step <= 0 {
        return ns;
    }
    let (ns, step) = (i128::from(ns), i128::from(step));
    let rest = ns % step;
    let rounded = if rest.abs() * 2 >= step {
        ns - rest + step * ns.signum()
    } else {
        ns - rest
    };
    rounded.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// The machine's own clock.
pub(crate) fn local() -> Zone {
    static LOCAL: std::sync::OnceLock<Zone> = std::sync::OnceLock::new();
    LOCAL.get_or_init(Zone::local).clone()
}
