//! A time option made ready once: texts and numbers go in, nanoseconds come out.

use crate::civil::days_from_civil;
use crate::parse::{Clock, Moment};
use crate::unix::{float_to_nanos, sanitize};
use crate::{Layout, Nanos, TimeError, UnixUnit, Zone, named_layout, parse_unix};

/// How an option such as `json_time_format` says times are written, with the zone of `json_timezone`.
///
/// Formats are `unix`, `unix_ms`, `unix_us` and `unix_ns`; the same with `timestamp_tz` for `unix`, which count on a
/// local clock; the names of Go's layouts, such as `RFC3339` or `ansic`; and layouts.
#[derive(Clone, Debug)]
pub struct TimeFormat {
    form: Form,
    zone: Zone,
    separators: Vec<String>,
}

#[derive(Clone, Debug)]
enum Form {
    Unix {
        unit: UnixUnit,
        local_clock: bool,
    },
    Layout(Layout),
    /// A layout with `MST` in it: abbreviations are resolved by name.
    Abbreviated {
        layout: Layout,
        local: Zone,
    },
}

const UTC: &Zone = &Zone::UTC;

impl TimeFormat {
    /// Makes a format ready. `timezone` is an IANA name, `Local`, or empty for UTC; it counts only where the text names
    /// no zone itself.
    ///
    /// # Errors
    /// The time zone is not known. Every format is one: what is no name is a layout.
    pub fn new(format: &str, timezone: &str) -> Result<TimeFormat, TimeError> {
        Ok(TimeFormat::with_zone(format, Zone::load(timezone)?))
    }

    /// The same for a zone that is loaded already.
    pub fn with_zone(format: &str, zone: Zone) -> TimeFormat {
        let on_local_clock = format
            .strip_prefix("timestamp_tz")
            .map(|unit| format!("unix{unit}"));
        let unit = UnixUnit::from_name(on_local_clock.as_deref().unwrap_or(format));
        let form = match unit {
            Some(unit) => Form::Unix {
                unit,
                local_clock: on_local_clock.is_some(),
            },
            None => {
                let layout = Layout::new(named_layout(format).unwrap_or(format));
                if layout.as_str().contains("MST") {
                    Form::Abbreviated {
                        layout,
                        local: Zone::local(),
                    }
                } else {
                    Form::Layout(layout)
                }
            }
        };
        TimeFormat {
            form,
            zone,
            separators: vec![",".to_string(), ".".to_string()],
        }
    }

    /// Sets which marks separate the fraction in unix times; other marks of `,`, `.` and space group thousands and are
    /// left out. Without this, both `,` and `.` separate the fraction.
    pub fn with_separators(mut self, separators: &[&str]) -> TimeFormat {
        self.separators = separators.iter().map(|mark| (*mark).to_string()).collect();
        self
    }

    /// Whether times are counted: then they may be numbers, else they must be texts.
    pub fn is_unix(&self) -> bool {
        matches!(self.form, Form::Unix { .. })
    }

    /// Reads a time. Without a year in the layout it lies in the year 0, which 64 bits do not hold: the result has
    /// wrapped around, as in Telegraf. See [`TimeFormat::parse_str_in`].
    ///
    /// # Errors
    /// The text does not fit the format.
    pub fn parse_str(&self, text: &str) -> Result<Nanos, TimeError> {
        self.parse_with(text, |_| None)
    }

    /// Reads a time; one that lies in the year 0, mostly because the layout has no year, is moved into the year that
    /// `current_year` gives.
    ///
    /// # Errors
    /// The text does not fit the format.
    pub fn parse_str_in(&self, text: &str, current_year: impl FnOnce() -> i64) -> Result<Nanos, TimeError> {
        self.parse_with(text, |year| (year == 0).then(current_year))
    }

    fn parse_with(&self, text: &str, shift: impl FnOnce(i64) -> Option<i64>) -> Result<Nanos, TimeError> {
        let moment = match &self.form {
            Form::Unix { unit, local_clock } => {
                let marks: Vec<&str> = self.separators.iter().map(String::as_str).collect();
                let plain = text.bytes().all(|b| b.is_ascii_digit());
                let ns = if plain {
                    parse_unix(text, *unit)
                } else {
                    parse_unix(&sanitize(text, &marks), *unit)
                }?;
                return Ok(self.correct_clock(ns, *local_clock));
            }
            Form::Layout(layout) => layout.parse(text, &self.zone, &self.zone)?,
            Form::Abbreviated { layout, local } => self.parse_abbreviated(layout, local, text)?,
        };
        let civil = moment.civil();
        let unix = match shift(civil.year) {
            None => moment.unix,
            Some(years) => {
                let days = days_from_civil(civil.year + years, civil.month, civil.day);
                let on_clock = days * 86_400 + civil.seconds().rem_euclid(86_400);
                match &moment.clock {
                    Clock::Zone(zone) => zone.instant_of(on_clock),
                    Clock::Fixed { offset, .. } => on_clock - i64::from(*offset),
                }
            }
        };
        Ok(unix
            .wrapping_mul(1_000_000_000)
            .wrapping_add(i64::from(moment.nanos)))
    }

    fn parse_abbreviated<'a>(
        &'a self,
        layout: &Layout,
        local: &'a Zone,
        text: &str,
    ) -> Result<Moment<'a>, TimeError> {
        let first = layout.parse(text, UTC, local)?;
        let abbreviation = match &first.clock {
            Clock::Fixed {
                name: Some(name),
                offset: 0,
            } => name.clone(),
            Clock::Zone(zone) if first.offset() == 0 => zone.name_at(first.unix),
            _ => {
                return Ok(Moment {
                    clock: Clock::Zone(&self.zone),
                    ..first
                });
            }
        };
        if abbreviation == "UTC" {
            return Ok(Moment {
                clock: Clock::Zone(&self.zone),
                ..first
            });
        }
        // No offset is known here for the abbreviation, but many are names of zones as well: CET, EST, MST, GMT.
        let by_name =
            Zone::load(&abbreviation).map_err(|_| TimeError::UnknownAbbreviation(abbreviation.clone()))?;
        let (unix, nanos) = {
            let again = layout.parse(text, &by_name, &by_name)?;
            (again.unix, again.nanos)
        };
        Ok(Moment {
            unix,
            nanos,
            clock: Clock::Zone(&self.zone),
        })
    }

    /// Reads a number as it stands in the source, such as `1568338208.5` or `1.7e9`; nothing is rounded.
    ///
    /// # Errors
    /// The format is a layout, or the text is no decimal number.
    pub fn parse_number(&self, digits: &str) -> Result<Nanos, TimeError> {
        match &self.form {
            Form::Unix { unit, local_clock } => {
                Ok(self.correct_clock(parse_unix(digits, *unit)?, *local_clock))
            }
            _ => Err(TimeError::UnsupportedType),
        }
    }

    /// Reads a count that is an integer already.
    ///
    /// # Errors
    /// The format is a layout, or the time does not fit into nanoseconds.
    pub fn parse_int(&self, count: i64) -> Result<Nanos, TimeError> {
        match &self.form {
            Form::Unix { unit, local_clock } => {
                let ns = count.checked_mul(unit.nanos()).ok_or(TimeError::OutOfRange)?;
                Ok(self.correct_clock(ns, *local_clock))
            }
            _ => Err(TimeError::UnsupportedType),
        }
    }

    /// Reads a count that has been a float before; where the source's digits are at hand, [`TimeFormat::parse_number`]
    /// is exact.
    ///
    /// # Errors
    /// The format is a layout, the float is not finite, or the time does not fit into nanoseconds.
    pub fn parse_float(&self, count: f64) -> Result<Nanos, TimeError> {
        match &self.form {
            Form::Unix { unit, local_clock } => {
                Ok(self.correct_clock(float_to_nanos(count, *unit)?, *local_clock))
            }
            _ => Err(TimeError::UnsupportedType),
        }
    }

    fn correct_clock(&self, ns: Nanos, local_clock: bool) -> Nanos {
        if !local_clock {
            return ns;
        }
        let offset = self.zone.offset_at(ns.div_euclid(1_000_000_000));
        ns.wrapping_sub(i64::from(offset) * 1_000_000_000)
    }
}

#[cfg(test)]
mod tests;
