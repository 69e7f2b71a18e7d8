//! One publisher's way through its messages: send what the window allows, note what is acknowledged, come back when the
//! connection breaks.

use std::collections::{BTreeMap, HashMap};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::packet::{self, Answer};
use super::{Publisher, Qos, Report};

/// Without an answer for so long, with messages under way, the connection counts as dead.
const SILENCE: Duration = Duration::from_secs(15);
/// The pause before a lost broker is tried again.
const PAUSE: Duration = Duration::from_millis(20);

/// More than this mosquitto loses: see [`Publisher::window`].
const QOS2_WINDOW: usize = 20;

/// A message under way.
#[derive(Clone, Copy)]
struct Pending {
    number: u64,
    /// QoS 2: the broker has noted it, and the release is under way.
    released: bool,
}

struct Session<'a> {
    plan: &'a Publisher,
    report: Report,
    pending: HashMap<u16, Pending>,
    /// At QoS 0: sent since the last ping, not known to be read.
    unread: Vec<u64>,
    pinged: bool,
    next: u64,
    last_id: u16,
    taken: &'a AtomicU64,
}

struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    heard: Instant,
}

pub(super) fn run(plan: &Publisher, taken: &AtomicU64, enough: &AtomicBool) -> Result<Report> {
    let start = Instant::now();
    let end = start + plan.limit;
    let mut session = Session {
        plan,
        report: Report::default(),
        pending: HashMap::new(),
        unread: Vec::new(),
        pinged: false,
        next: plan.first,
        last_id: 0,
        taken,
    };
    let mut connections = 0_u64;
    while Instant::now() < end && !session.is_done(enough) {
        let Some((mut connection, known)) = open(plan, end)? else {
            std::thread::sleep(PAUSE);
            continue;
        };
        connections += 1;
        if session.resume(&mut connection, known).is_ok() {
            session.drive(&mut connection, start, end, enough);
        }
    }
    session.report.reconnects = connections.saturating_sub(1);
    Ok(session.report)
}

/// A connection that the broker accepted, and whether it knew the session. `None` where it cannot be reached now.
fn open(plan: &Publisher, end: Instant) -> Result<Option<(Connection, bool)>> {
    let left = end
        .saturating_duration_since(Instant::now())
        .clamp(PAUSE, Duration::from_secs(5));
    let Ok(stream) = TcpStream::connect_timeout(&plan.address, left) else {
        return Ok(None);
    };
    let _ = stream.set_nodelay(true);
    let mut connection = Connection {
        stream,
        input: Vec::new(),
        heard: Instant::now(),
    };
    let mut out = Vec::new();
    packet::connect(&mut out, &plan.client_id, plan.login.as_ref());
    if connection.stream.write_all(&out).is_err() {
        return Ok(None);
    }
    let mut answers = Vec::new();
    while answers.is_empty() {
        if connection.heard.elapsed() > left || connection.read(PAUSE, &mut answers).is_err() {
            return Ok(None);
        }
    }
    match answers[0] {
        Answer::Connected { session, code: 0 } => Ok(Some((connection, session))),
        Answer::Connected { code, .. } => bail!("the broker refuses the publisher: return code {code}"),
        other => bail!("{other:?} in place of the answer to CONNECT"),
    }
}

impl Connection {
    /// Reads what there is, waiting for at most `wait`, and appends the answers. An error is a broken connection.
    fn read(&mut self, wait: Duration, answers: &mut Vec<Answer>) -> Result<()> {
        self.stream
            .set_read_timeout(Some(wait.max(Duration::from_millis(1))))?;
        let mut chunk = [0; 16 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => bail!("closed"),
            Ok(n) => self.input.extend_from_slice(&chunk[..n]),
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) => {}
            Err(e) => return Err(e.into()),
        }
        let mut from = 0;
        while let Some((answer, length)) = packet::decode(&self.input[from..]).map_err(anyhow::Error::msg)? {
            answers.push(answer);
            from += length;
            self.heard = Instant::now();
        }
        self.input.drain(..from);
        Ok(())
    }
}

impl Session<'_> {
    fn all_sent(&self, enough: &AtomicBool) -> bool {
        enough.load(Ordering::Relaxed) || self.next >= self.plan.first + self.plan.messages
    }

    fn is_done(&self, enough: &AtomicBool) -> bool {
        self.all_sent(enough) && self.pending.is_empty() && self.unread.is_empty()
    }

    /// Sends again what was under way when the last connection broke, in the order of the first sending [MQTT-4.6.0-1].
    fn resume(&mut self, connection: &mut Connection, known: bool) -> Result<()> {
        // QoS 0 messages that nobody answered for are neither acknowledged nor sent again.
        self.unread.clear();
        self.pinged = false;
        let mut out = Vec::new();
        let ordered: BTreeMap<u64, u16> = self.pending.iter().map(|(id, p)| (p.number, *id)).collect();
        for (number, id) in ordered {
            // A broker that forgot the session has forgotten what it noted.
            let pending = Pending {
                number,
                released: known && self.pending.get(&id).is_some_and(|p| p.released),
            };
            self.pending.insert(id, pending);
            if pending.released {
                packet::release(&mut out, id);
            } else {
                self.encode(&mut out, id, number, known);
            }
        }
        connection.stream.write_all(&out)?;
        connection.heard = Instant::now();
        Ok(())
    }

    fn encode(&self, out: &mut Vec<u8>, id: u16, number: u64, again: bool) {
        let message = (self.plan.make)(number);
        packet::publish(
            out,
            self.plan.qos,
            id,
            again,
            self.plan.retain,
            &message.topic,
            &message.payload,
        );
    }

    /// Sends and reads until all is done, the time is over or the connection is broken.
    fn drive(&mut self, connection: &mut Connection, start: Instant, end: Instant, enough: &AtomicBool) {
        let mut out = Vec::new();
        let mut answers = Vec::new();
        // A peer that reads nothing must not hold the publisher for ever.
        let _ = connection.stream.set_write_timeout(Some(SILENCE));
        while Instant::now() < end {
            if self.is_done(enough) {
                packet::disconnect(&mut out);
                let _ = connection.stream.write_all(&out);
                return;
            }
            if !self.all_sent(enough) {
                self.fill(&mut out, start);
            }
            if !self.unread.is_empty() && !self.pinged {
                packet::ping(&mut out);
                self.pinged = true;
            }
            if connection.stream.write_all(&out).is_err() {
                return;
            }
            out.clear();
            let busy = !self.pending.is_empty() || self.pinged;
            let wait = if self.plan.rate.is_some() {
                Duration::from_millis(1)
            } else {
                Duration::from_millis(100)
            };
            if connection.read(wait, &mut answers).is_err() {
                return;
            }
            if !busy {
                connection.heard = Instant::now();
            } else if connection.heard.elapsed() > SILENCE {
                return;
            }
            for answer in answers.drain(..) {
                self.note(answer, &mut out);
            }
        }
    }

    /// Encodes as many new messages as window and rate allow.
    fn fill(&mut self, out: &mut Vec<u8>, start: Instant) {
        // The ping that is under way answers for what was sent before it, so nothing may follow it until then.
        if self.pinged {
            return;
        }
        let allowed = match self.plan.rate {
            Some(rate) => (start.elapsed().as_secs_f64() * rate as f64) as u64,
            None => u64::MAX,
        };
        let last = self.plan.first + self.plan.messages.min(allowed);
        let window = match self.plan.qos {
            Qos::ExactlyOnce => self.plan.window.min(QOS2_WINDOW),
            _ => self.plan.window,
        };
        while self.next < last && self.pending.len() + self.unread.len() < window {
            let number = self.next;
            self.next += 1;
            self.report.sent += 1;
            let id = if self.plan.qos == Qos::AtMostOnce {
                self.unread.push(number);
                0
            } else {
                let id = self.free_id();
                self.pending.insert(
                    id,
                    Pending {
                        number,
                        released: false,
                    },
                );
                id
            };
            self.encode(out, id, number, false);
        }
    }

    fn free_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if !self.pending.contains_key(&self.last_id) {
                return self.last_id;
            }
        }
    }

    fn note(&mut self, answer: Answer, out: &mut Vec<u8>) {
        match answer {
            Answer::Acked(id) | Answer::Completed(id) => {
                if let Some(pending) = self.pending.remove(&id) {
                    self.report.acknowledged.push(pending.number);
                    self.taken.fetch_add(1, Ordering::Relaxed);
                }
            }
            Answer::Received(id) => {
                if let Some(pending) = self.pending.get_mut(&id) {
                    pending.released = true;
                }
                packet::release(out, id);
            }
            Answer::Pong => {
                self.pinged = false;
                self.taken.fetch_add(self.unread.len() as u64, Ordering::Relaxed);
                self.report.acknowledged.append(&mut self.unread);
            }
            Answer::Connected { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::MosquittoOptions;
    use crate::{Mosquitto, wait_for};

    fn sorted(report: &Report) -> Vec<u64> {
        let mut all = report.acknowledged.clone();
        all.sort_unstable();
        all
    }

    #[test]
    #[ignore = "needs mosquitto"]
    fn every_quality_of_service_is_acknowledged() -> Result<()> {
        let broker = Mosquitto::start()?;
        for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
            let report = Publisher::new(broker.address())
                .qos(qos)
                .first(5)
                .messages(3000)
                .window(100)
                .run()?;
            assert_eq!(sorted(&report), (5..3005).collect::<Vec<_>>(), "{qos:?}");
            assert_eq!((report.sent, report.reconnects), (3000, 0));
        }
        Ok(())
    }

    #[test]
    #[ignore = "needs mosquitto"]
    fn a_broker_that_dies_is_awaited() -> Result<()> {
        let mut broker = MosquittoOptions {
            persistence: true,
            ..MosquittoOptions::default()
        }
        .start()?;
        for qos in [Qos::AtLeastOnce, Qos::ExactlyOnce] {
            let publishing = Publisher::new(broker.address())
                .qos(qos)
                .messages(3000)
                .rate(3000)
                .window(50)
                .start();
            wait_for("some messages", Duration::from_secs(20), || {
                (publishing.acknowledged() > 300).then_some(())
            })?;
            broker.kill9()?;
            broker.restart()?;
            let report = publishing.join()?;
            assert_eq!(sorted(&report), (0..3000).collect::<Vec<_>>(), "{qos:?}");
            assert!(report.reconnects >= 1);
        }
        Ok(())
    }

    #[test]
    fn a_broker_that_is_not_there_takes_nothing() -> Result<()> {
        let nobody = ([127, 0, 0, 1], crate::free_port()?).into();
        let report = Publisher::new(nobody).limit(Duration::from_millis(100)).run()?;
        assert_eq!((report.sent, report.acknowledged.len()), (0, 0));
        Ok(())
    }
}
