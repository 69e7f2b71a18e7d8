//! What a metric costs that waits for a dead output: the growth of the agent's memory, and of this program's by metrics alone.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use wheatstone_metric::Metric;

use crate::broker::{Broker, Plan};
use crate::peer::{Folder, Peer};
use crate::scene::{Scene, config, start_agent};

/// Prints both.
pub fn run(agent: &Path, quick: bool) -> Result<()> {
    let (few, many) = if quick {
        (50_000, 200_000)
    } else {
        (100_000, 500_000)
    };
    let (a, b) = (held(agent, few)?, held(agent, many)?);
    let each = b.saturating_sub(a) as f64 / (many - few) as f64;
    println!("a metric in the queue of a dead output: {each:.0} bytes (from {few} to {many} of them)");
    // A process of its own has no freed memory to fill first.
    let mut child = Command::new(std::env::current_exe()?);
    let output = child.args(["alone", &many.to_string()]).output()?;
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let (by_count, by_growth) = output.trim().split_once(' ').context("no answer")?;
    println!(
        "the same metric alone: {by_count} bytes by its own count, {by_growth} by the growth of a process"
    );
    Ok(())
}

/// `alone COUNT`: prints what a metric takes by its own count and by the growth of this process.
pub fn run_alone(args: &[String]) -> Result<()> {
    let count = args.first().context("alone needs COUNT")?.parse()?;
    let (by_count, by_growth) = alone(count)?;
    println!("{by_count} {by_growth:.0}");
    Ok(())
}

/// The agent's resident bytes with so many metrics in its queue.
fn held(agent: &Path, messages: u64) -> Result<u64> {
    // A port on which nobody listens any more.
    let dead = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let scene = Scene {
        messages,
        ..Scene::DIRECT
    };
    let broker = Broker::start(Plan {
        payload: scene.payload,
        qos: 0,
        topics: scene.topics,
        messages,
        subscribers: 1,
    })?;
    let folder = Folder::new()?;
    let mut peer = start_agent(
        agent,
        &folder,
        &config(&scene, broker.port(), &[dead], messages * 2),
    )?;
    let end = Instant::now() + Duration::from_secs(60);
    while broker.subscribed() == 0 {
        if peer.has_ended() || Instant::now() > end {
            bail!("the agent did not subscribe");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    broker.go();
    while !broker.all_sent() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(5));
    }
    settle(&peer);
    if peer.has_ended() {
        bail!("the agent ended");
    }
    Ok(peer.memory().0)
}

/// Waits until it works no more: everything lies in the queue then.
fn settle(peer: &Peer) {
    let end = Instant::now() + Duration::from_secs(20);
    let mut before = peer.cpu();
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(250));
        let now = peer.cpu();
        // A try to reach the dead output every second is no work to speak of.
        if now - before < 0.005 {
            return;
        }
        before = now;
    }
}

/// A metric as the small payload gives it, counted by itself and by the growth of this process.
fn alone(count: u64) -> Result<(usize, f64)> {
    let metric = |n: u64| {
        let mut m = Metric::new("sensors", 1_700_000_000_000_000_000 + n as i64);
        m.set_tag("sensor_id", format!("s{:03}", n % 500));
        m.set_tag("topic", format!("sensors/s{}", n % 500));
        m.set_field("temperature", n as f64);
        m.set_field("humidity", n as f64);
        m
    };
    let resident = || -> Result<u64> {
        let text = std::fs::read_to_string("/proc/self/statm")?;
        let pages = text
            .split(' ')
            .nth(1)
            .and_then(|n| n.parse::<u64>().ok())
            .unwrap_or(0);
        Ok(pages * 4096)
    };
    let before = resident()?;
    let all: Vec<Metric> = (0..count).map(metric).collect();
    let growth = resident()?.saturating_sub(before) as f64 / count as f64;
    Ok((all.first().map_or(0, Metric::memory), growth))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_metric_alone_has_a_size() -> anyhow::Result<()> {
        // How much a process grows depends on what it has freed before: only the count is certain.
        let (by_count, _) = super::alone(1000)?;
        assert!((100..1000).contains(&by_count), "{by_count}");
        Ok(())
    }
}
