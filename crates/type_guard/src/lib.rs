//! Metrics on their way to a database that wants one type per field: what has another type is turned into it, given another
//! name, or refused, so that one device that sends `"21"` for 21 never breaks a batch.

mod coerce;
mod config;
mod guard;
mod journal;
mod resolve;
mod table;
#[cfg(test)]
mod tests;
mod types;

pub use config::{Action, Fallback, PastLimit, TypeGuardConfig};
pub use guard::{TypeGuard, Verdict};
pub use resolve::Conflict;
pub use table::Seeded;
pub use types::FieldType;
