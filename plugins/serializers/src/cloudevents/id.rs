//! Identifiers of events: UUIDs of version 1, made of the time, a counter and a random node.

use std::hash::{BuildHasher, RandomState};

use wheatstone_plugin::prelude::*;

/// Between 1582-10-15, where these UUIDs begin to count, and 1970, in steps of 100 nanoseconds.
const EPOCH: u64 = 0x01b2_1dd2_1381_4000;

/// Makes identifiers that no other has made.
pub(super) struct Ids {
    last: u64,
    clock: u16,
    node: [u8; 6],
}

impl Ids {
    pub(super) fn new() -> Ids {
        // The standard library's seed for hash tables is random in every process and differs from call to call.
        let random = RandomState::new().hash_one(std::process::id()).to_be_bytes();
        let [high, low, mut node @ ..] = random;
        // The bit for "many" tells that it is no network card's address.
        node[0] |= 1;
        Ids {
            last: 0,
            clock: u16::from_be_bytes([high, low]) & 0x3fff,
            node,
        }
    }

    /// The next identifier; two at one time differ by a step.
    pub(super) fn next(&mut self, now: Timestamp) -> String {
        let steps = (now / 100) as u64;
        let time = EPOCH.wrapping_add(steps).max(self.last.wrapping_add(1));
        self.last = time;
        let [a, b, c, d, e, f] = self.node;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{a:02x}{b:02x}{c:02x}{d:02x}{e:02x}{f:02x}",
            time & 0xffff_ffff,
            time >> 32 & 0xffff,
            time >> 48 & 0x0fff | 0x1000,
            self.clock | 0x8000,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_version_1_and_differ() {
        let mut ids = Ids::new();
        let all: Vec<String> = (0..3).map(|_| ids.next(1_700_000_000_000_000_000)).collect();
        for id in &all {
            let parts: Vec<&str> = id.split('-').collect();
            assert_eq!(
                parts.iter().map(|p| p.len()).collect::<Vec<_>>(),
                [8, 4, 4, 4, 12]
            );
            assert!(parts[2].starts_with('1'), "{id}");
            assert!(
                matches!(parts[3].as_bytes()[0], b'8' | b'9' | b'a' | b'b'),
                "{id}"
            );
        }
        assert!(all[0] != all[1] && all[1] != all[2]);
        // 2023-11-14T22:13:20 in steps since 1582.
        assert!(all[0].starts_with("04afc000-833b-11ee-"), "{}", all[0]);
        assert_ne!(Ids::new().next(0), Ids::new().next(0));
    }
}
