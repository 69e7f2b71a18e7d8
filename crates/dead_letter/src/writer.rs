//! The thread that brings letters to the disk: all that wait go in one write and one sync, and what comes meanwhile goes
//! with the next.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use wheatstone_plugin::{Log, error, info, warn};

use crate::files::{self, Layer, Lock, segment_path};
use crate::marks::Marks;
use crate::record;
use crate::store::{Item, Limits, Shared};

/// How long until the disk is tried again after an error: first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// How often old letters are looked for, and an overflow is told, at most.
const TIDY_EVERY: Duration = Duration::from_secs(10);

/// A file of letters.
struct Segment {
    /// The number of its first letter, and its name.
    first: u64,
    /// Up to where it is good.
    bytes: u64,
}

pub(crate) struct Writer<L> {
    shared: Arc<Shared>,
    layer: L,
    dir: PathBuf,
    limits: Limits,
    /// Oldest first. The last one is appended to, if `file` is there.
    segments: VecDeque<Segment>,
    file: Option<File>,
    /// Since when the last segment is appended to.
    since: Instant,
    next_id: u64,
    /// What is to be written: letters leave once they are safe.
    group: Vec<Item>,
    lines: Vec<u8>,
    retry: Option<Instant>,
    retry_after: Duration,
    tidy_due: Instant,
    log: Log,
    lock: Lock,
}

/// What is to be done next.
enum Work {
    Write,
    Tidy,
    Close,
}

impl<L: Layer> Writer<L> {
    /// Finds out where the store stands. Nothing that is there is changed.
    pub(crate) fn open(
        shared: Arc<Shared>,
        layer: L,
        dir: PathBuf,
        limits: Limits,
        lock: Lock,
    ) -> io::Result<Writer<L>> {
        let mut segments = VecDeque::new();
        for first in files::segments(&dir)? {
            let bytes = std::fs::metadata(segment_path(&dir, first))?.len();
            segments.push_back(Segment { first, bytes });
        }
        let marked = Marks::load(&dir).map_or(0, |marks| marks.max());
        let mut next_id = marked + 1;
        let mut file = None;
        if let Some(last) = segments.back() {
            let end = find_end(&segment_path(&dir, last.first), last.first)?;
            next_id = next_id.max(end.next_id);
            // Behind a line that was cut off no other can stand: another segment is begun then.
            if end.whole {
                file = Some(files::open_append(&segment_path(&dir, last.first), false)?);
            }
        }
        let now = Instant::now();
        Ok(Writer {
            shared,
            layer,
            dir,
            limits,
            segments,
            file,
            since: now,
            next_id,
            group: Vec::new(),
            lines: Vec::new(),
            retry: None,
            retry_after: RETRY.0,
            tidy_due: now,
            log: Log::new("wheatstone.dead_letter", None, None),
            lock,
        })
    }

    /// Works until it is told to close and has tried to write what was left.
    pub(crate) fn run(mut self) {
        loop {
            match self.wait() {
                Work::Write => self.write_group(),
                Work::Tidy => self.tidy(),
                Work::Close => {
                    self.write_group();
                    return self.close();
                }
            }
        }
    }

    fn wait(&mut self) -> Work {
        let shared = self.shared.clone();
        let mut state = shared.state.lock();
        loop {
            let now = Instant::now();
            self.group.append(&mut state.queue);
            state.in_hand = self.group.len();
            if state.closing {
                return Work::Close;
            }
            if state.in_hand == 0 {
                shared.idle.notify_all();
            }
            if state.limits != self.limits {
                self.limits = state.limits;
                return Work::Tidy;
            }
            if now >= self.tidy_due {
                self.tidy_due = now + TIDY_EVERY;
                let overflow = std::mem::take(&mut state.overflow);
                drop(state);
                if overflow > 0 {
                    warn!(self.log, "{overflow} letters have been dropped: they came faster than the disk took them");
                }
                return Work::Tidy;
            }
            if state.in_hand > 0 && self.retry.is_none_or(|due| now >= due) {
                return Work::Write;
            }
            let due = self.retry.filter(|_| state.in_hand > 0).unwrap_or(self.tidy_due).min(self.tidy_due);
            shared.work.wait_until(&mut state, due);
        }
    }

    /// Writes what it has in its hands, or says when to try again.
    fn write_group(&mut self) {
        while !self.group.is_empty() {
            match self.write_some() {
                Ok(written) => self.let_go(written),
                Err(e) => {
                    self.shared.stats.errors.add(1);
                    if self.retry.is_none() {
                        error!(self.log, "Dead letters cannot be written: {e}; trying again");
                    }
                    self.retry = Some(Instant::now() + self.retry_after);
                    self.retry_after = (self.retry_after * 2).min(RETRY.1);
                    return;
                }
            }
        }
        if self.retry.take().is_some() {
            self.retry_after = RETRY.0;
            info!(self.log, "Dead letters are written again");
        }
    }

    /// Writes the first letters of the group, as many as the segment takes; returns how many need not be written any more.
    fn write_some(&mut self) -> io::Result<usize> {
        if self.file.is_none() {
            self.begin_segment()?;
        }
        let held = self.segments.back().map_or(0, |s| s.bytes);
        self.lines.clear();
        let (mut done, mut written, mut full) = (0, 0, false);
        for item in &self.group {
            let begin = self.lines.len();
            // A number is never given twice, not even after a failed write.
            let encoded = record::encode(self.next_id, &item.letter, &mut self.lines);
            let line = (self.lines.len() - begin) as u64;
            if !encoded || line > self.limits.max_bytes {
                self.lines.truncate(begin);
                item.reject();
                self.shared.stats.dropped.add(1);
                warn!(self.log, "A letter from {} has {line} bytes and cannot be kept", item.letter.plugin);
                done += 1;
                continue;
            }
            if held + self.lines.len() as u64 > self.limits.segment_bytes() && held + begin as u64 > 0 {
                self.lines.truncate(begin);
                full = true;
                break;
            }
            self.next_id += 1;
            done += 1;
            written += 1;
        }
        if !self.lines.is_empty() {
            self.make_room(self.lines.len() as u64)?;
            self.append()?;
            self.shared.stats.recorded.add(written);
        }
        if full {
            self.file = None;
        }
        Ok(done)
    }

    fn append(&mut self) -> io::Result<()> {
        let (Some(file), Some(segment)) = (&mut self.file, self.segments.back_mut()) else { return Ok(()) };
        let wrote = self.layer.write(file, &self.lines);
        let synced = match wrote {
            Ok(()) if self.limits.sync => self.layer.sync(file),
            wrote => wrote,
        };
        match synced {
            Ok(()) => {
                segment.bytes += self.lines.len() as u64;
                self.note_bytes();
                Ok(())
            }
            Err(e) => {
                // What a failed sync leaves is not known, so the file is not used any more; what a failed write leaves must go.
                let cut = file.set_len(segment.bytes);
                self.file = None;
                if cut.is_ok() && segment.bytes == 0 && std::fs::remove_file(segment_path(&self.dir, segment.first)).is_ok() {
                    self.segments.pop_back();
                }
                Err(e)
            }
        }
    }

    /// The first letters of the group are safe, or lost: their messages may go.
    fn let_go(&mut self, n: usize) {
        let weight: usize = self.group[..n].iter().map(|item| item.weight).sum();
        self.shared.state.lock().waiting -= weight;
        self.group.drain(..n);
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        let path = segment_path(&self.dir, self.next_id);
        let file = files::open_append(&path, true)?;
        if self.limits.sync
            && let Err(e) = files::sync_dir(&self.dir)
        {
            let _ = std::fs::remove_file(&path);
            return Err(e);
        }
        self.segments.push_back(Segment { first: self.next_id, bytes: 0 });
        self.file = Some(file);
        self.since = Instant::now();
        Ok(())
    }

    /// Deletes the oldest segments until there is room for so many bytes more. The one that is appended to stays.
    fn make_room(&mut self, bytes: u64) -> io::Result<()> {
        while self.segments.len() > 1 && self.total() + bytes > self.limits.max_bytes {
            self.delete_oldest()?;
        }
        Ok(())
    }

    fn total(&self) -> u64 {
        self.segments.iter().map(|s| s.bytes).sum()
    }

    fn note_bytes(&self) {
        self.shared.stats.bytes.set(self.total() as i64);
    }

    fn delete_oldest(&mut self) -> io::Result<()> {
        if let [oldest, next, ..] = self.segments.make_contiguous() {
            match std::fs::remove_file(segment_path(&self.dir, oldest.first)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
            if oldest.bytes > 0 {
                self.shared.stats.deleted.add((next.first - oldest.first) as i64);
            }
            self.segments.pop_front();
            self.note_bytes();
        }
        Ok(())
    }

    /// Deletes what is too much or too old.
    fn tidy(&mut self) {
        if let Err(e) = self.try_tidy() {
            self.shared.stats.errors.add(1);
            warn!(self.log, "Old dead letters cannot be deleted: {e}");
        }
    }

    fn try_tidy(&mut self) -> io::Result<()> {
        let holds_something = self.segments.back().is_some_and(|s| s.bytes > 0);
        if let Some(max_age) = self.limits.max_age {
            // The file is as old as its youngest letter, so that it must not be filled for ever.
            if holds_something && (self.since.elapsed() > max_age / 8 || self.is_older(self.segments.len() - 1, max_age)) {
                self.begin_segment()?;
            }
            while self.segments.len() > 1 && self.is_older(0, max_age) {
                self.delete_oldest()?;
            }
        }
        if holds_something && self.segments.len() == 1 && self.total() > self.limits.max_bytes {
            self.begin_segment()?;
        }
        self.make_room(0)
    }

    fn is_older(&self, segment: usize, max_age: Duration) -> bool {
        let Some(segment) = self.segments.get(segment) else { return false };
        let modified = std::fs::metadata(segment_path(&self.dir, segment.first)).and_then(|m| m.modified());
        // A file from the future is young: clocks are set back.
        modified.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age > max_age))
    }

    fn close(self) {
        if !self.group.is_empty() {
            error!(self.log, "{} dead letters could not be written", self.group.len());
        }
        // Whoever sees it closed may open the folder again.
        drop(self.lock);
        let mut state = self.shared.state.lock();
        state.unsaved = self.group.len();
        state.in_hand = 0;
        state.closed = true;
        self.shared.idle.notify_all();
        drop(state);
        // To drop them would acknowledge them.
        std::mem::forget(self.group);
    }
}

/// Where a segment that was there before ends.
struct End {
    next_id: u64,
    /// Its last line is whole.
    whole: bool,
}

fn find_end(path: &Path, first: u64) -> io::Result<End> {
    let mut file = BufReader::with_capacity(64 << 10, File::open(path)?);
    let mut end = End { next_id: first, whole: true };
    let mut line = Vec::new();
    loop {
        line.clear();
        if file.read_until(b'\n', &mut line)? == 0 {
            return Ok(end);
        }
        end.whole = line.pop_if(|b| *b == b'\n').is_some();
        // A damaged line had a number too.
        let id = record::decode(&line).map_or(0, |(id, _)| id);
        end.next_id = (end.next_id + 1).max(id.saturating_add(1));
    }
}
