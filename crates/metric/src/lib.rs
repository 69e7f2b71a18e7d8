//! What flows through the agent: a [`Metric`] with its name, tags, fields and time, and the [`Ack`] that it carries
//! back to the message it came from. The ground floor: no runtime, no serde.

mod ack;
mod key;
mod metric;
mod sync;
mod value;

pub use ack::{Ack, Outcome, Settle};
pub use compact_str::CompactString;
pub use key::{Key, KeyCache, interned};
pub use metric::{Metric, ValueType};
pub use value::Value;

/// Nanoseconds since 1970-01-01T00:00:00 UTC.
pub type Timestamp = i64;

/// The time that Telegraf prints where none is known: Go's zero time in wrapped nanoseconds.
pub const ZERO_TIME: Timestamp = -6_795_364_578_871_345_152;

#[doc(hidden)]
pub use arcstr;

/// A [`Key`] made at compile time: no allocation, no look-up, no reference count.
#[macro_export]
macro_rules! key {
    ($text:literal) => {{
        static KEY: $crate::arcstr::ArcStr = $crate::arcstr::literal!($text);
        $crate::Key::from_static(&KEY)
    }};
}
