//! Payload formats out.

pub mod influx;
pub mod json;
