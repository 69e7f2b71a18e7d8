//! From the list of servers to one connection that has been accepted: who answers, and in which version of MQTT.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use wheatstone_plugin::prelude::*;

use crate::buffer::Buffer;
use crate::config::Protocol;
use crate::frame::{Packet, Split, split};
use crate::packets::{self, Connect, Level, Refusal};
use crate::server::Server;
use crate::transport::{Transport, go_text};

/// How to reach a broker, and who we are there.
pub(crate) struct Dialer {
    pub servers: Vec<Server>,
    /// The newest version that each server is known to speak; the option's newest before that is known.
    pub levels: Vec<Level>,
    pub protocol: Protocol,
    /// There where a server needs it.
    pub tls: Option<Arc<ClientConfig>>,
    pub client_id: String,
    pub username: Secret,
    pub password: Secret,
    pub keepalive: Duration,
    pub connection_timeout: Duration,
    pub persistent: bool,
    pub trace: bool,
    pub cx: Context,
}

/// An accepted connection.
pub(crate) struct Link {
    pub transport: Transport,
    pub level: Level,
    pub session_present: bool,
    /// Zero for none.
    pub keepalive: Duration,
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nobody answered: it may pass.
    Network(String),
    /// Somebody answered, and said no.
    Refused(String),
}

impl Failure {
    pub fn into_error(self) -> wheatstone_plugin::anyhow::Error {
        match self {
            Failure::Network(_) => StartError::retry(anyhow!(self.to_string())).into_error(),
            Failure::Refused(_) => anyhow!(self.to_string()),
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Network(text) => write!(f, "network Error : {text}"),
            Failure::Refused(text) => f.write_str(text),
        }
    }
}

impl Protocol {
    /// The version to begin with.
    pub(crate) fn newest(self) -> Level {
        match self {
            Protocol::Auto | Protocol::V5 => Level::V5,
            Protocol::V311 => Level::V4,
            Protocol::V31 => Level::V3,
        }
    }
}

impl Dialer {
    /// Tries the servers in order, each in turn with older versions where it refuses the newer; the last failure counts.
    pub async fn connect(&mut self, buffer: &mut Buffer) -> std::result::Result<Link, Failure> {
        let mut failure = Failure::Network("no server".into());
        for i in 0..self.servers.len() {
            let newest = self.levels[i];
            let mut level = newest;
            loop {
                self.tell(format_args!(
                    "connecting to {} with MQTT {}",
                    self.servers[i],
                    level.name()
                ));
                match self.attempt(i, level, buffer).await {
                    Ok(link) => {
                        self.levels[i] = level;
                        return Ok(link);
                    }
                    Err((why, older)) => {
                        self.tell(format_args!("{}: {why}", self.servers[i]));
                        failure = why;
                        level = match level {
                            Level::V5 if older && self.protocol == Protocol::Auto => Level::V4,
                            Level::V4 if older && self.protocol == Protocol::Auto => Level::V3,
                            _ => break,
                        };
                    }
                }
            }
        }
        Err(failure)
    }

    /// One attempt; the error says whether an older version may be taken.
    async fn attempt(
        &self,
        i: usize,
        level: Level,
        buffer: &mut Buffer,
    ) -> std::result::Result<Link, (Failure, bool)> {
        let server = &self.servers[i];
        let refused = |e: wheatstone_plugin::anyhow::Error| (Failure::Refused(format!("{e:#}")), false);
        // Asked anew each time: a token may have been renewed.
        let (username, password) = match &server.user {
            Some((user, Some(password))) => (user.clone(), password.clone()),
            Some((user, None)) => (
                user.clone(),
                self.cx.reveal(&self.password).await.map_err(refused)?,
            ),
            None => (
                self.cx.reveal(&self.username).await.map_err(refused)?,
                self.cx.reveal(&self.password).await.map_err(refused)?,
            ),
        };
        let keepalive = u16::try_from(self.keepalive.as_secs()).unwrap_or(u16::MAX);
        let connect = Connect {
            level,
            client_id: &self.client_id,
            keep_alive: keepalive,
            clean: !self.persistent,
            username: &username,
            password: &password,
        };
        let connect = connect
            .encode()
            .map_err(|e| (Failure::Refused(e.into()), false))?;
        let network = |text: String| (Failure::Network(text), false);
        let late = || network(format!("dial tcp {server}: i/o timeout"));

        let open = timeout(
            self.connection_timeout,
            Transport::open(server, self.tls.as_ref()),
        );
        let mut transport = open.await.map_err(|_| late())?.map_err(network)?;
        buffer.clear();
        let handshake = async {
            transport.write_all(&connect).await?;
            transport.flush().await?;
            read_packet(&mut transport, buffer).await
        };
        let answer = timeout(self.connection_timeout, handshake)
            .await
            .map_err(|_| late())?;
        let packet = match answer {
            Ok(packet) => packet,
            // Some old brokers just hang up on a version that they do not know.
            Err(e) => return Err((Failure::Network(go_text(&e)), level == Level::V5)),
        };
        let ack = packets::connack(&packet, level).map_err(|refusal| match refusal {
            Refusal::Version(text) => (Failure::Refused(text), true),
            Refusal::Client(text) => (Failure::Refused(text), false),
            Refusal::Malformed(text) => (Failure::Network(text), true),
        })?;
        let keepalive = std::time::Duration::from_secs(u64::from(ack.keep_alive.unwrap_or(keepalive)));
        self.tell(format_args!(
            "connected, session present: {}",
            ack.session_present
        ));
        Ok(Link {
            transport,
            level,
            session_present: ack.session_present,
            keepalive,
        })
    }

    fn tell(&self, text: std::fmt::Arguments<'_>) {
        if self.trace {
            debug!(self.cx.log(), "{text}");
        }
    }
}

/// Reads the first packet. What came behind it stays in the buffer: a resumed session sends its messages at once.
async fn read_packet(transport: &mut Transport, buffer: &mut Buffer) -> std::io::Result<Vec<u8>> {
    loop {
        // The first packet has the same outer form in every version.
        match split(buffer.unread(), false) {
            Ok(Split::Packet(Packet::Control(2, bytes), n)) => {
                let packet = bytes.to_vec();
                buffer.consume(n);
                return Ok(packet);
            }
            Ok(Split::Incomplete(wanted)) if wanted < 256 * 1024 => buffer.make_room(wanted),
            _ => {
                return Err(std::io::Error::new(
                    std::io::ErrorKind::InvalidData,
                    "the server does not speak MQTT",
                ));
            }
        }
        match transport.read(buffer.space()).await? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            n => buffer.filled(n),
        }
    }
}
