//! A plugin's table on its way from the file to the plugin's own config struct, with its place in the file kept.

mod de;
mod node;
mod types;

pub use de::{ConfigError, Unused, deserialize};
pub use node::{Entry, Node, NodeKind, Span, Table};
pub use types::{Duration, Secret, Size, references};

pub(crate) use de::{Reference, deserialize_with_references};
pub(crate) use types::split_reference;
