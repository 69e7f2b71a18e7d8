//! Names of tags and fields in, what was decided about them before out.

use wheatstone_plugin::Key;

const SLOTS: usize = 256;

/// Remembers a decision per key: metrics repeat their names, so patterns need not be matched again for each of them.
///
/// A direct-mapped table, so it is bounded: a collision costs one more decision. The decision must depend on nothing but
/// the key.
pub(crate) struct ByKey<T> {
    slots: Box<[Option<(Key, T)>]>,
}

impl<T> Default for ByKey<T> {
    fn default() -> ByKey<T> {
        ByKey {
            slots: std::iter::repeat_with(|| None).take(SLOTS).collect(),
        }
    }
}

impl<T> ByKey<T> {
    /// What was decided for `key`; `decide` is asked where it is not known.
    #[inline]
    pub(crate) fn get(&mut self, key: &Key, decide: impl FnOnce(&str) -> T) -> &T {
        // Interned keys have one address each, so the address is as good as a hash of the text.
        let address = key.as_str().as_ptr() as usize as u64;
        let hash = (address >> 3).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let slot = &mut self.slots[(hash >> 56) as usize % SLOTS];
        if slot.as_ref().is_some_and(|(known, _)| known != key) {
            *slot = None;
        }
        &slot.get_or_insert_with(|| (key.clone(), decide(key))).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_gets_its_own_decision() {
        let mut lengths = ByKey::default();
        for i in 0..3000usize {
            let text = "x".repeat(i % 700);
            assert_eq!(*lengths.get(&Key::new(&text), str::len), text.len());
        }
    }

    #[test]
    fn what_is_known_is_not_decided_again() {
        let mut asked = 0;
        let mut known = ByKey::default();
        for _ in 0..10 {
            known.get(&Key::new("cpu"), |_| asked += 1);
        }
        assert_eq!(asked, 1);
    }
}
