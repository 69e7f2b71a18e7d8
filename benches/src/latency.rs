//! CPU against latency: how long a message is under way from its publisher to an output that takes one metric at a time,
//! at several pauses between two reads.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::origin::Origin;
use crate::packets::length;
use crate::peer::{Folder, Peer};
use crate::scene::{Scene, Source, config, start_agent};
use crate::sink::Sink;

/// The pauses: `coalesce_reads`.
const PAUSES: [&str; 4] = ["0s", "1ms", "5ms", "10ms"];
/// Messages a second beside the probes.
const RATE: u64 = 20_000;
/// Between two probes at least, and the steps by which it varies: they must not keep time with the agent.
const BETWEEN: Duration = Duration::from_millis(15);
const STEP: Duration = Duration::from_micros(1300);

/// Prints a row for each pause.
pub fn run(agent: &Path, quick: bool) -> Result<()> {
    let seconds = if quick { 5 } else { 20 };
    println!("behind mosquitto, {RATE} messages/s, QoS 0");
    println!(
        "{:<15} {:>10} {:>10} {:>8} {:>8} {:>7}",
        "coalesce_reads", "CPU-s/M", "median ms", "95 %", "99 %", "probes"
    );
    for pause in PAUSES {
        let (cpu, mut times) = measure(agent, pause, seconds)?;
        times.sort_unstable();
        let at = |percent: usize| times[times.len() * percent / 100] as f64 / 1e3;
        if times.is_empty() {
            bail!("no probe arrived");
        }
        println!(
            "{pause:<15} {cpu:>10.2} {:>10.2} {:>8.2} {:>8.2} {:>7}",
            at(50),
            at(95),
            at(99),
            times.len()
        );
    }
    Ok(())
}

/// CPU-seconds per million messages, and how many microseconds each probe took.
fn measure(agent: &Path, pause: &str, seconds: u64) -> Result<(f64, Vec<u64>)> {
    let scene = Scene {
        source: Source::Mosquitto { rate: RATE },
        messages: RATE * seconds,
        ..Scene::DIRECT
    };
    let (folder, sink) = (Folder::new()?, Sink::start()?);
    let origin = Origin::start(&scene, 1)?;
    let mut text = config(&scene, origin.port(), &[sink.port()], 1_000_000).replace(
        "  qos = 0\n",
        &format!("  qos = 0\n  coalesce_reads = \"{pause}\"\n"),
    );
    text.push_str(
        "[[outputs.file]]\n  files = [\"stdout\"]\n  metric_batch_size = 1\n  [outputs.file.tagpass]\n    sensor_id = [\"probe\"]\n",
    );
    let mut peer = start_agent(agent, &folder, &text)?;
    origin.wait(1, &mut peer, &folder)?;
    let arrivals = arrivals(&mut peer)?;
    std::thread::sleep(Duration::from_millis(500));
    let before = peer.cpu();
    let publishers = origin.go(&scene);
    probe(origin.port(), Duration::from_secs(seconds))?;
    publishers.end()?;
    let cpu = peer.cpu() - before;
    // The last ones are on their way.
    std::thread::sleep(Duration::from_millis(500));
    Ok((cpu / scene.messages as f64 * 1e6, arrivals.try_iter().collect()))
}

fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Reads the probes that the agent writes, and notes how long each took.
fn arrivals(peer: &mut Peer) -> Result<Receiver<u64>> {
    let out = peer.take_output().context("no output")?;
    let (times, arrivals) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if let Some(sent) = sent(&line)
                && times.send(micros().saturating_sub(sent)).is_err()
            {
                return;
            }
        }
    });
    Ok(arrivals)
}

/// When the probe of a line was sent, in microseconds.
fn sent(line: &str) -> Option<u64> {
    let rest = &line[line.find("sent=")? + 5..];
    let digits = rest.split([',', ' ']).next()?;
    Some(digits.parse::<f64>().ok()? as u64)
}

/// Publishes probes for so long.
fn probe(port: u16, time: Duration) -> Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.write_all(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05probe")?;
    stream.read_exact(&mut [0; 4])?;
    let begun = Instant::now();
    for n in 0_u32.. {
        if begun.elapsed() > time {
            break;
        }
        let topic = "sensors/probe";
        let payload = format!(
            "{{\"sensor_id\":\"probe\",\"sent\":{},\"ts\":1700000000000}}",
            micros()
        );
        let mut packet = vec![0x30];
        length(&mut packet, 2 + topic.len() + payload.len());
        packet.extend_from_slice(&(topic.len() as u16).to_be_bytes());
        packet.extend_from_slice(topic.as_bytes());
        packet.extend_from_slice(payload.as_bytes());
        stream.write_all(&packet)?;
        std::thread::sleep(BETWEEN + STEP * (n % 16));
    }
    stream.write_all(&[0xE0, 0])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_time_of_a_probe_is_read() {
        let line = "sensors,sensor_id=probe sent=1700000000123456,x=1 1700000000000000000";
        assert_eq!(super::sent(line), Some(1_700_000_000_123_456));
        assert_eq!(super::sent("sensors x=1"), None);
    }
}
