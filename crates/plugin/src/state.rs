//! What plugins keep over a restart: each its own JSON, all of them in the file that `statefile` under `[agent]` names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Weak};

use anyhow::{Context as _, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Result;

/// The states of all plugins, as Telegraf keeps them: a JSON object of plugin IDs and their states, each state being JSON in
/// base64. Cloning shares it; the default keeps nothing.
#[derive(Clone, Default)]
pub struct States {
    kept: Option<Arc<Kept>>,
    /// Who has asked for a state since this was opened: two plugins with the same ID would overwrite each other's.
    asked: Arc<Mutex<BTreeSet<String>>>,
}

#[derive(Default)]
struct Kept {
    /// Where it is written; nothing for tests.
    path: PathBuf,
    states: Mutex<BTreeMap<String, Slot>>,
    /// Something was put that the file has not.
    changed: AtomicBool,
    /// Only one write at a time, and a later one never before an earlier one.
    writing: Mutex<()>,
}

#[derive(Default)]
struct Slot {
    json: Vec<u8>,
    /// Some plugin of this run has it. What nobody asks for is not written again, as in Telegraf: options have changed.
    in_use: bool,
    /// Counts what was put.
    version: u64,
    /// How many have asked for it; a later one follows an earlier one in a reload.
    askers: u64,
    /// Which of them put something last.
    writer: u64,
}

/// Files that are open: after a reload the same file is the same states, whether they are written yet or not.
static OPEN: LazyLock<Mutex<BTreeMap<PathBuf, Weak<Kept>>>> = LazyLock::new(Mutex::default);

impl States {
    /// Reads the file; one that is not there yet is empty. While some other value has the same file open, both are one.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else.
    pub fn open(path: &Path) -> Result<States> {
        let mut open = OPEN.lock();
        open.retain(|_, kept| kept.strong_count() > 0);
        let kept = match open.get(path).and_then(Weak::upgrade) {
            Some(kept) => kept,
            None => {
                let kept = Arc::new(Kept {
                    path: path.to_owned(),
                    states: Mutex::new(read(path)?),
                    ..Kept::default()
                });
                open.insert(path.to_owned(), Arc::downgrade(&kept));
                kept
            }
        };
        Ok(States {
            kept: Some(kept),
            asked: Arc::default(),
        })
    }

    /// Keeps states as long as it lives, in no file: for tests.
    pub fn in_memory() -> States {
        States {
            kept: Some(Arc::default()),
            asked: Arc::default(),
        }
    }

    /// The same states as the next run, or the next instance of a plugin, finds them.
    pub fn restarted(&self) -> States {
        States {
            kept: self.kept.clone(),
            asked: Arc::default(),
        }
    }

    /// Where they are kept.
    pub fn path(&self) -> Option<&Path> {
        self.kept.as_ref().map(|k| k.path.as_path())
    }

    /// The state of the plugin with this ID.
    ///
    /// # Errors
    /// Another plugin has the same ID: its options are the same.
    pub fn of(&self, id: &str) -> Result<State> {
        let Some(kept) = &self.kept else {
            return Ok(State(None));
        };
        if !self.asked.lock().insert(id.to_owned()) {
            bail!("plugin with ID {id:?} already registered");
        }
        let mut states = kept.states.lock();
        let slot = states.entry(id.to_owned()).or_default();
        slot.in_use = true;
        slot.askers += 1;
        Ok(State(Some(Handle {
            kept: kept.clone(),
            id: id.to_owned(),
            number: slot.askers,
            seen: Arc::new(AtomicU64::new(slot.version)),
        })))
    }

    /// Writes the file, where anything was put since; waits for the disk.
    pub fn save(&self) -> Result<()> {
        self.kept.as_ref().map_or(Ok(()), |kept| kept.save())
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("States").field(&self.path()).finish()
    }
}

/// One plugin's state; see [`Context::state`](crate::Context::state). Where no `statefile` is set nothing is kept. Cloning
/// shares it.
#[derive(Clone)]
pub struct State(Option<Handle>);

#[derive(Clone)]
struct Handle {
    kept: Arc<Kept>,
    id: String,
    /// Its number among those that have asked for this state.
    number: u64,
    /// The version that was read or put last.
    seen: Arc<AtomicU64>,
}

impl State {
    /// Whether anything is kept: asked before a large state is put together.
    pub fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    /// What was kept last, in this run or an earlier one; nothing at the first start. Read when the plugin is built.
    ///
    /// # Errors
    /// It is of another shape: an older or newer plugin wrote it. The agent does not start then, as Telegraf does not.
    pub fn load<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let Some(Handle { kept, id, seen, .. }) = &self.0 else {
            return Ok(None);
        };
        let states = kept.states.lock();
        let Some(slot) = states.get(id).filter(|slot| !slot.json.is_empty()) else {
            return Ok(None);
        };
        seen.store(slot.version, Ordering::Relaxed);
        let state: Result<Option<T>, _> = serde_json::from_slice(&slot.json);
        state.with_context(|| format!("unmarshalling state for {id:?} failed"))
    }

    /// Takes a state that the file gets at the next save, at the latest when the agent stops. Never waits for the disk.
    pub fn put<T: Serialize + ?Sized>(&self, state: &T) -> Result<()> {
        let Some(Handle {
            kept,
            id,
            number,
            seen,
        }) = &self.0
        else {
            return Ok(());
        };
        let json =
            serde_json::to_vec(state).with_context(|| format!("marshalling state for id {id:?} failed"))?;
        let mut states = kept.states.lock();
        let slot = states.entry(id.clone()).or_default();
        if slot.writer > *number {
            // A late word of an instance whose follower knows more by now.
            return Ok(());
        }
        slot.writer = *number;
        slot.json = json;
        slot.version += 1;
        seen.store(slot.version, Ordering::Relaxed);
        drop(states);
        kept.changed.store(true, Ordering::Release);
        Ok(())
    }

    /// Takes a state and writes the file: when it returns, no crash can lose it. It waits for the disk, some milliseconds, so
    /// a plugin that calls it often, or from a task, does so where waiting is allowed.
    pub fn save<T: Serialize + ?Sized>(&self, state: &T) -> Result<()> {
        self.put(state)?;
        self.0.as_ref().map_or(Ok(()), |handle| handle.kept.save())
    }

    /// Whether somebody else has put something since this one was read or put: the instance that a reload replaces.
    pub fn is_behind(&self) -> bool {
        self.0.as_ref().is_some_and(|handle| {
            let states = handle.kept.states.lock();
            let version = states.get(&handle.id).map_or(0, |slot| slot.version);
            version != handle.seen.load(Ordering::Relaxed)
        })
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("State")
            .field(&self.0.as_ref().map(|s| &s.id))
            .finish()
    }
}

impl Kept {
    fn save(&self) -> Result<()> {
        let _one = self.writing.lock();
        if !self.changed.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let text = {
            let states = self.states.lock();
            let in_use = states
                .iter()
                .filter(|(_, slot)| slot.in_use && !slot.json.is_empty());
            let texts: BTreeMap<_, _> = in_use
                .map(|(id, slot)| (id, BASE64_STANDARD.encode(&slot.json)))
                .collect();
            serde_json::to_vec(&texts).context("marshalling states failed")?
        };
        if self.path.as_os_str().is_empty() {
            return Ok(());
        }
        write(&self.path, &text)
            .inspect_err(|_| self.changed.store(true, Ordering::Release))
            .with_context(|| format!("writing states file {:?} failed", self.path))
    }
}

fn read(path: &Path) -> Result<BTreeMap<String, Slot>> {
    let text = match fs::read(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        text => text.with_context(|| format!("reading states file {path:?} failed"))?,
    };
    let texts: BTreeMap<String, Option<String>> =
        serde_json::from_slice(&text).with_context(|| unreadable(path))?;
    let mut states = BTreeMap::new();
    for (id, text) in texts {
        let json = BASE64_STANDARD
            .decode(text.unwrap_or_default())
            .with_context(|| format!("state of {id:?}"))
            .with_context(|| unreadable(path))?;
        states.insert(
            id,
            Slot {
                json,
                ..Slot::default()
            },
        );
    }
    Ok(states)
}

fn unreadable(path: &Path) -> String {
    format!("unmarshalling states failed: {path:?} is no states file; move it away to start without states")
}

/// Puts `bytes` in the place of the file, whole or not at all, readable by its owner only. A link is followed.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    match put(&new, bytes).and_then(|()| fs::rename(&new, &path)) {
        Ok(()) => sync_folder(&path),
        // A single file mounted into a container cannot be exchanged, and in some folders no file can be made: it is then
        // written where it stands, as Telegraf always does.
        Err(e) if path.is_file() && cannot_exchange(&e) => {
            // It may not be there, or not be ours to remove.
            let _ = fs::remove_file(&new);
            put(&path, bytes)
        }
        Err(e) => Err(e),
    }
}

fn cannot_exchange(e: &io::Error) -> bool {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
    matches!(
        e.kind(),
        ResourceBusy | PermissionDenied | ReadOnlyFilesystem | CrossesDevices
    )
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// Bytes within a state as Go writes them: base64, so that Telegraf and this program read each other's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(&self.0))
    }
}
impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64_STANDARD
            .decode(text)
            .map(Bytes)
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn what_was_put_is_there_after_a_restart() {
        let dir = folder();
        let path = dir.path().join("states");
        let states = States::open(&path).unwrap();
        let a = states.of("a").unwrap();
        assert_eq!(a.load::<Vec<i64>>().unwrap(), None);
        a.put(&[1, 2]).unwrap();
        assert!(!path.exists(), "put does not touch the disk");
        states.of("b").unwrap().save("two").unwrap();
        drop((states, a));

        let states = States::open(&path).unwrap();
        let load = |id: &str| states.of(id).unwrap().load::<serde_json::Value>().unwrap();
        assert_eq!(load("a").unwrap().to_string(), "[1,2]");
        assert_eq!(load("b").unwrap(), "two");
        assert_eq!(load("c"), None);
    }

    /// The form is Telegraf's, byte for byte: `[1,2]` in base64.
    #[test]
    fn the_file_is_telegrafs_and_for_its_owner_only() {
        let dir = folder();
        let path = dir.path().join("states");
        let states = States::open(&path).unwrap();
        states.of("a").unwrap().save(&[1, 2]).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), r#"{"a":"WzEsMl0="}"#);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let names: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(names, ["states"], "nothing is left beside it");
        let bytes = serde_json::to_string(&Bytes(b"[1,2]".to_vec())).unwrap();
        assert_eq!(bytes, r#""WzEsMl0=""#);
        assert_eq!(serde_json::from_str::<Bytes>(&bytes).unwrap().0, b"[1,2]");
    }

    #[test]
    fn a_state_that_nobody_asks_for_goes_and_one_asked_for_stays() {
        let dir = folder();
        let path = dir.path().join("states");
        fs::write(&path, r#"{"a":"MQ==","b":"Mg==","c":null}"#).unwrap();
        let states = States::open(&path).unwrap();
        let a = states.of("a").unwrap();
        states.save().unwrap();
        assert!(
            fs::read_to_string(&path).unwrap().contains("\"b\""),
            "nothing was put"
        );
        a.save(&1).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), r#"{"a":"MQ=="}"#);
        assert_eq!(a.load::<i64>().unwrap(), Some(1));
    }

    #[test]
    fn two_plugins_with_one_id_are_an_error_and_a_reload_is_none() {
        let dir = folder();
        let path = dir.path().join("states");
        let states = States::open(&path).unwrap();
        let state = states.of("a").unwrap();
        let twice = states.of("a").unwrap_err().to_string();
        assert_eq!(twice, "plugin with ID \"a\" already registered");
        state.put(&7).unwrap();
        let reloaded = States::open(&path).unwrap();
        assert_eq!(reloaded.of("a").unwrap().load::<i64>().unwrap(), Some(7));
    }

    #[test]
    fn a_follower_sees_what_its_predecessor_put_last_and_is_not_overwritten() {
        let first = States::in_memory();
        let old = first.of("a").unwrap();
        old.put(&1).unwrap();
        let new = first.restarted().of("a").unwrap();
        assert_eq!(new.load::<i64>().unwrap(), Some(1));
        assert!(!new.is_behind());
        old.put(&2).unwrap();
        assert!(new.is_behind() && !old.is_behind());
        let again = first.restarted().of("a").unwrap();
        assert_eq!(again.load::<i64>().unwrap(), Some(2));
        again.put(&3).unwrap();
        old.put(&4).unwrap();
        assert_eq!(
            again.load::<i64>().unwrap(),
            Some(3),
            "what comes late is nothing"
        );
        assert!(!State(None).is_behind());
    }

    #[test]
    fn damage_is_an_error_that_names_the_file_and_the_state() {
        let dir = folder();
        let path = dir.path().join("states");
        for (text, wanted) in [
            ("{\"a\":\"MQ==\"", "EOF while parsing an object at line 1"),
            ("", "EOF while parsing a value at line 1"),
            ("{\"a\":\"*\"}", "state of \"a\": Invalid"),
            ("[]", "invalid type: sequence"),
        ] {
            fs::write(&path, text).unwrap();
            let error = format!("{:#}", States::open(&path).unwrap_err());
            assert!(error.starts_with("unmarshalling states failed: \""), "{error}");
            assert!(error.contains("states\"") && error.contains(wanted), "{error}");
        }
        fs::write(&path, "{\"a\":\"MQ==\"}").unwrap();
        let wrong = States::open(&path).unwrap().of("a").unwrap().load::<String>();
        let error = format!("{:#}", wrong.unwrap_err());
        assert!(
            error.starts_with("unmarshalling state for \"a\" failed: invalid type"),
            "{error}"
        );
    }

    #[test]
    fn nothing_is_kept_where_no_file_is_set() {
        let state = States::default().of("a").unwrap();
        state.save(&1).unwrap();
        assert_eq!((state.is_kept(), state.load::<i64>().unwrap()), (false, None));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_a_folder_that_takes_no_file_is_an_error() {
        let dir = folder();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::write(&real, "{}").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        States::open(&link).unwrap().of("a").unwrap().save(&1).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), r#"{"a":"MQ=="}"#);

        let nowhere = States::open(&dir.path().join("missing/states")).unwrap();
        let error = format!("{:#}", nowhere.of("a").unwrap().save(&1).unwrap_err());
        assert!(error.starts_with("writing states file"), "{error}");
    }
}
