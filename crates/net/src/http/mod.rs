//! HTTP clients as Telegraf's plugins configure them: addresses, proxies, timeouts, and errors in Go's words.

mod address;
mod answer;

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use reqwest::{Client, Proxy};
use rustls::ClientConfig;
use wheatstone_plugin::Result;
use wheatstone_plugin::anyhow::{Context as _, anyhow};

pub use address::{Address, encode_query};
pub use answer::{describe, read_text, status_line};
pub use bytes::Bytes;
pub use reqwest;

use crate::{TlsConfig, local};

/// What is offered to a server that speaks TLS, the preferred one first.
const PROTOCOLS: &[&str] = if cfg!(feature = "http2") {
    &["h2", "http/1.1"]
} else {
    &["http/1.1"]
};

/// How a client reaches its server.
#[derive(Clone, Debug)]
pub struct Options {
    /// For a whole request, answer included; zero sets none.
    pub timeout: Duration,
    /// A proxy's URL; where it is empty the environment says (`HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`), except for servers on
    /// this machine.
    pub http_proxy: String,
    /// The address to connect from, see [`local::resolve`]; its port is not used.
    pub local_address: String,
    /// HTTP/2: how long a ping may wait for its answer before the connection is given up; zero is 15 s.
    pub ping_timeout: Duration,
    /// HTTP/2: after how long a silence a ping is sent; zero sends none.
    pub read_idle_timeout: Duration,
    tls: ClientConfig,
    proxy: Option<Proxy>,
}

impl Options {
    /// Checks the options and reads the TLS files; the times of HTTP/2's pings are zero.
    pub fn new(timeout: Duration, http_proxy: &str, local_address: &str, tls: &TlsConfig) -> Result<Options> {
        let mut tls = tls.required()?;
        tls.alpn_protocols = PROTOCOLS.iter().map(|name| name.as_bytes().to_vec()).collect();
        let proxy = match http_proxy {
            "" => None,
            url => Some(Proxy::all(url).with_context(|| format!("error parsing proxy_url [{url}]"))?),
        };
        Ok(Options {
            timeout,
            http_proxy: http_proxy.to_owned(),
            local_address: local_address.to_owned(),
            ping_timeout: Duration::ZERO,
            read_idle_timeout: Duration::ZERO,
            tls,
            proxy,
        })
    }

    /// A client for one address. It keeps its connections, so make one per address and keep it. Connects to nothing, but
    /// looks up a local address that is a name.
    pub async fn client(&self, address: &Address) -> Result<Client> {
        let mut builder = self.http2(Client::builder().tls_backend_preconfigured(self.tls.clone()));
        if !self.timeout.is_zero() {
            builder = builder.timeout(self.timeout);
        }
        if let Some(local) = local::resolve(&self.local_address).await? {
            builder = builder.local_address(local.ip());
        }
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy.clone());
        } else if address.is_local() {
            builder = builder.no_proxy();
        }
        if let Some(socket) = address.socket() {
            builder = on_socket(builder, socket)?;
        }
        builder
            .build()
            .map_err(|e| anyhow!("error creating HTTP client [{}]: {e}", address.shown()))
    }

    #[cfg(feature = "http2")]
    fn http2(&self, builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
        let builder = builder.http2_adaptive_window(true);
        if self.read_idle_timeout.is_zero() {
            return builder;
        }
        let answer = if self.ping_timeout.is_zero() {
            Duration::from_secs(15)
        } else {
            self.ping_timeout
        };
        builder
            .http2_keep_alive_interval(self.read_idle_timeout)
            .http2_keep_alive_timeout(answer)
            .http2_keep_alive_while_idle(true)
    }

    /// Without HTTP/2 there are no pings: its two timeouts say nothing.
    #[cfg(not(feature = "http2"))]
    fn http2(&self, builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
        let _ = (self.read_idle_timeout, self.ping_timeout);
        builder
    }
}

/// The numbers below `count` in a random order: the order in which one of several servers is tried for a batch.
pub fn random_order(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        // Each state begins with other keys: random enough to spread load.
        let random = RandomState::new().build_hasher().finish();
        order.swap(last, (random % (last as u64 + 1)) as usize);
    }
    order
}

#[cfg(unix)]
fn on_socket(builder: reqwest::ClientBuilder, socket: &std::path::Path) -> Result<reqwest::ClientBuilder> {
    Ok(builder.unix_socket(socket))
}
#[cfg(not(unix))]
fn on_socket(_: reqwest::ClientBuilder, socket: &std::path::Path) -> Result<reqwest::ClientBuilder> {
    Err(anyhow!(
        "unix sockets are not to be had on this system: {}",
        socket.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_comes_up() {
        let seen: std::collections::HashSet<Vec<usize>> = (0..1000).map(|_| random_order(3)).collect();
        assert_eq!(seen.len(), 6);
        assert_eq!((random_order(1), random_order(0)), (vec![0], vec![]));
    }
}
