//! What one run is made of, drawn from its seed.

use std::fmt;

use fastrand::Rng;
use wheatstone_testkit::publish::Qos;

use crate::event::{Event, KINDS};
use crate::tools::Tools;

/// The broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broker {
    /// Mosquitto with persistence.
    Mosquitto,
    /// NATS with its file store: it stores before it acknowledges, so it may be killed. QoS 1 and MQTT 3.1.1 only.
    Nats,
}

/// A database and how the agent buffers for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sink {
    /// SecantusDB in place of InfluxDB 1.
    pub mongo: bool,
    /// `buffer_strategy = "disk"`.
    pub disk: bool,
    /// It is away from before the first message until after the last.
    pub dead: bool,
}

/// What the agent runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// Plainly.
    Plain,
    /// Its disk buffers lie on a small file system of their own.
    SmallDisk,
    /// Its wall clock is libfaketime's.
    OtherClock,
    /// Under strace, which lets syncs fail.
    BadDisk,
}

/// One run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it was drawn from.
    pub seed: u64,
    /// How many messages are published.
    pub messages: u64,
    /// How many a second.
    pub rate: u64,
    /// At which quality of service, by publisher and agent.
    pub qos: Qos,
    /// Into what.
    pub broker: Broker,
    /// `protocol` of the input.
    pub protocol: &'static str,
    /// `max_undelivered_messages`.
    pub window: u32,
    /// Whether the payload has a time. Without one a message that is delivered again is another point.
    pub timed: bool,
    /// Whether the agent has a `statefile`, and so knows after a kill what was acknowledged.
    pub statefile: bool,
    /// Where it goes.
    pub sinks: Vec<Sink>,
    /// What the agent runs in.
    pub scene: Scene,
    /// What breaks when this part of the messages is taken, in order.
    pub events: Vec<(f64, Event)>,
}

impl Plan {
    /// Draws the run of this seed. `only` limits the events to one kind.
    pub fn draw(seed: u64, messages: u64, only: Option<&str>, tools: &Tools) -> Plan {
        let mut rng = Rng::with_seed(seed);
        let wants = |kind: &str| only == Some(kind);
        let nats = wants("broker-kill") || (only.is_none() && rng.u8(0..5) == 0);
        let broker = if nats { Broker::Nats } else { Broker::Mosquitto };
        let qos2 = !nats && rng.u8(0..4) == 0;
        let two = rng.u8(0..3) == 0;
        let on_disk = ["disk-full", "torn-tail", "corrupt-segment", "fsync-errors"];
        let mut sinks: Vec<Sink> = (0..1 + usize::from(two))
            .map(|_| Sink {
                mongo: rng.u8(0..4) == 0,
                disk: rng.bool() || only.is_some_and(|kind| on_disk.contains(&kind)),
                dead: false,
            })
            .collect();
        if let [_, second] = sinks.as_mut_slice() {
            second.dead = rng.bool();
        }
        let disk = sinks.iter().any(|s| s.disk);
        let scene = match only {
            Some("disk-full") => Scene::SmallDisk,
            Some("clock-jump") => Scene::OtherClock,
            Some("fsync-errors") => Scene::BadDisk,
            Some(_) => Scene::Plain,
            None => match rng.u8(0..10) {
                0 | 1 if disk => Scene::SmallDisk,
                2 if disk => Scene::BadDisk,
                3 => Scene::OtherClock,
                _ => Scene::Plain,
            },
        };
        let mut plan = Plan {
            seed,
            messages,
            // Mosquitto takes 20 at a time at QoS 2.
            rate: if qos2 { 5_000 } else { rng.u64(5_000..=12_000) },
            qos: if qos2 { Qos::ExactlyOnce } else { Qos::AtLeastOnce },
            broker,
            protocol: match rng.u8(0..4) {
                0 => "3.1.1",
                1 if !nats => "5",
                _ => "auto",
            },
            window: if rng.bool() { 1_000 } else { 65_535 },
            timed: rng.u8(0..3) > 0,
            statefile: seed % 2 == 1,
            sinks,
            scene: if tools.can(scene) { scene } else { Scene::Plain },
            events: Vec::new(),
        };
        plan.draw_events(only, &mut rng);
        plan
    }

    fn draw_events(&mut self, only: Option<&str>, rng: &mut Rng) {
        let count = rng.usize(1..=4);
        let mut events: Vec<(f64, Event)> = Vec::new();
        for _ in 0..200 {
            if events.len() >= count {
                break;
            }
            let kind = only.unwrap_or_else(|| KINDS[rng.usize(0..KINDS.len())]);
            let Some(event) = Event::draw(kind, self, rng) else {
                continue;
            };
            events.push((0.02 + 0.9 * rng.f64(), event));
        }
        // What the scene was set for happens at least once.
        let due = match self.scene {
            Scene::SmallDisk => "disk-full",
            Scene::OtherClock => "clock-jump",
            Scene::BadDisk => "fsync-errors",
            Scene::Plain => "",
        };
        if !events.iter().any(|(_, e)| e.kind() == due)
            && let Some(event) = Event::draw(due, self, rng)
        {
            events.push((0.02 + 0.9 * rng.f64(), event));
        }
        events.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.events = events;
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} qos {} protocol {} window {} {}/s{}",
            self.broker,
            self.qos as u8,
            self.protocol,
            self.window,
            self.rate,
            if self.timed { "" } else { " untimed" },
        )?;
        if self.statefile {
            f.write_str(" statefile")?;
        }
        for sink in &self.sinks {
            write!(
                f,
                ", {}{}{}",
                if sink.mongo { "mongodb" } else { "influxdb" },
                if sink.disk { " on disk" } else { "" },
                if sink.dead { " dead" } else { "" },
            )?;
        }
        if self.scene != Scene::Plain {
            write!(f, ", {:?}", self.scene)?;
        }
        for (at, event) in &self.events {
            write!(f, "; {:.0}% {event}", at * 100.0)?;
        }
        Ok(())
    }
}
