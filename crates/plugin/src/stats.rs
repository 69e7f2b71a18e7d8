//! The agent's own numbers, under Telegraf's measurement and field names; `inputs.internal` reads them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;

use crate::{Metric, Timestamp};

/// One number. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Stat(Arc<Cell>);

#[derive(Debug, Default)]
struct Cell {
    value: AtomicI64,
    /// How often a duration was noted; the number shown is then the mean since the last reading.
    count: AtomicI64,
    timing: bool,
}

impl Stat {
    /// Adds to a counter.
    #[inline]
    pub fn add(&self, n: i64) {
        self.0.value.fetch_add(n, Ordering::Relaxed);
    }
    /// Sets a gauge.
    #[inline]
    pub fn set(&self, n: i64) {
        self.0.value.store(n, Ordering::Relaxed);
    }
    /// The number. Of a timing: the mean in nanoseconds of what was noted since it was read last.
    pub fn get(&self) -> i64 {
        if !self.0.timing {
            return self.0.value.load(Ordering::Relaxed);
        }
        let count = self.0.count.swap(0, Ordering::Relaxed);
        if count == 0 {
            return self.0.value.load(Ordering::Relaxed);
        }
        let mean = self.0.value.load(Ordering::Relaxed) / count;
        self.0.value.store(0, Ordering::Relaxed);
        mean
    }
    /// Notes one duration.
    pub fn time(&self, d: std::time::Duration) {
        self.0.value.fetch_add(d.as_nanos() as i64, Ordering::Relaxed);
        self.0.count.fetch_add(1, Ordering::Relaxed);
    }
}

type Series = (String, Vec<(String, String)>);
static REGISTRY: LazyLock<Mutex<BTreeMap<Series, BTreeMap<String, Stat>>>> = LazyLock::new(Mutex::default);

fn find(measurement: &str, field: &str, tags: &[(&str, &str)], timing: bool) -> Stat {
    let mut tags: Vec<_> = tags
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    tags.sort();
    let mut registry = REGISTRY.lock();
    let fields = registry
        .entry((format!("internal_{measurement}"), tags))
        .or_default();
    fields
        .entry(field.to_owned())
        .or_insert_with(|| {
            Stat(Arc::new(Cell {
                timing,
                ..Cell::default()
            }))
        })
        .clone()
}

/// The counter or gauge `field` of `internal_<measurement>` with these tags; the same call gives the same number.
pub fn register(measurement: &str, field: &str, tags: &[(&str, &str)]) -> Stat {
    find(measurement, field, tags, false)
}

/// A mean duration in nanoseconds.
pub fn register_timing(measurement: &str, field: &str, tags: &[(&str, &str)]) -> Stat {
    find(measurement, field, tags, true)
}

/// Forgets all numbers of `internal_<measurement>` with these tags: their plugin is gone. Whoever still holds one counts in
/// vain.
pub fn unregister(measurement: &str, tags: &[(&str, &str)]) {
    let mut tags: Vec<_> = tags
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    tags.sort();
    REGISTRY.lock().remove(&(format!("internal_{measurement}"), tags));
}

/// All numbers as metrics, one per measurement and set of tags.
pub fn metrics(now: Timestamp) -> Vec<Metric> {
    REGISTRY
        .lock()
        .iter()
        .map(|((name, tags), fields)| {
            let mut m = Metric::with_capacity(name.as_str(), now, tags.len() + fields.len());
            for (k, v) in tags {
                m.set_tag(k.as_str(), v.as_str());
            }
            for (field, stat) in fields {
                m.set_field(field.as_str(), stat.get());
            }
            m
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_is_one_number() {
        register("test", "n", &[("b", "2"), ("a", "1")]).add(2);
        register("test", "n", &[("a", "1"), ("b", "2")]).add(3);
        let all = metrics(9);
        let m = all.iter().find(|m| m.name() == "internal_test").unwrap();
        assert_eq!(m.field("n"), Some(&crate::Value::Int(5)));
        assert_eq!((m.tag("a"), m.time()), (Some("1"), 9));
    }

    #[test]
    fn what_is_unregistered_is_shown_no_more() {
        register("gone", "n", &[("b", "2"), ("a", "1")]).add(2);
        unregister("gone", &[("a", "1"), ("b", "2")]);
        assert!(!metrics(9).iter().any(|m| m.name() == "internal_gone"));
        assert_eq!(register("gone", "n", &[("a", "1"), ("b", "2")]).get(), 0);
    }

    #[test]
    fn a_timing_is_a_mean() {
        let t = register_timing("test_timing", "t", &[]);
        t.time(std::time::Duration::from_nanos(10));
        t.time(std::time::Duration::from_nanos(20));
        assert_eq!(t.get(), 15);
    }
}
