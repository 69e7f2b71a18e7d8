//! The values of one field in, one at a time; its statistics out.

use wheatstone_plugin::{Timestamp, Value};

/// A statistic of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stat {
    Count,
    Min,
    Max,
    Mean,
    Variance,
    StdDev,
    Sum,
    Diff,
    NonNegativeDiff,
    Rate,
    NonNegativeRate,
    PercentChange,
    Interval,
    Last,
    First,
}

/// Every statistic with what stands behind the field's name; without the underscore it is the option's word.
const SUFFIXES: [(Stat, &str); 15] = [
    (Stat::Count, "_count"),
    (Stat::Min, "_min"),
    (Stat::Max, "_max"),
    (Stat::Mean, "_mean"),
    (Stat::Variance, "_s2"),
    (Stat::StdDev, "_stdev"),
    (Stat::Sum, "_sum"),
    (Stat::Diff, "_diff"),
    (Stat::NonNegativeDiff, "_non_negative_diff"),
    (Stat::Rate, "_rate"),
    (Stat::NonNegativeRate, "_non_negative_rate"),
    (Stat::PercentChange, "_percent_change"),
    (Stat::Interval, "_interval"),
    (Stat::Last, "_last"),
    (Stat::First, "_first"),
];

impl Stat {
    pub(super) fn from_name(name: &str) -> Option<Stat> {
        SUFFIXES
            .iter()
            .find(|(_, suffix)| suffix.strip_prefix('_') == Some(name))
            .map(|(stat, _)| *stat)
    }

    pub(super) fn suffix(self) -> &'static str {
        SUFFIXES
            .iter()
            .find(|(stat, _)| *stat == self)
            .map_or("", |(_, suffix)| suffix)
    }
}

/// What is kept of a field's values.
pub(super) struct Running {
    count: f64,
    min: f64,
    max: f64,
    sum: f64,
    mean: f64,
    /// The sum of the squared differences from the mean.
    m2: f64,
    first: f64,
    last: f64,
    begin: Timestamp,
    /// Nanoseconds from the first value to the last.
    interval: i64,
    /// Per second; where the last two had one time it is that of the values before.
    rate: f64,
}

impl Running {
    pub(super) fn new(v: f64, time: Timestamp) -> Running {
        Running {
            count: 1.0,
            min: v,
            max: v,
            sum: v,
            mean: v,
            m2: 0.0,
            first: v,
            last: v,
            begin: time,
            interval: 0,
            rate: 0.0,
        }
    }

    pub(super) fn add(&mut self, v: f64, time: Timestamp) {
        // Welford's algorithm: no difference of large sums.
        self.count += 1.0;
        let delta = v - self.mean;
        self.mean += delta / self.count;
        self.m2 += delta * (v - self.mean);
        if v < self.min {
            self.min = v;
        } else if v > self.max {
            self.max = v;
        }
        self.sum += v;
        self.last = v;
        self.interval = time.saturating_sub(self.begin);
        if self.interval != 0 {
            self.rate = self.diff() / seconds(self.interval);
        }
    }

    fn diff(&self) -> f64 {
        self.last - self.first
    }

    /// The statistic, where there is one: those that compare values need two of them.
    pub(super) fn value(&self, stat: Stat) -> Option<Value> {
        let several = self.count > 1.0;
        let rises = self.diff() >= 0.0;
        let variance = || self.m2 / (self.count - 1.0);
        Some(Value::Float(match stat {
            Stat::Count => self.count,
            Stat::Min => self.min,
            Stat::Max => self.max,
            Stat::Mean => self.mean,
            Stat::Sum => self.sum,
            Stat::Last => self.last,
            Stat::First => self.first,
            _ if !several => return None,
            Stat::Variance => variance(),
            Stat::StdDev => variance().sqrt(),
            Stat::Diff => self.diff(),
            Stat::Rate => self.rate,
            Stat::NonNegativeDiff | Stat::NonNegativeRate if !rises => return None,
            Stat::NonNegativeDiff => self.diff(),
            Stat::NonNegativeRate => self.rate,
            Stat::PercentChange => self.diff() / self.first * 100.0,
            Stat::Interval => return Some(Value::Int(self.interval)),
        }))
    }
}

/// Whole seconds and the rest apart, as Go divides: one division would round differently.
fn seconds(ns: i64) -> f64 {
    const SECOND: i64 = 1_000_000_000;
    (ns / SECOND) as f64 + (ns % SECOND) as f64 / 1e9
}
