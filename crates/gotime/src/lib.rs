//! Times as Telegraf's options write them: a text or a number goes in with a Go layout or a unix form, nanoseconds come out.
//!
//! [`TimeFormat`] is built once from an option pair such as `json_time_format` and `json_timezone` and reads times from
//! then on; [`Layout`] writes them. Nothing on the way from digits to nanoseconds passes through a float.
//!
//! Time zones come from `jiff`: it reads the system's data, carries a copy for machines without, and knows nothing of
//! layouts, so the calendar arithmetic that Go's layouts need stays here, in [`civil`].

pub mod civil;
mod duration;
mod error;
mod format;
mod layout;
mod parse;
mod time_format;
mod unix;
mod zone;

pub use duration::{format_duration, parse_duration, parse_go_duration};
pub use error::TimeError;
pub use format::{LONG_DAYS as WEEKDAYS, LONG_MONTHS as MONTHS};
pub use layout::{Layout, named_layout};
pub use time_format::TimeFormat;
pub use unix::{UnixUnit, parse_unix};
pub use zone::Zone;

/// Nanoseconds since 1970-01-01T00:00:00 UTC.
pub type Nanos = i64;

/// Writes the time `ns` in a Go layout, as a clock in `timezone` shows it. Formats that are used again are better kept
/// as a [`Layout`] and a [`Zone`].
///
/// # Errors
/// The time zone is not known.
pub fn format(layout: &str, ns: Nanos, timezone: &str) -> Result<String, TimeError> {
    let mut out = String::new();
    Layout::new(layout).format_to(&mut out, ns, &Zone::load(timezone)?);
    Ok(out)
}
