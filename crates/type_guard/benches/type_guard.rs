//! What the guard costs per field, one core: `cargo bench -p wheatstone-type-guard`.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use wheatstone_metric::Metric;
use wheatstone_type_guard::{TypeGuard, TypeGuardConfig};

fn main() {
    divan::main();
}

fn guard() -> TypeGuard {
    let config = TypeGuardConfig {
        directory: String::new(),
        ..TypeGuardConfig::default()
    };
    TypeGuard::new(config, "bench").expect("nothing is opened")
}

/// A batch of `measurements` in turn, each with `fields` fields.
fn batch(measurements: usize, fields: usize) -> Vec<Metric> {
    let metric = |n: usize| {
        let mut m = Metric::new(format!("measurement_{}", n % measurements), n as i64);
        m.set_tag("device", format!("sensor-{}", n % 500));
        for i in 0..fields {
            match i % 3 {
                0 => m.set_field(format!("temperature_{i}"), n as f64),
                1 => m.set_field(format!("count_{i}"), n as i64),
                _ => m.set_field(format!("state_{i}"), "running"),
            }
        }
        m
    };
    (0..1000).map(metric).collect()
}

/// All is as it should be. Measurements, fields.
#[divan::bench(args = [(1, 1), (1, 2), (1, 10), (1, 50), (20, 2), (20, 10)])]
fn pass(bencher: Bencher, (measurements, fields): (usize, usize)) {
    let (mut guard, mut metrics) = (guard(), batch(measurements, fields));
    guard.check_batch(&mut metrics);
    bencher
        .counter(ItemsCount::new(1000 * fields))
        .bench_local(|| guard.check_batch(black_box(&mut metrics)));
}

/// The fields come in another order than they were learned in.
#[divan::bench(args = [2, 10])]
fn pass_in_another_order(bencher: Bencher, fields: usize) {
    let (mut guard, mut metrics) = (guard(), batch(1, fields));
    guard.check_batch(&mut metrics);
    for metric in &mut metrics {
        let mut row = metric.take_fields();
        row.reverse();
        row.into_iter().for_each(|(k, v)| metric.push_field(k, v));
    }
    bencher
        .counter(ItemsCount::new(1000 * fields))
        .bench_local(|| guard.check_batch(black_box(&mut metrics)));
}

/// One of two fields is a text where a number should be, in every metric.
#[divan::bench(args = ["21", "n/a"])]
fn conflict(bencher: Bencher, text: &str) {
    let mut guard = guard();
    guard.check_batch(&mut batch(1, 2));
    let mut wrong = batch(1, 2);
    wrong.iter_mut().for_each(|m| m.set_field("temperature_0", text));
    bencher
        .counter(ItemsCount::new(2000usize))
        .with_inputs(|| wrong.clone())
        .bench_local_refs(|metrics| guard.check_batch(metrics));
}
