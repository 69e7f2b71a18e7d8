//! Payload formats out.

#[cfg(feature = "full")]
pub mod binary;
#[cfg(feature = "full")]
pub mod carbon2;
#[cfg(feature = "full")]
pub mod cloudevents;
#[cfg(feature = "full")]
pub mod csv;
#[cfg(feature = "full")]
pub mod graphite;
pub mod influx;
pub mod json;
#[cfg(feature = "full")]
pub mod msgpack;
#[cfg(feature = "full")]
pub mod nowmetric;
#[cfg(feature = "full")]
mod number;
#[cfg(feature = "full")]
pub mod prometheus;
#[cfg(feature = "full")]
pub mod prometheusremotewrite;
#[cfg(feature = "full")]
mod protobuf;
#[cfg(feature = "full")]
pub mod splunkmetric;
#[cfg(feature = "full")]
pub mod template;
#[cfg(test)]
mod testing;
#[cfg(feature = "full")]
pub mod wavefront;
