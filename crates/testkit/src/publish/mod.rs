//! Numbered messages into a broker, and the numbers of those that the broker took.
//!
//! A client library would hide which acknowledgement belongs to which message; here it is the point. So this speaks the few
//! packets itself, keeps its session, comes back after a broken connection and sends again what was not acknowledged.

mod packet;
mod session;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Result, anyhow};

/// How surely a message is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qos {
    /// 0: sent and forgotten.
    AtMostOnce = 0,
    /// 1: sent until it is acknowledged.
    AtLeastOnce = 1,
    /// 2: acknowledged in two steps, so that it is taken once.
    ExactlyOnce = 2,
}

/// What is published under one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The topic.
    pub topic: String,
    /// The payload.
    pub payload: Vec<u8>,
}

impl Message {
    /// A message.
    pub fn new(topic: impl Into<String>, payload: impl Into<Vec<u8>>) -> Message {
        Message {
            topic: topic.into(),
            payload: payload.into(),
        }
    }
}

type Make = Arc<dyn Fn(u64) -> Message + Send + Sync>;

/// What to publish, and how. The messages are numbered from `first` on.
#[derive(Clone)]
pub struct Publisher {
    address: SocketAddr,
    client_id: String,
    login: Option<(String, String)>,
    qos: Qos,
    first: u64,
    messages: u64,
    window: usize,
    rate: Option<u64>,
    retain: bool,
    limit: Duration,
    make: Make,
}

/// What became of the messages.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The numbers that the broker took, in the order of its acknowledgements. At QoS 0, where there are none: those that
    /// it had read when it answered a later ping.
    pub acknowledged: Vec<u64>,
    /// How many different messages were sent, acknowledged or not.
    pub sent: u64,
    /// How many connections were made after the first.
    pub reconnects: u64,
}

static CLIENTS: AtomicU64 = AtomicU64::new(0);

impl Publisher {
    /// 1,000 messages at QoS 1 over 16 topics `sensors/<site>/<device>` with payloads like `{"n":17,"value":1.7}`, with up
    /// to 1,000 unacknowledged at a time, as fast as they go, within a minute.
    pub fn new(broker: SocketAddr) -> Publisher {
        let number = CLIENTS.fetch_add(1, Ordering::Relaxed);
        Publisher {
            address: broker,
            client_id: format!("publisher-{}-{number}", std::process::id()),
            login: None,
            qos: Qos::AtLeastOnce,
            first: 0,
            messages: 1000,
            window: 1000,
            rate: None,
            retain: false,
            limit: Duration::from_secs(60),
            make: Arc::new(|n| {
                let topic = format!("sensors/site{}/device{}", n % 4, n % 16);
                Message::new(topic, format!(r#"{{"n":{n},"value":{}.{}}}"#, n / 10, n % 10))
            }),
        }
    }
    /// User and password.
    pub fn login(mut self, user: &str, password: &str) -> Publisher {
        self.login = Some((user.to_owned(), password.to_owned()));
        self
    }
    /// The quality of service.
    pub fn qos(mut self, qos: Qos) -> Publisher {
        self.qos = qos;
        self
    }
    /// The first number.
    pub fn first(mut self, first: u64) -> Publisher {
        self.first = first;
        self
    }
    /// How many messages.
    pub fn messages(mut self, messages: u64) -> Publisher {
        self.messages = messages;
        self
    }
    /// How many may be unacknowledged at a time: 1 to 10,000. At QoS 2 never more than 20, mosquitto's own
    /// `max_inflight_messages`: of a client that sends ahead of it, mosquitto 2.0.11 acknowledges messages that it lost.
    pub fn window(mut self, window: usize) -> Publisher {
        self.window = window.clamp(1, 10_000);
        self
    }
    /// At most so many messages a second.
    pub fn rate(mut self, per_second: u64) -> Publisher {
        self.rate = Some(per_second.max(1));
        self
    }
    /// The broker shall keep the last message of each topic.
    pub fn retain(mut self) -> Publisher {
        self.retain = true;
        self
    }
    /// How long all of it may take; what is not acknowledged then is reported as such.
    pub fn limit(mut self, limit: Duration) -> Publisher {
        self.limit = limit;
        self
    }
    /// The message of each number.
    pub fn message(mut self, make: impl Fn(u64) -> Message + Send + Sync + 'static) -> Publisher {
        self.make = Arc::new(make);
        self
    }

    /// Publishes all and waits for it. A broker that refuses the client is an error; one that goes away is awaited.
    pub fn run(self) -> Result<Report> {
        self.start().join()
    }

    /// The same in a thread of its own.
    pub fn start(self) -> Publishing {
        let taken = Arc::new(AtomicU64::new(0));
        let enough = Arc::new(AtomicBool::new(false));
        let (counter, stop) = (taken.clone(), enough.clone());
        let thread = std::thread::spawn(move || session::run(&self, &counter, &stop));
        Publishing {
            thread,
            taken,
            enough,
        }
    }
}

/// A publisher at work.
pub struct Publishing {
    thread: JoinHandle<Result<Report>>,
    taken: Arc<AtomicU64>,
    enough: Arc<AtomicBool>,
}

impl Publishing {
    /// How many messages the broker has acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
    /// Whether it has come to its end.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }
    /// Sends nothing new, and ends once what is under way is acknowledged.
    pub fn enough(&self) {
        self.enough.store(true, Ordering::Relaxed);
    }
    /// Waits for the end.
    pub fn join(self) -> Result<Report> {
        self.thread
            .join()
            .map_err(|_| anyhow!("the publisher panicked"))?
    }
}
