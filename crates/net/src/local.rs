//! The address of this machine that a connection is to come from.

use std::net::{IpAddr, SocketAddr};

use wheatstone_plugin::Result;
use wheatstone_plugin::anyhow::{Context as _, anyhow};

/// Resolves `local_address`: an IP address or a name, with or without a port; `None` where it is empty. The port is 0
/// where none is given.
pub async fn resolve(text: &str) -> Result<Option<SocketAddr>> {
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(ip) = text
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>()
    {
        return Ok(Some(SocketAddr::new(ip, 0)));
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(Some(address));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (
            host,
            port.parse::<u16>()
                .with_context(|| format!("invalid port: {port:?}"))?,
        ),
        None => (text, 0),
    };
    let mut found = tokio::net::lookup_host((host, port))
        .await
        .with_context(|| format!("cannot resolve local address: {host}"))?;
    found
        .next()
        .map(Some)
        .ok_or_else(|| anyhow!("cannot resolve local address: {host}"))
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn addresses_with_and_without_a_port() {
        let resolve = async |text| super::resolve(text).await.map(|a| a.map(|a| a.to_string()));
        assert_eq!(resolve("").await.unwrap(), None);
        assert_eq!(
            resolve("127.0.0.1").await.unwrap().as_deref(),
            Some("127.0.0.1:0")
        );
        assert_eq!(
            resolve("127.0.0.1:99").await.unwrap().as_deref(),
            Some("127.0.0.1:99")
        );
        assert_eq!(resolve("::1").await.unwrap().as_deref(), Some("[::1]:0"));
        assert_eq!(resolve("[::1]:99").await.unwrap().as_deref(), Some("[::1]:99"));
        assert!(
            resolve("127.0.0.1:port")
                .await
                .unwrap_err()
                .to_string()
                .starts_with("invalid port")
        );
    }
}
