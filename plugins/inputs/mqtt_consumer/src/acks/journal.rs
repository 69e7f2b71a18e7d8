//! What was acknowledged, in a ring of records in a file, so that a run that is killed leaves it to the next.
//!
//! The file lies beside the `statefile`. Its first 16 bytes are [`MAGIC`] and a hash of the system's boot identifier; [`RECORDS`]
//! records of 16 bytes follow, in little endian: a number that counts them (4 bytes; its remainder is the record's place), the
//! identifier (2), flags (1), a sum of all other bytes (1), the hash of the message (8). It is written with the acknowledgements,
//! and never synced: the system has it when the process is killed, and after a loss of power it counts for nothing.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use super::past::{Acknowledged, MOST};

const MAGIC: &[u8; 8] = b"WSACKS01";
const RECORDS: u32 = MOST as u32;
const SIZE: usize = 16;
/// The broker was seen to go on to new identifiers.
const PROVEN: u8 = 1;
/// Nothing before this counts.
const FORGET: u8 = 2;

/// The file, open for as long as the session runs.
pub(crate) struct Journal {
    file: File,
    /// The number of the next record.
    next: u32,
    /// Records that are not written yet.
    pending: Vec<u8>,
}

impl Journal {
    /// Opens the file, or makes one that only its owner can read, and gives what it holds.
    ///
    /// # Errors
    /// It cannot be opened, read or written. One that holds something else is written anew.
    pub fn open(path: &Path) -> io::Result<(Journal, Acknowledged)> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        let mut bytes = vec![0; SIZE * (1 + RECORDS as usize)];
        let mut there = 0;
        while there < bytes.len() {
            match file.read_at(&mut bytes[there..], there as u64) {
                Ok(0) => break,
                Ok(n) => there += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        let (head, records) = bytes[..there].split_at(SIZE.min(there));
        let (mut next, mut found) = (0, Acknowledged::default());
        if head == header() {
            (next, found) = read(records);
        } else {
            file.set_len(0)?;
            file.write_all_at(&header(), 0)?;
        }
        let journal = Journal {
            file,
            next,
            pending: Vec::new(),
        };
        Ok((journal, found))
    }

    /// Takes an acknowledgement, for the next [`flush`](Journal::flush).
    #[inline]
    pub fn note(&mut self, id: u16, content: u64, proven: bool) {
        self.push(id, content, if proven { PROVEN } else { 0 });
    }

    /// Nothing that was noted counts any more.
    pub fn forget(&mut self) {
        self.push(0, 0, FORGET);
    }

    fn push(&mut self, id: u16, content: u64, flags: u8) {
        let record = record(self.next, id, flags, content);
        self.pending.extend_from_slice(&record);
        self.next = self.next.wrapping_add(1);
        if self.pending.len() > RECORDS as usize * SIZE {
            // Written over by what came after it.
            self.pending.drain(..SIZE);
        }
    }

    /// Hands what was noted to the system: before the acknowledgements go out.
    ///
    /// # Errors
    /// Those of the file; what was noted is dropped then.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let count = self.pending.len() / SIZE;
        let place = (self.next.wrapping_sub(count as u32) % RECORDS) as usize;
        let before_the_end = (RECORDS as usize - place).min(count);
        let (first, second) = self.pending.split_at(before_the_end * SIZE);
        let at = |place: usize| ((1 + place) * SIZE) as u64;
        let written = self
            .file
            .write_all_at(first, at(place))
            .and_then(|()| self.file.write_all_at(second, at(0)));
        self.pending.clear();
        written
    }
}

fn record(number: u32, id: u16, flags: u8, content: u64) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    bytes[4..6].copy_from_slice(&id.to_le_bytes());
    bytes[6] = flags;
    bytes[8..].copy_from_slice(&content.to_le_bytes());
    bytes[7] = sum(&bytes);
    bytes
}

/// Of all bytes but the sum's own; never that of zeros.
fn sum(bytes: &[u8; SIZE]) -> u8 {
    let others = bytes.iter().enumerate().filter(|(place, _)| *place != 7);
    others.fold(1, |sum: u8, (_, byte)| sum.rotate_left(1) ^ byte)
}

/// The number of the next record, and the acknowledgements that count.
fn read(records: &[u8]) -> (u32, Acknowledged) {
    let parsed = |place: usize| -> Option<(u32, u16, u8, u64)> {
        let bytes: &[u8; SIZE] = records.get(place * SIZE..)?.first_chunk()?;
        let number = u32::from_le_bytes(*bytes.first_chunk()?);
        let whole = bytes[7] == sum(bytes) && number % RECORDS == place as u32;
        let id = u16::from_le_bytes([bytes[4], bytes[5]]);
        whole.then_some((number, id, bytes[6], u64::from_le_bytes(*bytes.last_chunk()?)))
    };
    let all = || (0..records.len() / SIZE).filter_map(parsed);
    let Some((base, ..)) = all().next() else {
        return (0, Acknowledged::default());
    };
    // Numbers go round: those of one ring are near each other.
    let newest = all().map(|(number, ..)| number.wrapping_sub(base) as i32).max();
    let newest = base.wrapping_add(newest.unwrap_or(0) as u32);
    let mut found = Acknowledged::default();
    let mut number = newest;
    while let Some((there, id, flags, content)) = parsed((number % RECORDS) as usize)
        && there == number
        && flags == PROVEN
    {
        if found.messages.is_empty() {
            found.last = id;
        }
        found.messages.push((id, content));
        number = number.wrapping_sub(1);
    }
    found.messages.reverse();
    (newest.wrapping_add(1), found)
}

fn header() -> [u8; SIZE] {
    let boot = std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let mut hasher = foldhash::fast::FixedState::with_seed(0).build_hasher();
    hasher.write(&boot);
    let mut bytes = [0; SIZE];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..].copy_from_slice(&hasher.finish().to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file for a test, removed at its end.
    struct Place(std::path::PathBuf);

    fn place(name: &str) -> Place {
        let name = format!("wheatstone-acks-{name}-{}", std::process::id());
        Place(std::env::temp_dir().join(name))
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    fn ids(found: &Acknowledged) -> Vec<u16> {
        found.messages.iter().map(|(id, _)| *id).collect()
    }

    #[test]
    fn what_is_noted_is_found_without_a_goodbye_and_goes_on() {
        let place = place("found");
        let path = &place.0;
        let (mut journal, found) = Journal::open(path).unwrap();
        assert_eq!(found, Acknowledged::default());
        journal.note(1, 10, false);
        journal.note(2, 20, true);
        journal.note(3, u64::MAX, true);
        journal.flush().unwrap();
        journal.note(4, 40, true);
        std::mem::forget(journal);
        let (mut journal, found) = Journal::open(path).unwrap();
        // The first was not certain, the last not written.
        let wanted = vec![(2, 20), (3, u64::MAX)];
        assert_eq!((found.last, found.messages), (3, wanted));
        journal.note(5, 50, true);
        journal.flush().unwrap();
        assert_eq!(ids(&Journal::open(path).unwrap().1), [2, 3, 5]);
        journal.forget();
        journal.note(6, 60, true);
        journal.flush().unwrap();
        assert_eq!(ids(&Journal::open(path).unwrap().1), [6]);
    }

    #[test]
    fn the_ring_goes_round_and_so_do_its_numbers() {
        let place = place("ring");
        let path = &place.0;
        for start in [0, u32::MAX - 5] {
            let (mut journal, _) = Journal::open(path).unwrap();
            journal.forget();
            journal.next = start;
            let count = RECORDS + 10;
            for n in 0..count {
                journal.note(n as u16, u64::from(n), true);
                if n % 1000 == 7 {
                    journal.flush().unwrap();
                }
            }
            journal.flush().unwrap();
            let (next, found) = Journal::open(path).map(|(j, found)| (j.next, found)).unwrap();
            assert_eq!(next, start.wrapping_add(count));
            assert_eq!(found.messages.len(), RECORDS as usize);
            assert_eq!(found.messages[0], (10, 10));
            std::fs::remove_file(path).unwrap();
        }
        let (mut journal, _) = Journal::open(path).unwrap();
        (0..RECORDS + 3).for_each(|n| journal.note(n as u16, 0, true));
        journal.flush().unwrap();
        assert_eq!(ids(&Journal::open(path).unwrap().1)[0], 3);
    }

    #[test]
    fn what_is_damaged_or_of_another_boot_does_not_count() {
        let place = place("damaged");
        let path = &place.0;
        let (mut journal, _) = Journal::open(path).unwrap();
        (1..=5).for_each(|id| journal.note(id, 7, true));
        journal.flush().unwrap();
        let whole = std::fs::read(path).unwrap();
        let after = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = whole.clone();
            change(&mut bytes);
            std::fs::write(path, bytes).unwrap();
            ids(&Journal::open(path).unwrap().1)
        };
        assert_eq!(after(&|bytes| bytes[SIZE * 3 + 12] ^= 1), [4, 5]);
        assert_eq!(after(&|bytes| bytes.truncate(SIZE * 5 + 3)), [1, 2, 3, 4]);
        assert_eq!(after(&|bytes| bytes[9] ^= 1), [0; 0]);
        assert_eq!(after(&|bytes| bytes.clear()), [0; 0]);
        assert_eq!(after(&|bytes| *bytes = vec![0; 4096]), [0; 0]);
    }
}
