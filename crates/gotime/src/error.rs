//! Why a time was not understood, in Go's words where Telegraf shows them to its users.

use std::fmt;

/// Why a time, a duration or a time zone was not understood. The text is what Telegraf's user would read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeError {
    /// A part of the text does not fit the layout's element.
    Mismatch {
        /// The whole text.
        value: String,
        /// The whole layout.
        layout: String,
        /// What is left of the text, quoted as Go quotes it.
        value_part: String,
        /// The element of the layout that it should have been.
        layout_part: String,
    },
    /// The text fits the layout but is no time: `": month out of range"`, `": extra text: \"x\""`.
    Invalid {
        /// The whole text.
        value: String,
        /// What is wrong with it, beginning with a colon.
        message: String,
    },
    /// A unix time that is not a number.
    InvalidNumber,
    /// A number where the layout needs a text.
    UnsupportedType,
    /// A time before 1677 or after 2262, which nanoseconds in 64 bits cannot hold.
    OutOfRange,
    /// Neither the system nor the bundled data knows this zone.
    UnknownZone(String),
    /// A zone abbreviation in a text that names no zone by itself.
    UnknownAbbreviation(String),
    /// Not a duration; the text says why.
    Duration(String),
}

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TimeError::Mismatch {
                value,
                layout,
                value_part,
                layout_part,
            } => write!(
                f,
                "parsing time {} as {}: cannot parse {value_part} as {}",
                quote(value.as_bytes()),
                quote(layout.as_bytes()),
                quote(layout_part.as_bytes())
            ),
            TimeError::Invalid { value, message } => {
                write!(f, "parsing time {}{message}", quote(value.as_bytes()))
            }
            TimeError::InvalidNumber => f.write_str("invalid number"),
            TimeError::UnsupportedType => f.write_str("unsupported type"),
            TimeError::OutOfRange => f.write_str("time does not fit into nanoseconds since 1970"),
            TimeError::UnknownZone(name) => write!(f, "unknown time zone {name}"),
            TimeError::UnknownAbbreviation(name) => {
                write!(
                    f,
                    "cannot resolve timezone abbreviation {0:?}: unknown time zone {0}",
                    name
                )
            }
            TimeError::Duration(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for TimeError {}

/// No time is longer; of what is, so many bytes are shown.
const SHOWN: usize = 128;

/// Quotes as Go's package time does: control characters and all that is not ASCII byte by byte.
pub(crate) fn quote(text: &[u8]) -> String {
    let shown = &text[..text.len().min(SHOWN)];
    let mut out = String::with_capacity(shown.len() + 5);
    out.push('"');
    for &b in shown {
        match b {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(b));
            }
            b' '..=0x7f => out.push(char::from(b)),
            _ => out.push_str(&format!("\\x{b:02x}")),
        }
    }
    if shown.len() < text.len() {
        out.push_str("...");
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_much_too_long_is_cut() {
        let error = TimeError::Invalid {
            value: "\u{ff}".repeat(100_000),
            message: format!(": extra text: {}", quote(&[b'x'; 100_000])),
        };
        let text = error.to_string();
        assert!(text.starts_with(r#"parsing time "\xc3\xbf"#), "{text}");
        assert!(text.ends_with(r#"xxx...""#) && text.len() < 700, "{text}");
    }
}
