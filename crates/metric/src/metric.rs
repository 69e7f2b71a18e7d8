//! One measurement at one time: a name, tags sorted by key, fields in the order they came, a time.

use std::hash::{BuildHasher, Hash, Hasher};

use compact_str::CompactString;

use crate::{Ack, Key, Timestamp, Value};

/// What kind of number a metric holds; it only matters to outputs such as Prometheus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Not known.
    #[default]
    Untyped,
    /// Quantiles.
    Summary,
    /// Buckets.
    Histogram,
}

/// One measurement at one time.
///
/// Tags and fields lie in one row of memory, tags first, so that a metric costs one allocation. A tag's value is
/// always text. Cloning copies the row and shares the acknowledgement.
#[derive(Clone, Debug)]
pub struct Metric {
    name: Key,
    time: Timestamp,
    row: Vec<(Key, Value)>,
    tags: u32,
    kind: ValueType,
    ack: Option<Ack>,
}

impl Metric {
    /// A metric without tags and fields.
    pub fn new(name: impl Into<Key>, time: Timestamp) -> Metric {
        Metric::with_capacity(name, time, 0)
    }

    /// The same, with room for `entries` tags and fields together.
    pub fn with_capacity(name: impl Into<Key>, time: Timestamp, entries: usize) -> Metric {
        Metric {
            name: name.into(),
            time,
            row: Vec::with_capacity(entries),
            tags: 0,
            kind: ValueType::Untyped,
            ack: None,
        }
    }

    /// The measurement's name.
    #[inline]
    pub fn name(&self) -> &Key {
        &self.name
    }
    /// Changes the name.
    pub fn set_name(&mut self, name: impl Into<Key>) {
        self.name = name.into();
    }
    /// Nanoseconds since 1970.
    #[inline]
    pub fn time(&self) -> Timestamp {
        self.time
    }
    /// Changes the time.
    pub fn set_time(&mut self, time: Timestamp) {
        self.time = time;
    }
    /// Counter, gauge and so on.
    pub fn kind(&self) -> ValueType {
        self.kind
    }
    /// Changes the kind.
    pub fn set_kind(&mut self, kind: ValueType) {
        self.kind = kind;
    }

    /// Makes a metric of a row that is in order already: `tags` entries with texts, sorted by key and each once, then
    /// fields, each once. What is not in order is put in order, at the cost of a copy.
    pub fn from_row(name: Key, time: Timestamp, row: Vec<(Key, Value)>, tags: usize) -> Metric {
        let tags = tags.min(row.len());
        let sorted = row[..tags].windows(2).all(|w| w[0].0 < w[1].0);
        let texts = row[..tags].iter().all(|(_, v)| matches!(v, Value::Str(_)));
        if sorted && texts {
            return Metric {
                name,
                time,
                row,
                tags: tags as u32,
                kind: ValueType::Untyped,
                ack: None,
            };
        }
        let mut metric = Metric::with_capacity(name, time, row.len());
        for (i, (key, value)) in row.into_iter().enumerate() {
            match value {
                Value::Str(text) if i < tags => metric.set_tag(key, text),
                value if i < tags => metric.set_tag(key, value.to_string()),
                value => metric.set_field(key, value),
            }
        }
        metric
    }

    // --- tags ---

    #[inline]
    fn tag_row(&self) -> &[(Key, Value)] {
        &self.row[..self.tags as usize]
    }
    fn find_tag(&self, key: &str) -> Result<usize, usize> {
        // Tags mostly come in their order: then the new one belongs behind the last.
        match self.tag_row().last() {
            Some((last, _)) if last.as_str() < key => return Err(self.tags as usize),
            None => return Err(0),
            _ => {}
        }
        // Tags are few: walking them beats halving. Most differ in their first letter already.
        let first = key.as_bytes().first();
        for (i, (k, _)) in self.tag_row().iter().enumerate() {
            let order = match k.as_bytes().first().cmp(&first) {
                std::cmp::Ordering::Equal => k.as_str().cmp(key),
                other => other,
            };
            match order {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Ok(i),
                std::cmp::Ordering::Greater => return Err(i),
            }
        }
        Err(self.tags as usize)
    }
    /// How many tags there are.
    pub fn tag_count(&self) -> usize {
        self.tags as usize
    }
    /// Tags, sorted by key.
    #[inline]
    pub fn tags(&self) -> impl DoubleEndedIterator<Item = (&Key, &str)> + ExactSizeIterator + Clone {
        self.tag_row()
            .iter()
            .map(|(k, v)| (k, v.as_str().unwrap_or_default()))
    }
    /// A tag's value.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.find_tag(key).ok().and_then(|i| self.row[i].1.as_str())
    }
    /// Whether there is such a tag.
    pub fn has_tag(&self, key: &str) -> bool {
        self.find_tag(key).is_ok()
    }
    /// Adds a tag or changes it.
    pub fn set_tag(&mut self, key: impl Into<Key>, value: impl Into<CompactString>) {
        let key = key.into();
        let value = Value::Str(value.into());
        match self.find_tag(&key) {
            Ok(i) => self.row[i].1 = value,
            Err(i) => {
                self.row.insert(i, (key, value));
                self.tags += 1;
            }
        }
    }
    /// Takes a tag away.
    pub fn remove_tag(&mut self, key: &str) -> Option<CompactString> {
        let i = self.find_tag(key).ok()?;
        self.tags -= 1;
        match self.row.remove(i).1 {
            Value::Str(v) => Some(v),
            _ => None,
        }
    }
    /// Keeps the tags for which `keep(key, value)` is true.
    pub fn retain_tags(&mut self, mut keep: impl FnMut(&Key, &str) -> bool) {
        let (tags, mut i, mut gone) = (self.tags as usize, 0, 0);
        self.row.retain(|(k, v)| {
            i += 1;
            let stays = i > tags || keep(k, v.as_str().unwrap_or_default());
            gone += usize::from(!stays);
            stays
        });
        self.tags -= gone as u32;
    }
    /// Every tag's value, to be changed in place.
    pub fn for_each_tag_mut(&mut self, mut change: impl FnMut(&Key, &mut CompactString)) {
        for (k, v) in &mut self.row[..self.tags as usize] {
            if let Value::Str(v) = v {
                change(k, v);
            }
        }
    }

    // --- fields ---

    #[inline]
    fn field_row(&self) -> &[(Key, Value)] {
        &self.row[self.tags as usize..]
    }
    fn find_field(&self, key: &str) -> Option<usize> {
        self.field_row()
            .iter()
            .position(|(k, _)| k.as_str() == key)
            .map(|i| i + self.tags as usize)
    }
    /// How many fields there are.
    pub fn field_count(&self) -> usize {
        self.row.len() - self.tags as usize
    }
    /// Fields, in the order they were added.
    #[inline]
    pub fn fields(&self) -> impl DoubleEndedIterator<Item = (&Key, &Value)> + ExactSizeIterator + Clone {
        self.field_row().iter().map(|(k, v)| (k, v))
    }
    /// A field's value.
    pub fn field(&self, key: &str) -> Option<&Value> {
        self.find_field(key).map(|i| &self.row[i].1)
    }
    /// A field's value, to be changed in place.
    pub fn field_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.find_field(key).map(|i| &mut self.row[i].1)
    }
    /// Whether there is such a field.
    pub fn has_field(&self, key: &str) -> bool {
        self.find_field(key).is_some()
    }
    /// Adds a field at the end, or changes it where it stands.
    pub fn set_field(&mut self, key: impl Into<Key>, value: impl Into<Value>) {
        let key = key.into();
        match self.find_field(&key) {
            Some(i) => self.row[i].1 = value.into(),
            None => self.row.push((key, value.into())),
        }
    }
    /// Adds a field at the end without looking whether it is there: the caller knows that it is not.
    #[inline]
    pub fn push_field(&mut self, key: Key, value: Value) {
        debug_assert!(!self.has_field(&key), "field {key} is there already");
        self.row.push((key, value));
    }
    /// Takes a field away.
    pub fn remove_field(&mut self, key: &str) -> Option<Value> {
        self.find_field(key).map(|i| self.row.remove(i).1)
    }
    /// Keeps the fields for which `keep(key, value)` is true.
    pub fn retain_fields(&mut self, mut keep: impl FnMut(&Key, &Value) -> bool) {
        let (tags, mut i) = (self.tags as usize, 0);
        self.row.retain(|(k, v)| {
            i += 1;
            i <= tags || keep(k, v)
        });
    }
    /// Takes all fields away and gives them.
    pub fn take_fields(&mut self) -> Vec<(Key, Value)> {
        self.row.split_off(self.tags as usize)
    }
    /// Every field, to be changed in place; a key must not be changed to one that is there already.
    pub fn for_each_field_mut(&mut self, mut change: impl FnMut(&mut Key, &mut Value)) {
        for (k, v) in &mut self.row[self.tags as usize..] {
            change(k, v);
        }
    }

    // --- identity and fate ---

    /// A hash of name and tags: metrics of one series have the same one. It is the same in every process.
    pub fn series_hash(&self) -> u64 {
        let mut state = foldhash::fast::FixedState::with_seed(0x5EED).build_hasher();
        self.name.hash(&mut state);
        for (k, v) in self.tags() {
            k.hash(&mut state);
            v.hash(&mut state);
        }
        state.finish()
    }
    /// Whether name and tags are the same.
    pub fn same_series(&self, other: &Metric) -> bool {
        self.name == other.name && self.tag_row() == other.tag_row()
    }
    /// What it carries back to the message it came from.
    pub fn ack(&self) -> Option<&Ack> {
        self.ack.as_ref()
    }
    /// Gives it a share in a message.
    pub fn set_ack(&mut self, ack: Option<Ack>) {
        self.ack = ack;
    }
    /// A copy that has no share in the message: for aggregates, which are settled apart.
    pub fn untracked(&self) -> Metric {
        Metric {
            name: self.name.clone(),
            time: self.time,
            row: self.row.clone(),
            tags: self.tags,
            kind: self.kind,
            ack: None,
        }
    }
    /// Says that this metric was refused for good or dropped; whoever calls it drops it afterwards.
    pub fn reject(&self) {
        if let Some(ack) = &self.ack {
            ack.reject();
        }
    }
    /// Bytes of memory it takes, strings on the heap included.
    pub fn memory(&self) -> usize {
        let heap: usize = self
            .row
            .iter()
            .map(|(_, v)| v.as_str().map_or(0, |s| if s.len() > 24 { s.len() } else { 0 }))
            .sum();
        std::mem::size_of::<Metric>() + self.row.capacity() * std::mem::size_of::<(Key, Value)>() + heap
    }
}

/// Equal in name, tags, fields (as a set), time and kind; acknowledgements are not compared.
impl PartialEq for Metric {
    fn eq(&self, other: &Metric) -> bool {
        self.same_series(other)
            && self.time == other.time
            && self.kind == other.kind
            && self.field_count() == other.field_count()
            && self.fields().all(|(k, v)| other.field(k) == Some(v))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Metric {
        let mut m = Metric::new("weather", 42);
        m.set_field("b", 1.5);
        m.set_tag("site", "north");
        m.set_field("a", 7i64);
        m.set_tag("area", "x");
        m
    }

    #[test]
    fn tags_are_sorted_and_fields_keep_their_order() {
        let m = sample();
        assert_eq!(
            m.tags().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>(),
            ["area=x", "site=north"]
        );
        assert_eq!(
            m.fields().map(|(k, _)| k.to_string()).collect::<Vec<_>>(),
            ["b", "a"]
        );
    }

    #[test]
    fn setting_again_replaces() {
        let mut m = sample();
        m.set_tag("site", "south");
        m.set_field("b", "text");
        assert_eq!(m.tag("site"), Some("south"));
        assert_eq!(m.field("b"), Some(&Value::from("text")));
        assert_eq!((m.tag_count(), m.field_count()), (2, 2));
    }

    #[test]
    fn removing_and_retaining_leave_the_rest() {
        let mut m = sample();
        m.retain_tags(|k, _| k != "area");
        m.retain_fields(|k, _| k == "a");
        assert_eq!((m.tag_count(), m.field_count()), (1, 1));
        assert_eq!(m.remove_tag("site").as_deref(), Some("north"));
        assert_eq!(m.remove_field("a"), Some(Value::Int(7)));
        assert_eq!((m.tag_count(), m.field_count()), (0, 0));
    }

    #[test]
    fn a_row_out_of_order_is_put_in_order() {
        let row = |keys: [&str; 3]| keys.map(|k| (Key::new(k), Value::from("x"))).to_vec();
        for keys in [["a", "b", "f"], ["b", "a", "f"]] {
            let m = Metric::from_row(Key::new("m"), 1, row(keys), 2);
            assert_eq!(
                m.tags().map(|(k, _)| k.to_string()).collect::<Vec<_>>(),
                ["a", "b"]
            );
            assert_eq!(m.field_count(), 1);
        }
    }

    #[test]
    fn a_series_is_name_and_tags() {
        let (a, mut b) = (sample(), sample());
        b.set_field("a", 8i64);
        assert_eq!(a.series_hash(), b.series_hash());
        assert!(a.same_series(&b));
        assert_ne!(a, b);
        b.set_tag("site", "east");
        assert_ne!(a.series_hash(), b.series_hash());
    }
}
