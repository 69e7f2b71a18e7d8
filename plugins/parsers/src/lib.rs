//! Payload formats in: the parsers that need no crate of their own.

#[cfg(feature = "full")]
pub mod auto;
#[cfg(feature = "full")]
pub mod binary;
pub mod csv;
#[cfg(feature = "full")]
pub mod dropwizard;
#[cfg(feature = "full")]
pub mod form_urlencoded;
mod gjson_path;
#[cfg(feature = "full")]
pub mod graphite;
#[cfg(feature = "full")]
pub mod grok;
pub mod influx;
pub mod json;
pub mod json_v2;
#[cfg(feature = "full")]
pub mod logfmt;
#[cfg(feature = "full")]
pub mod nagios;
#[cfg(feature = "full")]
pub mod openmetrics;
#[cfg(feature = "full")]
pub mod opentsdb;
#[cfg(feature = "full")]
pub mod prometheus;
#[cfg(feature = "full")]
pub mod prometheusremotewrite;
#[cfg(feature = "full")]
mod protobuf;
#[cfg(feature = "full")]
pub mod sparkplug_b;
#[cfg(test)]
mod testing;
pub mod value;
#[cfg(feature = "full")]
pub mod wavefront;
