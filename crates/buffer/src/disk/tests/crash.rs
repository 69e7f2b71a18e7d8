//! Crashes: a copy of the folder at any moment, with what was not synced torn, holds everything that was acknowledged.

use super::*;
use proptest::prelude::*;

pub(super) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for file in files_in(from, "") {
        if file.is_file() {
            // A segment may go at any moment.
            let _ = std::fs::copy(&file, to.join(file.file_name().unwrap()));
        }
    }
}

/// A copy as a power cut leaves it: of what was never synced, a part is there, or it is noise, or nothing.
#[cfg(unix)]
fn cut_power(from: &Path, to: &Path, control: &Control, seed: u64) {
    use std::os::unix::fs::MetadataExt;
    std::fs::create_dir(to).unwrap();
    for file in files_in(from, "") {
        let name = file.file_name().unwrap();
        let Ok(meta) = std::fs::metadata(&file) else {
            continue;
        };
        // Looked up first: what is synced later is whole in the copy.
        let synced = control.get(|o| o.synced.get(&meta.ino()).copied().unwrap_or(0)) as usize;
        let Ok(mut bytes) = std::fs::read(&file) else {
            continue;
        };
        if name != "cursor" && bytes.len() > synced {
            let tail = bytes.len() - synced;
            match seed % 3 {
                0 => bytes.truncate(synced + (seed / 3) as usize % (tail + 1)),
                1 => bytes[synced..].iter_mut().for_each(|b| *b = 0),
                _ => bytes[synced..]
                    .iter_mut()
                    .enumerate()
                    .for_each(|(i, b)| *b ^= (seed >> (i % 50)) as u8),
            }
        }
        if name == "cursor" && bytes.len() == 8192 && seed & 1 == 0 {
            // The slot that was written last is torn.
            bytes[seed as usize % 8192] ^= 1;
        }
        std::fs::write(to.join(name), bytes).unwrap();
    }
}

#[cfg(unix)]
proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn what_was_acknowledged_is_there(
        steps in prop::collection::vec((1..8u64, 0..12usize, any::<u32>(), any::<u64>(), 0..10u8), 1..25),
        segment_bytes in 200..3000u64,
        memory_limit in 1..30usize,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("buffer");
        let control = Control::default();
        let options = DiskOptions { segment_bytes, memory_limit, sync: true, ..small() };
        let (disk, _) = Disk::open_on(&home, options, control.clone()).unwrap();
        let ledger = Arc::new(Ledger::default());
        let mut database = BTreeSet::new();
        let (mut next, mut dropped) = (0, 0);
        for (n, (push, take, bits, seed, what)) in steps.into_iter().enumerate() {
            dropped += disk.push(tracked(next..next + push, &ledger));
            next += push;
            match what {
                0 => control.set(|o| o.failing_syncs = 1),
                1 | 2 => std::thread::sleep(Duration::from_micros(seed % 3000)),
                _ => {}
            }
            let taken = disk.take(take);
            let numbers = numbers(&taken);
            let done = |i: usize| bits >> (i % 32) & 1 == 1;
            let acknowledged = ledger.delivered();
            if what % 2 == 0 {
                let copy = dir.path().join(format!("crash{n}"));
                if what < 5 { copy_folder(&home, &copy) } else { cut_power(&home, &copy, &control, seed) }
                let (after, found) = Disk::open(&copy, options).unwrap();
                let taken = after.take(usize::MAX);
                let there: Vec<u64> = super::numbers(&taken);
                let set: BTreeSet<u64> = there.iter().copied().collect();
                prop_assert_eq!(set.len(), there.len());
                let missing: Vec<_> = acknowledged.iter().filter(|n| !set.contains(n) && !database.contains(*n)).collect();
                prop_assert!(missing.is_empty(), "acknowledged and gone: {:?} of {:?}", missing, found);
                after.settle(taken);
                // The crashed one goes on as if nothing had been.
                after.push(plain(5000..5003));
                prop_assert_eq!(take_all(&after), [5000, 5001, 5002]);
                close(after);
            }
            database.extend(numbers.iter().enumerate().filter(|(i, _)| done(*i)).map(|(_, n)| *n));
            dropped += disk.put_back(taken, done);
        }
        control.set(|o| o.failing_syncs = 0);
        ledger.wait(next as usize);
        close(disk);
        let again = open(&home, options);
        let left: BTreeSet<u64> = take_all(&again).into_iter().collect();
        prop_assert!(left.is_disjoint(&database), "after an orderly end nothing comes twice");
        // Two failed syncs in a row, and memory is full: the oldest are refused, and counted.
        prop_assert_eq!(left.len() + database.len() + dropped, next as usize);
        let lost = ledger.delivered().into_iter().filter(|n| !left.contains(n) && !database.contains(n)).count();
        prop_assert_eq!(lost, 0);
        close(again);
    }
}
