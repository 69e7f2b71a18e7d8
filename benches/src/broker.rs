//! A broker double: whoever subscribes is sent a lap of packets over and over, as fast as TCP takes them, until its share is
//! sent. At QoS 1 no more are under way than the subscriber asked for.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;

use crate::packets::{Lap, Payload, split};

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub payload: Payload,
    pub qos: u8,
    pub topics: usize,
    /// Messages for all subscribers together.
    pub messages: u64,
    pub subscribers: u64,
}

/// Messages under way at QoS 1 where the subscriber sets no limit.
const WINDOW: u64 = 1000;
/// Bytes of one write.
const CHUNK: usize = 64 * 1024;

struct Shared {
    plan: Plan,
    subscribed: AtomicUsize,
    /// How many have been sent everything.
    done: AtomicUsize,
    go: (Mutex<bool>, Condvar),
    stop: AtomicBool,
}

/// A running double; it ends with the value.
pub struct Broker {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Broker {
    pub fn start(plan: Plan) -> Result<Broker> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            plan,
            subscribed: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            go: (Mutex::new(false), Condvar::new()),
            stop: AtomicBool::new(false),
        });
        let accepting = shared.clone();
        std::thread::spawn(move || {
            while !accepting.stop.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        let shared = accepting.clone();
                        std::thread::spawn(move || {
                            // A subscriber that goes away ends its thread only.
                            let _ = serve(&stream, &shared);
                        });
                    }
                    Err(_) => std::thread::sleep(Duration::from_millis(1)),
                }
            }
        });
        Ok(Broker { address, shared })
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }
    pub fn subscribed(&self) -> usize {
        self.shared.subscribed.load(Ordering::Acquire)
    }
    pub fn all_sent(&self) -> bool {
        self.shared.done.load(Ordering::Acquire) as u64 >= self.shared.plan.subscribers
    }
    /// Lets the messages go.
    pub fn go(&self) {
        *self.shared.go.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.go.1.notify_all();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.go();
    }
}

/// What the two threads of a connection know of each other.
struct Connection<'a> {
    stream: &'a TcpStream,
    /// Held while whole packets are written.
    writing: Mutex<()>,
    acknowledged: AtomicU64,
    closed: AtomicBool,
}

impl Connection<'_> {
    fn write(&self, bytes: &[u8]) -> std::io::Result<()> {
        let _whole = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stream = self.stream;
        stream.write_all(bytes)
    }
}

fn serve(stream: &TcpStream, shared: &Shared) -> Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    let connection = Connection {
        stream,
        writing: Mutex::new(()),
        acknowledged: AtomicU64::new(0),
        closed: AtomicBool::new(false),
    };
    let mut version5 = false;
    let mut window = WINDOW;
    let mut input = Vec::new();
    let mut chunk = vec![0; CHUNK];
    std::thread::scope(|threads| -> Result<()> {
        let mut begun = false;
        let mut reader = stream;
        loop {
            let mut taken = 0;
            while let Some((first, body, length)) = split(&input[taken..]) {
                match first >> 4 {
                    1 => {
                        (version5, window) = connect(body);
                        let answer: &[u8] = if version5 {
                            &[0x20, 3, 0, 0, 0]
                        } else {
                            &[0x20, 2, 0, 0]
                        };
                        connection.write(answer)?;
                    }
                    8 => {
                        let id = [
                            body.first().copied().unwrap_or(0),
                            body.get(1).copied().unwrap_or(1),
                        ];
                        let answer: Vec<u8> = match version5 {
                            true => vec![0x90, 4, id[0], id[1], 0, shared.plan.qos],
                            false => vec![0x90, 3, id[0], id[1], shared.plan.qos],
                        };
                        connection.write(&answer)?;
                        if !std::mem::replace(&mut begun, true) {
                            let connection = &connection;
                            threads.spawn(move || send(connection, shared, version5, window));
                        }
                    }
                    4 => {
                        connection.acknowledged.fetch_add(1, Ordering::Release);
                    }
                    12 => connection.write(&[0xD0, 0])?,
                    _ => {}
                }
                taken += length;
            }
            input.drain(..taken);
            match reader.read(&mut chunk) {
                Ok(0) => break,
                Ok(n) => input.extend_from_slice(&chunk[..n]),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        connection.closed.store(true, Ordering::Release);
        Ok(())
    })
}

/// Version and window of a CONNECT.
fn connect(body: &[u8]) -> (bool, u64) {
    // Name (2 + 4 bytes), level, flags, keep-alive (2), then in version 5 the properties.
    let version5 = body.get(6) == Some(&5);
    let mut window = WINDOW;
    if version5 {
        let length = usize::from(body.get(10).copied().unwrap_or(0) & 0x7f);
        let mut properties = body.get(11..11 + length).unwrap_or_default();
        while let [id, rest @ ..] = properties {
            let size = match id {
                0x11 | 0x27 => 4,
                0x21 | 0x22 => 2,
                0x17 | 0x19 => 1,
                _ => break,
            };
            if *id == 0x21
                && let [high, low, ..] = rest
            {
                window = u64::from(u16::from_be_bytes([*high, *low]));
            }
            properties = rest.get(size..).unwrap_or_default();
        }
    }
    (version5, window.clamp(1, WINDOW * 60))
}

fn send(connection: &Connection<'_>, shared: &Shared, version5: bool, window: u64) {
    let plan = shared.plan;
    let lap = Lap::new(plan.payload, plan.qos, plan.topics, version5);
    // Only now is it ready: the encoding must not fall into the measurement.
    shared.subscribed.fetch_add(1, Ordering::Release);
    let mut went = shared.go.0.lock().unwrap_or_else(PoisonError::into_inner);
    while !*went {
        went = shared.go.1.wait(went).unwrap_or_else(PoisonError::into_inner);
    }
    drop(went);
    let share = plan.messages / plan.subscribers.max(1);
    let mut sent = 0;
    let mut copy = Vec::with_capacity(CHUNK * 2);
    while sent < share && !shared.stop.load(Ordering::Relaxed) {
        let from = (sent % lap.len() as u64) as usize;
        let mut to = lap
            .ends
            .partition_point(|end| *end < lap.begin(from) + CHUNK)
            .max(from + 1);
        to = to.min(lap.len()).min(from + (share - sent) as usize);
        let written = if plan.qos == 0 {
            connection.write(&lap.bytes[lap.begin(from)..lap.ends[to - 1]])
        } else {
            let under_way = sent - connection.acknowledged.load(Ordering::Acquire).min(sent);
            let free = window.saturating_sub(under_way) as usize;
            if free == 0 {
                if connection.closed.load(Ordering::Acquire) {
                    return;
                }
                std::thread::sleep(Duration::from_micros(50));
                continue;
            }
            to = to.min(from + free);
            let begin = lap.begin(from);
            copy.clear();
            copy.extend_from_slice(&lap.bytes[begin..lap.ends[to - 1]]);
            for (n, at) in (sent..).zip(&lap.ids[from..to]) {
                let id = (n % 65_535 + 1) as u16;
                copy[at - begin..at - begin + 2].copy_from_slice(&id.to_be_bytes());
            }
            connection.write(&copy)
        };
        if written.is_err() {
            return;
        }
        sent += (to - from) as u64;
    }
    shared.done.fetch_add(1, Ordering::Release);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_what_the_subscriber_asks_for() {
        assert_eq!(connect(b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a"), (false, WINDOW));
        assert_eq!(
            connect(b"\x00\x04MQTT\x05\x02\x00\x3c\x08\x11\x00\x00\x00\x00\x21\x01\x00\x00\x01a"),
            (true, 256)
        );
        assert_eq!(connect(b""), (false, WINDOW));
    }

    #[test]
    fn a_subscriber_gets_its_share() -> Result<()> {
        for qos in [0, 1] {
            let broker = Broker::start(Plan {
                payload: Payload::Small,
                qos,
                topics: 5,
                messages: 45_000,
                subscribers: 1,
            })?;
            let floor = crate::floor::Raw::subscribe(broker.port(), qos)?;
            broker.go();
            assert_eq!(floor.count(45_000)?, 45_000);
            // The broker notes its end after the last byte has left.
            let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
            while !broker.all_sent() && std::time::Instant::now() < end {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            assert!(broker.all_sent());
        }
        Ok(())
    }
}
