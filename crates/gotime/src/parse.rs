//! Text in a layout goes in, an instant comes out.

mod take;

use crate::civil::{Civil, days_in, is_leap};
use crate::error::quote;
use crate::format::{LONG_DAYS, LONG_MONTHS};
use crate::layout::{Element, Layout};
use crate::{TimeError, Zone};
use take::*;

/// Which clock a parsed time was read from.
#[derive(Clone, Debug)]
pub(crate) enum Clock<'a> {
    /// One with rules: the zone asked for, or UTC.
    Zone(&'a Zone),
    /// A fixed offset that stood in the text, with the abbreviation that stood there, if any.
    Fixed { name: Option<String>, offset: i32 },
}

/// A parsed time. Its range is that of the layouts: the years 0 to 9999.
#[derive(Clone, Debug)]
pub(crate) struct Moment<'a> {
    pub(crate) unix: i64,
    pub(crate) nanos: u32,
    pub(crate) clock: Clock<'a>,
}

impl Moment<'_> {
    pub(crate) fn offset(&self) -> i32 {
        match &self.clock {
            Clock::Zone(zone) => zone.offset_at(self.unix),
            Clock::Fixed { offset, .. } => *offset,
        }
    }

    /// What the clock showed.
    pub(crate) fn civil(&self) -> Civil {
        Civil::from_seconds(self.unix + i64::from(self.offset()))
    }
}

/// The parts as far as the text has given them.
#[derive(Default)]
struct Parts<'v> {
    year: i64,
    month: Option<u32>,
    day: Option<u32>,
    year_day: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    /// Whether the hour is one of the afternoon.
    pm: Option<bool>,
    utc: bool,
    offset: Option<i32>,
    zone_name: Option<&'v [u8]>,
}

impl Layout {
    /// Reads `value`. Without a zone in it, the time is one of `zone`; an abbreviation in it is looked up in `names`.
    pub(crate) fn parse<'a>(
        &self,
        value: &str,
        zone: &'a Zone,
        names: &'a Zone,
    ) -> Result<Moment<'a>, TimeError> {
        let mut parts = Parts::default();
        let mut rest = value.as_bytes();
        for (at, step) in self.steps.iter().enumerate() {
            rest = skip(rest, step.literal.as_bytes())
                .map_err(|rest| self.mismatch(value, rest, &step.literal))?;
            let next = self.steps.get(at + 1).map(|step| step.element);
            rest = match parts.take(step.element, rest, next) {
                Ok(rest) => rest,
                Err(Bad::Form) => return Err(self.mismatch(value, rest, &step.text)),
                Err(Bad::Range(what)) => return Err(invalid(value, format!(": {what} out of range"))),
            };
        }
        rest = skip(rest, self.tail.as_bytes()).map_err(|rest| self.mismatch(value, rest, &self.tail))?;
        if !rest.is_empty() {
            return Err(invalid(value, format!(": extra text: {}", quote(rest))));
        }
        parts.moment(value, zone, names)
    }

    fn mismatch(&self, value: &str, rest: &[u8], element: &str) -> TimeError {
        TimeError::Mismatch {
            value: value.to_string(),
            layout: self.source.clone(),
            value_part: quote(rest),
            layout_part: element.to_string(),
        }
    }
}

fn invalid(value: &str, message: String) -> TimeError {
    TimeError::Invalid {
        value: value.to_string(),
        message,
    }
}

impl<'v> Parts<'v> {
    fn take(&mut self, element: Element, value: &'v [u8], next: Option<Element>) -> Result<&'v [u8], Bad> {
        let rest = match element {
            Element::Year => {
                let (text, rest) = value.split_at_checked(2).ok_or(Bad::Form)?;
                let year = signed(text).ok_or(Bad::Form)?;
                // Two digits mean 1969 to 2068.
                self.year = if year >= 69 { year + 1900 } else { year + 2000 };
                rest
            }
            Element::LongYear => {
                let (text, rest) = value.split_at_checked(4).ok_or(Bad::Form)?;
                if !text.iter().all(u8::is_ascii_digit) {
                    return Err(Bad::Form);
                }
                self.year = signed(text).ok_or(Bad::Form)?;
                rest
            }
            Element::Month => {
                let (month, rest) = name(value, LONG_MONTHS.iter().map(|name| &name[..3]))?;
                self.month = Some(month + 1);
                rest
            }
            Element::LongMonth => {
                let (month, rest) = name(value, LONG_MONTHS.iter().copied())?;
                self.month = Some(month + 1);
                rest
            }
            Element::NumMonth | Element::ZeroMonth => {
                let (month, rest) = two_digits(value, element == Element::ZeroMonth)?;
                if !(1..=12).contains(&month) {
                    return Err(Bad::Range("month"));
                }
                self.month = Some(month);
                rest
            }
            Element::Weekday => name(value, LONG_DAYS.iter().map(|name| &name[..3]))?.1,
            Element::LongWeekday => name(value, LONG_DAYS.iter().copied())?.1,
            Element::Day | Element::UnderDay | Element::ZeroDay => {
                let value = match value {
                    [b' ', rest @ ..] if element == Element::UnderDay => rest,
                    _ => value,
                };
                let (day, rest) = two_digits(value, element == Element::ZeroDay)?;
                self.day = Some(day);
                rest
            }
            Element::UnderYearDay | Element::ZeroYearDay => {
                let fixed = element == Element::ZeroYearDay;
                let spaces = if fixed {
                    0
                } else {
                    value.iter().take(2).take_while(|b| **b == b' ').count()
                };
                let (day, rest) = three_digits(&value[spaces..], fixed)?;
                self.year_day = Some(day);
                rest
            }
            Element::Hour => {
                let (hour, rest) = two_digits(value, false)?;
                self.hour = in_range(hour, 23, "hour")?;
                rest
            }
            Element::Hour12 | Element::ZeroHour12 => {
                let (hour, rest) = two_digits(value, element == Element::ZeroHour12)?;
                self.hour = in_range(hour, 12, "hour")?;
                rest
            }
            Element::Minute | Element::ZeroMinute => {
                let (minute, rest) = two_digits(value, element == Element::ZeroMinute)?;
                self.minute = in_range(minute, 59, "minute")?;
                rest
            }
            Element::Second | Element::ZeroSecond => {
                let (second, rest) = two_digits(value, element == Element::ZeroSecond)?;
                self.second = in_range(second, 59, "second")?;
                // A fraction may follow although the layout shows none.
                match next {
                    Some(Element::Fraction { .. } | Element::ShortFraction { .. }) => rest,
                    _ => self.take_any_fraction(rest),
                }
            }
            Element::UpperPm | Element::LowerPm => {
                let (text, rest) = value.split_at_checked(2).ok_or(Bad::Form)?;
                self.pm = Some(match (element, text) {
                    (Element::UpperPm, b"PM") | (Element::LowerPm, b"pm") => true,
                    (Element::UpperPm, b"AM") | (Element::LowerPm, b"am") => false,
                    _ => return Err(Bad::Form),
                });
                rest
            }
            Element::Offset(form) => match value {
                [b'Z', rest @ ..] if form.z => {
                    self.utc = true;
                    rest
                }
                _ => {
                    let (offset, rest) = numeric_offset(value, form)?;
                    self.offset = Some(offset);
                    rest
                }
            },
            Element::ZoneName => match value {
                [b'U', b'T', b'C', rest @ ..] => {
                    self.utc = true;
                    rest
                }
                _ => {
                    let (name, rest) = abbreviation_len(value)
                        .and_then(|n| value.split_at_checked(n))
                        .ok_or(Bad::Form)?;
                    self.zone_name = Some(name);
                    rest
                }
            },
            Element::Fraction { digits, .. } => {
                let (text, rest) = value.split_at_checked(digits + 1).ok_or(Bad::Form)?;
                match text {
                    [b'.' | b',', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => {
                        self.nanos = nanoseconds(digits);
                    }
                    _ => return Err(Bad::Form),
                }
                rest
            }
            // As many digits as there are, whatever the layout says.
            Element::ShortFraction { .. } => self.take_any_fraction(value),
        };
        Ok(rest)
    }

    fn take_any_fraction(&mut self, value: &'v [u8]) -> &'v [u8] {
        let [b'.' | b',', digits @ ..] = value else {
            return value;
        };
        let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
        if count == 0 {
            return value;
        }
        self.nanos = nanoseconds(&digits[..count]);
        &digits[count..]
    }

    fn moment<'a>(&self, value: &str, zone: &'a Zone, names: &'a Zone) -> Result<Moment<'a>, TimeError> {
        let hour = match self.pm {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let (month, day) = self.month_and_day(value)?;
        let civil = Civil {
            year: self.year,
            month,
            day,
            hour,
            minute: self.minute,
            second: self.second,
        };
        let on_clock = civil.seconds();
        let nanos = self.nanos;
        if self.utc {
            return Ok(Moment {
                unix: on_clock,
                nanos,
                clock: Clock::Fixed {
                    name: None,
                    offset: 0,
                },
            });
        }
        let name = self
            .zone_name
            .map(|name| String::from_utf8_lossy(name).into_owned());
        if let Some(offset) = self.offset {
            let unix = on_clock - i64::from(offset);
            let same =
                names.offset_at(unix) == offset && name.as_ref().is_none_or(|n| *n == names.name_at(unix));
            let clock = if same {
                Clock::Zone(names)
            } else {
                Clock::Fixed { name, offset }
            };
            return Ok(Moment { unix, nanos, clock });
        }
        if let Some(name) = name {
            if let Some(offset) = names.offset_of_name(&name, on_clock) {
                return Ok(Moment {
                    unix: on_clock - i64::from(offset),
                    nanos,
                    clock: Clock::Zone(names),
                });
            }
            // An abbreviation by itself says nothing; only GMT+3 does. Go keeps the reading as if in UTC all the same.
            let hours = name
                .strip_prefix("GMT")
                .and_then(|h| signed(h.as_bytes()))
                .unwrap_or(0);
            let offset = i32::try_from(hours * 3600).unwrap_or(0);
            return Ok(Moment {
                unix: on_clock,
                nanos,
                clock: Clock::Fixed {
                    name: Some(name),
                    offset,
                },
            });
        }
        Ok(Moment {
            unix: zone.instant_of(on_clock),
            nanos,
            clock: Clock::Zone(zone),
        })
    }

    fn month_and_day(&self, value: &str) -> Result<(u32, u32), TimeError> {
        let out_of = |message: &str| Err(invalid(value, message.to_string()));
        let (month, day) = match self.year_day {
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
            Some(of_year) => {
                if of_year < 1 || of_year > 365 + u32::from(is_leap(self.year)) {
                    return out_of(": day-of-year out of range");
                }
                let (mut month, mut day) = (1, of_year);
                while day > days_in(month, self.year) {
                    day -= days_in(month, self.year);
                    month += 1;
                }
                if self.month.is_some_and(|seen| seen != month) {
                    return out_of(": day-of-year does not match month");
                }
                if self.day.is_some_and(|seen| seen != day) {
                    return out_of(": day-of-year does not match day");
                }
                (month, day)
            }
        };
        if day < 1 || day > days_in(month, self.year) {
            return out_of(": day out of range");
        }
        Ok((month, day))
    }
}
