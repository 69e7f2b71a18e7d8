//! Payload formats in: the parsers that need no crate of their own.

pub mod csv;
pub mod json;
pub mod influx;
pub mod value;
