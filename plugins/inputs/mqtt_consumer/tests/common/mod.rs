//! A consumer under test, the pipeline behind it, and a broker that answers as a test says.

#![allow(dead_code, clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use wheatstone_input_mqtt_consumer::{MqttConsumer, MqttConsumerConfig};
use wheatstone_plugin::conf::{Node, NodeKind, Table};
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::stats::Stat;
use wheatstone_plugin::{AgentInfo, Kind, Lifecycle, Phase, Reply, Sink};

/// The payload is one field; one that begins with "bad" does not parse, and "ask" is answered.
#[derive(Default)]
pub struct Whole(Vec<Reply>);
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct NoOptions {}
impl Plugin for Whole {
    type Config = NoOptions;
    fn new(_: NoOptions, _: &Context) -> Result<Self> {
        Ok(Whole::default())
    }
}
impl Parser for Whole {
    fn parse(&mut self, payload: &[u8], now: Timestamp, out: &mut Vec<Metric>) -> Result<()> {
        if payload.starts_with(b"bad") {
            bail!("it is bad");
        }
        if payload == b"ask" {
            self.0.push(Reply {
                to: "t/answer".into(),
                payload: b"please".to_vec(),
            });
        }
        let mut m = Metric::new("m", now);
        m.set_field("v", String::from_utf8_lossy(payload).into_owned());
        out.push(m);
        Ok(())
    }
    fn take_replies(&mut self) -> Vec<Reply> {
        std::mem::take(&mut self.0)
    }
}
register!(parser "whole" = Whole);

/// The pipeline: keeps the texts, and lets messages settle at once, or when told to.
#[derive(Default)]
pub struct Pipe {
    pub held: Mutex<Vec<Metric>>,
    pub texts: Mutex<Vec<String>>,
    pub hurried: AtomicUsize,
    /// Messages stay under way until `release`.
    pub hold: AtomicBool,
    /// `hurry` releases.
    pub release_on_hurry: AtomicBool,
    pub keep_texts: AtomicBool,
    pub count: AtomicUsize,
    pub batches: AtomicUsize,
}

#[async_trait]
impl Sink for Pipe {
    async fn send(&self, metrics: Vec<Metric>) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        if self.keep_texts.load(Ordering::Relaxed) {
            let text = |m: &Metric| {
                m.field("v")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            self.texts.lock().extend(metrics.iter().map(text));
        }
        self.count.fetch_add(metrics.len(), Ordering::Relaxed);
        if self.hold.load(Ordering::Relaxed) {
            self.held.lock().extend(metrics);
        }
    }
    fn hurry(&self) {
        self.hurried.fetch_add(1, Ordering::Relaxed);
        if self.release_on_hurry.load(Ordering::Relaxed) {
            self.release();
        }
    }
}

impl Pipe {
    /// Lets everything settle.
    pub fn release(&self) {
        let held = std::mem::take(&mut *self.held.lock());
        drop(held);
    }
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

/// A consumer that runs.
pub struct Running {
    pub pipe: Arc<Pipe>,
    pub errors: Stat,
    pub phase: watch::Sender<Phase>,
    pub ready: watch::Receiver<bool>,
    pub drained: watch::Receiver<bool>,
    pub task: tokio::task::JoinHandle<Result<()>>,
}

pub fn config(port: u16) -> MqttConsumerConfig {
    MqttConsumerConfig {
        servers: vec![format!("tcp://127.0.0.1:{port}")],
        topics: vec!["t/#".into()],
        ..MqttConsumerConfig::default()
    }
}

pub fn durable(port: u16, qos: i64) -> MqttConsumerConfig {
    MqttConsumerConfig {
        qos,
        persistent_session: true,
        client_id: format!("test-{port}"),
        ..config(port)
    }
}

pub fn start(config: MqttConsumerConfig) -> Running {
    start_with(
        config,
        Pipe {
            keep_texts: AtomicBool::new(true),
            ..Pipe::default()
        },
        &[],
    )
}

pub fn holding(config: MqttConsumerConfig) -> Running {
    let pipe = Pipe {
        keep_texts: AtomicBool::new(true),
        hold: AtomicBool::new(true),
        ..Pipe::default()
    };
    start_with(config, pipe, &[])
}

/// `options` go into the table as texts: those of TLS are read from there.
pub fn start_with(config: MqttConsumerConfig, pipe: Pipe, options: &[(&str, &str)]) -> Running {
    start_in(AgentInfo::default(), config, pipe, options)
}

/// In an agent with these settings.
pub fn start_in(
    agent: AgentInfo,
    config: MqttConsumerConfig,
    pipe: Pipe,
    options: &[(&str, &str)],
) -> Running {
    let errors = Stat::default();
    let log = Log::new("inputs.mqtt_consumer", None, Some(errors.clone()));
    let mut table = Table::default();
    for (key, value) in options.iter().chain(&[("data_format", "whole")]) {
        table.set(key, Node::bare(NodeKind::String((*value).into())));
    }
    let cx = Context::new(
        Kind::Input,
        "mqtt_consumer",
        "",
        table,
        log.clone(),
        Arc::new(agent),
    );
    run(
        Box::new(MqttConsumer::new(config, &cx).unwrap()),
        pipe,
        errors,
        log,
    )
}

/// One that is made of a configuration's text.
pub fn start_text(text: &str, pipe: Pipe) -> Running {
    let errors = Stat::default();
    let log = Log::new("inputs.mqtt_consumer", None, Some(errors.clone()));
    run(
        wheatstone_testkit::plugin::service_input(text).unwrap(),
        pipe,
        errors,
        log,
    )
}

fn run(mut input: Box<dyn ServiceInput>, pipe: Pipe, errors: Stat, log: Log) -> Running {
    let pipe = Arc::new(pipe);
    let (phase, phase_seen) = watch::channel(Phase::Running);
    let (ready_said, ready) = watch::channel(false);
    let (drained_said, drained) = watch::channel(false);
    let life = Lifecycle {
        phase: phase_seen,
        ready: ready_said,
        drained: drained_said,
    };
    let mut acc = Accumulator::new(pipe.clone(), log, life);
    let task = tokio::spawn(async move { input.run(&mut acc).await });
    Running {
        pipe,
        errors,
        phase,
        ready,
        drained,
        task,
    }
}

impl Running {
    /// Waits until the pipeline has seen so many metrics.
    pub async fn seen(&self, n: usize) -> Vec<String> {
        until(&format!("{n} metrics"), || self.pipe.count() >= n).await;
        self.pipe.texts.lock().clone()
    }
    pub async fn ready(&mut self) {
        timeout(Duration::from_secs(10), self.ready.wait_for(|r| *r))
            .await
            .unwrap()
            .unwrap();
    }
    /// Stops as the core does.
    pub async fn stop(mut self) -> Result<()> {
        self.phase.send_replace(Phase::Stopping);
        timeout(Duration::from_secs(10), self.drained.wait_for(|d| *d))
            .await
            .unwrap()
            .unwrap();
        self.pipe.release();
        self.phase.send_replace(Phase::Closing);
        timeout(Duration::from_secs(10), self.task)
            .await
            .unwrap()
            .unwrap()
    }
}

pub async fn until(what: &str, mut check: impl FnMut() -> bool) {
    let end = std::time::Instant::now() + Duration::from_secs(20);
    while std::time::Instant::now() < end {
        if check() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("waited in vain for {what}");
}

/// Where a scripted broker listens.
pub struct Script {
    listener: TcpListener,
    pub port: u16,
}

impl Script {
    pub async fn new() -> Script {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Script::on(listener)
    }
    /// One whose connections take few bytes ahead of being read.
    pub async fn narrow() -> Script {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Script::on(socket.listen(16).unwrap())
    }
    fn on(listener: TcpListener) -> Script {
        let port = listener.local_addr().unwrap().port();
        Script { listener, port }
    }
    /// The next connection, with its CONNECT read.
    pub async fn connect(&self) -> Peer {
        let (stream, _) = timeout(Duration::from_secs(15), self.listener.accept())
            .await
            .unwrap()
            .unwrap();
        stream.set_nodelay(true).unwrap();
        let mut peer = Peer {
            stream,
            level: 0,
            connect: Vec::new(),
        };
        let (first, body) = peer.packet().await;
        assert_eq!(first, 0x10);
        let name = usize::from(u16::from_be_bytes([body[0], body[1]]));
        peer.level = body[2 + name];
        peer.connect = body;
        peer
    }
    /// The next connection, accepted, with its SUBSCRIBE granted.
    pub async fn subscribed(&self, session_present: bool) -> Peer {
        let mut peer = self.connect().await;
        peer.accept(session_present).await;
        peer.grant().await;
        peer
    }
}

/// A consumer's connection, seen from the broker.
pub struct Peer {
    pub stream: TcpStream,
    pub level: u8,
    pub connect: Vec<u8>,
}

impl Peer {
    pub async fn packet(&mut self) -> (u8, Vec<u8>) {
        timeout(Duration::from_secs(15), self.try_packet())
            .await
            .expect("a packet in time")
            .expect("a packet")
    }
    pub async fn try_packet(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        let first = self.stream.read_u8().await?;
        let (mut length, mut shift) = (0usize, 0);
        loop {
            let byte = self.stream.read_u8().await?;
            length |= usize::from(byte & 127) << shift;
            shift += 7;
            if byte & 128 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok((first, body))
    }
    /// Nothing comes for a while.
    pub async fn silent(&mut self, ms: u64) {
        if let Ok(got) = timeout(Duration::from_millis(ms), self.try_packet()).await {
            panic!("expected nothing, got {got:?}");
        }
    }
    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }
    pub async fn accept(&mut self, session_present: bool) {
        let flag = u8::from(session_present);
        if self.level == 5 {
            self.send(&[0x20, 3, flag, 0, 0]).await;
        } else {
            self.send(&[0x20, 2, flag, 0]).await;
        }
    }
    /// Reads SUBSCRIBE and grants everything.
    pub async fn grant(&mut self) -> Vec<String> {
        let (first, body) = self.packet().await;
        assert_eq!(first, 0x82);
        let (mut at, mut filters, mut codes) = (if self.level == 5 { 3 } else { 2 }, Vec::new(), Vec::new());
        while at < body.len() {
            let n = usize::from(u16::from_be_bytes([body[at], body[at + 1]]));
            filters.push(String::from_utf8(body[at + 2..at + 2 + n].to_vec()).unwrap());
            codes.push(body[at + 2 + n] & 3);
            at += 3 + n;
        }
        let mut ack = vec![0x90, 0, body[0], body[1]];
        if self.level == 5 {
            ack.push(0);
        }
        ack.extend(codes);
        ack[1] = ack.len() as u8 - 2;
        self.send(&ack).await;
        filters
    }
    /// Acknowledgements by type and identifier.
    pub async fn acks(&mut self, n: usize) -> Vec<(u8, u16)> {
        let mut got = Vec::new();
        while got.len() < n {
            let (first, body) = self.packet().await;
            if first != 0xC0 {
                got.push((first, u16::from_be_bytes([body[0], body[1]])));
            }
        }
        got
    }
    pub fn publish(&self, qos: u8, id: u16, dup: bool, payload: &[u8]) -> Vec<u8> {
        self.publish_to("t/x", qos, id, dup, payload)
    }
    pub fn publish_to(&self, topic: &str, qos: u8, id: u16, dup: bool, payload: &[u8]) -> Vec<u8> {
        let mut body = (topic.len() as u16).to_be_bytes().to_vec();
        body.extend_from_slice(topic.as_bytes());
        if qos > 0 {
            body.extend_from_slice(&id.to_be_bytes());
        }
        if self.level == 5 {
            body.push(0);
        }
        body.extend_from_slice(payload);
        let mut out = vec![0x30 | qos << 1 | u8::from(dup) << 3];
        let mut n = body.len();
        while n > 127 {
            out.push(n as u8 | 0x80);
            n >>= 7;
        }
        out.push(n as u8);
        out.extend_from_slice(&body);
        out
    }
}
