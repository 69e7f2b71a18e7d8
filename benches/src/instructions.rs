//! Instructions per message, by callgrind: they tell two builds apart where other work on the machine blurs the seconds.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::origin::Origin;
use crate::packets::Payload;
use crate::peer::Folder;
use crate::scene::{Scene, Source, config, start_under};
use crate::sink::Sink;

/// Messages of the two runs; the difference leaves the start out.
const RUNS: [u64; 2] = [10_000, 60_000];
/// How long a run may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Prints them for the scenes of the double.
pub fn run(agent: &Path) -> Result<()> {
    println!("instructions per message, the kernel's not included");
    let scenes = Scene::all(true);
    for scene in scenes.iter().filter(|s| matches!(s.source, Source::Direct)) {
        let [few, many] = RUNS.map(|messages| {
            count(
                agent,
                &Scene {
                    messages,
                    ..scene.clone()
                },
            )
        });
        let each = many?.saturating_sub(few?) / (RUNS[1] - RUNS[0]);
        let size = match scene.payload {
            Payload::Small => "74 bytes",
            Payload::Nested => "250 bytes",
        };
        println!("{:<29} {each:>8}  ({size})", scene.name);
    }
    Ok(())
}

/// The instructions of a whole run, from start to end.
fn count(agent: &Path, scene: &Scene) -> Result<u64> {
    let (folder, sink) = (Folder::new()?, Sink::start()?);
    let origin = Origin::start(scene, 1)?;
    let counts = folder.path().join("counts");
    let mut command = Command::new("valgrind");
    command
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", counts.display()))
        .arg(agent);
    let text = config(scene, origin.port(), &[sink.port()], 1_000_000);
    let mut peer = start_under(&mut command, &folder, &text).context("valgrind is needed")?;
    origin.wait(1, &mut peer, &folder)?;
    let _publishers = origin.go(scene);
    let end = Instant::now() + PATIENCE;
    while sink.lines() < scene.messages {
        if peer.has_ended() || Instant::now() > end {
            bail!("{} of {} messages arrived", sink.lines(), scene.messages);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    peer.terminate()?;
    total(&std::fs::read_to_string(counts)?).context("no sum in the counts")
}

/// The sum in callgrind's file.
fn total(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("totals:"))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_sum_is_found() {
        let text = "version: 1\nevents: Ir\nfn=(1) main\n1 2\n\ntotals: 5712345\n";
        assert_eq!(super::total(text), Some(5_712_345));
        assert_eq!(super::total("events: Ir\n"), None);
    }
}
