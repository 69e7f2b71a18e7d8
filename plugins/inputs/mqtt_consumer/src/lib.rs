//! Metrics from MQTT topics: connects, subscribes, gives every message to the parser, and acknowledges when it is safe.

mod acks;
mod adapter;
mod broker;
mod buffer;
mod config;
mod conn;
mod frame;
mod link;
mod memory;
mod messages;
mod numbers;
mod pace;
mod packets;
mod redundant;
mod refusals;
mod rest;
mod server;
mod session;
mod silence;
mod socket;
mod standstill;
mod subscription;
mod template;
mod topic;
mod transport;
mod unpack;

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use futures_util::future::try_join_all;
use parking_lot::Mutex;
use tokio::time::Instant;
use wheatstone_net::TlsConfig;
use wheatstone_plugin::Reread;
use wheatstone_plugin::prelude::*;

pub use crate::adapter::AdapterConfig;
pub use crate::config::{MqttConsumerConfig, Protocol, Retained};
pub use crate::topic::TopicParsing;

use crate::adapter::{Adapter, Reader};
use crate::broker::{Broker, Common};
use crate::link::Dialer;
use crate::memory::{Memory, WindowMemory};
use crate::messages::{Format, Messages};
use crate::numbers::Numbers;
use crate::redundant::{BROKERS, Window};
use crate::server::{Scheme, Server};
use crate::session::Shared;
use crate::subscription::Subscription;
use crate::template::filter_fits;
use crate::topic::{Rule, valid_filter};

/// The input.
pub struct MqttConsumer {
    config: MqttConsumerConfig,
    /// One, or each of `redundant_servers`.
    brokers: Vec<Broker>,
    shared: Mutex<Shared>,
    /// There where several brokers keep sessions.
    window_memory: Option<WindowMemory>,
    numbers: Numbers,
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
        if config.redundant_servers && config.servers.len() > BROKERS {
            bail!(
                "redundant_servers: at most {BROKERS} servers, not {}",
                config.servers.len()
            );
        }
        let servers = config
            .servers
            .iter()
            .map(|s| server(s, &tls, cx))
            .collect::<Result<Vec<_>>>()?;
        let format = format(&config, cx)?;
        let mut topics = config.topics.clone();
        if topics.is_empty() {
            topics.extend(format.adapters.iter().flat_map(Adapter::subscriptions));
            topics.sort();
            topics.dedup();
        }
        if let Some(wrong) = topics.iter().find(|t| !valid_filter(t)) {
            bail!("invalid topic filter {wrong:?}");
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
        let broker = |servers: &[Server], addresses: &[String]| -> Result<Broker> {
            let name = addresses.join(" ");
            let session = config
                .persistent_session
                .then(|| format!("{client_id} at {name}"));
            Ok(Broker {
                subscription: Subscription::new(
                    topics.clone(),
                    qos,
                    config.retained == Retained::Drop,
                    *config.connection_timeout,
                    Memory::new(session, cx)?,
                    cx.log().clone(),
                ),
                dialer: Dialer {
                    levels: vec![config.protocol.newest(); servers.len()],
                    servers: servers.to_vec(),
                    protocol: config.protocol,
                    tls: tls_config.clone(),
                    client_id: client_id.clone(),
                    username: config.username.clone(),
                    password: config.password.clone(),
                    keepalive: *config.keepalive,
                    connection_timeout: *config.connection_timeout,
                    persistent: config.persistent_session,
                    trace: config.client_trace,
                    cx: cx.clone(),
                },
                name: format!("[{name}]"),
            })
        };
        let redundant = config.redundant_servers && servers.len() > 1;
        let brokers = if redundant {
            let one = |(server, address)| broker(std::slice::from_ref(server), std::slice::from_ref(address));
            servers
                .iter()
                .zip(&config.servers)
                .map(one)
                .collect::<Result<Vec<_>>>()?
        } else {
            vec![broker(&servers, &config.servers)?]
        };
        let window = redundant
            .then(|| Window::new(brokers.len(), *config.redundant_window, config.persistent_session));
        let window_memory = match window {
            Some(_) if config.persistent_session => {
                let name = format!("{client_id} at {}", config.servers.join(" "));
                Some(WindowMemory::new(name, cx)?)
            }
            _ => None,
        };
        let (numbers, log) = (Numbers::new(), cx.log().clone());
        let messages = Messages::new(format, numbers.clone(), log.clone());
        Ok(MqttConsumer {
            shared: Mutex::new(Shared { messages, window }),
            window_memory,
            brokers,
            numbers,
            log,
            config,
        })
    }
}

/// How messages are read: the adapters, and the plugin's own parser where there are none or where one is named.
fn format(config: &MqttConsumerConfig, cx: &Context) -> Result<Format> {
    let mut rules = Vec::new();
    for rule in &config.topic_parsing {
        rules.push(Rule::new(rule).context("config error topic parsing")?);
    }
    let (mut adapters, mut readers) = (Vec::new(), Vec::new());
    for (i, options) in config.adapter.iter().enumerate() {
        let adapter = Adapter::new(i, options)?;
        let data_format = match options.data_format.as_str() {
            "" => "auto",
            name => name,
        };
        let index = i.to_string();
        let parser = cx.parser_within(&["adapter", &index], data_format, cx.metric_name().clone());
        readers.push(Reader {
            parser: parser.with_context(|| adapter.rule.clone())?,
            data_format: data_format.to_owned(),
            rule: Some(adapter.rule.clone()),
        });
        adapters.push(adapter);
    }
    let named = cx.table().get("data_format").and_then(|n| n.as_str());
    let named = named.filter(|name| !name.is_empty());
    if adapters.is_empty() || named.is_some() {
        readers.push(Reader {
            parser: cx.parser("influx")?,
            data_format: named.unwrap_or("influx").to_owned(),
            rule: None,
        });
    }
    let topic_tag = config.topic_tag.as_deref().unwrap_or("topic");
    Ok(Format {
        adapters,
        readers,
        topic_tag: (!topic_tag.is_empty()).then(|| Key::new(topic_tag)),
        rules,
        retained: config.retained,
        max_payload: usize::try_from(config.max_payload_size.0).unwrap_or(usize::MAX),
    })
}

#[async_trait]
impl ServiceInput for MqttConsumer {
    async fn run(&mut self, acc: &mut Accumulator) -> Result<()> {
        let common = Common {
            config: &self.config,
            shared: &self.shared,
            numbers: &self.numbers,
            log: &self.log,
            hopes: AtomicUsize::new(self.brokers.len()),
            reading: AtomicUsize::new(self.brokers.len()),
        };
        if let [broker] = self.brokers.as_mut_slice() {
            return broker.run(0, &common, acc).await;
        }
        if let (Some(window), Some(memory)) = (&mut self.shared.lock().window, &self.window_memory) {
            window.recall(memory.recall(), Instant::now());
        }
        let mut ways: Vec<Accumulator> = self.brokers.iter().map(|_| acc.sibling()).collect();
        let brokers = self.brokers.iter_mut().zip(&mut ways).enumerate();
        let runs = brokers.map(|(i, (broker, acc))| broker.run(i, &common, acc));
        try_join_all(runs).await?;
        if let (Some(window), Some(memory)) = (&self.shared.lock().window, &self.window_memory) {
            memory.rests(window.rest());
        }
        Ok(())
    }

    fn read_again(
        &mut self,
        topic: &str,
        payload: &[u8],
        now: Timestamp,
        out: &mut Vec<Metric>,
    ) -> Result<Reread> {
        let topics = &self.config.topics;
        if !topics.is_empty() && !topics.iter().any(|filter| filter_fits(filter, topic)) {
            return Ok(Reread::NotMine);
        }
        self.shared.lock().messages.read_again(topic, payload, now, out)?;
        Ok(Reread::Done)
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
