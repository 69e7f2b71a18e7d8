//! Metrics in, what is kept of their series out.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use wheatstone_plugin::{Key, Metric, Value};

/// One `T` per series, in the order in which the series came.
pub(crate) struct SeriesMap<T> {
    /// The last entry with this hash.
    index: HashMap<u64, usize, BuildHasherDefault<Hashed>>,
    entries: Vec<Entry<T>>,
}

struct Entry<T> {
    value: T,
    hash: u64,
    /// An earlier entry with the same hash: different series may share one.
    other: Option<usize>,
}

impl<T> Default for SeriesMap<T> {
    fn default() -> SeriesMap<T> {
        SeriesMap {
            index: HashMap::default(),
            entries: Vec::new(),
        }
    }
}

impl<T> SeriesMap<T> {
    /// What is kept under this hash and for which `same` is true.
    #[inline]
    pub(crate) fn find(&mut self, hash: u64, same: impl Fn(&T) -> bool) -> Option<&mut T> {
        let mut at = self.index.get(&hash).copied();
        while let Some(i) = at {
            let entry = self.entries.get(i)?;
            if same(&entry.value) {
                return self.entries.get_mut(i).map(|entry| &mut entry.value);
            }
            at = entry.other;
        }
        None
    }

    /// Keeps one more, which must not be there yet.
    pub(crate) fn insert(&mut self, hash: u64, value: T) {
        let other = self.index.insert(hash, self.entries.len());
        self.entries.push(Entry { value, hash, other });
    }

    /// Gives everything and is empty; the room for as many series stays.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> + '_ {
        self.index.clear();
        self.entries.drain(..).map(|entry| entry.value)
    }

    /// Takes those out that `leaves` gives back as `Ok`; `Err` keeps.
    pub(crate) fn extract(&mut self, mut leaves: impl FnMut(T) -> Result<(), T>) {
        self.index.clear();
        for entry in std::mem::take(&mut self.entries) {
            if let Err(value) = leaves(entry.value) {
                self.insert(entry.hash, value);
            }
        }
    }
}

/// A key that is a hash already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes
            .iter()
            .for_each(|b| self.0 = self.0.wrapping_mul(31).wrapping_add(u64::from(*b)));
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

/// What is kept of each number field of a series.
pub(crate) struct Series<S> {
    /// Name and tags.
    head: Metric,
    pub(crate) fields: Vec<(Key, S)>,
}

impl<S> SeriesMap<Series<S>> {
    /// Takes a metric's numbers in: `first` for a field's first in this period, `next` for those after it.
    pub(crate) fn add(&mut self, metric: &Metric, first: impl Fn(f64) -> S, next: impl Fn(&mut S, f64)) {
        let hash = metric.series_hash();
        if self
            .find(hash, |series| series.head.same_series(metric))
            .is_none()
        {
            let mut head = Metric::with_capacity(metric.name(), 0, metric.tag_count() + metric.field_count());
            metric.tags().for_each(|(key, value)| head.set_tag(key, value));
            self.insert(
                hash,
                Series {
                    head,
                    fields: Vec::with_capacity(metric.field_count()),
                },
            );
        }
        let Some(Series { fields, .. }) = self.find(hash, |series| series.head.same_series(metric)) else {
            return;
        };
        let numbers = metric
            .fields()
            .filter_map(|(key, value)| Some((key, Value::as_f64(value)?)));
        for (i, (key, number)) in numbers.enumerate() {
            // Metrics of a series mostly have the same fields in the same order.
            let at = match fields.get(i) {
                Some((known, _)) if known == key => Some(i),
                _ => fields.iter().position(|(known, _)| known == key),
            };
            match at {
                Some(at) => next(&mut fields[at].1, number),
                None => fields.push((key.clone(), first(number))),
            }
        }
    }
}

impl<S> Series<S> {
    /// The metric to give out, and what its fields are made of.
    pub(crate) fn into_parts(self) -> (Metric, Vec<(Key, S)>) {
        (self.head, self.fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_series_may_share_a_hash() {
        let mut map = SeriesMap::default();
        for name in ["a", "b", "c"] {
            assert!(map.find(7, |kept: &&str| *kept == name).is_none());
            map.insert(7, name);
        }
        assert_eq!(map.find(7, |kept| *kept == "b").copied(), Some("b"));
        map.extract(|kept| if kept == "b" { Ok(()) } else { Err(kept) });
        assert!(map.find(7, |kept| *kept == "b").is_none());
        assert_eq!(map.find(7, |kept| *kept == "a").copied(), Some("a"));
        assert_eq!(map.drain().collect::<Vec<_>>(), ["a", "c"]);
        assert!(map.find(7, |_| true).is_none());
    }

    #[test]
    fn fields_are_told_apart_whatever_their_order() {
        let mut map = SeriesMap::default();
        for fields in [
            &[("a", 1.0), ("b", 2.0)][..],
            &[("b", 3.0), ("a", 4.0)],
            &[("c", 5.0)],
            &[("b", 6.0)],
        ] {
            let mut m = Metric::new("m", 0);
            m.set_field("text", "ignored");
            fields.iter().for_each(|(k, v)| m.set_field(*k, *v));
            map.add(&m, |v| vec![v], |all, v| all.push(v));
        }
        let (head, fields) = map.drain().next().unwrap().into_parts();
        assert_eq!(head, Metric::new("m", 0));
        let want = [
            ("a", vec![1.0, 4.0]),
            ("b", vec![2.0, 3.0, 6.0]),
            ("c", vec![5.0]),
        ];
        assert_eq!(fields, want.map(|(k, v)| (Key::new(k), v)));
    }
}
