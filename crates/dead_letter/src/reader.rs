//! Letters for whoever looks at them: a command beside the running agent. What is damaged is stepped over and counted.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Take};
use std::path::{Path, PathBuf};

use wheatstone_gotime::TimeFormat;
use wheatstone_metric::Timestamp;
use wheatstone_plugin::Glob;
use wheatstone_plugin::conf::Duration;

use crate::files::{self, Lock};
use crate::marks::Marks;
use crate::record;
use wheatstone_plugin::dead_letter::Letter;

/// Which letters are wanted; all that were not removed as default.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Not before this time.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Names of plugins, with or without their aliases.
    pub plugin: Option<Glob>,
    /// Topics, files, addresses.
    pub source: Option<Glob>,
    /// Leave out what was replayed.
    pub unreplayed: bool,
    /// Only letters with these numbers; all where it is empty.
    pub ids: Vec<u64>,
}

impl Filter {
    /// Reads what a command was given: `plugins` and `sources` may have wildcards, empty lists take all.
    pub fn new(since: Option<Timestamp>, plugins: &[String], sources: &[String]) -> Result<Filter, String> {
        let (plugin, source) = (Glob::new(plugins, "")?, Glob::new(sources, "")?);
        Ok(Filter {
            since,
            plugin,
            source,
            ..Filter::default()
        })
    }

    fn takes(&self, entry: &Entry) -> bool {
        let letter = &entry.letter;
        let name = letter.plugin.split("::").next().unwrap_or_default();
        self.since.is_none_or(|since| letter.time >= since)
            && self.until.is_none_or(|until| letter.time < until)
            && self
                .plugin
                .as_ref()
                .is_none_or(|g| g.matches(&letter.plugin) || g.matches(name))
            && self
                .source
                .as_ref()
                .is_none_or(|g| g.matches(letter.source.as_deref().unwrap_or_default()))
            && !(self.unreplayed && entry.replayed)
            && (self.ids.is_empty() || self.ids.contains(&entry.id))
    }
}

/// Reads what `--since` takes: how long ago (`2h`, `7d`), a date, or a time such as `2026-01-31T12:00:00Z`.
pub fn parse_since(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    for layout in ["2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02"] {
        if let Some(time) = TimeFormat::new(layout, "UTC")
            .ok()
            .and_then(|f| f.parse_str(text).ok())
        {
            return Ok(time);
        }
    }
    match Duration::parse(text) {
        Ok(ago) if ago != Duration::ZERO => Ok(now.saturating_sub(ago.nanos())),
        _ => Err(format!(
            "invalid time {text:?}: use how long ago, such as \"2h\", or a time such as \"2026-01-31T12:00:00Z\""
        )),
    }
}

/// A letter with its number, which stays the same as long as the letter is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number.
    pub id: u64,
    /// Whether it was sent again.
    pub replayed: bool,
    /// The letter.
    pub letter: Letter,
}

/// The letters of a folder, to be read while an agent may write there.
#[derive(Debug)]
pub struct Letters {
    dir: PathBuf,
    marks: Marks,
}

impl Letters {
    /// Opens the folder. One that is not there is an error.
    pub fn open(dir: impl AsRef<Path>) -> io::Result<Letters> {
        let dir = dir.as_ref().to_owned();
        files::segments(&dir)?;
        let marks = Marks::load(&dir)?;
        Ok(Letters { dir, marks })
    }

    /// The letters that are there now, oldest first.
    pub fn list(&self, filter: Filter) -> io::Result<Entries> {
        Entries::new(&self.dir, self.marks.clone(), filter, files::segments(&self.dir)?)
    }

    /// One letter.
    pub fn show(&self, id: u64) -> io::Result<Option<Entry>> {
        let segments = files::segments(&self.dir)?;
        let after = segments.partition_point(|first| *first <= id);
        let segment = segments[..after].last().copied().into_iter().collect();
        for entry in Entries::new(&self.dir, self.marks.clone(), Filter::default(), segment)? {
            let entry = entry?;
            if entry.id == id {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// Hides these letters for good. Their bytes go with their segment. While somebody replays it is refused (`WouldBlock`).
    pub fn remove(&mut self, ids: &[u64]) -> io::Result<()> {
        let _lock = files::lock(&self.dir, "replay.lock")?;
        let mut marks = Marks::default();
        ids.iter().for_each(|id| marks.removed.insert(*id));
        marks.append(&self.dir)?;
        self.marks.add(&marks);
        Ok(())
    }

    /// The letters that were not replayed yet, oldest first. Nobody else can replay meanwhile (`WouldBlock`).
    pub fn replay(&self, filter: Filter) -> io::Result<Replay> {
        let lock = files::lock(&self.dir, "replay.lock")?;
        // Read again: another replay may have ended since.
        let mut marks = Marks::load(&self.dir)?;
        let segments = files::segments(&self.dir)?;
        marks.compact(&self.dir, segments.first().copied().unwrap_or(0))?;
        let filter = Filter {
            unreplayed: true,
            ..filter
        };
        let entries = Entries::new(&self.dir, marks, filter, segments)?;
        Ok(Replay {
            dir: self.dir.clone(),
            entries,
            _lock: lock,
        })
    }
}

/// A replay. Call [`next`](Iterator::next), send what it gives, and say so with [`done`](Replay::done): what nobody said is
/// given again by the next replay.
#[derive(Debug)]
pub struct Replay {
    dir: PathBuf,
    entries: Entries,
    _lock: Lock,
}

impl Replay {
    /// These letters were delivered: no replay gives them again, even after a crash. It syncs the disk, so call it for many.
    pub fn done(&mut self, ids: &[u64]) -> io::Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut marks = Marks::default();
        ids.iter().for_each(|id| marks.replayed.insert(*id));
        marks.append(&self.dir)
    }
    /// How many damaged lines were stepped over so far.
    pub fn damaged(&self) -> usize {
        self.entries.damaged
    }
}

impl Iterator for Replay {
    type Item = io::Result<Entry>;
    fn next(&mut self) -> Option<io::Result<Entry>> {
        self.entries.next()
    }
}

/// Letters on their way from the disk. An error ends one segment; the next follows.
#[derive(Debug)]
pub struct Entries {
    dir: PathBuf,
    marks: Marks,
    filter: Filter,
    /// First letter and length: what is appended later is not read, so that reading ends.
    segments: VecDeque<(u64, u64)>,
    open: Option<BufReader<Take<File>>>,
    line: Vec<u8>,
    damaged: usize,
}

impl Entries {
    fn new(dir: &Path, marks: Marks, filter: Filter, segments: Vec<u64>) -> io::Result<Entries> {
        let mut found = VecDeque::with_capacity(segments.len());
        for first in segments {
            match std::fs::metadata(files::segment_path(dir, first)) {
                // The agent made room meanwhile.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                metadata => found.push_back((first, metadata?.len())),
            }
        }
        let dir = dir.to_owned();
        Ok(Entries {
            dir,
            marks,
            filter,
            segments: found,
            open: None,
            line: Vec::new(),
            damaged: 0,
        })
    }

    /// How many damaged lines were stepped over so far.
    pub fn damaged(&self) -> usize {
        self.damaged
    }

    fn try_next(&mut self) -> io::Result<Option<Entry>> {
        loop {
            let Some(file) = &mut self.open else {
                let Some((first, len)) = self.segments.pop_front() else {
                    return Ok(None);
                };
                match File::open(files::segment_path(&self.dir, first)) {
                    Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                    file => self.open = Some(BufReader::with_capacity(64 << 10, file?.take(len))),
                }
                continue;
            };
            self.line.clear();
            if file.read_until(b'\n', &mut self.line)? == 0 {
                self.open = None;
                continue;
            }
            let whole = self.line.pop_if(|b| *b == b'\n').is_some();
            let Some((id, letter)) = whole.then(|| record::decode(&self.line)).flatten() else {
                // The last line of all may be one that is just being written.
                self.damaged += usize::from(whole || !self.segments.is_empty());
                continue;
            };
            let entry = Entry {
                id,
                replayed: self.marks.replayed.contains(id),
                letter,
            };
            if !self.marks.removed.contains(id) && self.filter.takes(&entry) {
                return Ok(Some(entry));
            }
        }
    }
}

impl Iterator for Entries {
    type Item = io::Result<Entry>;
    fn next(&mut self) -> Option<io::Result<Entry>> {
        self.try_next().inspect_err(|_| self.open = None).transpose()
    }
}
