//! Payload formats out.

pub mod binary;
pub mod carbon2;
pub mod cloudevents;
pub mod csv;
pub mod graphite;
pub mod influx;
pub mod json;
pub mod msgpack;
pub mod nowmetric;
mod number;
pub mod prometheus;
pub mod prometheusremotewrite;
mod protobuf;
pub mod splunkmetric;
pub mod template;
#[cfg(test)]
mod testing;
pub mod wavefront;
