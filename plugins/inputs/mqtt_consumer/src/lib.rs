//! Metrics from MQTT topics: connects, subscribes, gives every message to the parser, and acknowledges when it is safe.

mod acks;
mod buffer;
mod config;
mod conn;
mod frame;
mod link;
mod messages;
mod pace;
mod packets;
mod server;
mod session;
mod socket;
mod standstill;
mod subscription;
mod topic;
mod transport;

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use wheatstone_net::TlsConfig;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{Phase, Tracker};

pub use crate::config::{MqttConsumerConfig, Protocol, Retained};
pub use crate::topic::TopicParsing;

use crate::acks::Acks;
use crate::buffer::Buffer;
use crate::link::{Dialer, Failure, Link};
use crate::messages::Messages;
use crate::server::{Scheme, Server};
use crate::session::{End, Session};
use crate::subscription::Subscription;
use crate::topic::{Rule, valid_filter};

/// A connection that lived shorter than this and was lost is not made anew at once.
const STABLE: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The input.
pub struct MqttConsumer {
    config: MqttConsumerConfig,
    dialer: Dialer,
    messages: Messages,
    subscription: Subscription,
    log: Log,
}

impl Plugin for MqttConsumer {
    type Config = MqttConsumerConfig;

    fn new(config: MqttConsumerConfig, cx: &Context) -> Result<Self> {
        let tls: TlsConfig = cx.config()?;
        if config.persistent_session && config.client_id.is_empty() {
            bail!("persistent_session requires client_id");
        }
        let qos = match config.qos {
            0..=2 => config.qos as u8,
            other => bail!("qos value must be 0, 1, or 2: {other}"),
        };
        if *config.connection_timeout < Duration::from_secs(1) {
            bail!(
                "connection_timeout must be greater than 1s: {}",
                config.connection_timeout
            );
        }
        if config.servers.is_empty() {
            bail!("could not get host information");
        }
        let servers = config
            .servers
            .iter()
            .map(|s| server(s, &tls, cx))
            .collect::<Result<Vec<_>>>()?;
        if let Some(wrong) = config.topics.iter().find(|t| !valid_filter(t)) {
            bail!("invalid topic filter {wrong:?}");
        }
        let mut rules = Vec::new();
        for rule in &config.topic_parsing {
            rules.push(Rule::new(rule).context("config error topic parsing")?);
        }
        // The system's authorities take time and memory to read: only where somebody asks for them.
        let encrypted = servers
            .iter()
            .any(|s| matches!(s.scheme, Scheme::Tls | Scheme::Wss));
        let tls_config = if encrypted || tls.is_enabled() {
            Some(Arc::new(tls.required()?))
        } else {
            None
        };
        let client_id = match config.client_id.as_str() {
            "" => format!("Telegraf-Consumer-{}", random_word(5)),
            own => own.to_owned(),
        };
        let topic_tag = config.topic_tag.as_deref().unwrap_or("topic");
        let topic_tag = (!topic_tag.is_empty()).then(|| Key::new(topic_tag));
        let log = cx.log().clone();
        let session = config
            .persistent_session
            .then(|| format!("{client_id} at {}", config.servers.join(" ")));
        Ok(MqttConsumer {
            messages: Messages::new(
                cx.parser("influx")?,
                topic_tag,
                rules,
                config.retained,
                log.clone(),
            ),
            subscription: Subscription::new(
                config.topics.clone(),
                qos,
                config.retained == Retained::Drop,
                *config.connection_timeout,
                session,
                log.clone(),
            ),
            dialer: Dialer {
                levels: vec![config.protocol.newest(); servers.len()],
                servers,
                protocol: config.protocol,
                tls: tls_config,
                client_id,
                username: config.username.clone(),
                password: config.password.clone(),
                keepalive: *config.keepalive,
                connection_timeout: *config.connection_timeout,
                persistent: config.persistent_session,
                trace: config.client_trace,
                cx: cx.clone(),
            },
            log,
            config,
        })
    }
}

#[async_trait]
impl ServiceInput for MqttConsumer {
    async fn run(&mut self, acc: &mut Accumulator) -> Result<()> {
        let mut phase = acc.phase();
        let mut buffer = Buffer::default();
        let first = tokio::select! {
            biased;
            () = stopped(&mut phase) => None,
            link = self.dialer.connect(&mut buffer) => Some(link.map_err(Failure::into_error)?),
        };
        let Some(mut link) = first else {
            return ended(acc).await;
        };
        let limit = self.config.max_undelivered_messages;
        let persistent = self.config.persistent_session;
        let mut session = Session {
            phase: acc.phase(),
            acc,
            messages: &mut self.messages,
            subscription: &mut self.subscription,
            persistent,
            ping_timeout: *self.config.ping_timeout,
            coalesce: *self.config.coalesce_reads,
            limit,
            acks: Acks::default(),
            tracker: if persistent {
                Tracker::new(limit)
            } else {
                Tracker::counting(limit)
            },
            settled: Vec::new(),
        };
        let servers = format!("[{}]", self.config.servers.join(" "));
        let most = (*self.config.max_reconnect_interval).max(FIRST_PAUSE);
        let mut pause = FIRST_PAUSE;
        loop {
            info!(self.log, "Connected {servers}");
            let since = Instant::now();
            match session.serve(link, &mut buffer).await {
                End::Stopping(conn) => {
                    session.finish(conn, &mut buffer).await;
                    return Ok(());
                }
                End::Lost(why) => {
                    // The input was up, whatever became of it: from here on it looks after itself.
                    session.acc.ready();
                    session.acc.error(format_args!("connection lost: {why}"));
                    debug!(self.log, "Disconnected {servers}");
                }
            }
            let next = tokio::select! {
                biased;
                () = stopped(&mut phase) => None,
                link = reconnect(&mut self.dialer, &mut buffer, &self.log, since, &mut pause, most) => Some(link),
            };
            match next {
                Some(next) => link = next,
                None => return ended(session.acc).await,
            }
        }
    }
}

/// Tries until it succeeds. What failed is told once, and again when it changes.
async fn reconnect(
    dialer: &mut Dialer,
    buffer: &mut Buffer,
    log: &Log,
    since: Instant,
    pause: &mut Duration,
    most: Duration,
) -> Link {
    let mut told = String::new();
    if since.elapsed() >= STABLE {
        *pause = FIRST_PAUSE;
    } else {
        // Taken and dropped again and again: two clients of one name do that to each other.
        sleep(*pause).await;
        *pause = (*pause * 2).min(most);
    }
    loop {
        match dialer.connect(buffer).await {
            Ok(link) => return link,
            Err(failure) => {
                let text = failure.to_string();
                if text != told {
                    warn!(log, "Reconnecting failed: {text}");
                    told = text;
                }
                sleep(*pause).await;
                *pause = (*pause * 2).min(most);
            }
        }
    }
}

/// An address, with a scheme where it has none.
fn server(text: &str, tls: &TlsConfig, cx: &Context) -> Result<Server> {
    if text.contains("://") {
        return Server::parse(text);
    }
    warn!(
        cx.log(),
        "Server {text:?} should be updated to use `scheme://host:port` format"
    );
    Server::parse(&format!(
        "{}://{text}",
        if tls.is_enabled() { "ssl" } else { "tcp" }
    ))
}

async fn stopped(phase: &mut watch::Receiver<Phase>) {
    // A core that is gone has stopped.
    let _ = phase.wait_for(|p| *p >= Phase::Stopping).await;
}

/// The end of a run that has no connection.
async fn ended(acc: &mut Accumulator) -> Result<()> {
    acc.drained();
    acc.closing().await;
    Ok(())
}

/// Letters and digits; for names that must differ, not for secrets.
fn random_word(length: usize) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut number = std::hash::RandomState::new().build_hasher().finish();
    let mut word = String::new();
    for _ in 0..length {
        word.push(char::from(ALPHABET[(number % ALPHABET.len() as u64) as usize]));
        number /= ALPHABET.len() as u64;
    }
    word
}

register!(service_input "mqtt_consumer" = MqttConsumer, parser "influx");
