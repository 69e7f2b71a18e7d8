//! What can break, and for how long.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;
use wheatstone_testkit::Fault;

use crate::plan::{Broker, Plan, Scene};

/// A fault at one moment of a run. Those with a duration end by themselves.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// SIGKILL to the agent, and a new one.
    AgentKill,
    /// SIGTERM to the agent, and a new one when it has ended.
    AgentRestart,
    /// SIGSTOP to the agent, SIGCONT later.
    AgentFreeze(Duration),
    /// SIGKILL to the agent; what a write that was torn by a power cut leaves is put at the end of its newest segment.
    TornTail,
    /// SIGKILL to the agent once its disk buffers are empty of unwritten messages; a byte of a segment is changed.
    CorruptSegment,
    /// SIGTERM to the broker, which stores its sessions, and a new one.
    BrokerRestart,
    /// SIGKILL to the broker, and a new one.
    BrokerKill,
    /// SIGSTOP to the broker, SIGCONT later.
    BrokerFreeze(Duration),
    /// The way between broker and agent.
    BrokerLink(Fault, Duration),
    /// SIGKILL to a database, which is away for a while.
    DatabaseKill(usize, Duration),
    /// SIGSTOP to a database, SIGCONT later.
    DatabaseFreeze(usize, Duration),
    /// The way between the agent and a database.
    DatabaseLink(usize, Fault, Duration),
    /// No room is left where the disk buffers lie.
    DiskFull(Duration),
    /// The wall clock of the agent jumps by so many seconds, there and, later, back.
    ClockJump(i64, Duration),
    /// SIGHUP with a changed configuration.
    Reload(Change),
    /// `fsync` and `fdatasync` of the agent fail now and then, during the whole run.
    FsyncErrors,
}

/// What a reload changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A processor.
    Processor,
    /// An option of the first output.
    Output,
    /// The file is broken: nothing may change.
    Broken,
}

/// The kinds of events, by the names that `--only` takes.
pub const KINDS: &[&str] = &[
    "agent-kill",
    "agent-restart",
    "agent-freeze",
    "torn-tail",
    "corrupt-segment",
    "broker-restart",
    "broker-kill",
    "broker-freeze",
    "broker-link",
    "database-kill",
    "database-freeze",
    "database-link",
    "disk-full",
    "clock-jump",
    "reload",
    "fsync-errors",
];

fn span(rng: &mut Rng, from: u64, to: u64) -> Duration {
    Duration::from_millis(rng.u64(from..=to))
}

fn link(rng: &mut Rng) -> Fault {
    match rng.u8(0..8) {
        0 => Fault::Reset,
        1 => Fault::CutAfter(rng.u64(100..200_000)),
        2 => Fault::BlackHole,
        3 => Fault::Stall,
        4 => Fault::HalfClose,
        5 => Fault::Slow(rng.u64(20_000..500_000)),
        6 => Fault::Refuse,
        _ => Fault::Delay(span(rng, 5, 200)),
    }
}

impl Event {
    /// An event of this kind for such a run. `None` where it cannot happen in it.
    pub fn draw(kind: &str, plan: &Plan, rng: &mut Rng) -> Option<Event> {
        let disk = plan.sinks.iter().any(|s| s.disk);
        let sink = rng.usize(0..plan.sinks.len());
        let event = match kind {
            "agent-kill" => Event::AgentKill,
            "agent-restart" => Event::AgentRestart,
            "agent-freeze" => Event::AgentFreeze(span(rng, 100, 3000)),
            "torn-tail" if disk => Event::TornTail,
            "corrupt-segment" if disk => Event::CorruptSegment,
            // NATS 2.9 that ends in order loses what it was about to deliver, though it has acknowledged it: a client that only
            // acknowledges misses it too.
            "broker-restart" if plan.broker == Broker::Mosquitto => Event::BrokerRestart,
            // Mosquitto acknowledges before it stores: what it loses then, no client can have.
            "broker-kill" if plan.broker == Broker::Nats => Event::BrokerKill,
            "broker-freeze" => Event::BrokerFreeze(span(rng, 100, 3000)),
            "broker-link" => Event::BrokerLink(link(rng), span(rng, 100, 2500)),
            "database-kill" => Event::DatabaseKill(sink, span(rng, 0, 2000)),
            "database-freeze" => Event::DatabaseFreeze(sink, span(rng, 100, 4000)),
            "database-link" => Event::DatabaseLink(sink, link(rng), span(rng, 100, 4000)),
            "disk-full" if disk && plan.scene == Scene::SmallDisk => Event::DiskFull(span(rng, 300, 3000)),
            "clock-jump" if plan.scene == Scene::OtherClock => {
                let far = rng.i64(2..100_000);
                Event::ClockJump(if rng.bool() { far } else { -far }, span(rng, 500, 3000))
            }
            "reload" => Event::Reload(match rng.u8(0..3) {
                0 => Change::Processor,
                1 => Change::Output,
                _ => Change::Broken,
            }),
            "fsync-errors" if disk && plan.scene == Scene::BadDisk => Event::FsyncErrors,
            _ => return None,
        };
        Some(event)
    }

    /// Its kind, as [`KINDS`] has it.
    pub fn kind(&self) -> &'static str {
        match self {
            Event::AgentKill => "agent-kill",
            Event::AgentRestart => "agent-restart",
            Event::AgentFreeze(_) => "agent-freeze",
            Event::TornTail => "torn-tail",
            Event::CorruptSegment => "corrupt-segment",
            Event::BrokerRestart => "broker-restart",
            Event::BrokerKill => "broker-kill",
            Event::BrokerFreeze(_) => "broker-freeze",
            Event::BrokerLink(..) => "broker-link",
            Event::DatabaseKill(..) => "database-kill",
            Event::DatabaseFreeze(..) => "database-freeze",
            Event::DatabaseLink(..) => "database-link",
            Event::DiskFull(_) => "disk-full",
            Event::ClockJump(..) => "clock-jump",
            Event::Reload(_) => "reload",
            Event::FsyncErrors => "fsync-errors",
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self {
            Event::AgentFreeze(d) | Event::BrokerFreeze(d) | Event::DiskFull(d) => write!(f, " {d:?}"),
            Event::BrokerLink(fault, d) => write!(f, " {fault:?} {d:?}"),
            Event::DatabaseKill(n, d) | Event::DatabaseFreeze(n, d) => write!(f, " #{n} {d:?}"),
            Event::DatabaseLink(n, fault, d) => write!(f, " #{n} {fault:?} {d:?}"),
            Event::ClockJump(seconds, d) => write!(f, " {seconds:+}s {d:?}"),
            Event::Reload(change) => write!(f, " {change:?}"),
            _ => Ok(()),
        }
    }
}
