//! Nanoseconds go in, text in a layout comes out.

use std::fmt::Write;

use crate::civil::Civil;
use crate::layout::{Element, Layout, OffsetForm};
use crate::{Nanos, Zone};

/// The names of the months, January first.
pub const LONG_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// The names of the weekdays, Sunday first.
pub const LONG_DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

impl Layout {
    /// The time `ns` as a clock in `zone` shows it.
    pub fn format(&self, ns: Nanos, zone: &Zone) -> String {
        let mut out = String::with_capacity(self.source.len() + 10);
        self.format_to(&mut out, ns, zone);
        out
    }

    /// Appends the time to `out`.
    pub fn format_to(&self, out: &mut String, ns: Nanos, zone: &Zone) {
        let nanos = ns.rem_euclid(1_000_000_000) as u32;
        self.format_at(out, ns.div_euclid(1_000_000_000), nanos, zone);
    }

    /// Appends a time that may lie outside of what nanoseconds reach: `unix` seconds since 1970 and `nanos` more.
    pub fn format_at(&self, out: &mut String, unix: i64, nanos: u32, zone: &Zone) {
        let offset = zone.offset_at(unix);
        let civil = Civil::from_seconds(unix + i64::from(offset));
        for step in &self.steps {
            out.push_str(&step.literal);
            match step.element {
                Element::ZoneName => out.push_str(&zone.name_at(unix)),
                Element::Offset(form) => write_offset(out, form, offset),
                Element::Fraction { digits, separator } => {
                    write_fraction(out, nanos, digits, separator, false)
                }
                Element::ShortFraction { digits, separator } => {
                    write_fraction(out, nanos, digits, separator, true);
                }
                element => write_civil(out, element, &civil),
            }
        }
        out.push_str(&self.tail);
    }
}

fn write_civil(out: &mut String, element: Element, civil: &Civil) {
    let &Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
    } = civil;
    let hour12 = if hour % 12 == 0 { 12 } else { hour % 12 };
    let month_name = LONG_MONTHS[(month as usize).saturating_sub(1) % 12];
    let day_name = LONG_DAYS[civil.weekday()];
    // Writing to a String cannot fail.
    let _ = match element {
        Element::LongMonth => out.write_str(month_name),
        Element::Month => out.write_str(&month_name[..3]),
        Element::NumMonth => write!(out, "{month}"),
        Element::ZeroMonth => write!(out, "{month:02}"),
        Element::LongWeekday => out.write_str(day_name),
        Element::Weekday => out.write_str(&day_name[..3]),
        Element::Day => write!(out, "{day}"),
        Element::UnderDay => write!(out, "{day:2}"),
        Element::ZeroDay => write!(out, "{day:02}"),
        Element::UnderYearDay => write!(out, "{:3}", civil.day_of_year()),
        Element::ZeroYearDay => write!(out, "{:03}", civil.day_of_year()),
        Element::Hour => write!(out, "{hour:02}"),
        Element::Hour12 => write!(out, "{hour12}"),
        Element::ZeroHour12 => write!(out, "{hour12:02}"),
        Element::Minute => write!(out, "{minute}"),
        Element::ZeroMinute => write!(out, "{minute:02}"),
        Element::Second => write!(out, "{second}"),
        Element::ZeroSecond => write!(out, "{second:02}"),
        Element::LongYear => write!(out, "{year:04}"),
        Element::Year => write!(out, "{:02}", year.rem_euclid(100)),
        Element::UpperPm => out.write_str(if hour >= 12 { "PM" } else { "AM" }),
        Element::LowerPm => out.write_str(if hour >= 12 { "pm" } else { "am" }),
        Element::ZoneName | Element::Offset(_) | Element::Fraction { .. } | Element::ShortFraction { .. } => {
            Ok(())
        }
    };
}

fn write_offset(out: &mut String, form: OffsetForm, offset: i32) {
    if form.z && offset == 0 {
        out.push('Z');
        return;
    }
    let size = offset.unsigned_abs();
    // An offset of less than a minute shows no minus: Go looks at whole minutes here.
    out.push(if offset <= -60 { '-' } else { '+' });
    let colon = if form.colon { ":" } else { "" };
    let _ = write!(out, "{:02}", size / 3600);
    if form.minutes {
        let _ = write!(out, "{colon}{:02}", size / 60 % 60);
    }
    if form.seconds {
        let _ = write!(out, "{colon}{:02}", size % 60);
    }
}

fn write_fraction(out: &mut String, nanos: u32, digits: usize, separator: u8, short: bool) {
    if short && nanos == 0 {
        return;
    }
    let text = format!("{nanos:09}");
    let mut text = &text[..digits.min(9)];
    if short {
        text = text.trim_end_matches('0');
        if text.is_empty() {
            return;
        }
    }
    out.push(char::from(separator));
    out.push_str(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-03-05 07:08:09.0123 UTC, a Tuesday.
    const T: Nanos = 1_709_622_489_012_300_000;

    fn show(layout: &str, ns: Nanos, zone: &str) -> String {
        crate::format(layout, ns, zone).expect("a known zone")
    }

    #[test]
    fn every_element() {
        for (layout, expected) in [
            ("January Jan 1 01", "March Mar 3 03"),
            ("Monday Mon 2 _2 02", "Tuesday Tue 5  5 05"),
            ("__2 002", " 65 065"),
            ("15 3 03 4 04 5 05", "07 7 07 8 08 9 09"),
            ("2006 06 _2006", "2024 24 _2024"),
            ("3PM 3pm", "7AM 7am"),
            (".000 .999 ,000000 .99999 .0", ".012 .012 ,012300 .0123 .0"),
            (
                "Z07:00 Z0700 Z07 -0700 -07:00 -07 -070000 -07:00:00",
                "Z Z Z +0000 +00:00 +00 +000000 +00:00:00",
            ),
            ("MST", "UTC"),
            ("plain Thu", "plain Thu"),
        ] {
            assert_eq!(show(layout, T, ""), expected, "{layout}");
        }
    }

    #[test]
    fn zones_shift_the_clock() {
        assert_eq!(
            show("2006-01-02T15:04:05Z07:00", T, "Asia/Kolkata"),
            "2024-03-05T12:38:09+05:30"
        );
        assert_eq!(
            show("Jan _2 15:04:05 -0700 MST", T, "America/New_York"),
            "Mar  5 02:08:09 -0500 EST"
        );
    }

    #[test]
    fn noon_midnight_and_the_past() {
        assert_eq!(show("3:04PM", 0, ""), "12:00AM");
        assert_eq!(show("03:04pm", 43_200_000_000_000, ""), "12:00pm");
        assert_eq!(
            show("2006-01-02 15:04:05.999999999", -1, ""),
            "1969-12-31 23:59:59.999999999"
        );
        assert_eq!(
            show("2006-01-02T15:04:05.999999999", i64::MIN, ""),
            "1677-09-21T00:12:43.145224192"
        );
    }
}
