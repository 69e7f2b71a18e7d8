//! One measurement: a scene is set up, a program subscribes, messages are let go, and what it burnt is read.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::mosquitto;
use crate::origin::Origin;
use crate::packets::Payload;
use crate::peer::{Folder, Peer, cpu_of};
use crate::sink::{Lines, Sink};

/// How the messages come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// From the double, as fast as the subscriber takes them.
    Direct,
    /// From a real mosquitto, this many a second.
    Mosquitto { rate: u64 },
}

/// What is measured.
#[derive(Clone, Debug)]
pub struct Scene {
    pub name: &'static str,
    pub source: Source,
    pub qos: u8,
    pub payload: Payload,
    pub messages: u64,
    pub topics: usize,
    pub inputs: u64,
    pub outputs: u64,
    pub batch: u64,
    /// Whether a file is written, not HTTP.
    pub file: bool,
    /// Whether the broker keeps what is not acknowledged over a connection's end: QoS 1, a session of its own.
    pub durable: bool,
}

impl Scene {
    pub const DIRECT: Scene = Scene {
        name: "direct, QoS 0",
        source: Source::Direct,
        qos: 0,
        payload: Payload::Small,
        messages: 1_000_000,
        topics: 500,
        inputs: 1,
        outputs: 1,
        batch: 5000,
        file: false,
        durable: false,
    };

    /// The scenes of the table.
    pub fn all(quick: bool) -> Vec<Scene> {
        let scale = if quick { 5 } else { 1 };
        let direct = Scene {
            messages: 1_000_000 / scale,
            ..Scene::DIRECT
        };
        let mut scenes = vec![
            direct.clone(),
            Scene {
                name: "direct, QoS 1",
                qos: 1,
                ..direct.clone()
            },
            Scene {
                name: "direct, QoS 0, nested JSON",
                payload: Payload::Nested,
                messages: 500_000 / scale,
                ..direct.clone()
            },
            Scene {
                name: "direct, QoS 0, file",
                file: true,
                ..direct.clone()
            },
        ];
        if mosquitto::program().is_some() {
            for (name, rate, messages, qos, durable) in [
                ("mosquitto, 20,000/s, QoS 0", 20_000, 100_000, 0, false),
                ("mosquitto, 20,000/s, QoS 1", 20_000, 100_000, 1, false),
                ("durable, 20,000/s, QoS 1", 20_000, 100_000, 1, true),
                ("durable, 1,000/s, QoS 1", 1_000, 5_000, 1, true),
                ("durable, 20,000 at once, QoS 1", 1_000_000, 20_000, 1, true),
            ] {
                scenes.push(Scene {
                    name,
                    qos,
                    durable,
                    source: Source::Mosquitto { rate },
                    // Those at once are few enough.
                    messages: if rate > 20_000 { messages } else { messages / scale },
                    ..direct.clone()
                });
            }
        } else {
            println!("mosquitto is not installed: the scenes with it are left out");
        }
        scenes
    }
}

/// Who subscribes.
#[derive(Clone, Copy, Debug)]
pub enum Who<'a> {
    Agent(&'a Path),
    Floor(&'static str),
}

/// What came out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Row {
    /// CPU-seconds per million messages delivered.
    pub cpu: f64,
    /// Messages a second; of the agent's up to nine tenths of them, since the last ones wait for `flush_interval`.
    pub rate: f64,
    /// From the process's start to its subscription, in milliseconds.
    pub start: f64,
    /// Bytes resident before the first message, and at most.
    pub idle: u64,
    pub peak: u64,
    /// Messages that did not arrive.
    pub lost: u64,
}

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Without progress for so long it is over.
const SILENCE: Duration = Duration::from_secs(4);

/// The agent's configuration.
pub fn config(scene: &Scene, broker: u16, sinks: &[u16], limit: u64) -> String {
    let tags = match scene.payload {
        Payload::Small => r#"["sensor_id"]"#,
        Payload::Nested => r#"["sensor_id", "site", "line", "model", "fw", "state"]"#,
    };
    let mut text = format!(
        "[agent]\n  interval = \"10s\"\n  flush_interval = \"1s\"\n  omit_hostname = true\n  metric_batch_size = {}\n  metric_buffer_limit = {limit}\n",
        scene.batch
    );
    let session = match scene.durable {
        true => "  persistent_session = true\n  client_id = \"bench\"\n",
        false => "",
    };
    for _ in 0..scene.inputs {
        text.push_str(&format!(
            "[[inputs.mqtt_consumer]]\n  servers = [\"tcp://127.0.0.1:{broker}\"]\n  topics = [\"sensors/#\"]\n  qos = {}\n  max_undelivered_messages = 100000\n  name_override = \"sensors\"\n  data_format = \"json\"\n  tag_keys = {tags}\n  json_time_key = \"ts\"\n  json_time_format = \"unix_ms\"\n{session}",
            scene.qos
        ));
    }
    for sink in sinks {
        text.push_str(&format!(
            "[[outputs.influxdb]]\n  urls = [\"http://127.0.0.1:{sink}\"]\n  database = \"bench\"\n  skip_database_creation = true\n  content_encoding = \"identity\"\n"
        ));
    }
    if scene.file {
        text.push_str(&format!(
            "[[outputs.file]]\n  files = [\"{WRITTEN}\"]\n  data_format = \"influx\"\n"
        ));
    }
    text
}

/// The file that is written, within the agent's folder.
const WRITTEN: &str = "written.lp";

/// Starts the agent with a configuration.
pub fn start_agent(program: &Path, folder: &Folder, config: &str) -> Result<Peer> {
    start_under(&mut Command::new(program), folder, config)
}

/// The same of a command that is the agent, or a program that runs it.
pub fn start_under(command: &mut Command, folder: &Folder, config: &str) -> Result<Peer> {
    let file = folder.path().join("agent.conf");
    std::fs::write(&file, config)?;
    command
        .args(["--quiet", "--config"])
        .arg(&file)
        .current_dir(folder.path());
    Peer::start(command, &folder.path().join("agent.log"))
}

/// Measures once.
pub fn measure(who: Who<'_>, scene: &Scene) -> Result<Row> {
    let folder = Folder::new()?;
    let inputs = match who {
        Who::Agent(_) => scene.inputs,
        Who::Floor(_) => 1,
    };
    let origin = Origin::start(scene, inputs)?;
    let outputs = if scene.file { 0 } else { scene.outputs };
    let sinks: Vec<Sink> = (0..outputs).map(|_| Sink::start()).collect::<Result<_>>()?;
    let mut written = scene.file.then(|| Lines::of(folder.path().join(WRITTEN)));
    let started = Instant::now();
    let mut peer = match who {
        Who::Agent(program) => {
            let ports: Vec<u16> = sinks.iter().map(Sink::port).collect();
            start_agent(
                program,
                &folder,
                &config(scene, origin.port(), &ports, scene.messages.max(1_000_000)),
            )?
        }
        Who::Floor(kind) => {
            let mut command = Command::new(std::env::current_exe()?);
            let (port, qos) = (origin.port().to_string(), scene.qos.to_string());
            command.args(["floor", kind, &port, &qos, &scene.messages.to_string()]);
            Peer::start(&mut command, &folder.path().join("floor.log"))?
        }
    };
    origin.wait(inputs, &mut peer, &folder)?;
    let start = started.elapsed().as_secs_f64() * 1e3;
    // What belongs to the start is over before the count begins: half a second on the agent gives back memory.
    std::thread::sleep(Duration::from_millis(800));
    let (before, (idle, _)) = (cpu_of(peer.id()), peer.memory());
    let begun = Instant::now();
    let publisher = origin.go(scene);
    let mut delivered = || match &mut written {
        Some(written) => written.lines(),
        None => Ok(sinks.iter().map(Sink::lines).min().unwrap_or(0)),
    };
    let wanted = scene.messages / inputs * inputs;
    let (mut seen, mut last, mut peak, mut most) = (0, begun, idle, None);
    let mut row = Row {
        start,
        idle,
        ..Row::default()
    };
    match who {
        Who::Agent(_) => {
            while !peer.has_ended() && begun.elapsed() < PATIENCE * 4 {
                std::thread::sleep(Duration::from_millis(5));
                let now = delivered()?;
                if now != seen {
                    (seen, last) = (now, Instant::now());
                    if now >= wanted / 10 * 9 {
                        most.get_or_insert((seen, last));
                    }
                }
                if now >= wanted || last.elapsed() > SILENCE {
                    break;
                }
            }
            // The last acknowledgements belong to it.
            std::thread::sleep(Duration::from_millis(20));
            row.cpu = (peer.cpu() - before) / seen.max(1) as f64 * 1e6;
            peak = peer.memory().1.max(peak);
        }
        Who::Floor(_) => {
            let output = peer.output();
            let mut words = output.split_whitespace();
            seen = words.next().and_then(|n| n.parse().ok()).unwrap_or(0);
            let burnt: f64 = words.next().and_then(|n| n.parse().ok()).unwrap_or(0.0);
            last = Instant::now();
            row.cpu = (burnt - before).max(0.0) / seen.max(1) as f64 * 1e6;
        }
    }
    let (count, end) = most.unwrap_or((seen, last));
    row.rate = count as f64 / (end - begun).as_secs_f64().max(1e-3);
    row.peak = peak;
    row.lost = wanted.saturating_sub(seen);
    publisher.end()?;
    Ok(row)
}
