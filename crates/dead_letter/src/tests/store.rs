//! What the store promises: numbers, bounds, modes, and that nothing is let go too soon.

use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use wheatstone_metric::{Ack, Metric, Outcome, Settle};
use wheatstone_plugin::conf::{self, Size};

use super::{PATIENCE, all, config, letter, open, put, times};
use crate::files::{self, Layer};
use crate::{DeadLetterConfig, DeadLetterSink, Letter, Letters, Store};

#[derive(Default)]
struct Told(Mutex<Vec<(u64, Outcome)>>);
impl Settle for Told {
    fn settle(&self, token: u64, outcome: Outcome) {
        self.0.lock().push((token, outcome));
    }
}

/// A disk that can be told to fail.
#[derive(Clone, Default)]
struct Faulty {
    write: Arc<AtomicBool>,
    sync: Arc<AtomicBool>,
}
impl Layer for Faulty {
    fn write(&mut self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        if self.write.load(Ordering::Relaxed) {
            files::System.write(file, &bytes[..bytes.len() / 2])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        files::System.write(file, bytes)
    }
    fn sync(&mut self, file: &File) -> io::Result<()> {
        if self.sync.load(Ordering::Relaxed) {
            return Err(io::Error::other("no sync"));
        }
        files::System.sync(file)
    }
}

#[test]
fn letters_are_kept_over_restarts_under_their_numbers() {
    let dir = tempfile::tempdir().unwrap();
    put(&open(dir.path()), (1..=3).map(letter));
    put(&open(dir.path()), (4..=5).map(letter));
    let found: Vec<_> = all(dir.path()).iter().map(|e| (e.id, e.letter.time)).collect();
    assert_eq!(found, [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]);
    let letters = Letters::open(dir.path()).unwrap();
    assert_eq!(letters.show(4).unwrap().unwrap().letter, letter(4));
    assert_eq!(letters.show(9).unwrap(), None);
}

#[test]
fn only_the_owner_can_read_them() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("dead");
    put(&open(&dir), [letter(1)]);
    Letters::open(&dir).unwrap().remove(&[1]).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for file in std::fs::read_dir(&dir).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{path:?}");
    }
}

#[test]
fn two_agents_cannot_share_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    let error = Store::open(&config(dir.path())).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    assert!(
        error.to_string().contains(dir.path().to_str().unwrap()),
        "{error}"
    );
    drop(first);
    open(dir.path());
}

#[test]
fn the_oldest_go_when_there_is_no_room() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&DeadLetterConfig {
        sync: false,
        ..config(dir.path())
    })
    .unwrap();
    put(&store, (0..2000).map(letter));
    let bytes = || {
        files::segments(dir.path())
            .unwrap()
            .iter()
            .map(|first| {
                std::fs::metadata(files::segment_path(dir.path(), *first))
                    .unwrap()
                    .len()
            })
            .sum::<u64>()
    };
    assert!((48 << 10..=64 << 10).contains(&bytes()), "{}", bytes());
    let kept = times(dir.path());
    assert_eq!(kept, (2000 - kept.len() as i64..2000).collect::<Vec<_>>());

    // One that is larger than all of it is refused, one that is as large as nearly all of it is not.
    let big = |n: usize| Letter::payload(5000, vec![b'x'; n], "too large");
    put(&store, [big(65 << 10)]);
    assert_eq!(times(dir.path()), kept);
    put(&store, [big(60 << 10)]);
    assert_eq!(times(dir.path()).last(), Some(&5000));
    assert!(bytes() <= 64 << 10);

    store.set_limits(&DeadLetterConfig {
        max_size: Size(1000),
        ..config(dir.path())
    });
    put(&store, [letter(6000)]);
    assert_eq!(times(dir.path()), [6000]);
    assert_eq!(all(dir.path())[0].id, 2002, "numbers are never given twice");
}

#[test]
fn old_letters_go_by_their_age() {
    let dir = tempfile::tempdir().unwrap();
    put(&open(dir.path()), (1..=3).map(letter));
    let path = files::segment_path(dir.path(), 1);
    let hour_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
    File::options()
        .append(true)
        .open(path)
        .unwrap()
        .set_modified(hour_ago)
        .unwrap();
    let limits = DeadLetterConfig {
        max_age: conf::Duration::from_secs(1800),
        ..config(dir.path())
    };
    let store = Store::open(&limits).unwrap();
    put(&store, [letter(4)]);
    assert_eq!(all(dir.path()).iter().map(|e| e.id).collect::<Vec<_>>(), [4]);
}

#[test]
fn a_message_is_let_go_only_when_its_letter_is_safe() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Faulty::default();
    let store = Store::open_on(&config(dir.path()), disk.clone()).unwrap();
    put(&store, [letter(1)]);
    let told = Arc::new(Told::default());
    for fault in [&disk.write, &disk.sync] {
        told.0.lock().clear();
        fault.store(true, Ordering::Relaxed);
        let mut metric = Metric::new("m", 1);
        metric.set_field("f", 1.0);
        metric.set_ack(Some(Ack::new(told.clone(), 2)));
        store.record(letter(2), Some(Ack::new(told.clone(), 1)));
        store.record(Letter::metric(3, metric, "refused"), None);
        assert!(!store.flush(Duration::from_millis(300)));
        assert_eq!(*told.0.lock(), []);
        fault.store(false, Ordering::Relaxed);
        assert!(store.flush(PATIENCE));
        assert_eq!(*told.0.lock(), [(1, Outcome::Delivered), (2, Outcome::Delivered)]);
    }
    assert_eq!(times(dir.path()), [1, 2, 3, 2, 3]);
    let ids: Vec<u64> = all(dir.path()).iter().map(|e| e.id).collect();
    assert!(ids.windows(2).all(|w| w[0] < w[1]), "{ids:?}");
}

#[test]
fn what_the_disk_never_took_is_never_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Faulty::default();
    disk.write.store(true, Ordering::Relaxed);
    let store = Store::open_on(&config(dir.path()), disk).unwrap();
    let told = Arc::new(Told::default());
    store.record(letter(1), Some(Ack::new(told.clone(), 1)));
    assert_eq!(store.close(PATIENCE).unsaved, 1);
    store.record(letter(2), Some(Ack::new(told.clone(), 2)));
    drop(store);
    assert_eq!(*told.0.lock(), []);
    assert!(all(dir.path()).is_empty());
}

#[test]
fn a_flood_is_dropped_and_counted_and_tracked_letters_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Faulty::default();
    disk.write.store(true, Ordering::Relaxed);
    let roomy = DeadLetterConfig {
        max_size: Size(64 << 20),
        ..config(dir.path())
    };
    let store = Store::open_on(&roomy, disk.clone()).unwrap();
    let told = Arc::new(Told::default());
    for n in 0..40 {
        store.record(Letter::payload(n, vec![b'x'; 1 << 20], "flood"), None);
        store.record(letter(100 + n), Some(Ack::new(told.clone(), n as u64)));
    }
    disk.write.store(false, Ordering::Relaxed);
    assert!(store.flush(PATIENCE));
    let kept = times(dir.path());
    assert_eq!(
        kept.iter().filter(|t| **t < 100).count(),
        7,
        "eight mebibytes less the heads"
    );
    assert_eq!(kept.iter().filter(|t| **t >= 100).count(), 40);
    assert_eq!(told.0.lock().len(), 40);
}

#[test]
fn whoever_is_set_gets_the_letters() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(dir.path()));
    assert!(!crate::enabled());
    crate::record(letter(1), None);
    assert!(crate::set_sink(Some(store.clone())).is_none());
    assert!(crate::enabled());
    crate::record(letter(2), None);
    assert!(crate::set_sink(None).is_some());
    assert!(store.flush(PATIENCE));
    assert_eq!(times(dir.path()), [2]);
}
