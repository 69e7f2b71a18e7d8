//! Metrics to InfluxDB line protocol and back: what Telegraf's `influx` serializer and its two `influx` parsers do,
//! byte for byte and error text for error text.
//!
//! One line is `name,tag=value field=1.5,other=2i 1700000000000000000`. [`Encoder`] appends such lines to a buffer,
//! [`Decoder`] reads a payload of them. Both keep what they learn between calls, so make one per plugin and reuse it.

mod decode;
mod encode;
mod escape;
mod number;
mod quote;
mod scan;

pub use decode::{DecodeError, Decoder, Engine};
pub use encode::{EncodeError, Encoder, Options};
pub use number::{push_float, push_int, push_uint};
pub use quote::{quote, quote_char};
