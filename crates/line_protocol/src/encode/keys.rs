//! Keys of tags and fields as they are written: the few that there are come again in every line.

use wheatstone_metric::{CompactString, Key};

use crate::escape::push_key;

const SLOTS: usize = 128;
/// Longer ones are written anew each time: here they would need memory of their own.
const LONGEST: usize = 20;

/// A key lies in one of so many slots in a row.
const TRIES: usize = 4;

/// An open table. Where it has no room for a key, that is written anew each time.
pub(super) struct Keys {
    slots: Box<[Option<(Key, CompactString)>]>,
    /// Of a key that is not kept.
    scratch: Vec<u8>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            slots: vec![None; SLOTS].into_boxed_slice(),
            scratch: Vec::new(),
        }
    }
}

impl Keys {
    /// A comma, the key, and an equals sign.
    #[inline]
    pub(super) fn get(&mut self, key: &Key) -> &[u8] {
        let text = key.as_str();
        let place = text.as_ptr().addr();
        // Texts lie on multiples of eight bytes; the upper bits of the product depend on all of them.
        let slot = (place as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - SLOTS.ilog2());
        let from = slot as usize;
        let found = (from..from + TRIES)
            .map(|slot| slot % SLOTS)
            .find(|slot| match &self.slots[*slot] {
                // What is kept here keeps its text, so that no other key can come to lie at its place.
                Some((known, _)) => known.as_str().as_ptr().addr() == place,
                None => true,
            });
        if let Some(slot) = found {
            if self.slots[slot].is_none() && !self.learn(slot, key) {
                return &self.scratch;
            }
            let kept = self.slots[slot].as_ref();
            return kept.map_or(&[], |(_, written)| written.as_bytes());
        }
        self.write(key)
    }

    fn write(&mut self, key: &Key) -> &[u8] {
        self.scratch.clear();
        self.scratch.push(b',');
        push_key(key, &mut self.scratch);
        self.scratch.push(b'=');
        &self.scratch
    }

    /// Whether the key is kept now; if not, it is in the scratch space.
    #[cold]
    fn learn(&mut self, slot: usize, key: &Key) -> bool {
        let kept = key.len() <= LONGEST;
        let written = CompactString::from_utf8(self.write(key));
        match written {
            Ok(written) if kept => {
                self.slots[slot] = Some((key.clone(), written));
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_again_as_they_were() {
        let mut keys = Keys::default();
        let names: Vec<Key> = (0..1000).map(|i| Key::new(&format!("a key={i}"))).collect();
        for _ in 0..3 {
            for (i, name) in names.iter().enumerate() {
                assert_eq!(keys.get(name), format!(",a\\ key\\={i}=").as_bytes());
                assert_eq!(keys.get(name), format!(",a\\ key\\={i}=").as_bytes());
            }
        }
    }

    #[test]
    fn keys_that_are_not_shared_do_not_meet() {
        let mut keys = Keys::default();
        for i in 0..2000 {
            // Longer than what is interned, and of one length: freed and made again at the same place.
            let name = Key::new(&format!("{i:0300}"));
            assert_eq!(keys.get(&name), format!(",{i:0300}=").as_bytes());
        }
    }
}
