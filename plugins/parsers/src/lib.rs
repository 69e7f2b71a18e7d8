//! Payload formats in: the parsers that need no crate of their own.

pub mod auto;
pub mod binary;
pub mod csv;
pub mod dropwizard;
pub mod form_urlencoded;
mod gjson_path;
pub mod graphite;
pub mod grok;
pub mod influx;
pub mod json;
pub mod json_v2;
pub mod logfmt;
pub mod nagios;
pub mod openmetrics;
pub mod opentsdb;
pub mod prometheus;
pub mod prometheusremotewrite;
mod protobuf;
pub mod sparkplug_b;
#[cfg(test)]
mod testing;
pub mod value;
pub mod wavefront;
