//! One InfluxDB server over UDP: a line a datagram, nothing comes back.

use std::net::SocketAddr;

use tokio::net::{UdpSocket, lookup_host};
use wheatstone_net::local;
use wheatstone_plugin::line_protocol::Encoder;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::stats::Stat;

use crate::routes::Route;
use crate::{Config, End, bytes_written, line_options};

/// Where datagrams go: `udp://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    shown: String,
    host: String,
    family: Family,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Any,
    V4,
    V6,
}

impl Target {
    /// `None` for a URL of another kind.
    pub(crate) fn parse(url: &str) -> Result<Option<Target>> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Ok(None);
        };
        let family = match scheme {
            "udp" => Family::Any,
            "udp4" => Family::V4,
            "udp6" => Family::V6,
            _ => return Ok(None),
        };
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        match host.rsplit_once(':') {
            Some((name, port)) if !name.is_empty() && port.parse::<u16>().is_ok() => Ok(Some(Target {
                shown: url.to_owned(),
                host: host.to_owned(),
                family,
            })),
            _ => bail!("error parsing url [{url:?}]: a host and a port are needed"),
        }
    }

    fn takes(&self, address: &SocketAddr) -> bool {
        match self.family {
            Family::Any => true,
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        }
    }
}

pub(crate) struct UdpServer {
    target: Target,
    local_address: String,
    cx: Context,
    encoder: Encoder,
    lines: Vec<u8>,
    socket: Option<UdpSocket>,
    bytes_written: Stat,
}

impl UdpServer {
    pub(crate) fn new(config: &Config, cx: &Context, target: Target) -> UdpServer {
        let payload = usize::try_from(config.udp_payload.0).unwrap_or(usize::MAX);
        UdpServer {
            target,
            local_address: config.local_address.clone(),
            cx: cx.clone(),
            encoder: Encoder::new(line_options(config, payload)),
            lines: Vec::new(),
            socket: None,
            bytes_written: bytes_written(cx),
        }
    }

    /// Sends what is still open; databases and policies are the server's matter.
    pub(crate) async fn write(&mut self, metrics: &[&Metric], routes: &mut [Route], end: &mut End) {
        for route in routes {
            while let Some(points) = route.batch.next() {
                if let Err(error) = self.send(metrics, &points, route).await {
                    error!(
                        self.cx.log(),
                        "When writing to [{}]: {error:#}", self.target.shown
                    );
                    // An error may tell of a datagram sent before. Sending one again does no harm.
                    self.socket = None;
                    let refused = |i: &usize| route.batch.rejected.iter().any(|r| r.index == *i);
                    let open = points.into_iter().filter(|i| !refused(i)).collect();
                    route.batch.put_back(open);
                    end.failed = true;
                    return;
                }
            }
        }
    }

    async fn send(&mut self, metrics: &[&Metric], points: &[usize], route: &mut Route) -> Result<()> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => self
                .dial()
                .await
                .with_context(|| format!("error dialing address [{}]", self.target.shown))?,
        };
        let mut sent = Vec::with_capacity(points.len());
        for &i in points {
            self.lines.clear();
            if let Err(error) = self.encoder.encode(metrics[i], &mut self.lines) {
                error!(
                    self.cx.log(),
                    "When writing to [{}] could not serialize metric: {error}", self.target.shown
                );
                route.batch.reject(i, error.to_string());
                continue;
            }
            let mut rest = self.lines.as_slice();
            while !rest.is_empty() {
                let (line, tail) = rest.split_at(line_end(rest));
                socket.send(line).await?;
                rest = tail;
            }
            self.bytes_written
                .add(i64::try_from(self.lines.len()).unwrap_or(i64::MAX));
            sent.push(i);
        }
        route.batch.stored(&sent);
        self.socket = Some(socket);
        Ok(())
    }

    async fn dial(&self) -> Result<UdpSocket> {
        let to = lookup_host(&self.target.host)
            .await?
            .find(|a| self.target.takes(a));
        let to = to.ok_or_else(|| anyhow!("no address of that kind"))?;
        let from = match local::resolve(&self.local_address).await? {
            Some(address) => address,
            None if to.is_ipv4() => SocketAddr::from(([0, 0, 0, 0], 0)),
            None => SocketAddr::from(([0u16; 8], 0)),
        };
        let socket = UdpSocket::bind(from).await?;
        socket.connect(to).await?;
        Ok(socket)
    }
}

/// Where the first line ends, its break included: a break inside a text field does not end it.
fn line_end(lines: &[u8]) -> usize {
    let (mut in_fields, mut in_text, mut escaped) = (false, false, false);
    for (at, &byte) in lines.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b' ' => in_fields = true,
            b'"' if in_fields => in_text = !in_text,
            b'\n' if !in_text => return at + 1,
            _ => {}
        }
    }
    lines.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_breaks_outside_of_texts() {
        for line in [
            "m,t=a\"b v=1 1\n",
            "m,t=a\\ b v=\"x\ny\\\"\nz\",w=1 1\n",
            "m v=\"\\\\\" 1\n",
        ] {
            assert_eq!(
                line_end(format!("{line}next v=1 1\n").as_bytes()),
                line.len(),
                "{line}"
            );
        }
        assert_eq!(line_end(b"no break"), 8);
    }

    #[test]
    fn a_target_needs_host_and_port() {
        let target = Target::parse("udp6://[::1]:8089").unwrap().unwrap();
        assert_eq!((target.host.as_str(), target.family), ("[::1]:8089", Family::V6));
        assert!(Target::parse("udp://localhost").is_err());
        assert!(Target::parse("udp://:1").is_err());
        assert_eq!(Target::parse("http://localhost:1").unwrap(), None);
    }
}
