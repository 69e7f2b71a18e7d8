//! Batches to servers that take line protocol: the lines of a request, what a refusal says about them, and how a batch
//! is brought to its end so that a refused point never takes the others along.
//!
//! A server's refusal falls into one of two kinds. Either it names points (a line that it cannot parse, a field whose type
//! conflicts, the number of points that are too old): then those are rejected and the others are sent once more, which
//! overwrites a point that was stored already with itself. Or it says nothing about points: then, as in Telegraf, what it
//! answers holds for the whole request, and no further request is made.

mod field_types;
mod lines;
mod refusal;
mod settle;

pub use field_types::{field_types, field_types_url};
pub use lines::Lines;
pub use refusal::{Named, named_by_line, named_by_text};
pub use settle::Settling;
