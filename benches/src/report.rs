//! Measurements in, tables out.

use std::path::Path;

use anyhow::Result;

use crate::scene::{Row, Scene, Who, measure};

/// The value in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

/// The medians of several rounds; of memory and losses the worst.
pub fn middle(rows: &[Row]) -> Row {
    let of = |pick: fn(&Row) -> f64| median(rows.iter().map(pick).collect());
    Row {
        cpu: of(|r| r.cpu),
        rate: of(|r| r.rate),
        start: of(|r| r.start),
        idle: rows.iter().map(|r| r.idle).max().unwrap_or(0),
        peak: rows.iter().map(|r| r.peak).max().unwrap_or(0),
        lost: rows.iter().map(|r| r.lost).max().unwrap_or(0),
    }
}

pub fn mega(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn thousands(n: f64) -> String {
    let digits = format!("{n:.0}");
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

const FLOORS: [&str; 2] = ["raw", "rumqttc"];

/// The agent beside its floors, in every scene.
pub fn table(agent: &Path, scenes: impl Iterator<Item = Scene>, quick: bool) -> Result<()> {
    let rounds = if quick { 1 } else { 3 };
    println!("CPU-seconds per million messages, medians of {rounds}; HTTP sink, JSON in, line protocol out");
    println!(
        "{:<31} {:>7} {:>7} {:>7} {:>7} {:>7} {:>11} {:>7} {:>13} {:>6}",
        "", "agent", "raw", "rumqttc", "x raw", "x rumq", "messages/s", "start", "RSS idle/peak", "lost"
    );
    for scene in scenes {
        let (mut own, mut floors) = (Vec::new(), [Vec::new(), Vec::new()]);
        for _ in 0..rounds {
            own.push(measure(Who::Agent(agent), &scene)?);
            for (rows, floor) in floors.iter_mut().zip(FLOORS) {
                rows.push(measure(Who::Floor(floor), &scene)?);
            }
        }
        let (row, [raw, client]) = (middle(&own), floors.map(|rows| middle(&rows)));
        println!(
            "{:<31} {:>7.3} {:>7.3} {:>7.3} {:>7.2} {:>7.2} {:>11} {:>4.0} ms {:>5.1}/{:<4.1} MB {:>6}",
            scene.name,
            row.cpu,
            raw.cpu,
            client.cpu,
            row.cpu / raw.cpu.max(1e-9),
            row.cpu / client.cpu.max(1e-9),
            thousands(row.rate),
            row.start,
            mega(row.idle),
            mega(row.peak),
            row.lost
        );
    }
    Ok(())
}

/// Two builds in turn: the ratio of each pair, and the one in the middle.
pub fn compare(new: &Path, old: &Path, scenes: impl Iterator<Item = Scene>, quick: bool) -> Result<()> {
    let rounds = if quick { 2 } else { 5 };
    println!("CPU-seconds per million messages, medians of {rounds} pairs measured in turn");
    println!(
        "{:<31} {:>8} {:>8} {:>8} {:>17} {:>15}",
        "", "this", "other", "ratio", "ratios from..to", "peak RSS"
    );
    for scene in scenes {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            // Whoever comes second may find a warmer machine: they take turns in that too.
            let mut both = [(new, &mut ours), (old, &mut theirs)];
            if round % 2 == 1 {
                both.reverse();
            }
            for (program, rows) in both {
                rows.push(measure(Who::Agent(program), &scene)?);
            }
        }
        let ratios: Vec<f64> = ours
            .iter()
            .zip(&theirs)
            .map(|(a, b)| a.cpu / b.cpu.max(1e-9))
            .collect();
        let (low, high) = ratios
            .iter()
            .fold((f64::MAX, 0f64), |(l, h), r| (l.min(*r), h.max(*r)));
        let (a, b) = (middle(&ours), middle(&theirs));
        println!(
            "{:<31} {:>8.3} {:>8.3} {:>8.3} {:>8.3}..{:<7.3} {:>5.1}/{:<5.1} MB",
            scene.name,
            a.cpu,
            b.cpu,
            median(ratios),
            low,
            high,
            mega(a.peak),
            mega(b.peak)
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_thousands() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0]), 2.5);
        assert_eq!(median(vec![]), 0.0);
        assert_eq!(thousands(1_234_567.4), "1,234,567");
        assert_eq!(thousands(999.0), "999");
    }
}
