//! Payload formats in: the parsers that need no crate of their own.

pub mod csv;
mod gjson_path;
pub mod grok;
pub mod influx;
pub mod json;
pub mod json_v2;
pub mod value;
