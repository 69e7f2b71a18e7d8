//! Files that somebody or something changed.

use super::*;
use proptest::prelude::*;

/// A folder of several segments, closed, of which a part was written; and what waits in each file.
fn folder(dir: &Path) -> BTreeMap<PathBuf, Vec<Vec<u64>>> {
    let disk = open(dir, small());
    let mut n = 0;
    for size in [1, 4, 2, 7, 3, 3, 1, 1, 6, 2, 5, 4, 8, 2] {
        disk.push(plain(n..n + size));
        flush(&disk);
        n += size;
    }
    let taken = disk.take(3);
    disk.put_back(taken, |i| i != 1);
    close(disk);
    // Each file alone tells what is in it.
    let mut content = BTreeMap::new();
    for file in files_in(dir, ".seg") {
        let bytes = std::fs::read(&file).unwrap();
        let head = super::segment::Head::read(&bytes).unwrap();
        let mut reader = Reader::new(head, File::open(&file).unwrap(), bytes.len() as u64);
        let (mut at, mut records) = (super::segment::BODY, vec![]);
        while let Step::Record {
            at: body, len, next, ..
        } = reader.step(at, 0).unwrap()
        {
            let batch = codec::decode(reader.bytes(body, len).unwrap().unwrap()).unwrap();
            records.push(
                batch
                    .iter()
                    .map(|m| (m.time() - 1_700_000_000_000_000_000) as u64)
                    .collect(),
            );
            at = next;
        }
        content.insert(file, records);
    }
    content
}

fn check(dir: &Path, spared: &BTreeSet<u64>, all: &BTreeSet<u64>) -> Result<(), TestCaseError> {
    let (disk, found) = Disk::open(dir, small()).unwrap();
    let len = disk.len();
    let read = take_all(&disk);
    let set: BTreeSet<u64> = read.iter().copied().collect();
    prop_assert_eq!(read.len(), len);
    prop_assert_eq!(set.len(), read.len(), "something came twice");
    prop_assert!(set.is_subset(all), "something false was read");
    let missing: Vec<_> = spared.difference(&set).collect();
    prop_assert!(missing.is_empty(), "{:?} lost: {:?}", missing, found);
    // It works as if nothing had been.
    disk.push(plain(1000..1003));
    close(disk);
    let (disk, found) = Disk::open(dir, small()).unwrap();
    prop_assert_eq!(found.metrics, 3);
    prop_assert_eq!(take_all(&disk), [1000, 1001, 1002]);
    close(disk);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_byte_or_a_cut_loses_nothing_before_it(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), flip in 1..=255u8, cut in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        let content = folder(dir.path());
        let all: BTreeSet<u64> = content.values().flatten().flatten().copied().collect();
        let mut waiting = all.clone();
        for settled in [0, 2] {
            waiting.remove(&settled);
        }
        let files = files_in(dir.path(), "");
        let hit = &files[which.index(files.len())];
        let mut bytes = std::fs::read(hit).unwrap();
        if !bytes.is_empty() {
            let was = bytes.clone();
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] ^= flip }
            std::fs::write(hit, &bytes).unwrap();
            if let Some(records) = content.get(hit) {
                let good = whole_records(&was, &bytes);
                let lost: Vec<u64> = records.iter().enumerate().filter(|(i, _)| !good.contains(i)).flat_map(|(_, r)| r.clone()).collect();
                prop_assert!(cut || records.len() - good.len() <= 1, "one byte costs one record at most");
                lost.iter().for_each(|n| { waiting.remove(n); });
            }
        }
        check(dir.path(), &waiting, &all)?;
    }

    #[test]
    fn any_rubbish_is_survived(rubbish in prop::collection::vec(any::<u8>(), 0..300), which in any::<prop::sample::Index>()) {
        let dir = tempfile::tempdir().unwrap();
        let content = folder(dir.path());
        let all: BTreeSet<u64> = content.values().flatten().flatten().copied().collect();
        let files = files_in(dir.path(), "");
        let hit = &files[which.index(files.len())];
        std::fs::write(hit, &rubbish).unwrap();
        let mut waiting: BTreeSet<u64> = content.iter().filter(|(file, _)| *file != hit).flat_map(|(_, r)| r.iter().flatten()).copied().collect();
        waiting.remove(&0);
        waiting.remove(&2);
        check(dir.path(), &waiting, &all)?;
    }
}

/// Which of a segment's records are as they were.
fn whole_records(was: &[u8], is: &[u8]) -> BTreeSet<usize> {
    let mut whole = BTreeSet::new();
    let mut at = super::segment::BODY as usize;
    for n in 0.. {
        let Some(frame) = was.get(at..at + super::segment::FRAME) else {
            break;
        };
        let len = u32::from_le_bytes([frame[4], frame[5], frame[6], frame[7]]) as usize;
        let end = at + super::segment::FRAME + len;
        if is.get(at..end) == Some(&was[at..end]) {
            whole.insert(n);
        }
        at = end;
    }
    whole
}

#[test]
fn a_damaged_segment_is_set_aside_when_it_is_drained_and_few_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..6 {
        let disk = open(dir.path(), small());
        for n in 0..8 {
            disk.push(plain(n * 3..n * 3 + 3));
            flush(&disk);
        }
        close(disk);
        let first = &files_in(dir.path(), ".seg")[0];
        let mut bytes = std::fs::read(first).unwrap();
        bytes[90] ^= 1;
        std::fs::write(first, bytes).unwrap();
        let (disk, found) = Disk::open(dir.path(), small()).unwrap();
        assert_eq!(found.problems.len(), 1, "{found:?}");
        assert_eq!(&found.problems[0].file, first);
        assert_eq!(take_all(&disk), (3..24).collect::<Vec<_>>());
        eventually("setting aside", || {
            disk.notices()
                .iter()
                .any(|n| matches!(n, Notice::SetAside { .. }))
        });
        close(disk);
        assert_eq!(files_in(dir.path(), ".corrupt").len(), (round + 1).min(4));
        assert!(files_in(dir.path(), ".seg").is_empty());
    }
}

#[test]
fn a_damage_that_comes_while_it_runs_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let disk = open(
        dir.path(),
        DiskOptions {
            memory_limit: 1,
            ..small()
        },
    );
    for n in 0..10 {
        disk.push(plain(n * 3..n * 3 + 3));
        flush(&disk);
    }
    let first = &files_in(dir.path(), ".seg")[0];
    let mut bytes = std::fs::read(first).unwrap();
    bytes[90] ^= 1;
    std::fs::write(first, bytes).unwrap();
    std::fs::remove_file(&files_in(dir.path(), ".seg")[1]).unwrap();
    let read = take_all(&disk);
    let lost = disk.push(plain(0..0));
    assert!(lost > 3 && read.len() + lost == 30, "{read:?}, {lost} lost");
    let notices = disk.notices();
    assert!(
        notices
            .iter()
            .filter(|n| matches!(n, Notice::Lost { .. }))
            .count()
            >= 2,
        "{notices:?}"
    );
    close(disk);
}

#[test]
fn a_later_version_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let disk = open(dir.path(), small());
    disk.push(plain(0..2));
    close(disk);
    let file = &files_in(dir.path(), ".seg")[0];
    let mut bytes = std::fs::read(file).unwrap();
    for head in [0, 32] {
        bytes[head + 8] = 2;
        let crc = crc32fast::hash(&bytes[head..head + 28]);
        bytes[head + 28..head + 32].copy_from_slice(&crc.to_le_bytes());
    }
    std::fs::write(file, &bytes).unwrap();
    let (disk, found) = Disk::open(dir.path(), small()).unwrap();
    assert_eq!((found.problems.len(), disk.len()), (1, 0));
    disk.push(plain(2..3));
    assert_eq!(take_all(&disk), [2]);
    close(disk);
    assert_eq!(std::fs::read(file).unwrap(), bytes);
}

#[test]
fn what_a_failed_sync_left_twice_is_read_once() {
    let dir = tempfile::tempdir().unwrap();
    let write = |id: u64, records: std::ops::Range<u64>| {
        let head = super::segment::Head { id, salt: id as u32 };
        let mut bytes = head.bytes().to_vec();
        for n in records {
            assert!(super::segment::put_record(
                &mut bytes,
                head.salt,
                n + 1,
                &plain(n..n + 1)
            ));
        }
        std::fs::write(super::files::segment_path(dir.path(), id), bytes).unwrap();
    };
    write(1, 0..4);
    write(2, 2..6);
    write(3, 0..8);
    let (disk, found) = Disk::open(dir.path(), small()).unwrap();
    assert_eq!((found.records, found.problems), (8, vec![]));
    assert_eq!(take_all(&disk), (0..8).collect::<Vec<_>>());
    close(disk);
}
