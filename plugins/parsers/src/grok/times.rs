//! The text of a captured time in, nanoseconds since 1970 out, in the form that the modifier names.

use wheatstone_gotime::civil::Civil;
use wheatstone_gotime::{TimeFormat, Zone};
use wheatstone_plugin::prelude::*;

use crate::value::number::parse_int;

/// The layouts that have names.
const LAYOUTS: [(&str, &str); 11] = [
    ("ts-ansic", "Mon Jan _2 15:04:05 2006"),
    ("ts-unix", "Mon Jan _2 15:04:05 MST 2006"),
    ("ts-ruby", "Mon Jan 02 15:04:05 -0700 2006"),
    ("ts-rfc822", "02 Jan 06 15:04 MST"),
    ("ts-rfc822z", "02 Jan 06 15:04 -0700"),
    ("ts-rfc850", "Monday, 02-Jan-06 15:04:05 MST"),
    ("ts-rfc1123", "Mon, 02 Jan 2006 15:04:05 MST"),
    ("ts-rfc1123z", "Mon, 02 Jan 2006 15:04:05 -0700"),
    ("ts-rfc3339", "2006-01-02T15:04:05Z07:00"),
    ("ts-rfc3339nano", "2006-01-02T15:04:05.999999999Z07:00"),
    ("ts-httpd", "02/Jan/2006:15:04:05 -0700"),
];
const SYSLOG: &str = "Jan _2 15:04:05";

/// How a time is written.
#[derive(Debug)]
pub(super) enum Form {
    Epoch,
    EpochMilli,
    EpochNano,
    /// Any of the named layouts; those that have fitted before are tried first.
    Any {
        formats: Vec<TimeFormat>,
        order: Vec<usize>,
        known: usize,
    },
    Layout {
        name: String,
        format: TimeFormat,
        commas: bool,
    },
}

impl Form {
    /// The form that a modifier such as `ts-httpd` or `ts-"2006-01-02"` names.
    pub(super) fn from_modifier(modifier: &str, zone: &Zone) -> Form {
        let layout = |name: &str, layout: &str, commas| Form::Layout {
            name: name.to_owned(),
            format: TimeFormat::with_zone(layout, zone.clone()),
            commas,
        };
        match modifier {
            "ts-epoch" => Form::Epoch,
            "ts-epochmilli" => Form::EpochMilli,
            "ts-epochnano" => Form::EpochNano,
            "ts-syslog" => layout("SYSLOG_TIMESTAMP", SYSLOG, false),
            "ts" => Form::Any {
                formats: LAYOUTS
                    .iter()
                    .map(|(_, layout)| TimeFormat::with_zone(layout, zone.clone()))
                    .collect(),
                order: (0..LAYOUTS.len()).collect(),
                known: 0,
            },
            _ => {
                let known = LAYOUTS.iter().find(|(name, _)| *name == modifier);
                let own = modifier.strip_prefix("ts-\"").unwrap_or(modifier);
                let own = own.strip_suffix('"').unwrap_or(own);
                let text = known.map_or(own, |(_, layout)| layout);
                layout(text, text, true)
            }
        }
    }

    /// Reads a time; `now` gives the year that some forms lack. What is wrong is one sentence for the log.
    pub(super) fn read(&mut self, text: &str, now: Timestamp) -> Result<Timestamp, String> {
        let int = |text: &str| parse_int(text, "ParseInt");
        match self {
            Form::Epoch => {
                let wrong = |error| format!("Error parsing {text} to timestamp: {error}");
                let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
                let seconds = int(seconds).map_err(wrong)?;
                let fraction: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
                let nanos = int(&fraction.replace(' ', "0")).map_err(wrong)?;
                Ok(seconds.wrapping_mul(1_000_000_000).wrapping_add(nanos))
            }
            Form::EpochMilli => match int(text) {
                Ok(millis) => Ok(millis.wrapping_mul(1_000_000)),
                Err(error) => Err(format!("Error parsing {text} to int: {error}")),
            },
            Form::EpochNano => int(text).map_err(|error| format!("Error parsing {text} to int: {error}")),
            Form::Any {
                formats,
                order,
                known,
            } => {
                for place in 0..order.len() {
                    if let Ok(time) = formats[order[place]].parse_str(text) {
                        if place >= *known {
                            order[*known..=place].rotate_right(1);
                            *known += 1;
                        }
                        return Ok(time);
                    }
                }
                Err(format!(
                    "Error parsing timestamp [{text}], could not find any suitable time layouts."
                ))
            }
            Form::Layout { name, format, commas } => {
                let plain = if *commas {
                    text.replace(',', ".")
                } else {
                    text.to_owned()
                };
                let this_year = || Civil::from_seconds(now.div_euclid(1_000_000_000)).year;
                format
                    .parse_str_in(&plain, this_year)
                    .map_err(|error| format!("Error parsing {plain} to time layout [{name}]: {error}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000_000_000;

    fn read(modifier: &str, text: &str) -> Result<i64, String> {
        let zone = Zone::load("Europe/Berlin").expect("a zone");
        Form::from_modifier(modifier, &zone).read(text, NOW)
    }

    #[test]
    fn every_form() {
        let second = 1_465_040_505_000_000_000;
        for (modifier, text, want) in [
            ("ts-epoch", "1465040505", second),
            ("ts-epoch", "1465040505.25", second + 250_000_000),
            ("ts-epoch", "1465040505.1234567899", second + 123_456_789),
            ("ts-epochmilli", "1465040505123", second + 123_000_000),
            ("ts-epochnano", "1465040505000000001", second + 1),
            ("ts-httpd", "04/Jun/2016:12:41:45 +0100", second),
            ("ts-rfc3339", "2016-06-04T11:41:45Z", second),
            (
                "ts-\"2006-01-02 15:04:05.000\"",
                "2016-06-04 13:41:45,250",
                second + 250_000_000,
            ),
            ("ts", "Sat Jun  4 13:41:45 2016", second),
            ("ts-syslog", "Jun  4 13:41:45", 1_685_878_905_000_000_000),
        ] {
            assert_eq!(read(modifier, text), Ok(want), "{modifier} {text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let message = |modifier, text| read(modifier, text).err().unwrap_or_default();
        assert_eq!(
            message("ts-epoch", "x"),
            "Error parsing x to timestamp: strconv.ParseInt: parsing \"x\": invalid syntax"
        );
        assert!(
            message("ts-httpd", "x,y")
                .starts_with("Error parsing x.y to time layout [02/Jan/2006:15:04:05 -0700]: ")
        );
        assert_eq!(
            message("ts", "x"),
            "Error parsing timestamp [x], could not find any suitable time layouts."
        );
    }

    #[test]
    fn a_layout_that_fitted_is_tried_first() {
        let mut form = Form::from_modifier("ts", &Zone::default());
        form.read("2016-06-04T11:41:45Z", NOW).expect("a time");
        let Form::Any { order, known, .. } = form else {
            panic!("another form")
        };
        assert_eq!((order[0], order[1], known), (8, 0, 1));
    }
}
