//! A real mosquitto between publishers of ours and the subscriber, where it is installed.

use std::io::{BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::packets::{Lap, Payload};
use crate::peer::{Folder, Peer};

/// How many publish.
const PUBLISHERS: u64 = 4;

pub struct Mosquitto {
    folder: Folder,
    _process: Peer,
    port: u16,
}

/// Where the program lies, if anywhere.
pub fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(system)
        .map(|dir| dir.join("mosquitto"))
        .find(|file| file.is_file())
}

impl Mosquitto {
    /// Starts one with its own limits.
    pub fn start() -> Result<Mosquitto> {
        let program = program().context("mosquitto is not installed")?;
        let folder = Folder::new()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let conf = folder.path().join("mosquitto.conf");
        // As root it would change to a user that cannot read the folder.
        let text = format!(
            "user root\nlog_dest stderr\nlog_type subscribe\nlog_type error\nallow_anonymous true\npersistence false\nlistener {port} 127.0.0.1\n"
        );
        std::fs::write(&conf, text)?;
        let process = Peer::start(Command::new(program).arg("-c").arg(&conf), &log_of(folder.path()))?;
        let mosquitto = Mosquitto {
            folder,
            _process: process,
            port,
        };
        let end = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if Instant::now() > end {
                bail!("mosquitto does not listen");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(mosquitto)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many subscriptions it has seen.
    pub fn subscribed(&self) -> usize {
        let log = std::fs::read_to_string(log_of(self.folder.path())).unwrap_or_default();
        log.lines().filter(|line| line.ends_with("sensors/#")).count()
    }
}

fn log_of(folder: &Path) -> PathBuf {
    folder.join("mosquitto.log")
}

/// Publishes at a rate, spread over several connections, and comes back when all are sent.
pub fn publish(port: u16, payload: Payload, qos: u8, messages: u64, rate: u64) -> Result<()> {
    std::thread::scope(|threads| {
        let publishers: Vec<_> = (0..PUBLISHERS)
            .map(|n| {
                threads.spawn(move || one(port, payload, qos, n, messages / PUBLISHERS, rate / PUBLISHERS))
            })
            .collect();
        for publisher in publishers {
            match publisher.join() {
                Ok(done) => done?,
                Err(_) => bail!("a publisher panicked"),
            }
        }
        Ok(())
    })
}

fn one(port: u16, payload: Payload, qos: u8, number: u64, messages: u64, rate: u64) -> Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    let name = format!("pub{number}");
    let mut hello = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x00\x00\x04".to_vec();
    hello.extend_from_slice(name.as_bytes());
    stream.write_all(&hello)?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer)?;
    // Acknowledgements are read away, so that the broker never waits for this side.
    let mut reader = stream.try_clone()?;
    let (done, answered) = mpsc::channel();
    std::thread::spawn(move || done.send(read_answers(&mut reader)));
    let lap = Lap::new(payload, qos, 500, false);
    let mut bytes = lap.bytes.clone();
    for (n, at) in lap.ids.iter().enumerate() {
        let id = (n % 65_535 + 1) as u16;
        bytes[*at..*at + 2].copy_from_slice(&id.to_be_bytes());
    }
    let start = Instant::now();
    let mut sent = 0;
    while sent < messages {
        let due = ((start.elapsed().as_secs_f64() * rate as f64) as u64).min(messages);
        while sent < due {
            let from = (sent % lap.len() as u64) as usize;
            let to = (from + (due - sent) as usize).min(lap.len());
            stream.write_all(&bytes[lap.begin(from)..lap.ends[to - 1]])?;
            sent += (to - from) as u64;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    // It answers when it has read all before: a connection that ends sooner takes with it what lies in its buffers.
    stream.write_all(&[0xC0, 0])?;
    answered
        .recv_timeout(Duration::from_secs(30))
        .context("the broker does not answer")??;
    stream.write_all(&[0xE0, 0])?;
    let _ = stream.shutdown(std::net::Shutdown::Both);
    Ok(())
}

/// Reads acknowledgements up to the answer to a ping.
fn read_answers(stream: &mut impl Read) -> Result<()> {
    let mut stream = BufReader::new(stream);
    let mut packet = [0; 2];
    loop {
        stream.read_exact(&mut packet)?;
        match packet {
            [0xD0, 0] => return Ok(()),
            // PUBACK, PUBREC and PUBCOMP of MQTT 3.1.1 have two bytes more.
            [_, 2] => stream.read_exact(&mut packet)?,
            [first, length] => bail!("a packet {first:#x} of {length} bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_end_with_that_to_the_ping() {
        let all = [0x40, 2, 0, 1, 0x40, 2, 0xD0, 0, 0xD0, 0, 9];
        let mut rest = &all[..];
        assert!(read_answers(&mut rest).is_ok());
        assert!(read_answers(&mut &all[..8]).is_err(), "the answer is missing");
        assert!(read_answers(&mut &[0x30u8, 5][..]).is_err(), "no answer at all");
    }
}
