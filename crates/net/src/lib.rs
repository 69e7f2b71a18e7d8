//! TLS options, HTTP clients and addresses as Telegraf's plugins share them.
//!
//! [`tls`] stands alone; everything that needs an HTTP client is behind the feature `http`.

#[cfg(feature = "http")]
pub mod gzip;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "http")]
pub mod influx;
pub mod local;
pub mod tls;

pub use tls::TlsConfig;
