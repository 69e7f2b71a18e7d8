//! Cost against size: the number of inputs, of outputs, of topics, of metrics in a batch, and of messages in all.

use std::path::Path;

use anyhow::Result;

use crate::report::{mega, middle};
use crate::scene::{Scene, Who, measure};
use crate::svg::{Chart, Line};

struct Curve {
    file: &'static str,
    title: &'static str,
    across: &'static str,
    points: Vec<(u64, Scene)>,
}

fn curves(quick: bool) -> Vec<Curve> {
    let base = Scene {
        messages: if quick { 100_000 } else { 500_000 },
        ..Scene::DIRECT
    };
    let each = |sizes: &[u64], set: fn(&mut Scene, u64)| -> Vec<(u64, Scene)> {
        sizes
            .iter()
            .map(|size| {
                let mut scene = base.clone();
                set(&mut scene, *size);
                (*size, scene)
            })
            .collect()
    };
    let messages: &[u64] = match quick {
        true => &[30_000, 100_000, 300_000],
        false => &[100_000, 300_000, 1_000_000, 3_000_000, 10_000_000],
    };
    vec![
        Curve {
            file: "inputs",
            title: "Many inputs",
            across: "mqtt_consumer inputs",
            points: each(&[1, 3, 10, 30, 100], |scene, n| scene.inputs = n),
        },
        Curve {
            file: "outputs",
            title: "Many outputs",
            across: "outputs, each with all metrics",
            points: each(&[1, 2, 4, 7, 10], |scene, n| scene.outputs = n),
        },
        Curve {
            file: "topics",
            title: "Many topics",
            across: "topics",
            points: each(&[1, 10, 100, 1000, 10_000, 100_000], |scene, n| {
                scene.topics = n as usize
            }),
        },
        Curve {
            file: "batches",
            title: "Batch sizes",
            across: "metric_batch_size",
            points: each(&[1, 10, 100, 1000, 10_000], |scene, n| {
                scene.batch = n;
                // A request for every metric takes its time.
                scene.messages = scene.messages.min(n * 20_000);
            }),
        },
        Curve {
            file: "messages",
            title: "Many messages",
            across: "messages in all",
            points: each(messages, |scene, n| scene.messages = n),
        },
    ]
}

/// Measures them all and writes drawings and data into a folder.
pub fn run(agent: &Path, folder: &Path, quick: bool) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let rounds = if quick { 1 } else { 3 };
    let mut data = serde_json::Map::new();
    for curve in curves(quick) {
        let (mut cpu, mut peak, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        println!("{}", curve.title);
        for (size, scene) in &curve.points {
            let measured: Result<Vec<_>> = (0..rounds).map(|_| measure(Who::Agent(agent), scene)).collect();
            let row = middle(&measured?);
            println!(
                "{size:>12} {}: {:.3} CPU-s per million, {:.1} MB at most, {} lost",
                curve.across,
                row.cpu,
                mega(row.peak),
                row.lost
            );
            cpu.push((*size as f64, row.cpu));
            peak.push((*size as f64, mega(row.peak)));
            rows.push(serde_json::json!({
                "size": size, "cpu_s_per_million": row.cpu, "peak_rss_mb": mega(row.peak),
                "messages": scene.messages, "messages_per_s": row.rate.round(), "lost": row.lost,
            }));
        }
        let chart = Chart {
            title: curve.title,
            across: curve.across,
            lines: &[
                Line {
                    name: "CPU-seconds per million messages",
                    points: &cpu,
                },
                Line {
                    name: "resident memory at most, MB",
                    points: &peak,
                },
            ],
        };
        std::fs::write(folder.join(format!("{}.svg", curve.file)), chart.draw())?;
        data.insert(curve.file.to_owned(), rows.into());
    }
    let text = serde_json::to_string_pretty(&data)?;
    std::fs::write(folder.join("curves.json"), text + "\n")?;
    println!("written into {}", folder.display());
    Ok(())
}
