//! The beginning of a text in, one number or name of it out, and what is left.

use crate::layout::OffsetForm;

/// Why an element did not fit.
pub(super) enum Bad {
    /// It does not look like the element.
    Form,
    /// It does, but is too large: what of.
    Range(&'static str),
}
pub(super) type Taken<'v, T> = Result<(T, &'v [u8]), Bad>;

/// Takes the layout's plain text off; a run of spaces matches any other. Err holds where it did not fit.
pub(super) fn skip<'v>(mut value: &'v [u8], mut literal: &[u8]) -> Result<&'v [u8], &'v [u8]> {
    let trim = |text: &[u8]| text.iter().take_while(|b| **b == b' ').count();
    while let [expected, rest @ ..] = literal {
        if *expected == b' ' {
            if value.first().is_some_and(|b| *b != b' ') {
                return Err(value);
            }
            literal = &literal[trim(literal)..];
            value = &value[trim(value)..];
            continue;
        }
        match value {
            [b, after @ ..] if b == expected => value = after,
            _ => return Err(value),
        }
        literal = rest;
    }
    Ok(value)
}

pub(super) fn in_range(value: u32, max: u32, what: &'static str) -> Result<u32, Bad> {
    if value > max {
        Err(Bad::Range(what))
    } else {
        Ok(value)
    }
}

pub(super) fn digit(value: &[u8], at: usize) -> Option<u32> {
    value
        .get(at)
        .filter(|b| b.is_ascii_digit())
        .map(|b| u32::from(b - b'0'))
}

/// One or two digits; `fixed` asks for two.
pub(super) fn two_digits(value: &[u8], fixed: bool) -> Taken<'_, u32> {
    match (digit(value, 0), digit(value, 1)) {
        (Some(tens), Some(ones)) => Ok((tens * 10 + ones, &value[2..])),
        (Some(ones), None) if !fixed => Ok((ones, &value[1..])),
        _ => Err(Bad::Form),
    }
}

/// One to three digits; `fixed` asks for three.
pub(super) fn three_digits(value: &[u8], fixed: bool) -> Taken<'_, u32> {
    let count = value.iter().take(3).take_while(|b| b.is_ascii_digit()).count();
    if count == 0 || fixed && count != 3 {
        return Err(Bad::Form);
    }
    Ok((
        value[..count].iter().fold(0, |n, b| n * 10 + u32::from(b - b'0')),
        &value[count..],
    ))
}

/// A whole number with an optional sign.
pub(super) fn signed(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The first nine digits after the decimal mark.
pub(super) fn nanoseconds(digits: &[u8]) -> u32 {
    let digits = &digits[..digits.len().min(9)];
    let count = digits.iter().fold(0, |n, b| n * 10 + u32::from(b - b'0'));
    count * 10_u32.pow(9 - digits.len() as u32)
}

/// The name that `value` begins with, in whatever case.
pub(super) fn name<'v, 'n>(value: &'v [u8], mut names: impl Iterator<Item = &'n str>) -> Taken<'v, u32> {
    let begins = |name: &str| {
        value
            .get(..name.len())
            .is_some_and(|v| v.eq_ignore_ascii_case(name.as_bytes()))
    };
    let mut len = 0;
    let at = names.position(|name| {
        len = name.len();
        begins(name)
    });
    at.map(|at| (at as u32, &value[len..])).ok_or(Bad::Form)
}

/// `+01:30` and its like, as seconds.
pub(super) fn numeric_offset(value: &[u8], form: OffsetForm) -> Taken<'_, i32> {
    let colon = usize::from(form.colon);
    let pair = |at: usize| two_digits(value.get(at..).unwrap_or_default(), true).map(|(n, _)| n);
    let (minute_at, second_at) = (3 + colon, 5 + 2 * colon);
    let len = if form.seconds {
        second_at + 2
    } else if form.minutes {
        minute_at + 2
    } else {
        3
    };
    if value.len() < len || form.colon && (value[3] != b':' || form.seconds && value[6] != b':') {
        return Err(Bad::Form);
    }
    let hours = pair(1)?;
    let minutes = if form.minutes { pair(minute_at)? } else { 0 };
    let seconds = if form.seconds { pair(second_at)? } else { 0 };
    // Go takes 24 hours, 60 minutes and 60 seconds too, since some people write them.
    in_range(hours, 24, "time zone offset hour")?;
    in_range(minutes, 60, "time zone offset minute")?;
    in_range(seconds, 60, "time zone offset second")?;
    let offset = ((hours * 60 + minutes) * 60 + seconds) as i32;
    match value[0] {
        b'+' => Ok((offset, &value[len..])),
        b'-' => Ok((-offset, &value[len..])),
        _ => Err(Bad::Form),
    }
}

/// How long the zone abbreviation is that `value` begins with: three capitals, four or five with a T at the end, and
/// a few that are special.
pub(super) fn abbreviation_len(value: &[u8]) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    if value.starts_with(b"ChST") || value.starts_with(b"MeST") {
        return Some(4);
    }
    if value.starts_with(b"GMT") {
        return Some(3 + signed_hours_len(&value[3..]));
    }
    if matches!(value[0], b'+' | b'-') {
        return Some(signed_hours_len(value)).filter(|len| *len > 0);
    }
    match value
        .iter()
        .take(6)
        .take_while(|b| b.is_ascii_uppercase())
        .count()
    {
        3 => Some(3),
        4 if value[3] == b'T' || value.starts_with(b"WITA") => Some(4),
        5 if value[4] == b'T' => Some(5),
        _ => None,
    }
}

/// The length of a `+5` or `-11` at the beginning; 0 where there is none.
pub(super) fn signed_hours_len(value: &[u8]) -> usize {
    let [b'+' | b'-', rest @ ..] = value else { return 0 };
    let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let hours = rest[..count].iter().fold(0u64, |n, b| {
        n.saturating_mul(10).saturating_add(u64::from(b - b'0'))
    });
    if count == 0 || hours > 23 { 0 } else { 1 + count }
}
