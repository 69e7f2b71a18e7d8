//! What a metric costs on its way through the queue, one core: `cargo bench -p wheatstone-buffer --bench buffer`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use wheatstone_buffer::{Buffer, Disk, DiskOptions, codec};
use wheatstone_metric::{Ack, Metric, Outcome, Settle};

fn main() {
    divan::main();
}

/// A sensor: four tags, two floats.
fn metric(n: usize) -> Metric {
    let mut m = Metric::new("weather", 1_700_000_000_000_000_000 + n as i64);
    m.set_tag("area", "roof");
    m.set_tag("device", format!("sensor-{}", n % 500));
    m.set_tag("site", "north");
    m.set_tag("topic", format!("site/north/roof/{}/weather", n % 500));
    m.set_field("temperature", n as f64 / 7.0);
    m.set_field("humidity", n as f64 / 3.0);
    m
}

#[derive(Default)]
struct Told(AtomicUsize);
impl Settle for Told {
    fn settle(&self, _: u64, _: Outcome) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

/// One message per metric.
fn tracked(n: usize, told: &Arc<Told>) -> Arc<Vec<Metric>> {
    let with_ack = |n| {
        let mut m = metric(n);
        m.set_ack(Some(Ack::new(told.clone(), n as u64)));
        m
    };
    Arc::new((0..n).map(with_ack).collect())
}

const SIZES: [usize; 3] = [1, 20, 1000];

#[divan::bench(args = SIZES)]
fn encode(bencher: Bencher, n: usize) {
    let batch: Vec<_> = (0..n).map(metric).collect();
    let mut out = Vec::new();
    bencher.counter(ItemsCount::new(n)).bench_local(|| {
        out.clear();
        codec::encode(black_box(&batch), &mut out);
    });
}

#[divan::bench(args = SIZES)]
fn decode(bencher: Bencher, n: usize) {
    let batch: Vec<_> = (0..n).map(metric).collect();
    let mut bytes = Vec::new();
    codec::encode(&batch, &mut bytes);
    bencher
        .counter(ItemsCount::new(n))
        .bench_local(|| codec::decode(black_box(&bytes)));
}

/// What a shared batch costs in place of reading it back.
#[divan::bench(args = SIZES)]
fn untracked_copy(bencher: Bencher, n: usize) {
    let batch: Vec<_> = (0..n).map(metric).collect();
    bencher.counter(ItemsCount::new(n)).bench_local(|| {
        black_box(&batch)
            .iter()
            .map(Metric::untracked)
            .collect::<Vec<_>>()
    });
}

fn through(bencher: Bencher, n: usize, buffer: &Buffer) {
    let told = Arc::new(Told::default());
    bencher
        .counter(ItemsCount::new(10 * n))
        .with_inputs(|| (0..10).map(|_| tracked(n, &told)).collect::<Vec<_>>())
        .bench_local_values(|batches| {
            let before = told.0.load(Ordering::Acquire);
            for batch in batches {
                buffer.push(batch);
            }
            // A disk buffer acknowledges by itself; memory when the write is over.
            if matches!(buffer, Buffer::Disk(_)) {
                while told.0.load(Ordering::Acquire) < before + 10 * n {
                    std::thread::yield_now();
                }
            }
            let taken = buffer.take(10 * n);
            black_box(taken.metrics());
            buffer.settle(taken);
        });
}

/// Ten batches in, acknowledged, out.
#[divan::bench(args = SIZES)]
fn through_memory(bencher: Bencher, n: usize) {
    through(bencher, n, &Buffer::memory(100_000));
}

fn disk(sync: bool, memory_limit: usize) -> (tempfile::TempDir, Buffer) {
    let dir = tempfile::tempdir().expect("a folder");
    let options = DiskOptions {
        sync,
        memory_limit,
        ..DiskOptions::default()
    };
    let (disk, _) = Disk::open(dir.path(), options).expect("a disk buffer");
    (dir, Buffer::Disk(disk))
}

#[divan::bench(args = SIZES, max_time = Duration::from_secs(2))]
fn through_disk_without_sync(bencher: Bencher, n: usize) {
    let (_dir, buffer) = disk(false, 100_000);
    through(bencher, n, &buffer);
}

#[divan::bench(args = SIZES, max_time = Duration::from_secs(2))]
fn through_disk_with_sync(bencher: Bencher, n: usize) {
    let (_dir, buffer) = disk(true, 100_000);
    through(bencher, n, &buffer);
}

/// Nothing stays in memory: each batch is read back from its segment.
#[divan::bench(args = SIZES, max_time = Duration::from_secs(2))]
fn through_disk_read_back(bencher: Bencher, n: usize) {
    let (_dir, buffer) = disk(false, 1);
    through(bencher, n, &buffer);
}

/// A push alone: what an input waits for.
#[divan::bench(args = SIZES, sample_count = 200, sample_size = 10)]
fn push_to_disk(bencher: Bencher, n: usize) {
    let (_dir, buffer) = disk(true, 1_000_000);
    let told = Arc::new(Told::default());
    bencher
        .counter(ItemsCount::new(n))
        .with_inputs(|| tracked(n, &told))
        .bench_local_values(|batch| buffer.push(batch));
}
