//! A Go reference layout, taken apart once into the elements that parsing and formatting walk through.

/// An element of a layout, named after the reference time `Mon Jan 2 15:04:05 MST 2006` with the zone -0700.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    /// `PM`, `AM`.
    UpperPm,
    /// `pm`, `am`.
    LowerPm,
    /// `MST`.
    ZoneName,
    Offset(OffsetForm),
    /// `.000`: as many digits as there are zeros.
    Fraction {
        digits: usize,
        separator: u8,
    },
    /// `.999`: trailing zeros are left away, the whole fraction too.
    ShortFraction {
        digits: usize,
        separator: u8,
    },
}

/// How a numeric zone is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OffsetForm {
    /// `Z07:00`: UTC is a `Z`.
    pub(crate) z: bool,
    pub(crate) colon: bool,
    pub(crate) minutes: bool,
    pub(crate) seconds: bool,
}

/// One step: text that stands as it is, then an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) literal: String,
    pub(crate) element: Element,
    /// The element as the layout writes it, for error texts.
    pub(crate) text: String,
}

/// A Go reference layout such as `2006-01-02T15:04:05Z07:00`. Every text is one: what is no element stands for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    pub(crate) source: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) tail: String,
}

impl Layout {
    /// Takes a layout apart. Names such as `RFC3339` mean nothing here, see [`named_layout`].
    pub fn new(source: &str) -> Layout {
        let mut steps = Vec::new();
        let mut rest = source;
        'next: loop {
            for (at, _) in rest.char_indices() {
                if let Some((element, len)) = element_at(&rest.as_bytes()[at..]) {
                    // `_2006` is an underscore before a year.
                    let at = if element == Element::LongYear && rest.as_bytes()[at] == b'_' {
                        at + 1
                    } else {
                        at
                    };
                    steps.push(Step {
                        literal: rest[..at].to_string(),
                        element,
                        text: rest[at..at + len].to_string(),
                    });
                    rest = &rest[at + len..];
                    continue 'next;
                }
            }
            return Layout {
                source: source.to_string(),
                steps,
                tail: rest.to_string(),
            };
        }
    }

    /// The text it was made from.
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

/// The layout that a name such as `RFC3339` or `StampMilli` stands for; upper and lower case are the same.
pub fn named_layout(name: &str) -> Option<&'static str> {
    const NAMES: [(&str, &str); 14] = [
        ("ansic", "Mon Jan _2 15:04:05 2006"),
        ("unixdate", "Mon Jan _2 15:04:05 MST 2006"),
        ("rubydate", "Mon Jan 02 15:04:05 -0700 2006"),
        ("rfc822", "02 Jan 06 15:04 MST"),
        ("rfc822z", "02 Jan 06 15:04 -0700"),
        ("rfc850", "Monday, 02-Jan-06 15:04:05 MST"),
        ("rfc1123", "Mon, 02 Jan 2006 15:04:05 MST"),
        ("rfc1123z", "Mon, 02 Jan 2006 15:04:05 -0700"),
        ("rfc3339", "2006-01-02T15:04:05Z07:00"),
        ("rfc3339nano", "2006-01-02T15:04:05.999999999Z07:00"),
        ("stamp", "Jan _2 15:04:05"),
        ("stampmilli", "Jan _2 15:04:05.000"),
        ("stampmicro", "Jan _2 15:04:05.000000"),
        ("stampnano", "Jan _2 15:04:05.000000000"),
    ];
    NAMES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, layout)| *layout)
}

/// The element that `text` begins with, and its length.
fn element_at(text: &[u8]) -> Option<(Element, usize)> {
    use Element::*;
    let starts = |with: &str| text.starts_with(with.as_bytes());
    // "Jan" in "January" is the long form, and in "Janus" no month at all.
    let word_ends = |at: usize| !text.get(at).is_some_and(u8::is_ascii_lowercase);
    match text[0] {
        b'J' if starts("January") => Some((LongMonth, 7)),
        b'J' if starts("Jan") && word_ends(3) => Some((Month, 3)),
        b'M' if starts("Monday") => Some((LongWeekday, 6)),
        b'M' if starts("Mon") && word_ends(3) => Some((Weekday, 3)),
        b'M' if starts("MST") => Some((ZoneName, 3)),
        b'0' => match text.get(1) {
            Some(b'1') => Some((ZeroMonth, 2)),
            Some(b'2') => Some((ZeroDay, 2)),
            Some(b'3') => Some((ZeroHour12, 2)),
            Some(b'4') => Some((ZeroMinute, 2)),
            Some(b'5') => Some((ZeroSecond, 2)),
            Some(b'6') => Some((Year, 2)),
            Some(b'0') if text.get(2) == Some(&b'2') => Some((ZeroYearDay, 3)),
            _ => None,
        },
        b'1' if starts("15") => Some((Hour, 2)),
        b'1' => Some((NumMonth, 1)),
        b'2' if starts("2006") => Some((LongYear, 4)),
        b'2' => Some((Day, 1)),
        b'_' if starts("_2006") => Some((LongYear, 4)),
        b'_' if starts("_2") => Some((UnderDay, 2)),
        b'_' if starts("__2") => Some((UnderYearDay, 3)),
        b'3' => Some((Hour12, 1)),
        b'4' => Some((Minute, 1)),
        b'5' => Some((Second, 1)),
        b'P' if starts("PM") => Some((UpperPm, 2)),
        b'p' if starts("pm") => Some((LowerPm, 2)),
        b'-' | b'Z' => offset_at(text),
        separator @ (b'.' | b',') => {
            let digit = *text.get(1).filter(|b| matches!(b, b'0' | b'9'))?;
            let digits = text[1..].iter().take_while(|b| **b == digit).count();
            // Only digits of one kind are a fraction: ".0042" is none.
            if text.get(1 + digits).is_some_and(u8::is_ascii_digit) {
                return None;
            }
            let element = match digit {
                b'0' => Fraction { digits, separator },
                _ => ShortFraction { digits, separator },
            };
            Some((element, 1 + digits))
        }
        _ => None,
    }
}

fn offset_at(text: &[u8]) -> Option<(Element, usize)> {
    let z = text[0] == b'Z';
    let form = |colon, minutes, seconds| {
        Element::Offset(OffsetForm {
            z,
            colon,
            minutes,
            seconds,
        })
    };
    let digits = &text[1..];
    let found = if digits.starts_with(b"070000") {
        (form(false, true, true), 7)
    } else if digits.starts_with(b"07:00:00") {
        (form(true, true, true), 9)
    } else if digits.starts_with(b"0700") {
        (form(false, true, false), 5)
    } else if digits.starts_with(b"07:00") {
        (form(true, true, false), 6)
    } else if digits.starts_with(b"07") {
        (form(false, false, false), 3)
    } else {
        return None;
    };
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(layout: &str) -> Vec<Element> {
        Layout::new(layout).steps.into_iter().map(|s| s.element).collect()
    }

    #[test]
    fn literals_stand_between_elements() {
        let layout = Layout::new("at 15h04, Janus_2006!");
        assert_eq!(
            elements("at 15h04, Janus_2006!"),
            [Element::Hour, Element::ZeroMinute, Element::LongYear]
        );
        assert_eq!(layout.steps[2].literal, ", Janus_");
        assert_eq!(layout.steps[2].text, "2006");
        assert_eq!(layout.tail, "!");
    }

    #[test]
    fn a_fraction_is_digits_of_one_kind() {
        assert_eq!(
            elements(".000"),
            [Element::Fraction {
                digits: 3,
                separator: b'.'
            }]
        );
        assert_eq!(
            elements(",99"),
            [Element::ShortFraction {
                digits: 2,
                separator: b','
            }]
        );
        assert_eq!(elements(".0091"), [Element::NumMonth]);
    }

    #[test]
    fn zones_take_the_longest_form() {
        let form = |z, colon, minutes, seconds| {
            Element::Offset(OffsetForm {
                z,
                colon,
                minutes,
                seconds,
            })
        };
        assert_eq!(elements("-07"), [form(false, false, false, false)]);
        assert_eq!(elements("-070000"), [form(false, false, true, true)]);
        assert_eq!(elements("Z07:00"), [form(true, true, true, false)]);
        assert_eq!(elements("Z07:00:00"), [form(true, true, true, true)]);
        assert_eq!(elements("Z"), []);
    }

    #[test]
    fn text_beyond_ascii_is_literal() {
        let layout = Layout::new("le 2 à 15 h…");
        assert_eq!(layout.steps.len(), 2);
        assert_eq!(layout.tail, " h…");
    }
}
