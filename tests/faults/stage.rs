//! The processes of one run, and how each event is done to them and ends.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use wheatstone_testkit::servers::MosquittoOptions;
use wheatstone_testkit::{
    Agent, AgentOptions, Fault, FaultProxy, Mosquitto, NatsMqtt, Server, Signal, wait_for,
};

use crate::event::{Change, Event};
use crate::plan::{self, Plan, Scene};
use crate::sink::Database;
use crate::tools::Tools;

/// What the disk of [`Scene::SmallDisk`] holds: some times what a run can leave unwritten.
const SMALL_DISK: &str = "size=64m,mode=0700";

enum Broker {
    Mosquitto(Mosquitto),
    Nats(NatsMqtt),
}

impl Broker {
    fn server(&mut self) -> &mut Server {
        match self {
            Broker::Mosquitto(broker) => broker,
            Broker::Nats(broker) => broker,
        }
    }
}

/// How an event ends.
pub enum Heal {
    AgentRuns,
    BrokerRuns,
    BrokerLink,
    DatabaseRuns(usize),
    DatabaseStarts(usize),
    DatabaseLink(usize),
    DiskHasRoom,
    ClockIsRight,
}

/// Everything that takes part.
pub struct Stage {
    plan: Plan,
    broker: Broker,
    link: FaultProxy,
    pub databases: Vec<Database>,
    /// Before the agent: it must be gone before its disk is.
    agent: Option<Agent>,
    disk: Option<Mount>,
    /// What reloads have changed so far.
    processor: u32,
    timeout: u64,
}

/// A small file system, unmounted when it is dropped.
struct Mount(PathBuf);

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.0, rustix::mount::UnmountFlags::DETACH);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A mount point cannot be removed with the folder that it lies in.
        if let Some(mut agent) = self.agent.take() {
            let _ = agent.kill9();
            self.disk = None;
        }
    }
}

impl Stage {
    /// Starts it all and waits until the agent has subscribed.
    pub fn set(plan: &Plan, tools: &Tools) -> Result<Stage> {
        let broker = match plan.broker {
            plan::Broker::Mosquitto => Broker::Mosquitto(
                MosquittoOptions {
                    persistence: true,
                    // What is dropped because the agent is dead for long is the broker's affair.
                    max_queued: Some(0),
                    // It is not killed here, and stores at its end; to store at every change takes it seconds with a long queue.
                    extra: "autosave_on_changes false\nautosave_interval 0\n".to_owned(),
                    ..MosquittoOptions::default()
                }
                .start()?,
            ),
            plan::Broker::Nats => Broker::Nats(NatsMqtt::start()?),
        };
        let mut stage = Stage {
            plan: plan.clone(),
            link: FaultProxy::start(match &broker {
                Broker::Mosquitto(b) => b.address(),
                Broker::Nats(b) => b.address(),
            })?,
            broker,
            databases: plan
                .sinks
                .iter()
                .map(|s| Database::start(*s))
                .collect::<Result<_>>()?,
            agent: None,
            disk: None,
            processor: 0,
            timeout: 2,
        };
        let folder = Agent::folder()?;
        if plan.scene == Scene::SmallDisk {
            let at = folder.path().join("buffer");
            fs::create_dir(&at)?;
            let options = std::ffi::CString::new(SMALL_DISK)?;
            rustix::mount::mount(
                "tmpfs",
                &at,
                "tmpfs",
                rustix::mount::MountFlags::empty(),
                options.as_c_str(),
            )?;
            stage.disk = Some(Mount(at));
        }
        let how = stage.how(folder.path(), tools)?;
        let agent = Agent::start_in(folder, &stage.config(), how)?;
        agent.wait_for_stderr("Connected [tcp", Duration::from_secs(60))?;
        stage.agent = Some(agent);
        match &stage.broker {
            Broker::Mosquitto(broker) => {
                let end = format!(" {} sensors/#", plan.qos as u8);
                wait_for("the subscription", Duration::from_secs(60), || {
                    broker.log().iter().any(|l| l.ends_with(&end)).then_some(())
                })?;
            }
            // It says nothing of subscriptions.
            Broker::Nats(_) => std::thread::sleep(Duration::from_secs(1)),
        }
        Ok(stage)
    }

    fn how(&self, folder: &Path, tools: &Tools) -> Result<AgentOptions> {
        let mut how = AgentOptions::default();
        match self.plan.scene {
            Scene::OtherClock => {
                set_clock(folder, 0)?;
                let library = tools.faketime.as_ref().context("no libfaketime")?;
                let variables = [
                    ("LD_PRELOAD", library.to_string_lossy().as_ref()),
                    ("FAKETIME_TIMESTAMP_FILE", "$DIR/clock"),
                    ("FAKETIME_CACHE_DURATION", "1"),
                    ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
                ]
                .map(|(key, value)| (key.to_owned(), value.to_owned()));
                how.env.extend(variables);
            }
            Scene::BadDisk => {
                let strace = "strace -D -f -qq --seccomp-bpf -o /dev/null -e trace=fsync,fdatasync -e inject=fsync,fdatasync:error=EIO:when=3+5";
                how.under = strace.split(' ').map(str::to_owned).collect();
            }
            Scene::Plain | Scene::SmallDisk => {}
        }
        Ok(how)
    }

    /// Where the publisher connects: past the proxy, which is the agent's.
    pub fn broker(&mut self) -> SocketAddr {
        self.broker.server().address()
    }

    fn config(&self) -> String {
        let plan = &self.plan;
        let time = match plan.timed {
            true => "json_time_key = \"ts\"\n  json_time_format = \"unix_ns\"",
            false => "",
        };
        let mut config = format!(
            r#"[agent]
  interval = "1s"
  flush_interval = "500ms"
  metric_batch_size = 2000
  metric_buffer_limit = 1000000
  omit_hostname = true
  buffer_directory = "$DIR/buffer"
  {statefile}
[[inputs.mqtt_consumer]]
  servers = ["tcp://127.0.0.1:{port}"]
  topics = ["sensors/#"]
  qos = {qos}
  persistent_session = true
  client_id = "durable"
  protocol = "{protocol}"
  max_undelivered_messages = {window}
  max_reconnect_interval = "500ms"
  connection_timeout = "2s"
  startup_error_behavior = "retry"
  name_override = "sensors"
  data_format = "json"
  {time}
[[processors.override]]
  [processors.override.tags]
    round = "r{round}"
"#,
            statefile = if plan.statefile {
                "statefile = \"$DIR/states\""
            } else {
                ""
            },
            port = self.link.port(),
            qos = plan.qos as u8,
            protocol = plan.protocol,
            window = plan.window,
            // A tag that changed would make a redelivered message another point.
            round = if plan.timed { 0 } else { self.processor },
        );
        if plan.timed {
            config += &format!("[[processors.rename]]\n  alias = \"{}\"\n", self.processor);
        }
        for (n, database) in self.databases.iter().enumerate() {
            let timeout = if n == 0 { self.timeout } else { 2 };
            config += &database.config(Duration::from_secs(timeout));
        }
        config
    }

    fn agent(&mut self) -> Result<&mut Agent> {
        self.agent.as_mut().context("no agent")
    }

    /// Lets it happen. Gives how and after how long it ends.
    pub fn begin(&mut self, event: &Event) -> Result<Option<(Duration, Heal)>> {
        let heal = match event {
            Event::AgentKill => return self.agent()?.restart().map(|()| None),
            Event::AgentRestart => {
                let agent = self.agent()?;
                let _ = agent.signal(Signal::Cont);
                // One that has only just begun does not hear signals yet.
                let _ = agent.wait_for_stderr("Connected [tcp", Duration::from_secs(5));
                agent.finish()?;
                agent.restart()?;
                return Ok(None);
            }
            Event::TornTail | Event::CorruptSegment => {
                self.agent()?.kill9()?;
                self.damage(event)?;
                self.agent()?.restart()?;
                return Ok(None);
            }
            Event::BrokerRestart => return self.broker.server().restart().map(|()| None),
            Event::BrokerKill => {
                self.broker.server().kill9()?;
                return self.broker.server().restart().map(|()| None);
            }
            Event::Reload(change) => return self.reload(*change).map(|()| None),
            Event::FsyncErrors => return Ok(None),
            Event::AgentFreeze(d) => {
                self.agent()?.signal(Signal::Stop)?;
                (*d, Heal::AgentRuns)
            }
            Event::BrokerFreeze(d) => {
                self.broker.server().stop()?;
                (*d, Heal::BrokerRuns)
            }
            Event::BrokerLink(fault, d) => {
                self.link.set(*fault);
                (*d, Heal::BrokerLink)
            }
            Event::DatabaseKill(n, d) => {
                self.start_database(*n)?;
                self.databases[*n].server().kill9()?;
                self.databases[*n].is_down = true;
                (*d, Heal::DatabaseStarts(*n))
            }
            Event::DatabaseFreeze(n, d) => {
                self.start_database(*n)?;
                self.databases[*n].server().stop()?;
                (*d, Heal::DatabaseRuns(*n))
            }
            Event::DatabaseLink(n, fault, d) => {
                self.databases[*n].proxy.set(*fault);
                (*d, Heal::DatabaseLink(*n))
            }
            Event::DiskFull(d) => {
                self.fill_disk()?;
                (*d, Heal::DiskHasRoom)
            }
            Event::ClockJump(seconds, d) => {
                let dir = self.agent()?.dir().to_owned();
                set_clock(&dir, *seconds)?;
                (*d, Heal::ClockIsRight)
            }
        };
        Ok(Some(heal))
    }

    /// Ends what [`begin`](Stage::begin) began. What another event has ended already is fine.
    pub fn heal(&mut self, heal: &Heal) -> Result<()> {
        match heal {
            Heal::AgentRuns => {
                let _ = self.agent()?.signal(Signal::Cont);
            }
            Heal::BrokerRuns => {
                let _ = self.broker.server().cont();
            }
            Heal::BrokerLink => self.link.set(Fault::Pass),
            Heal::DatabaseRuns(n) => {
                let _ = self.databases[*n].server().cont();
            }
            Heal::DatabaseStarts(n) => self.start_database(*n)?,
            Heal::DatabaseLink(n) => {
                let back = match self.plan.sinks[*n].dead {
                    true => Fault::Refuse,
                    false => Fault::Pass,
                };
                self.databases[*n].proxy.set(back);
            }
            Heal::DiskHasRoom => {
                if let Some(disk) = &self.disk {
                    let _ = fs::remove_file(disk.0.join("filler"));
                }
            }
            Heal::ClockIsRight => {
                let dir = self.agent()?.dir().to_owned();
                set_clock(&dir, 0)?;
            }
        }
        Ok(())
    }

    /// Starts a database that was killed.
    fn start_database(&mut self, n: usize) -> Result<()> {
        let database = &mut self.databases[n];
        if std::mem::take(&mut database.is_down) {
            database.server().restart()?;
        }
        Ok(())
    }

    /// The dead outputs' databases are there again.
    pub fn revive(&mut self) {
        for database in &self.databases {
            database.proxy.set(Fault::Pass);
        }
    }

    /// The agent ends in order.
    pub fn finish(&mut self) -> Result<()> {
        self.agent()?.finish()
    }

    /// The end of the agent's log.
    pub fn log(&self) -> String {
        let lines = self.agent.as_ref().map(|a| a.stderr()).unwrap_or_default();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    fn reload(&mut self, change: Change) -> Result<()> {
        let agent = self.agent()?;
        let _ = agent.signal(Signal::Cont);
        // One that has only just begun does not hear signals yet.
        let _ = agent.wait_for_stderr("Connected [tcp", Duration::from_secs(5));
        match change {
            Change::Processor => self.processor += 1,
            Change::Output => self.timeout = 5 - self.timeout,
            Change::Broken => {
                let broken = self.config() + "\n[[outputs.influxdb]\n  urls = \n";
                let agent = self.agent()?;
                agent.set_config(&broken)?;
                let _ = agent.signal(Signal::Hup);
                std::thread::sleep(Duration::from_millis(500));
            }
        }
        let config = self.config();
        let agent = self.agent()?;
        agent.set_config(&config)?;
        if change != Change::Broken {
            let _ = agent.signal(Signal::Hup);
        }
        Ok(())
    }

    fn fill_disk(&mut self) -> Result<()> {
        let Some(disk) = &self.disk else { return Ok(()) };
        let mut filler = fs::File::create(disk.0.join("filler"))?;
        let block = [0_u8; 4096];
        // Until there is no room.
        while filler.write_all(&block).is_ok() {}
        Ok(())
    }

    /// Damages the newest segment of every disk buffer while no agent runs: no record that was ever synced is touched, since
    /// what only one disk had, and has no more, nobody can bring back.
    fn damage(&mut self, event: &Event) -> Result<()> {
        let root = self.agent()?.dir().join("buffer");
        for folder in fs::read_dir(root)?.flatten() {
            let Some((newest, number)) = newest_segment(&folder.path()) else {
                continue;
            };
            let mut bytes = fs::read(&newest)?;
            if *event == Event::TornTail {
                // The beginning of a record that was written once, and noise.
                let mut torn: Vec<u8> = bytes.iter().skip(64).take(300).copied().collect();
                torn.extend((0..200_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]));
                // On a full disk the tail stays as it is.
                let _ = OpenOptions::new().append(true).open(&newest)?.write_all(&torn);
            } else {
                // A segment like the newest, with errors all over.
                for byte in bytes.iter_mut().step_by(701) {
                    *byte ^= 0x55;
                }
                let _ = fs::write(folder.path().join(format!("{:020}.seg", number + 1)), bytes);
            }
        }
        Ok(())
    }
}

fn newest_segment(folder: &Path) -> Option<(PathBuf, u64)> {
    let files = fs::read_dir(folder).ok()?.flatten().map(|f| f.path());
    files
        .filter(|f| f.extension().is_some_and(|e| e == "seg"))
        .filter_map(|f| {
            let number = f.file_stem()?.to_str()?.parse().ok()?;
            Some((f, number))
        })
        .max_by_key(|(_, number)| *number)
}

/// The clock's file: how far libfaketime is to be from the right time.
fn set_clock(folder: &Path, seconds: i64) -> Result<()> {
    let file = folder.join("clock");
    fs::write(file.with_extension("new"), format!("{seconds:+}\n"))?;
    Ok(fs::rename(file.with_extension("new"), file)?)
}
