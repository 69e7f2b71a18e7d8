//! Looks whether the configuration's files have changed, by the system's notices or by asking again and again, and whether
//! what lies behind its URLs has.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;
use wheatstone_config::{is_url, list_files};
use wheatstone_plugin::Level;

use crate::cli::Flags;
use crate::logging::say;
use crate::sources::{self, shown};

/// How often files are looked at where the flag does not say.
const POLL: Duration = Duration::from_millis(250);
/// How long files rest before they are read: editors write in several steps.
const REST: Duration = Duration::from_millis(100);
/// A file that is gone may be about to be replaced.
const GONE: Duration = Duration::from_secs(1);

/// Watches what the flags ask to watch, for as long as the runtime lasts. `changed` is told of each change.
pub(crate) fn start(flags: &Arc<Flags>, changed: &Arc<Notify>) {
    if let Some(how) = &flags.watch_config {
        let hints = if how == "notify" { notices(flags) } else { None };
        if how == "notify" && hints.is_none() {
            say(
                Level::Warn,
                "",
                "Files are looked at now and then: the system gives no notice of changes",
            );
        }
        tokio::spawn(watch_files(flags.clone(), hints, changed.clone()));
    }
    if let Some(interval) = flags.config_url_watch_interval.filter(|i| !i.is_zero()) {
        for url in flags.config.iter().filter(|name| is_url(name)) {
            tokio::spawn(watch_url(url.clone(), interval, changed.clone()));
        }
    }
}

/// What tells one state of a file from another: its size, its last change, and which file it is.
type Stamp = Option<(u64, Option<SystemTime>, u64)>;

/// The files of a configuration as they are now; those of folders are found anew.
fn stamps(flags: &Flags) -> BTreeMap<String, Stamp> {
    // A folder that cannot be read has no files; loading will say so.
    let files = list_files(&flags.config, &flags.config_directory)
        .map_or_else(|_| flags.config.clone(), |(files, _)| files);
    let local = files.into_iter().filter(|file| !is_url(file));
    local
        .map(|file| {
            let stamp = stamp(Path::new(&file));
            (file, stamp)
        })
        .collect()
}

fn stamp(file: &Path) -> Stamp {
    let data = std::fs::metadata(file).ok()?;
    Some((
        data.len(),
        data.modified().ok(),
        std::os::unix::fs::MetadataExt::ino(&data),
    ))
}

async fn watch_files(flags: Arc<Flags>, hints: Option<Arc<Notify>>, changed: Arc<Notify>) {
    let interval = flags.watch_interval.filter(|i| !i.is_zero()).unwrap_or(POLL);
    let rest = flags.watch_debounce_interval.unwrap_or_default().max(REST);
    let look = || {
        let flags = flags.clone();
        async move {
            tokio::task::spawn_blocking(move || stamps(&flags))
                .await
                .unwrap_or_default()
        }
    };
    let mut known = look().await;
    for file in known.keys() {
        say(Level::Info, "", &format!("Config watcher started for {file}"));
    }
    loop {
        match &hints {
            Some(hints) => hints.notified().await,
            None => tokio::time::sleep(interval).await,
        }
        let mut now = look().await;
        while now != known {
            let gone = now.values().any(Option::is_none) || known.keys().any(|file| !now.contains_key(file));
            tokio::time::sleep(if gone { rest.max(GONE) } else { rest }).await;
            let later = look().await;
            if later == now {
                tell(&known, &now);
                known = later;
                changed.notify_one();
                break;
            }
            now = later;
        }
    }
}

fn tell(old: &BTreeMap<String, Stamp>, new: &BTreeMap<String, Stamp>) {
    let say_of = |file: &str, level, what| say(level, "", &format!("Config file/directory {file:?} {what}"));
    for (file, stamp) in new {
        match (old.get(file), stamp) {
            (Some(before), now) if before == now => {}
            (Some(_), None) => say_of(file, Level::Warn, "deleted"),
            (Some(_), Some(_)) => say_of(file, Level::Info, "modified"),
            (None, _) => say_of(file, Level::Info, "is new"),
        }
    }
    for file in old.keys().filter(|file| !new.contains_key(*file)) {
        say_of(file, Level::Warn, "deleted");
    }
}

/// The folders in which a change may be one of the configuration. A file is replaced by renaming, and in a Kubernetes volume by
/// exchanging a folder that it is a link into: it is the folder that sees it.
fn folders(flags: &Flags) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for file in stamps(flags).keys().map(Path::new) {
        folders.extend(file.parent().map(Path::to_owned));
        let real = std::fs::canonicalize(file).ok();
        folders.extend(real.and_then(|real| real.parent().map(Path::to_owned)));
    }
    let mut open: Vec<PathBuf> = flags.config_directory.clone();
    while let Some(folder) = open.pop() {
        let inner = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        open.extend(
            inner
                .filter(|e| e.file_type().is_ok_and(|t| t.is_dir()))
                .map(|e| e.path()),
        );
        folders.push(folder);
    }
    for folder in &mut folders {
        if folder.as_os_str().is_empty() {
            *folder = PathBuf::from(".");
        }
    }
    folders.sort();
    folders.dedup();
    folders
}

/// Told when something happens in the folders. Nothing where the system has no such notices.
#[cfg(target_os = "linux")]
fn notices(flags: &Arc<Flags>) -> Option<Arc<Notify>> {
    use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

    let watched = WatchFlags::CLOSE_WRITE
        | WatchFlags::CREATE
        | WatchFlags::DELETE
        | WatchFlags::MOVED_FROM
        | WatchFlags::MOVED_TO
        | WatchFlags::ATTRIB;
    let system = inotify::init(CreateFlags::CLOEXEC).ok()?;
    let watch_all = {
        let flags = flags.clone();
        move |system: &rustix::fd::OwnedFd| {
            // One that is there already is the same watch; one that cannot be read is told of when it is loaded.
            folders(&flags)
                .iter()
                .filter(|folder| inotify::add_watch(system, folder.as_path(), watched).is_ok())
                .count()
        }
    };
    if watch_all(&system) == 0 {
        return None;
    }
    let told = Arc::new(Notify::new());
    let tells = told.clone();
    let listen = move || {
        let mut room = [std::mem::MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&system, &mut room);
        while events.next().is_ok() {
            tells.notify_one();
            if events.is_buffer_empty() {
                // Folders may be new; and a busy folder shall not keep us busy.
                watch_all(&system);
                std::thread::sleep(REST / 2);
            }
        }
    };
    // It waits for the system until the process ends.
    std::thread::Builder::new()
        .name("config watcher".into())
        .spawn(listen)
        .ok()?;
    Some(told)
}

#[cfg(not(target_os = "linux"))]
fn notices(_: &Arc<Flags>) -> Option<Arc<Notify>> {
    None
}

async fn watch_url(url: String, interval: Duration, changed: Arc<Notify>) {
    let mut known = sources::version(&url).await.ok();
    loop {
        tokio::time::sleep(interval).await;
        match sources::version(&url).await {
            Ok(now) => {
                if known.as_ref().is_some_and(|known| *known != now) {
                    say(
                        Level::Info,
                        "",
                        &format!("Remote configuration {} has changed", shown(&url)),
                    );
                    changed.notify_one();
                }
                known = Some(now);
            }
            Err(e) => say(
                Level::Warn,
                "",
                &format!("Remote configuration {} cannot be looked at: {e:#}", shown(&url)),
            ),
        }
    }
}
