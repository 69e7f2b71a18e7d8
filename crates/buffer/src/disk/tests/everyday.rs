//! A disk that works.

use super::*;

#[test]
fn an_acknowledgement_waits_for_the_sync_and_for_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::default();
    control.set(|o| o.hold = true);
    let options = DiskOptions {
        sync: true,
        ..small()
    };
    let (disk, _) = Disk::open_on(dir.path(), options, control.clone()).unwrap();
    let ledger = Arc::new(Ledger::default());
    disk.push(tracked(0..3, &ledger));
    disk.push(tracked(3..5, &ledger));
    // An output took some and hangs.
    let taken = disk.take(2);
    assert_eq!(numbers(&taken), [0, 1]);
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(ledger.told(), 0);
    control.set(|o| o.hold = false);
    ledger.wait(5);
    assert_eq!(ledger.delivered().len(), 5);
    disk.settle(taken);
    assert_eq!(take_all(&disk), [2, 3, 4]);
    close(disk);
}

#[test]
fn a_batch_that_another_output_holds_is_acknowledged_when_it_lets_go() {
    let dir = tempfile::tempdir().unwrap();
    let disk = open(dir.path(), small());
    let ledger = Arc::new(Ledger::default());
    let batch = tracked(0..4, &ledger);
    disk.push(batch.clone());
    flush(&disk);
    assert_eq!(ledger.told(), 0);
    drop(batch);
    ledger.wait(4);
    assert_eq!(take_all(&disk), [0, 1, 2, 3]);
    close(disk);
}

#[test]
fn what_is_written_before_it_was_synced_is_acknowledged_too() {
    let dir = tempfile::tempdir().unwrap();
    let control = Control::default();
    let options = DiskOptions {
        sync: true,
        ..small()
    };
    let (disk, _) = Disk::open_on(dir.path(), options, control.clone()).unwrap();
    control.set(|o| o.hold = true);
    let ledger = Arc::new(Ledger::default());
    disk.push(tracked(0..1, &ledger));
    // The first is in the thread's hands; the second need not go to the disk any more.
    eventually("the thread", || files_in(dir.path(), ".seg").len() == 1);
    std::thread::sleep(Duration::from_millis(5));
    disk.push(tracked(1..2, &ledger));
    assert_eq!(take_all(&disk), [0, 1]);
    ledger.wait(1);
    assert!(ledger.delivered().contains(&1));
    control.set(|o| o.hold = false);
    ledger.wait(2);
    close(disk);
}

#[test]
fn a_restart_goes_on_where_it_stood() {
    let dir = tempfile::tempdir().unwrap();
    let disk = open(dir.path(), small());
    for n in 0..20 {
        disk.push(plain(n * 5..n * 5 + 5));
    }
    let taken = disk.take(12);
    assert_eq!(numbers(&taken), (0..12).collect::<Vec<_>>());
    // A hole: 3 and 7 were not taken by the database.
    assert_eq!(disk.put_back(taken, |i| i != 3 && i != 7), 0);
    let closed = disk.close(Duration::from_secs(10));
    assert_eq!(closed.waiting, 90);
    drop(disk);
    let (disk, found) = Disk::open(dir.path(), small()).unwrap();
    assert_eq!((found.metrics, found.truncated, found.problems), (90, 0, vec![]));
    let mut expected = vec![3, 7];
    expected.extend(12..100);
    assert_eq!(disk.len(), 90);
    assert_eq!(take_all(&disk), expected);
    close(disk);
    assert_eq!(
        files_in(dir.path(), ".seg"),
        [] as [PathBuf; 0],
        "drained segments are deleted"
    );
    assert!(open(dir.path(), small()).is_empty());
}

#[test]
fn segments_are_deleted_as_they_drain() {
    let dir = tempfile::tempdir().unwrap();
    let disk = open(dir.path(), small());
    for n in 0..40 {
        disk.push(plain(n * 5..n * 5 + 5));
        flush(&disk);
    }
    let all = files_in(dir.path(), ".seg").len();
    assert!(all > 10);
    // A metric that never gets through pins its own segment, and no other.
    let first = disk.take(1);
    let mut seen = vec![];
    while !disk.is_empty() {
        let taken = disk.take(7);
        seen.extend(numbers(&taken));
        disk.settle(taken);
    }
    assert_eq!(seen, (1..200).collect::<Vec<_>>());
    eventually("deletion", || files_in(dir.path(), ".seg").len() <= 2);
    assert_eq!(disk.put_back(first, |_| false), 0);
    assert_eq!(take_all(&disk), [0]);
    close(disk);
}

#[test]
fn a_write_that_panics_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let disk = open(dir.path(), small());
    disk.push(plain(0..6));
    let taken = disk.take(4);
    assert_eq!(disk.len(), 2);
    drop(taken);
    assert_eq!(take_all(&disk), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn the_oldest_are_dropped_and_counted_when_it_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let options = DiskOptions {
        max_bytes: 2000,
        ..small()
    };
    let disk = open(dir.path(), options);
    let mut dropped = 0;
    for n in 0..200 {
        dropped += disk.push(plain(n..n + 1));
        flush(&disk);
        assert!(disk.bytes() <= 2000);
    }
    dropped += disk.push(plain(200..200));
    let left = take_all(&disk);
    assert!(dropped > 100 && left.len() > 5);
    assert_eq!(left, (dropped as u64..200).collect::<Vec<_>>());
    assert!(disk.notices().iter().any(|n| matches!(n, Notice::Dropped { .. })));
    close(disk);
}

#[test]
fn what_was_dropped_while_an_output_held_it_is_counted_when_it_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let disk = open(
        dir.path(),
        DiskOptions {
            max_bytes: 2000,
            ..small()
        },
    );
    disk.push(plain(0..2));
    flush(&disk);
    let taken = disk.take(2);
    let mut dropped = 0;
    for n in 2..100 {
        dropped += disk.push(plain(n..n + 1));
        flush(&disk);
    }
    assert_eq!(disk.len() + dropped, 98);
    dropped += disk.put_back(taken, |i| i == 0);
    assert_eq!(disk.len() + dropped, 99);
    let left = take_all(&disk);
    assert_eq!(left.first().map(|n| *n as usize), Some(dropped + 1));
    close(disk);
}

#[test]
fn a_full_buffer_that_blocks_acknowledges_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let disk = open(
        dir.path(),
        DiskOptions {
            max_bytes: 1500,
            on_full: OnFull::Block,
            ..small()
        },
    );
    let ledger = Arc::new(Ledger::default());
    let mut n = 0;
    while !disk.shared.state.lock().failing {
        disk.push(tracked(n..n + 1, &ledger));
        n += 1;
        eventually("an answer", || {
            let state = disk.shared.state.lock();
            state.pending.is_empty() || state.failing
        });
    }
    assert_eq!(ledger.told() as u64, n - 1);
    assert!(disk.bytes() <= 1500);
    assert_eq!(disk.len() as u64, n);
    let taken = disk.take(n as usize - 1);
    assert_eq!(numbers(&taken), (0..n - 1).collect::<Vec<_>>());
    disk.settle(taken);
    ledger.wait(n as usize);
    assert_eq!(ledger.delivered().len() as u64, n);
    assert_eq!(take_all(&disk), [n - 1]);
    close(disk);
}

#[test]
fn a_batch_larger_than_everything_is_kept_all_the_same() {
    for on_full in [OnFull::DropOldest, OnFull::Block] {
        let dir = tempfile::tempdir().unwrap();
        let disk = open(
            dir.path(),
            DiskOptions {
                max_bytes: 500,
                on_full,
                ..small()
            },
        );
        let ledger = Arc::new(Ledger::default());
        disk.push(tracked(0..100, &ledger));
        ledger.wait(100);
        assert_eq!(take_all(&disk).len(), 100);
        close(disk);
    }
}

#[test]
fn only_one_process_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let disk = open(dir.path(), small());
    let second = Disk::open(dir.path(), small()).unwrap_err();
    assert_eq!(second.kind(), io::ErrorKind::WouldBlock);
    close(disk);
    close(open(dir.path(), small()));
}

#[cfg(unix)]
#[test]
fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("buffers/output");
    let disk = open(&dir, small());
    disk.push(plain(0..1));
    flush(&disk);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let all = files_in(&dir, "");
    assert!(all.len() >= 3);
    for file in all {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    close(disk);
}

#[test]
fn numbers_go_on_after_everything_was_written() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let disk = open(dir.path(), small());
        disk.push(plain(round * 10..round * 10 + 9));
        assert_eq!(take_all(&disk).len(), 9);
        close(disk);
        assert!(files_in(dir.path(), ".seg").is_empty());
        // A number that the cursor calls settled must not be given again: a kill right now would lose it.
        let disk = open(dir.path(), small());
        disk.push(plain(round..round + 1));
        flush(&disk);
        let copy = dir.path().join(format!("killed{round}"));
        crash::copy_folder(dir.path(), &copy);
        assert_eq!(take_all(&open(&copy, small())), [round]);
        assert_eq!(take_all(&disk), [round]);
        close(disk);
    }
}
