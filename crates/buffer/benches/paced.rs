//! Processor time and the wait for an acknowledgement at a steady rate: `cargo bench -p wheatstone-buffer --bench paced`.
//! Linux only: it reads the process's times from /proc. TMPDIR says which disk is used.
#![allow(clippy::print_stdout, reason = "a program for people at a terminal")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use wheatstone_buffer::{Buffer, Disk, DiskOptions};
use wheatstone_metric::{Ack, Metric, Outcome, Settle};

const RUN: Duration = Duration::from_secs(4);

struct Waits(Instant, Mutex<Vec<u64>>);
impl Settle for Waits {
    fn settle(&self, sent: u64, _: Outcome) {
        let now = self.0.elapsed().as_micros() as u64;
        self.1.lock().push(now - sent);
    }
}

fn metric(n: u64, waits: &Arc<Waits>) -> Metric {
    let mut m = Metric::new("weather", 1_700_000_000_000_000_000 + n as i64);
    m.set_tag("device", format!("sensor-{}", n % 500));
    m.set_tag("topic", format!("site/north/roof/{}/weather", n % 500));
    m.set_field("temperature", n as f64 / 7.0);
    m.set_field("humidity", n as f64 / 3.0);
    m.set_ack(Some(Ack::new(
        waits.clone(),
        waits.0.elapsed().as_micros() as u64,
    )));
    m
}

/// User and system time of the process, in hundredths of a second.
fn cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let times: Vec<u64> = stat
        .split_whitespace()
        .skip(13)
        .take(2)
        .filter_map(|t| t.parse().ok())
        .collect();
    times.iter().sum()
}

fn run(name: &str, buffer: Option<Buffer>, rate: u64, gulp: Duration) {
    let waits = Arc::new(Waits(Instant::now(), Mutex::default()));
    let (begun, before) = (Instant::now(), cpu());
    let (mut n, mut next) = (0, begun);
    while begun.elapsed() < RUN {
        let due = (begun.elapsed().as_secs_f64() * rate as f64) as u64;
        let batch: Vec<_> = (n..due.max(n)).map(|n| metric(n, &waits)).collect();
        n += batch.len() as u64;
        if let Some(buffer) = &buffer {
            buffer.push(Arc::new(batch));
            while buffer.len() >= 1000 {
                let taken = buffer.take(1000);
                assert!(taken.metrics().len() <= 1000);
                buffer.settle(taken);
            }
        }
        next += gulp;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    let used = (cpu() - before) as f64 * 10_000.0;
    if let Some(buffer) = &buffer {
        let _ = buffer.close(Duration::from_secs(10));
        let taken = buffer.take(usize::MAX);
        buffer.settle(taken);
    }
    let mut waits = std::mem::take(&mut *waits.1.lock());
    waits.sort_unstable();
    let at = |share: f64| {
        waits
            .get((waits.len() as f64 * share) as usize)
            .copied()
            .unwrap_or(0) as f64
            / 1000.0
    };
    println!(
        "{name:<16} {rate:>6}/s in gulps of {gulp:>5?}: {:>6.2} us of CPU a metric; acknowledged after {:>6.1} ms (median), {:>6.1} ms (99 %)",
        used / n.max(1) as f64,
        at(0.5),
        at(0.99),
    );
}

fn main() {
    for (rate, gulp) in [(1_000, 1), (20_000, 1), (20_000, 5)] {
        let gulp = Duration::from_millis(gulp);
        run("making them", None, rate, gulp);
        run("memory", Some(Buffer::memory(100_000)), rate, gulp);
        for sync in [false, true] {
            let Ok(dir) = tempfile::tempdir() else { return };
            let options = DiskOptions {
                sync,
                ..DiskOptions::default()
            };
            let Ok((disk, _)) = Disk::open(dir.path(), options) else {
                return;
            };
            run(
                if sync { "disk, sync" } else { "disk, no sync" },
                Some(Buffer::Disk(disk)),
                rate,
                gulp,
            );
        }
    }
}
