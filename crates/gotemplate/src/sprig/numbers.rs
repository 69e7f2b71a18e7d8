//! Numbers: whatever a value is becomes one first, 0 where it is none.

use super::decimal::Decimal;
use crate::call::Param::{Any, Float, Int};
use crate::call::{self, Fault, Function, Out, any, function, int, variadic};
use crate::format::display;
use crate::parse::{float, integer};
use crate::value::{Elem, List, Value};

/// The longest list of numbers.
const MAX_COUNT: i64 = 1 << 20;

pub(super) static FUNCTIONS: &[Function] = &[
    function("atoi", &[crate::call::Param::Str], |a| {
        let n = crate::call::string(a, 0).parse().unwrap_or(0);
        Ok(Value::int(n))
    }),
    function("int64", &[Any], |a| Ok(Value::int64(to_int(any(a, 0))))),
    function("int", &[Any], |a| Ok(Value::int(to_int(any(a, 0))))),
    function("float64", &[Any], |a| Ok(to_float(any(a, 0)).into())),
    function("toDecimal", &[Any], |a| {
        // Octal digits, whatever the name says.
        Ok(Value::int64(
            i64::from_str_radix(&display(any(a, 0)), 8).unwrap_or(0),
        ))
    }),
    variadic("seq", &[], Int, seq),
    function("until", &[Int], |a| {
        let count = int(a, 0);
        ints(steps(0, count, if count < 0 { -1 } else { 1 })?)
    }),
    function("untilStep", &[Int, Int, Int], |a| {
        ints(steps(int(a, 0), int(a, 1), int(a, 2))?)
    }),
    function("add1", &[Any], |a| {
        Ok(Value::int64(to_int(any(a, 0)).wrapping_add(1)))
    }),
    variadic("add", &[], Any, |a| {
        Ok(Value::int64(
            a.iter().fold(0i64, |sum, v| sum.wrapping_add(to_int(v))),
        ))
    }),
    function("sub", &[Any, Any], |a| {
        Ok(Value::int64(to_int(any(a, 0)).wrapping_sub(to_int(any(a, 1)))))
    }),
    function("div", &[Any, Any], |a| divide(a, i64::wrapping_div)),
    function("mod", &[Any, Any], |a| divide(a, i64::wrapping_rem)),
    variadic("mul", &[Any], Any, |a| {
        Ok(Value::int64(
            a.iter().fold(1i64, |product, v| product.wrapping_mul(to_int(v))),
        ))
    }),
    function("add1f", &[Any], |a| {
        exactly(&[any(a, 0).clone(), Value::Float(1.0)], Decimal::add)
    }),
    variadic("addf", &[], Any, |a| {
        let mut all = vec![Value::Float(0.0)];
        all.extend_from_slice(a);
        exactly(&all, Decimal::add)
    }),
    variadic("subf", &[Any], Any, |a| exactly(a, Decimal::sub)),
    variadic("mulf", &[Any], Any, |a| exactly(a, Decimal::mul)),
    variadic("divf", &[Any], Any, |a| {
        if a.iter().skip(1).any(|v| to_float(v) == 0.0) {
            return Err("decimal division by 0".into());
        }
        exactly(a, Decimal::div)
    }),
    variadic("max", &[Any], Any, most),
    variadic("biggest", &[Any], Any, most),
    variadic("min", &[Any], Any, |a| {
        Ok(Value::int64(a.iter().map(to_int).min().unwrap_or(0)))
    }),
    variadic("maxf", &[Any], Any, |a| {
        floats(a, |x, y| if x.is_nan() || x > y { x } else { y })
    }),
    variadic("minf", &[Any], Any, |a| {
        floats(a, |x, y| if x.is_nan() || x < y { x } else { y })
    }),
    function("ceil", &[Any], |a| Ok(to_float(any(a, 0)).ceil().into())),
    function("floor", &[Any], |a| Ok(to_float(any(a, 0)).floor().into())),
    variadic("round", &[Any, Int], Float, round),
];

/// As the library cast reads an integer out of anything.
pub(super) fn to_int(value: &Value<'_>) -> i64 {
    match value {
        Value::Int(n, _) => *n,
        Value::Uint(n, _) => *n as i64,
        // What does not fit is the smallest number, as on the machines that Go runs on mostly.
        Value::Float(x) if x.is_nan() || *x >= 9_223_372_036_854_775_808.0 => i64::MIN,
        Value::Float(x) => *x as i64,
        Value::Bool(b) => i64::from(*b),
        Value::Str(s) => match integer(without_fraction(s)) {
            Some(Ok((false, size))) => i64::try_from(size).unwrap_or(0),
            Some(Ok((true, size))) => 0i64.checked_sub_unsigned(size).unwrap_or(0),
            _ => 0,
        },
        _ => 0,
    }
}

/// `1.7` counts as `1`.
fn without_fraction(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, fraction))
            if fraction.bytes().all(|b| b.is_ascii_digit())
                && whole
                    .trim_start_matches(['+', '-'])
                    .bytes()
                    .all(|b| b.is_ascii_digit()) =>
        {
            if whole.trim_start_matches(['+', '-']).is_empty() {
                "0"
            } else {
                whole
            }
        }
        _ => text,
    }
}

pub(super) fn to_float(value: &Value<'_>) -> f64 {
    match value {
        Value::Int(n, _) => *n as f64,
        Value::Uint(n, _) => *n as f64,
        Value::Float(x) => *x,
        Value::Bool(b) => f64::from(u8::from(*b)),
        Value::Str(s) => float_of(s).unwrap_or(0.0),
        _ => 0.0,
    }
}

fn float_of(text: &str) -> Option<f64> {
    // `inf` and `nan` are numbers too.
    float(text).or_else(|| text.parse().ok().filter(|x: &f64| !x.is_finite()))
}

fn most<'a>(a: &[Value<'a>]) -> Out<'a> {
    Ok(Value::int64(a.iter().map(to_int).max().unwrap_or(0)))
}

fn floats<'a>(a: &[Value<'a>], choose: impl Fn(f64, f64) -> f64) -> Out<'a> {
    let chosen = a.iter().map(to_float).reduce(choose);
    Ok(chosen.unwrap_or(0.0).into())
}

fn divide<'a>(a: &[Value<'a>], how: impl Fn(i64, i64) -> i64) -> Out<'a> {
    let (n, by) = (to_int(any(a, 0)), to_int(any(a, 1)));
    if by == 0 {
        return Err("runtime error: integer divide by zero".into());
    }
    Ok(Value::int64(how(n, by)))
}

/// Reckons with decimal digits, so that 0.1 and 0.2 make 0.3.
fn exactly<'a>(a: &[Value<'a>], how: fn(Decimal, Decimal) -> Decimal) -> Out<'a> {
    let mut numbers = a.iter().map(|v| Decimal::new(to_float(v)));
    let first = numbers.next().unwrap_or(Decimal::new(0.0));
    Ok(numbers.fold(first, how).to_float().into())
}

fn round<'a>(a: &[Value<'a>]) -> Out<'a> {
    let on = if a.len() > 2 { call::float(a, 2) } else { 0.5 };
    let power = 10f64.powf(int(a, 1) as f64);
    let digit = power * to_float(any(a, 0));
    let rounded = if digit.fract() >= on {
        digit.ceil()
    } else {
        digit.floor()
    };
    Ok((rounded / power).into())
}

/// The numbers from `start` up to, and without, `stop`.
fn steps(start: i64, stop: i64, step: i64) -> Result<Vec<i64>, Fault> {
    let down = stop < start;
    if (down && step >= 0) || (!down && step <= 0) {
        return Ok(Vec::new());
    }
    let mut numbers = Vec::new();
    let mut n = start;
    while if down { n > stop } else { n < stop } {
        if numbers.len() as i64 >= MAX_COUNT {
            return Err(Fault(format!("exceeded {MAX_COUNT} elements")));
        }
        numbers.push(n);
        match n.checked_add(step) {
            Some(next) => n = next,
            None => break,
        }
    }
    Ok(numbers)
}

fn ints<'a>(numbers: Vec<i64>) -> Out<'a> {
    let items = numbers.into_iter().map(Value::int).collect();
    Ok(Value::List(List::new(items, Elem::Int)))
}

/// As the shell's `seq`: END, START END, or START STEP END, all included.
fn seq<'a>(a: &[Value<'a>]) -> Out<'a> {
    let at = |i| int(a, i);
    let numbers = match a.len() {
        1 => {
            let increment = if at(0) < 1 { -1 } else { 1 };
            steps(1, at(0).saturating_add(increment), increment)?
        }
        2 => {
            let step = if at(1) < at(0) { -1 } else { 1 };
            steps(at(0), at(1).saturating_add(step), step)?
        }
        3 => {
            let down = at(2) < at(0);
            if down && at(1) > 0 {
                return Ok("".into());
            }
            let beyond = if down { -1 } else { 1 };
            steps(at(0), at(2).saturating_add(beyond), at(1))?
        }
        _ => return Ok("".into()),
    };
    let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    Ok(texts.join(" ").into())
}
