//! Letters that could not be delivered: a payload that no parser reads, a metric that a server refuses for good. A [`Store`]
//! takes them from the running agent and keeps them on disk; [`Letters`] reads them for the commands, beside the agent.

mod config;
mod files;
mod marks;
mod reader;
mod record;
mod render;
mod segments;
mod store;
mod writer;

#[cfg(test)]
mod tests;

pub use config::DeadLetterConfig;
pub use reader::{Entries, Entry, Filter, Letters, Replay, parse_since};
pub use store::{Closed, Store};
pub use wheatstone_plugin::dead_letter::{Body, DeadLetterSink, Letter, enabled, record, set_sink};
