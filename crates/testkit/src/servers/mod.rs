//! Real servers as child processes: started until they answer, killed when dropped.

mod influxd;
mod mosquitto;
mod nats;
mod redis;
mod secantus;
mod victoria_metrics;

pub use influxd::Influxd;
pub use mosquitto::{Mosquitto, MosquittoOptions};
pub use nats::NatsMqtt;
pub use redis::Redis;
pub use secantus::SecantusMongo;
pub use victoria_metrics::VictoriaMetrics;

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, anyhow};
use tempfile::TempDir;

use crate::process::{Process, Signal, tail};
use crate::{free_port, wait_for};

/// How long a server may take until it answers. Generous: the machine may be busy with other tests.
const START: Duration = Duration::from_secs(60);
/// How long an orderly end may take.
const END: Duration = Duration::from_secs(20);

/// How one kind of server is started.
pub(crate) struct Recipe {
    pub name: &'static str,
    pub program: PathBuf,
    /// Writes what the server needs into its folder and gives the arguments, for the port it shall listen on.
    #[allow(clippy::type_complexity)]
    pub prepare: Box<dyn Fn(&Path, u16) -> Result<Vec<OsString>> + Send + Sync>,
    /// Whether the server on this port answers.
    pub ready: Box<dyn Fn(u16) -> bool + Send + Sync>,
}

/// A running server. The kinds of server give this by `Deref`.
pub struct Server {
    recipe: Recipe,
    port: u16,
    /// Dropped, and so ended, before the folder that it writes into.
    process: Process,
    dir: TempDir,
    /// What processes before the present one wrote to standard error.
    before: Vec<String>,
}

impl Server {
    pub(crate) fn start(recipe: Recipe) -> Result<Server> {
        let dir = tempfile::Builder::new()
            .prefix(&format!("wheatstone-{}-", recipe.name))
            .tempdir()?;
        // A chosen port may be taken by another test before the server has it.
        let mut attempts = 0;
        loop {
            attempts += 1;
            let port = free_port()?;
            match launch(&recipe, dir.path(), port) {
                Ok(process) => {
                    return Ok(Server {
                        recipe,
                        dir,
                        port,
                        process,
                        before: Vec::new(),
                    });
                }
                Err(_) if attempts < 3 => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The port of 127.0.0.1 that it listens on; a restart keeps it.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Its folder with configuration and data; a restart keeps it.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The process that runs now.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// What it wrote to standard error since its first start.
    pub fn log(&self) -> Vec<String> {
        let mut all = self.before.clone();
        all.extend(self.process.stderr());
        all
    }

    /// Waits for a line of the present process's standard error that holds `text`.
    pub fn wait_for_log(&self, text: &str, limit: Duration) -> Result<String> {
        self.process.wait_for_stderr(text, limit)
    }

    /// SIGKILL: what it had not stored is gone. The port is refused until [`restart`](Server::restart).
    pub fn kill9(&mut self) -> Result<()> {
        self.process.kill9()
    }

    /// SIGTERM and the wait for its end.
    pub fn terminate(&mut self) -> Result<()> {
        self.process.terminate(END)?;
        Ok(())
    }

    /// Starts it again on the same port and folder. A process that still runs is ended in order first.
    pub fn restart(&mut self) -> Result<()> {
        if self.process.ended().is_none() {
            // One that was stopped, or that ignores SIGTERM, is killed.
            let _ = self.process.signal(Signal::Cont);
            if self.process.terminate(END).is_err() {
                self.process.kill9()?;
            }
        }
        self.before.extend(self.process.stderr());
        self.process = launch(&self.recipe, self.dir.path(), self.port)?;
        Ok(())
    }

    /// SIGSTOP: connections stay open and accept bytes until the kernel's buffers are full, and nothing answers.
    pub fn stop(&mut self) -> Result<()> {
        self.process.signal(Signal::Stop)
    }

    /// SIGCONT after [`stop`](Server::stop).
    pub fn cont(&mut self) -> Result<()> {
        self.process.signal(Signal::Cont)
    }
}

fn launch(recipe: &Recipe, dir: &Path, port: u16) -> Result<Process> {
    let args = (recipe.prepare)(dir, port)?;
    let mut process = Process::spawn(
        recipe.name,
        Command::new(&recipe.program).args(args).current_dir(dir),
    )?;
    // A stranger that took the port could answer in its place: the server must be alive when the port answers.
    let up = wait_for(
        &format!("{} on port {port}", recipe.name),
        START,
        || match process.ended() {
            Some(status) => Some(Err(status)),
            None => (recipe.ready)(port).then_some(Ok(())),
        },
    );
    match up {
        Ok(Ok(())) => Ok(process),
        Ok(Err(status)) => {
            let _ = process.wait(Duration::from_secs(1));
            Err(anyhow!(
                "{} ended at its start ({status}):\n{}",
                recipe.name,
                said(&process)
            ))
        }
        Err(error) => Err(anyhow!("{error}; it said:\n{}", said(&process))),
    }
}

fn said(process: &Process) -> String {
    let mut lines = process.stdout();
    lines.extend(process.stderr());
    tail(&lines)
}

/// Whether something accepts a connection on the port.
pub(crate) fn accepts(port: u16) -> bool {
    connect(port).is_some()
}

/// Whether `GET path` is answered with a status of 200 to 299.
pub(crate) fn answers_get(port: u16, path: &str) -> bool {
    let ask = || -> Option<bool> {
        let mut stream = connect(port)?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        )
        .ok()?;
        let mut head = [0; 10];
        stream.read_exact(&mut head).ok()?;
        Some(head.starts_with(b"HTTP/1.1 2"))
    };
    ask().unwrap_or(false)
}

/// A connection with short time-outs, for questions about readiness.
pub(crate) fn connect(port: u16) -> Option<TcpStream> {
    let limit = Duration::from_secs(1);
    let stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), limit).ok()?;
    stream.set_read_timeout(Some(limit)).ok()?;
    stream.set_write_timeout(Some(limit)).ok()?;
    Some(stream)
}

/// Each kind of server is a [`Server`] with some more of its own.
macro_rules! is_a_server {
    ($kind:ty) => {
        impl std::ops::Deref for $kind {
            type Target = crate::servers::Server;
            fn deref(&self) -> &crate::servers::Server {
                &self.server
            }
        }
        impl std::ops::DerefMut for $kind {
            fn deref_mut(&mut self) -> &mut crate::servers::Server {
                &mut self.server
            }
        }
    };
}
pub(crate) use is_a_server;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_writes_leaves_no_folder() -> Result<()> {
        for _ in 0..5 {
            let server = Server::start(Recipe {
                name: "scribe",
                program: "sh".into(),
                prepare: Box::new(|_, _| {
                    let script = "i=0; while :; do i=$((i+1)); : > file$i; done";
                    Ok(vec!["-c".into(), script.into()])
                }),
                ready: Box::new(|_| true),
            })?;
            let dir = server.dir().to_owned();
            wait_for("a file", START, || dir.join("file1").exists().then_some(()))?;
            drop(server);
            assert!(!dir.exists(), "{} is still there", dir.display());
        }
        Ok(())
    }
}
