//! A broker that keeps sessions, and plugins that note what is done to them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::LazyLock;
use std::time::Duration;

use parking_lot::Mutex;
use wheatstone_plugin::Tracker;
use wheatstone_plugin::prelude::*;

/// What a broker knows of a client.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// The number of the next new message.
    next: u64,
    unacknowledged: BTreeSet<u64>,
    pub acknowledged: BTreeSet<u64>,
    connected: u32,
    pub connects: u32,
    /// The most connections that there ever were at once.
    pub at_once: u32,
}

static SESSIONS: LazyLock<Mutex<BTreeMap<String, Session>>> = LazyLock::new(Mutex::default);

pub fn session(client: &str) -> Session {
    SESSIONS.lock().get(client).cloned().unwrap_or_default()
}

/// What an output took, and how often it was opened and closed.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// Number and tags.
    pub written: Vec<(i64, String)>,
    pub connects: u32,
    pub closes: u32,
}

static BOOKS: LazyLock<Mutex<BTreeMap<String, Book>>> = LazyLock::new(Mutex::default);
static PORTS: LazyLock<Mutex<BTreeSet<i64>>> = LazyLock::new(Mutex::default);

pub fn book(name: &str) -> Book {
    BOOKS.lock().get(name).cloned().unwrap_or_default()
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct ClientConfig {
    client: String,
    count: u64,
    /// Cannot be reached.
    down: bool,
    /// Says that it might pass by itself.
    passing: bool,
    note: String,
}

/// Subscribes to a session and acknowledges what is settled.
struct Client(ClientConfig);
impl Plugin for Client {
    type Config = ClientConfig;
    fn new(config: ClientConfig, _: &Context) -> Result<Self> {
        Ok(Client(config))
    }
}
#[async_trait]
impl ServiceInput for Client {
    async fn run(&mut self, acc: &mut Accumulator) -> Result<()> {
        let name = self.0.client.clone();
        let with = |change: &dyn Fn(&mut Session)| change(SESSIONS.lock().entry(name.clone()).or_default());
        if self.0.down && self.0.passing {
            return Err(StartError::retry(anyhow!("nobody listens")).into_error());
        }
        if self.0.down {
            bail!("nobody listens");
        }
        with(&|s| {
            s.connected += 1;
            s.connects += 1;
            s.at_once = s.at_once.max(s.connected);
        });
        let tracker = Tracker::new(50);
        let mut again: Vec<u64> = session(&name).unacknowledged.into_iter().collect();
        acc.ready();
        let acknowledge = || {
            let mut settled = Vec::new();
            tracker.take_settled(&mut settled);
            with(&|s| {
                for one in &settled {
                    s.unacknowledged.remove(&one.token);
                    assert!(s.acknowledged.insert(one.token), "{} twice", one.token);
                }
            });
        };
        while !acc.is_stopping() {
            acknowledge();
            let next = session(&name).next;
            if tracker.room() > 0 && (next < self.0.count || !again.is_empty()) {
                let number = again.pop().unwrap_or(next);
                with(&|s| {
                    s.next = s.next.max(number + 1);
                    s.unacknowledged.insert(number);
                });
                let mut m = Metric::new("message", number as i64);
                m.set_field("n", number as i64);
                m.set_ack(Some(tracker.issue(number)));
                acc.add(m);
                acc.flush().await;
            }
            if tracker.room() == 0 {
                acc.hurry();
            }
            tokio::select! {
                () = acc.stopping() => {}
                () = tokio::time::sleep(Duration::from_millis(10)) => {}
            }
        }
        acc.drained();
        acc.closing().await;
        acknowledge();
        with(&|s| s.connected -= 1);
        Ok(())
    }
}
register!(service_input "client" = Client);

/// Gives one metric at each gather.
#[derive(Default)]
struct Clock(i64);
impl Plugin for Clock {
    type Config = ClientConfig;
    fn new(_: ClientConfig, _: &Context) -> Result<Self> {
        Ok(Clock::default())
    }
}
#[async_trait]
impl Input for Clock {
    async fn gather(&mut self, acc: &mut Accumulator) -> Result<()> {
        let mut m = Metric::new("clock", self.0);
        m.set_field("n", self.0);
        acc.add(m);
        self.0 += 1;
        Ok(())
    }
}
register!(input "clock" = Clock);

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct StampConfig {
    with: String,
}

/// Adds a tag that says how many metrics it has seen.
struct Stamp(String, u64);
impl Plugin for Stamp {
    type Config = StampConfig;
    fn new(config: StampConfig, _: &Context) -> Result<Self> {
        if config.with == "bad" {
            bail!("bad is no stamp");
        }
        Ok(Stamp(config.with, 0))
    }
}
impl Processor for Stamp {
    fn process(&mut self, metrics: &mut Vec<Metric>) {
        for m in metrics {
            self.1 += 1;
            m.set_tag(self.0.as_str(), self.1.to_string());
        }
    }
}
register!(processor "stamp" = Stamp);

/// Counts over restarts. It asks what the agent says, so that another host makes another plugin of it, with the same ID.
struct Tally {
    seen: u64,
    state: wheatstone_plugin::State,
}
impl Plugin for Tally {
    type Config = SumConfig;
    fn new(_: SumConfig, cx: &Context) -> Result<Self> {
        let _ = cx.agent();
        let state = cx.state()?;
        Ok(Tally {
            seen: state.load()?.unwrap_or(0),
            state,
        })
    }
}
impl Processor for Tally {
    fn process(&mut self, metrics: &mut Vec<Metric>) {
        for m in metrics {
            self.seen += 1;
            m.set_tag("tally", self.seen.to_string());
        }
    }
    fn stop(&mut self) {
        let _ = self.state.put(&self.seen);
    }
}
register!(processor "tally" = Tally);
impl Aggregator for Tally {
    fn add(&mut self, _: &Metric) {
        self.seen += 1;
    }
    fn push(&mut self, _: Timestamp, out: &mut Vec<Metric>) {
        let mut m = Metric::new("total", 1);
        m.set_field("n", self.seen);
        m.set_tag("total", self.seen.to_string());
        out.push(m);
    }
    fn stop(&mut self) {
        let _ = self.state.put(&self.seen);
    }
}
register!(aggregator "tally" = Tally);
/// Counts its gathers.
#[async_trait]
impl Input for Tally {
    async fn gather(&mut self, acc: &mut Accumulator) -> Result<()> {
        self.seen += 1;
        self.state.put(&self.seen)?;
        let mut m = Metric::new("gathered", 1);
        m.set_field("n", self.seen);
        m.set_tag("gathered", self.seen.to_string());
        acc.add(m);
        Ok(())
    }
}
register!(input "tally" = Tally);

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct SumConfig {
    name: String,
}

/// Counts metrics.
struct Sum(String, i64);
impl Plugin for Sum {
    type Config = SumConfig;
    fn new(config: SumConfig, _: &Context) -> Result<Self> {
        Ok(Sum(config.name, 0))
    }
}
impl Aggregator for Sum {
    fn add(&mut self, _: &Metric) {
        self.1 += 1;
    }
    fn push(&mut self, _: Timestamp, out: &mut Vec<Metric>) {
        if self.1 > 0 {
            let mut m = Metric::new(self.0.as_str(), self.1);
            m.set_field("n", self.1);
            out.push(m);
            self.1 = 0;
        }
    }
}
register!(aggregator "sum" = Sum);

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct KeeperConfig {
    book: String,
    /// No write succeeds.
    fails: bool,
    /// No connect succeeds.
    down: bool,
    passing: bool,
    port: i64,
    client_id: String,
    /// How long a write takes.
    milliseconds: u64,
    note: String,
}

/// Writes into a book.
struct Keeper(KeeperConfig);
impl Plugin for Keeper {
    type Config = KeeperConfig;
    fn new(config: KeeperConfig, _: &Context) -> Result<Self> {
        Ok(Keeper(config))
    }
}
#[async_trait]
impl Output for Keeper {
    async fn connect(&mut self) -> Result<(), StartError> {
        if self.0.down {
            let error = anyhow!("no such server");
            return Err(if self.0.passing {
                StartError::retry(error)
            } else {
                error.into()
            });
        }
        if self.0.port > 0 && !PORTS.lock().insert(self.0.port) {
            let error = anyhow::Error::from(io::Error::from(io::ErrorKind::AddrInUse));
            return Err(error.context("cannot listen").into());
        }
        BOOKS.lock().entry(self.0.book.clone()).or_default().connects += 1;
        Ok(())
    }
    async fn write(&mut self, metrics: &[&Metric]) -> Result<(), WriteError> {
        tokio::time::sleep(Duration::from_millis(self.0.milliseconds)).await;
        if self.0.fails {
            return Err(WriteError::retry(anyhow!("not now")));
        }
        let line = |m: &&Metric| {
            let tags: Vec<String> = m.tags().map(|(k, v)| format!("{k}={v}")).collect();
            (m.time(), format!("{} {}", m.name(), tags.join(",")))
        };
        let mut books = BOOKS.lock();
        let book = books.entry(self.0.book.clone()).or_default();
        book.written.extend(metrics.iter().map(line));
        Ok(())
    }
    async fn close(&mut self) -> Result<()> {
        PORTS.lock().remove(&self.0.port);
        BOOKS.lock().entry(self.0.book.clone()).or_default().closes += 1;
        Ok(())
    }
}
register!(output "keeper" = Keeper);
