//! The store and its readers together, with failing disks and damaged files.

use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use proptest::prelude::*;
use wheatstone_metric::{Ack, Metric, Outcome, Settle, Value, ValueType};
use wheatstone_plugin::conf::{self, Size};

use crate::files::{self, Layer};
use crate::record;
use crate::{Body, DeadLetterConfig, DeadLetterSink, Entry, Filter, Letter, Letters, Store, parse_since};

const PATIENCE: Duration = Duration::from_secs(20);

fn config(dir: &Path) -> DeadLetterConfig {
    let directory = dir.to_str().unwrap().to_owned();
    DeadLetterConfig { directory, max_size: Size(64 << 10), ..DeadLetterConfig::default() }
}

fn open(dir: &Path) -> Store {
    Store::open(&config(dir)).unwrap()
}

fn letter(n: i64) -> Letter {
    Letter::payload(n, format!("payload {n}"), "no JSON")
        .plugin("inputs.mqtt_consumer::hall")
        .source(format!("site/{n}"))
        .data_format("json")
}

fn put(store: &Store, letters: impl IntoIterator<Item = Letter>) {
    for letter in letters {
        store.record(letter, None);
    }
    assert!(store.flush(PATIENCE));
}

fn all(dir: &Path) -> Vec<Entry> {
    Letters::open(dir).unwrap().list(Filter::default()).unwrap().map(Result::unwrap).collect()
}

fn times(dir: &Path) -> Vec<i64> {
    all(dir).iter().map(|e| e.letter.time).collect()
}

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

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
        any::<f64>().prop_map(Value::Float),
        Just(Value::Float(-0.0)),
        Just(Value::Float(f64::NEG_INFINITY)),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(Value::Uint),
        any::<bool>().prop_map(Value::Bool),
        "\\PC{0,40}|[\\x00-\\x20]{0,9}".prop_map(Value::from),
    ]
}

fn metric() -> impl Strategy<Value = Metric> {
    let tags = prop::collection::vec(("[a-z,= \\\\\n]{1,8}", "\\PC{0,20}|[\\x00-\\x20]{0,9}"), 0..4);
    let fields = prop::collection::vec(("[a-z,= \n]{1,8}", value()), 0..4);
    let kinds = vec![ValueType::Counter, ValueType::Gauge, ValueType::Untyped, ValueType::Summary, ValueType::Histogram];
    ("\\PC{0,12}", any::<i64>(), prop::sample::select(kinds), tags, fields).prop_map(|(name, time, kind, tags, fields)| {
        let mut metric = Metric::new(name, time);
        metric.set_kind(kind);
        tags.into_iter().for_each(|(k, v)| metric.set_tag(k, v));
        fields.into_iter().for_each(|(k, v)| metric.set_field(k, v));
        metric
    })
}

fn body() -> impl Strategy<Value = Body> {
    let bytes = prop_oneof![prop::collection::vec(any::<u8>(), 0..80), "\\PC{0,40}\n?".prop_map(String::into_bytes)];
    let payload = (bytes, "[a-z_0-9]{0,8}").prop_map(|(bytes, data_format)| Body::Payload { bytes, data_format });
    prop_oneof![payload, metric().prop_map(Body::Metric)]
}

fn letters() -> impl Strategy<Value = Letter> {
    let text = || "\\PC{0,20}|[\\x00-\\x7f]{0,9}";
    (any::<i64>(), text(), prop::option::of(text()), text(), prop::option::of(text()), body()).prop_map(
        |(time, plugin, source, reason, answer, body)| Letter { time, plugin, source, reason, answer, body },
    )
}

/// Equal to the last bit, in the order of the fields too.
fn exactly_equal(a: &Letter, b: &Letter) -> bool {
    let bits = |v: &Value| match v {
        Value::Float(v) => (v.to_bits(), None),
        other => (0, Some(other.clone())),
    };
    let bodies = match (&a.body, &b.body) {
        (Body::Metric(a), Body::Metric(b)) => {
            a.name() == b.name()
                && (a.time(), a.kind()) == (b.time(), b.kind())
                && a.tags().eq(b.tags())
                && a.fields().map(|(k, v)| (k, bits(v))).eq(b.fields().map(|(k, v)| (k, bits(v))))
        }
        (a, b) => a == b,
    };
    bodies && (a.time, &a.plugin, &a.source, &a.reason, &a.answer) == (b.time, &b.plugin, &b.source, &b.reason, &b.answer)
}

proptest! {
    #[test]
    fn a_letter_comes_back_exactly(letter in letters(), id in any::<u64>()) {
        let mut line = Vec::new();
        prop_assert!(record::encode(id, &letter, &mut line));
        prop_assert_eq!(line.pop(), Some(b'\n'));
        prop_assert!(!line.contains(&b'\n'));
        let (back_id, back) = record::decode(&line).unwrap();
        prop_assert_eq!(back_id, id);
        prop_assert!(exactly_equal(&letter, &back), "{:?} became {:?}", letter, back);
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = record::decode(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Cut a file anywhere or change any byte: all letters before it and behind its line are read, nothing false is.
    #[test]
    fn damage_hides_one_letter_at_most(
        letters in prop::collection::vec(letters(), 1..8),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut file = Vec::new();
        let mut ends = Vec::new();
        for (id, letter) in (1..).zip(&letters) {
            record::encode(id, letter, &mut file);
            ends.push(file.len());
        }
        let at = at.index(file.len());
        let same = !cut && file[at] == byte;
        if cut { file.truncate(at) } else { file[at] = byte }
        std::fs::write(files::segment_path(dir.path(), 1), &file).unwrap();

        let hit = ends.partition_point(|end| *end <= at);
        let found = all(dir.path());
        for (id, letter) in (1u64..).zip(&letters) {
            let i = id as usize - 1;
            // A changed newline joins two lines.
            let joined = !cut && at + 1 == ends[hit] && i == hit + 1;
            let expected = same || i < hit || (!cut && i > hit && !joined);
            match found.iter().find(|e| e.id == id) {
                Some(e) => prop_assert!(exactly_equal(letter, &e.letter)),
                None => prop_assert!(!expected, "letter {} of {} is gone, damage at {}", id, letters.len(), at),
            }
        }
        prop_assert!(found.len() <= letters.len());

        // The agent starts on it, and gives no number twice.
        let store = Store::open(&DeadLetterConfig { sync: false, ..config(dir.path()) }).unwrap();
        put(&store, [letter(77)]);
        let again = all(dir.path());
        prop_assert_eq!(again.len(), found.len() + 1);
        let last = again.last().unwrap();
        prop_assert_eq!(last.letter.time, 77);
        prop_assert!(cut || last.id > letters.len() as u64);
        prop_assert!(found.iter().all(|e| e.id < last.id));
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
    assert!(error.to_string().contains(dir.path().to_str().unwrap()), "{error}");
    drop(first);
    open(dir.path());
}

#[test]
fn the_oldest_go_when_there_is_no_room() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&DeadLetterConfig { sync: false, ..config(dir.path()) }).unwrap();
    put(&store, (0..2000).map(letter));
    let bytes = || files::segments(dir.path()).unwrap().iter().map(|first| {
        std::fs::metadata(files::segment_path(dir.path(), *first)).unwrap().len()
    }).sum::<u64>();
    assert!((48 << 10..=64 << 10).contains(&bytes()), "{}", bytes());
    let kept = times(dir.path());
    assert_eq!(kept, (2000 - kept.len() as i64..2000).collect::<Vec<_>>());

    // One that is larger than all of it is refused, one that is as large as nearly all of it is not.
    let big = |n: usize| Letter::payload(5000, vec![b'x'; n], "too large");
    put(&store, [big(65 << 10)]);
    assert_eq!(times(dir.path()), kept);
    put(&store, [big(60 << 10)]);
    assert_eq!(times(dir.path()), [5000]);
    assert!(bytes() <= 64 << 10);

    store.set_limits(&DeadLetterConfig { max_size: Size(1000), ..config(dir.path()) });
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
    File::options().append(true).open(path).unwrap().set_modified(hour_ago).unwrap();
    let limits = DeadLetterConfig { max_age: conf::Duration::from_secs(1800), ..config(dir.path()) };
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
    let roomy = DeadLetterConfig { max_size: Size(64 << 20), ..config(dir.path()) };
    let store = Store::open_on(&roomy, disk.clone()).unwrap();
    let told = Arc::new(Told::default());
    for n in 0..40 {
        store.record(Letter::payload(n, vec![b'x'; 1 << 20], "flood"), None);
        store.record(letter(100 + n), Some(Ack::new(told.clone(), n as u64)));
    }
    disk.write.store(false, Ordering::Relaxed);
    assert!(store.flush(PATIENCE));
    let kept = times(dir.path());
    assert_eq!(kept.iter().filter(|t| **t < 100).count(), 7, "eight mebibytes less the heads");
    assert_eq!(kept.iter().filter(|t| **t >= 100).count(), 40);
    assert_eq!(told.0.lock().len(), 40);
}

#[test]
fn a_replay_gives_each_letter_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put(&store, (1..=6).map(letter));
    let mut letters = Letters::open(dir.path()).unwrap();
    letters.remove(&[2]).unwrap();

    let mut replay = letters.replay(Filter::default()).unwrap();
    assert_eq!(letters.replay(Filter::default()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    let ids: Vec<u64> = replay.by_ref().map(|e| e.unwrap().id).collect();
    assert_eq!(ids, [1, 3, 4, 5, 6]);
    replay.done(&[1, 3, 4]).unwrap();
    drop(replay);

    // What was not said to be done comes again, and what came since.
    put(&store, [letter(7)]);
    let mut replay = Letters::open(dir.path()).unwrap().replay(Filter::default()).unwrap();
    let ids: Vec<u64> = replay.by_ref().map(|e| e.unwrap().id).collect();
    assert_eq!(ids, [5, 6, 7]);
    replay.done(&ids).unwrap();
    drop(replay);
    assert_eq!(letters.replay(Filter::default()).unwrap().count(), 0);

    let listed: Vec<_> = all(dir.path()).iter().map(|e| (e.id, e.replayed)).collect();
    assert_eq!(listed, [(1, true), (3, true), (4, true), (5, true), (6, true), (7, true)]);
}

#[test]
fn a_filter_picks_by_time_plugin_and_topic() {
    let dir = tempfile::tempdir().unwrap();
    let refused = Letter::metric(9, Metric::new("m", 1), "400").plugin("outputs.influxdb");
    put(&open(dir.path()), (1..=3).map(letter).chain([refused]));
    let list = |since, plugin: &str, topic: &str| {
        let one = |s: &str| if s.is_empty() { vec![] } else { vec![s.to_owned()] };
        let filter = Filter::new(since, &one(plugin), &one(topic)).unwrap();
        let letters = Letters::open(dir.path()).unwrap();
        letters.list(filter).unwrap().map(|e| e.unwrap().id).collect::<Vec<_>>()
    };
    assert_eq!(list(Some(3), "", ""), [3, 4]);
    assert_eq!(list(None, "inputs.mqtt_consumer", ""), [1, 2, 3]);
    assert_eq!(list(None, "inputs.mqtt_consumer::hall", "site/2"), [2]);
    assert_eq!(list(None, "outputs.*", ""), [4]);
    assert_eq!(list(None, "", "site/*"), [1, 2, 3]);
    assert!(Filter::new(None, &["[".into()], &[]).is_err());
}

#[test]
fn since_is_an_age_or_a_time() {
    let hour = 3_600_000_000_000;
    assert_eq!(parse_since("2h", 5 * hour), Ok(3 * hour));
    assert_eq!(parse_since("1970-01-01T01:00:00Z", 0), Ok(hour));
    assert_eq!(parse_since("1970-01-01T02:00:00.5+01:00", 0), Ok(hour + 500_000_000));
    assert_eq!(parse_since("1970-01-02", 0), Ok(24 * hour));
    assert!(parse_since("yesterday", 0).unwrap_err().contains("\"2h\""));
    assert!(parse_since("", 0).is_err());
}

#[test]
fn letters_are_shown_whole_and_harmless() {
    let entry = |letter| Entry { id: 7, replayed: false, letter };
    let text = entry(Letter::payload(0, "{\"t\": \u{1b}[2J}", "bad \u{7}").plugin("inputs.file").source("a/b"));
    assert_eq!(text.line(), "7  1970-01-01T00:00:00Z  inputs.file  a/b  bad \\u{7} (11 bytes)");
    assert!(text.text().ends_with("reason:  bad \\u{7}\npayload, 11 bytes:\n  {\"t\": \\u{1b}[2J}\n"), "{}", text.text());
    let binary = entry(Letter::payload(0, b"\x00\xffok".as_slice(), "r"));
    assert!(binary.text().contains("00 ff 6f 6b") && binary.text().contains("..ok"), "{}", binary.text());
    let json: serde_json::Value = serde_json::from_str(&binary.json()).unwrap();
    assert_eq!(json["payload"]["base64"], "AP9vaw==");

    let mut metric = Metric::new("m", 5);
    metric.set_field("f", f64::NAN);
    metric.set_field("u", u64::MAX);
    let refused = entry(Letter::metric(1, metric, "400").answer("field type conflict"));
    let json: serde_json::Value = serde_json::from_str(&refused.json()).unwrap();
    assert_eq!(json["line"], "m u=18446744073709551615u 5");
    assert_eq!(json["answer"], "field type conflict");
    assert_eq!(json["metric"]["fields"][1][1]["uint"], u64::MAX);
    assert!(refused.text().contains("f = NaN"), "{}", refused.text());
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
