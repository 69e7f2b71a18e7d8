//! Addresses of brokers, as Telegraf's configurations write them.

use std::fmt;

use wheatstone_plugin::anyhow::{Result, anyhow, bail, ensure};

/// How a broker is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Tcp,
    Tls,
    Ws,
    Wss,
    Unix,
}

/// One address out of `servers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub scheme: Scheme,
    /// A name or an address, without brackets; empty for a local socket.
    pub host: String,
    pub port: u16,
    /// The path of a websocket, with its query, or of a local socket.
    pub path: String,
    /// A user named in the address goes before the one of the options.
    pub user: Option<(String, Option<String>)>,
}

impl Server {
    /// Reads `scheme://[user[:password]@]host[:port][/path]`.
    pub fn parse(text: &str) -> Result<Server> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| anyhow!("server {text:?} has no scheme"))?;
        let (scheme, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "tcp" | "mqtt" => (Scheme::Tcp, 1883),
            "ssl" | "tls" | "mqtts" | "mqtt+ssl" | "tcps" => (Scheme::Tls, 8883),
            "ws" => (Scheme::Ws, 80),
            "wss" => (Scheme::Wss, 443),
            "unix" => (Scheme::Unix, 0),
            other => bail!("server {text:?}: unknown protocol {other:?}: use tcp, ssl, ws, wss or unix"),
        };
        if scheme == Scheme::Unix {
            ensure!(!rest.is_empty(), "server {text:?} has no path");
            return Ok(Server {
                scheme,
                host: String::new(),
                port: 0,
                path: rest.to_owned(),
                user: None,
            });
        }
        let (authority, path) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (user, address) = match authority.rsplit_once('@') {
            None => (None, authority),
            Some((user, address)) => {
                let (name, password) = match user.split_once(':') {
                    None => (user, None),
                    Some((name, password)) => (name, Some(unescape(password))),
                };
                (Some((unescape(name), password)), address)
            }
        };
        let (host, port) = split_port(address).ok_or_else(|| anyhow!("server {text:?}: invalid port"))?;
        let path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/{path}")
        };
        Ok(Server {
            scheme,
            // Go dials the local machine where a port stands alone.
            host: if host.is_empty() {
                "127.0.0.1".to_owned()
            } else {
                host.to_owned()
            },
            port: port.unwrap_or(default_port),
            path,
            user,
        })
    }
}

/// Host and port as they are dialled, or the path.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheme {
            Scheme::Unix => f.write_str(&self.path),
            _ if self.host.contains(':') => write!(f, "[{}]:{}", self.host, self.port),
            _ => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

fn split_port(address: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = address.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return match rest.strip_prefix(':') {
            None => Some((host, None)),
            Some(port) => Some((host, Some(port.parse().ok()?))),
        };
    }
    match address.split_once(':') {
        None => Some((address, None)),
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
    }
}

/// Undoes percent signs, which a password in an address needs.
fn unescape(text: &str) -> String {
    let (bytes, mut out, mut i) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while i < bytes.len() {
        let code = if bytes[i] == b'%' {
            text.get(i + 1..i + 3)
                .and_then(|h| u8::from_str_radix(h, 16).ok())
        } else {
            None
        };
        match code {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_every_form() {
        for (text, scheme, shown, path) in [
            ("tcp://127.0.0.1:1883", Scheme::Tcp, "127.0.0.1:1883", "/"),
            ("mqtt://broker", Scheme::Tcp, "broker:1883", "/"),
            ("ssl://broker", Scheme::Tls, "broker:8883", "/"),
            ("mqtts://[::1]:99", Scheme::Tls, "[::1]:99", "/"),
            (
                "ws://broker:9001/mqtt?a=b",
                Scheme::Ws,
                "broker:9001",
                "/mqtt?a=b",
            ),
            ("wss://broker", Scheme::Wss, "broker:443", "/"),
            (
                "unix:///run/mqtt.sock",
                Scheme::Unix,
                "/run/mqtt.sock",
                "/run/mqtt.sock",
            ),
            ("tcp://:1884", Scheme::Tcp, "127.0.0.1:1884", "/"),
        ] {
            let server = Server::parse(text).unwrap();
            assert_eq!(
                (server.scheme, server.to_string().as_str(), server.path.as_str()),
                (scheme, shown, path),
                "{text}"
            );
        }
    }

    #[test]
    fn a_user_may_stand_in_the_address() {
        let server = Server::parse("tcp://joe:p%40ss@broker:1").unwrap();
        assert_eq!(server.user, Some(("joe".into(), Some("p@ss".into()))));
        assert_eq!(
            Server::parse("tcp://joe@broker").unwrap().user,
            Some(("joe".into(), None))
        );
    }

    #[test]
    fn what_is_no_address_is_an_error() {
        for text in [
            "broker",
            "ftp://broker",
            "tcp://broker:port",
            "tcp://broker:70000",
            "unix://",
            "tcp://[::1",
        ] {
            assert!(Server::parse(text).is_err(), "{text}");
        }
    }
}
