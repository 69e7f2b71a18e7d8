//! Memory over time: a steady stream through a real broker for minutes, and what the agent holds meanwhile.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::origin::Origin;
use crate::peer::Folder;
use crate::report::mega;
use crate::scene::{Scene, Source, config, start_agent};
use crate::sink::Sink;

/// Messages a second.
const RATE: u64 = 20_000;
/// Between two looks.
const STEP: Duration = Duration::from_secs(10);
/// How long the last messages may take.
const REST: Duration = Duration::from_secs(30);

/// Prints the agent's resident memory every ten seconds, and its range at the end.
pub fn run(agent: &Path, minutes: u64) -> Result<()> {
    let scene = Scene {
        source: Source::Mosquitto { rate: RATE },
        messages: RATE * 60 * minutes.max(1),
        ..Scene::DIRECT
    };
    let (folder, sink) = (Folder::new()?, Sink::start()?);
    let origin = Origin::start(&scene, 1)?;
    let text = config(&scene, origin.port(), &[sink.port()], 1_000_000);
    let mut peer = start_agent(agent, &folder, &text)?;
    origin.wait(1, &mut peer, &folder)?;
    let (begun, before) = (Instant::now(), peer.cpu());
    let publishers = origin.go(&scene);
    println!("{:>7} {:>12} {:>10}", "s", "messages", "RSS, MB");
    let (mut low, mut high) = (u64::MAX, 0);
    let end = Duration::from_secs(60 * minutes.max(1)) + REST;
    while sink.lines() < scene.messages && begun.elapsed() < end {
        std::thread::sleep(STEP);
        if peer.has_ended() {
            bail!("the agent ended");
        }
        let resident = peer.memory().0;
        (low, high) = (low.min(resident), high.max(resident));
        println!(
            "{:>7.0} {:>12} {:>10.1}",
            begun.elapsed().as_secs_f64(),
            sink.lines(),
            mega(resident)
        );
    }
    publishers.end()?;
    println!(
        "RSS {:.1} to {:.1} MB, at most {:.1}; {:.2} CPU-s per million; {} lost of {}",
        mega(low),
        mega(high),
        mega(peer.memory().1),
        (peer.cpu() - before) / sink.lines().max(1) as f64 * 1e6,
        scene.messages.saturating_sub(sink.lines()),
        scene.messages
    );
    Ok(())
}
