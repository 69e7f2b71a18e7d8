//! A disk that fails.

use super::*;

fn faulty(dir: &Path, options: DiskOptions) -> (Disk, Control, Arc<Ledger>) {
    let control = Control::default();
    let (disk, _) = Disk::open_on(dir, options, control.clone()).unwrap();
    (disk, control, Arc::new(Ledger::default()))
}

fn syncing() -> DiskOptions {
    DiskOptions {
        sync: true,
        ..small()
    }
}

#[test]
fn after_a_failed_sync_the_batches_go_to_a_new_segment() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, control, ledger) = faulty(
        dir.path(),
        DiskOptions {
            segment_bytes: 1 << 20,
            ..syncing()
        },
    );
    disk.push(tracked(0..3, &ledger));
    ledger.wait(3);
    control.set(|o| o.failing_syncs = 1);
    disk.push(tracked(3..6, &ledger));
    ledger.wait(6);
    assert_eq!(files_in(dir.path(), ".seg").len(), 2);
    assert!(disk.notices().iter().any(|n| matches!(n, Notice::Failing { .. })));
    disk.push(tracked(6..8, &ledger));
    ledger.wait(8);
    close(disk);
    let disk = open(dir.path(), syncing());
    assert_eq!(take_all(&disk), (0..8).collect::<Vec<_>>());
    close(disk);
}

#[test]
fn while_syncs_fail_nothing_is_acknowledged_but_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, control, ledger) = faulty(dir.path(), syncing());
    control.set(|o| o.failing_syncs = usize::MAX);
    disk.push(tracked(0..4, &ledger));
    eventually("the failure", || disk.shared.state.lock().failing);
    assert_eq!(ledger.told(), 0);
    // The output goes on from memory.
    let taken = disk.take(2);
    disk.put_back(taken, |_| false);
    let taken = disk.take(4);
    assert_eq!(numbers(&taken), [0, 1, 2, 3]);
    disk.settle(taken);
    ledger.wait(4);
    disk.push(tracked(4..6, &ledger));
    control.set(|o| o.failing_syncs = 0);
    ledger.wait(6);
    assert!(disk.notices().contains(&Notice::Recovered));
    close(disk);
    assert_eq!(take_all(&open(dir.path(), syncing())), [4, 5]);
}

#[test]
fn past_the_limit_in_memory_the_oldest_are_rejected() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, control, ledger) = faulty(dir.path(), syncing());
    control.set(|o| o.failing_syncs = usize::MAX);
    let mut dropped = disk.push(tracked(0..1, &ledger));
    eventually("the failure", || disk.shared.state.lock().failing);
    for n in 1..20 {
        dropped += disk.push(tracked(n..n + 1, &ledger));
    }
    // Eight stay, and what the thread may have had in its hands.
    assert!((11..=13).contains(&dropped), "{dropped}");
    assert_eq!(ledger.told(), dropped);
    assert!(ledger.delivered().is_empty());
    assert_eq!(disk.len(), 20 - dropped);
    let closed = disk.close(Duration::from_secs(10));
    assert_eq!(closed.unsaved.len(), 20 - dropped);
    drop(disk);
    assert_eq!(
        ledger.told(),
        dropped,
        "what is not safe is not acknowledged at the end either"
    );
}

#[test]
fn a_full_disk_takes_no_half_record() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, control, ledger) = faulty(
        dir.path(),
        DiskOptions {
            on_full: OnFull::Block,
            ..syncing()
        },
    );
    disk.push(tracked(0..3, &ledger));
    ledger.wait(3);
    control.set(|o| o.space = Some(50));
    disk.push(tracked(3..6, &ledger));
    eventually("the failure", || disk.shared.state.lock().failing);
    assert_eq!(ledger.told(), 3);
    let saved: PathBuf = dir.path().join("copy");
    crash::copy_folder(dir.path(), &saved);
    let (copy, found) = Disk::open(&saved, syncing()).unwrap();
    assert_eq!((found.metrics, found.problems), (3, vec![]));
    assert_eq!(take_all(&copy), [0, 1, 2]);
    control.set(|o| o.space = None);
    ledger.wait(6);
    assert_eq!(take_all(&disk), (0..6).collect::<Vec<_>>());
    close(disk);
}

#[test]
fn on_a_full_disk_the_oldest_segments_make_room() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, control, ledger) = faulty(dir.path(), syncing());
    for n in 0..30 {
        disk.push(tracked(n..n + 1, &ledger));
        ledger.wait(n as usize + 1);
    }
    let before = files_in(dir.path(), ".seg").len();
    control.set(|o| o.space = Some(10));
    disk.push(tracked(30..31, &ledger));
    eventually("the failure", || disk.shared.state.lock().failing);
    assert!(files_in(dir.path(), ".seg").len() < before);
    control.set(|o| o.space = None);
    ledger.wait(31);
    let dropped = disk.push(plain(0..0));
    assert_eq!(take_all(&disk), (dropped as u64..31).collect::<Vec<_>>());
    close(disk);
}

#[test]
fn a_sync_that_hangs_does_not_hold_pushes_up() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, control, ledger) = faulty(
        dir.path(),
        DiskOptions {
            max_bytes: 1 << 30,
            ..syncing()
        },
    );
    control.set(|o| o.hold = true);
    let begun = Instant::now();
    for n in 0..2000 {
        disk.push(tracked(n * 10..n * 10 + 10, &ledger));
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(
        (disk.len(), ledger.told()),
        (20_000, 0),
        "a burst is not dropped for a slow sync"
    );
    control.set(|o| o.hold = false);
    ledger.wait(20_000);
    assert!(
        control.get(|o| o.syncs) < 30,
        "what comes together is synced together"
    );
    assert_eq!(take_all(&disk), (0..20_000).collect::<Vec<_>>());
    close(disk);
}

/// The file system itself runs full.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs root: cargo xtask test"]
fn a_small_file_system_runs_full() {
    let dir = tempfile::tempdir().unwrap();
    let run = |program: &str, args: &[&str]| {
        let status = std::process::Command::new(program)
            .args(args)
            .arg(dir.path())
            .status();
        assert!(status.unwrap().success(), "{program}");
    };
    for on_full in [OnFull::Block, OnFull::DropOldest] {
        run("mount", &["-t", "tmpfs", "-o", "size=256k", "tmpfs"]);
        let options = DiskOptions {
            sync: true,
            on_full,
            segment_bytes: 64 << 10,
            max_bytes: 1 << 30,
            memory_limit: 100_000,
        };
        let disk = open(dir.path(), options);
        let ledger = Arc::new(Ledger::default());
        let mut dropped = 0;
        for n in 0..200 {
            dropped += disk.push(tracked(n * 50..n * 50 + 50, &ledger));
            eventually("an answer", || {
                let state = disk.shared.state.lock();
                state.pending.is_empty() || state.failing
            });
        }
        dropped += disk.push(plain(0..0));
        assert_eq!(disk.len() + dropped, 10_000);
        let acknowledged = ledger.delivered();
        if on_full == OnFull::Block {
            assert_eq!(dropped, 0);
            assert!(
                (100..9_900).contains(&acknowledged.len()),
                "{}",
                acknowledged.len()
            );
        } else {
            assert!(dropped > 0);
        }
        // What was acknowledged and not dropped is on the disk: kill and look.
        let copy = tempfile::tempdir().unwrap();
        crash::copy_folder(dir.path(), &copy.path().join("copy"));
        let found = take_all(&open(&copy.path().join("copy"), options));
        let missing = acknowledged
            .iter()
            .filter(|n| **n >= dropped as u64 && !found.contains(n))
            .count();
        assert_eq!(missing, 0);
        // All comes out, in order, when the output works again.
        let mut seen = vec![];
        while !disk.is_empty() {
            let taken = disk.take(1000);
            seen.extend(numbers(&taken));
            disk.settle(taken);
        }
        assert_eq!(seen, (dropped as u64..10_000).collect::<Vec<_>>());
        ledger.wait(10_000);
        close(disk);
        run("umount", &[]);
    }
}
