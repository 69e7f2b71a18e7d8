//! Names of measurements, tags and fields: few distinct texts, repeated in every metric, so each is stored once.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use arcstr::ArcStr;
use parking_lot::RwLock;

/// How many distinct keys are interned at most. Past it a key is still accepted, but counted by reference.
const MAX_INTERNED: usize = 65_536;
/// A longer text is never interned: it is data that slipped into a name.
const MAX_INTERNED_LEN: usize = 256;
const SHARDS: usize = 16;

type Shard = RwLock<std::collections::HashSet<ByText, foldhash::fast::FixedState>>;

struct Interner {
    shards: [Shard; SHARDS],
    count: AtomicUsize,
}

/// An interned key, found by its text.
struct ByText(ArcStr);

impl Hash for ByText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}
impl PartialEq for ByText {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}
impl Eq for ByText {}
impl Borrow<str> for ByText {
    fn borrow(&self) -> &str {
        self.0.as_str()
    }
}

static INTERNER: LazyLock<Interner> = LazyLock::new(|| Interner {
    shards: std::array::from_fn(|_| RwLock::default()),
    count: AtomicUsize::new(0),
});

/// How many distinct keys are interned now (at most 65,536).
pub fn interned() -> usize {
    INTERNER.count.load(Ordering::Relaxed)
}

/// The name of a measurement, a tag or a field. Eight bytes; cloning an interned or static one touches no counter.
#[derive(Clone)]
pub struct Key(ArcStr);

impl Key {
    /// Finds or stores `text`. Where it is called per message, a [`KeyCache`] is quicker.
    pub fn new(text: &str) -> Key {
        if text.len() > MAX_INTERNED_LEN {
            return Key(ArcStr::from(text));
        }
        let hash = foldhash::fast::FixedState::default().hash_one(text);
        let shard = &INTERNER.shards[(hash >> 48) as usize % SHARDS];
        if let Some(found) = shard.read().get(text) {
            return Key(found.0.clone());
        }
        if INTERNER.count.load(Ordering::Relaxed) >= MAX_INTERNED {
            return Key(ArcStr::from(text));
        }
        let mut shard = shard.write();
        if let Some(found) = shard.get(text) {
            return Key(found.0.clone());
        }
        let key = ArcStr::from(text);
        // A leaked ArcStr is no longer counted: that is what makes the clones free. The cap bounds what is leaked.
        key.leak();
        shard.insert(ByText(key.clone()));
        INTERNER.count.fetch_add(1, Ordering::Relaxed);
        Key(key)
    }

    #[doc(hidden)]
    pub fn from_static(text: &'static ArcStr) -> Key {
        Key(text.clone())
    }

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl std::ops::Deref for Key {
    type Target = str;
    #[inline]
    fn deref(&self) -> &str {
        self.0.as_str()
    }
}
impl PartialEq for Key {
    #[inline]
    fn eq(&self, other: &Key) -> bool {
        ArcStr::ptr_eq(&self.0, &other.0) || self.0.as_str() == other.0.as_str()
    }
}
impl Eq for Key {}
impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Key {
    #[inline]
    fn cmp(&self, other: &Key) -> std::cmp::Ordering {
        if ArcStr::ptr_eq(&self.0, &other.0) {
            return std::cmp::Ordering::Equal;
        }
        self.as_str().cmp(other.as_str())
    }
}
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}
impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}
impl PartialEq<str> for Key {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}
impl PartialEq<&str> for Key {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}
impl From<&str> for Key {
    fn from(text: &str) -> Key {
        Key::new(text)
    }
}
impl From<String> for Key {
    fn from(text: String) -> Key {
        Key::new(&text)
    }
}
impl From<&String> for Key {
    fn from(text: &String) -> Key {
        Key::new(text)
    }
}
impl From<&Key> for Key {
    fn from(key: &Key) -> Key {
        key.clone()
    }
}
impl From<compact_str::CompactString> for Key {
    fn from(text: compact_str::CompactString) -> Key {
        Key::new(&text)
    }
}
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Remembers the keys of the messages before: payloads repeat their keys, so most look-ups end in one comparison.
///
/// A direct-mapped table for one owner (a parser, a serializer): a collision only costs a look-up in the shared table.
pub struct KeyCache {
    slots: Box<[Option<Key>]>,
}

impl Default for KeyCache {
    fn default() -> KeyCache {
        KeyCache {
            slots: vec![None; 256].into_boxed_slice(),
        }
    }
}

impl KeyCache {
    /// The key for `text`.
    #[inline]
    pub fn get(&mut self, text: &str) -> Key {
        let bytes = text.as_bytes();
        let n = bytes.len();
        if n == 0 {
            return Key::new(text);
        }
        let mixed = (n as u32)
            .wrapping_mul(0x9E37_79B1)
            .wrapping_add((bytes[0] as u32).wrapping_mul(0x85EB_CA6B))
            .wrapping_add((bytes[n / 2] as u32).wrapping_mul(0xC2B2_AE35))
            .wrapping_add((bytes[n - 1] as u32).wrapping_mul(0x27D4_EB2F));
        let slot = &mut self.slots[(mixed >> 24) as usize];
        if let Some(key) = slot
            && key.as_str() == text
        {
            return key.clone();
        }
        let key = Key::new(text);
        *slot = Some(key.clone());
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_stored_once() {
        let (a, b) = (Key::new("temperature"), Key::new("temperature"));
        assert!(ArcStr::ptr_eq(&a.0, &b.0));
        assert_eq!(a, "temperature");
        assert_eq!(crate::key!("temperature"), a);
    }

    #[test]
    fn a_long_text_is_accepted_and_not_interned() {
        let text = "x".repeat(1000);
        let (a, b) = (Key::new(&text), Key::new(&text));
        assert_eq!(a, b);
        assert!(!ArcStr::ptr_eq(&a.0, &b.0));
    }

    #[test]
    fn a_cache_gives_what_was_asked_for() {
        let mut cache = KeyCache::default();
        for i in 0..2000 {
            let text = format!("field{}", i % 700);
            assert_eq!(cache.get(&text), text.as_str());
        }
        assert_eq!(cache.get(""), "");
    }
}
