//! The thread that brings batches to the disk: all that waits goes in one write and one sync, and what comes meanwhile goes
//! with the next; only then are acknowledgements let go.

use std::collections::BTreeMap;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wheatstone_metric::Metric;

use super::cursor::{Cursor, CursorFile};
use super::files::{self, DirLock, Layer};
use super::segment::{BODY, Head, put_record};
use super::state::{Doomed, Pending, Segment, untracked};
use super::{DiskOptions, Notice, OnFull, Shared};

/// The cursor is written at most so often; what was written to the database since is written again after a kill.
const CURSOR_EVERY: Duration = Duration::from_millis(20);
/// And synced at most so often: the same for a power cut.
const CURSOR_SYNC_EVERY: Duration = Duration::from_secs(5);
/// How long until the disk is tried again after an error: first, and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// A drained segment of this size is given up before it is full.
const WORTH_DELETING: u64 = 1 << 20;
/// How many damaged segments are kept.
pub(crate) const KEEP_ASIDE: usize = 4;

/// The segment that is appended to. It is the last one of the state.
struct Active {
    file: File,
    head: Head,
    /// Up to where it is good.
    bytes: u64,
}

pub(crate) struct Writer<L> {
    shared: Arc<Shared>,
    layer: L,
    dir: PathBuf,
    options: DiskOptions,
    cursor: CursorFile,
    next_id: u64,
    active: Option<Active>,
    /// Segments that could not be deleted yet.
    undeleted: Vec<Doomed>,
    records: Vec<u8>,
    retry: Option<Instant>,
    retry_after: Duration,
    cursor_due: Instant,
    cursor_sync_due: Instant,
    lock: DirLock,
}

/// What is to be done next.
struct Work {
    group: Vec<Pending>,
    cursor: Option<Cursor>,
    doomed: Vec<Doomed>,
    closing: bool,
}

/// Where each record of a group lies, and where the segment ends now.
struct Written {
    offsets: Vec<u64>,
    end: u64,
}

impl<L: Layer> Writer<L> {
    pub(crate) fn new(
        shared: Arc<Shared>,
        layer: L,
        dir: PathBuf,
        options: DiskOptions,
        cursor: CursorFile,
        next_id: u64,
        lock: DirLock,
    ) -> Writer<L> {
        let now = Instant::now();
        Writer {
            shared,
            layer,
            dir,
            options,
            cursor,
            next_id,
            active: None,
            undeleted: Vec::new(),
            records: Vec::new(),
            retry: None,
            retry_after: RETRY.0,
            cursor_due: now,
            cursor_sync_due: now + CURSOR_SYNC_EVERY,
            lock,
        }
    }

    /// Works until it is told to close and has tried to write what was left.
    pub(crate) fn run(mut self) {
        loop {
            let work = self.wait();
            self.delete(work.doomed);
            if let Some(cursor) = work.cursor {
                self.write_cursor(&cursor);
            }
            let tried = !work.group.is_empty();
            let wrote = tried && self.write_group(work.group);
            if work.closing && !wrote {
                return self.close();
            }
        }
    }

    fn wait(&mut self) -> Work {
        let mut state = self.shared.state.lock();
        loop {
            let now = Instant::now();
            let doomed = std::mem::take(&mut state.doomed);
            if !doomed.is_empty() {
                // There is room again.
                self.retry = None;
            }
            let closing = state.closing;
            let ready = |due: Option<Instant>| closing || due.is_none_or(|due| now >= due);
            let write = !state.pending.is_empty() && ready(self.retry);
            let note = state.cursor_changed && ready(Some(self.cursor_due));
            if write || note || closing || !doomed.is_empty() {
                let group = if write { state.group() } else { Vec::new() };
                state.cursor_changed &= !note;
                let cursor = note.then(|| state.cursor());
                return Work {
                    group,
                    cursor,
                    doomed,
                    closing,
                };
            }
            let retry = self.retry.filter(|_| !state.pending.is_empty());
            let note = state.cursor_changed.then_some(self.cursor_due);
            match retry.into_iter().chain(note).min() {
                Some(until) => {
                    self.shared.work.wait_until(&mut state, until);
                }
                None => self.shared.work.wait(&mut state),
            }
        }
    }

    /// Writes a group and lets its acknowledgements go. False when it could not: they are still held.
    fn write_group(&mut self, group: Vec<Pending>) -> bool {
        let shared = self.shared.clone();
        match self.try_write(&group) {
            Ok(written) => {
                let copies = copies_of_shared(&group);
                let mut state = shared.state.lock();
                if std::mem::take(&mut state.failing) {
                    state.notice(Notice::Recovered);
                }
                let release = state.written(group, &written.offsets, written.end, copies);
                let give_up = written.end > WORTH_DELETING && state.last_is_drained();
                if give_up {
                    state.seal();
                    self.active = None;
                }
                drop(state);
                drop(release);
                self.retry = None;
                self.retry_after = RETRY.0;
                true
            }
            Err(error) => {
                let mut state = shared.state.lock();
                let release = state.not_written();
                state.failing = true;
                state.notice(Notice::Failing {
                    error: error.to_string(),
                });
                drop(state);
                drop(group);
                drop(release);
                self.retry = Some(Instant::now() + self.retry_after);
                self.retry_after = (self.retry_after * 2).min(RETRY.1);
                false
            }
        }
    }

    fn try_write(&mut self, group: &[Pending]) -> io::Result<Written> {
        let mut sync_failed = false;
        loop {
            if self
                .active
                .as_ref()
                .is_none_or(|a| a.bytes >= self.options.segment_bytes)
            {
                self.begin_segment()?;
            }
            let Some(active) = &self.active else {
                return Err(io::ErrorKind::NotFound.into());
            };
            let (id, start) = (active.head.id, active.bytes);
            let offsets = self.encode(active.head.salt, start, group);
            let end = start + self.records.len() as u64;
            self.make_room()?;
            if self.active.as_ref().is_none_or(|a| a.head.id != id) {
                continue;
            }
            let Some(active) = &mut self.active else { continue };
            if let Err(e) = self.layer.write(&mut active.file, &self.records) {
                let whole = active
                    .file
                    .set_len(start)
                    .and_then(|()| active.file.seek(SeekFrom::Start(start)));
                let full = e.kind() == io::ErrorKind::StorageFull || e.kind() == io::ErrorKind::QuotaExceeded;
                if whole.is_err() || !full {
                    self.abandon();
                }
                if full && self.options.on_full == OnFull::DropOldest && self.drop_oldest() {
                    continue;
                }
                return Err(e);
            }
            if self.options.sync
                && let Err(e) = self.layer.sync(&active.file)
            {
                // What the system says it wrote after this cannot be believed: the batches go to a new segment.
                let _ = active.file.set_len(start);
                self.abandon();
                if std::mem::replace(&mut sync_failed, true) {
                    return Err(e);
                }
                self.shared
                    .state
                    .lock()
                    .notice(Notice::Failing { error: e.to_string() });
                continue;
            }
            active.bytes = end;
            return Ok(Written { offsets, end });
        }
    }

    /// Puts the group's records together. One that is too long gets no record, and is given up.
    fn encode(&mut self, salt: u32, start: u64, group: &[Pending]) -> Vec<u64> {
        self.records.clear();
        let mut offsets = Vec::with_capacity(group.len());
        for pending in group {
            offsets.push(start + self.records.len() as u64);
            if !put_record(&mut self.records, salt, pending.seq, &pending.batch) {
                let release = self.shared.state.lock().refuse(pending.seq);
                drop(release);
            }
        }
        offsets
    }

    /// Sees to it that the records fit under `max_bytes`.
    fn make_room(&mut self) -> io::Result<()> {
        loop {
            let mut state = self.shared.state.lock();
            if state.bytes + self.records.len() as u64 <= self.options.max_bytes {
                return Ok(());
            }
            let begun = self.active.as_ref().is_some_and(|a| a.bytes > BODY);
            if state.last_is_drained() {
                state.seal();
                self.active = None;
            } else if self.options.on_full == OnFull::Block {
                if state.segments.len() > usize::from(!begun) {
                    return Err(io::Error::new(io::ErrorKind::StorageFull, "the buffer is full"));
                }
                return Ok(());
            } else if !state.drop_oldest() {
                if !begun {
                    return Ok(());
                }
                state.seal();
                self.active = None;
            }
            let doomed = std::mem::take(&mut state.doomed);
            drop(state);
            self.delete(doomed);
        }
    }

    fn drop_oldest(&mut self) -> bool {
        let mut state = self.shared.state.lock();
        let dropped = state.drop_oldest();
        let doomed = std::mem::take(&mut state.doomed);
        drop(state);
        self.delete(doomed);
        dropped
    }

    /// Seals the last segment and begins a new one.
    fn begin_segment(&mut self) -> io::Result<()> {
        self.abandon();
        let id = self.next_id;
        self.next_id += 1;
        let head = Head { id, salt: random() };
        let path = files::segment_path(&self.dir, id);
        let mut file = files::create(&path)?;
        let made = self.layer.write(&mut file, &head.bytes()).and_then(|()| {
            if self.options.sync {
                files::sync_dir(&self.dir)
            } else {
                Ok(())
            }
        });
        if let Err(e) = made {
            let _ = std::fs::remove_file(&path);
            return Err(e);
        }
        let mut state = self.shared.state.lock();
        state.bytes += BODY;
        state.segments.push_back(Segment::new(head));
        self.active = Some(Active {
            file,
            head,
            bytes: BODY,
        });
        Ok(())
    }

    /// Appends nothing more to the segment.
    fn abandon(&mut self) {
        if self.active.take().is_some() {
            self.shared.state.lock().seal();
        }
    }

    fn delete(&mut self, doomed: Vec<Doomed>) {
        let all: Vec<Doomed> = self.undeleted.drain(..).chain(doomed).collect();
        for segment in all {
            let result = match &segment.damage {
                None => std::fs::remove_file(files::segment_path(&self.dir, segment.id)).map(|()| None),
                Some(reason) => files::set_aside(&self.dir, segment.id, KEEP_ASIDE).map(|file| {
                    Some(Notice::SetAside {
                        file,
                        reason: reason.clone(),
                    })
                }),
            };
            let mut state = self.shared.state.lock();
            match result {
                Ok(notice) => notice.into_iter().for_each(|n| state.notice(n)),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => {
                    state.notice(Notice::Failing {
                        error: format!("deleting a segment: {e}"),
                    });
                    self.undeleted.push(segment);
                    continue;
                }
            }
            state.bytes = state.bytes.saturating_sub(segment.bytes);
        }
    }

    fn write_cursor(&mut self, cursor: &Cursor) {
        let now = Instant::now();
        let mut result = self.cursor.write(cursor);
        if self.options.sync && now >= self.cursor_sync_due {
            result = result.and_then(|()| self.layer.sync(self.cursor.file()));
            self.cursor_sync_due = now + CURSOR_SYNC_EVERY;
        }
        if let Err(e) = result {
            self.shared.state.lock().notice(Notice::Failing {
                error: format!("the cursor: {e}"),
            });
        }
        self.cursor_due = now + CURSOR_EVERY;
    }

    fn close(mut self) {
        if let Some(active) = &self.active
            && let Err(e) = self.layer.sync(&active.file)
        {
            self.shared
                .state
                .lock()
                .notice(Notice::Failing { error: e.to_string() });
        }
        self.abandon();
        let mut state = self.shared.state.lock();
        let doomed = std::mem::take(&mut state.doomed);
        let cursor = state.cursor();
        drop(state);
        self.write_cursor(&cursor);
        if let Err(e) = self.layer.sync(self.cursor.file()) {
            self.shared.state.lock().notice(Notice::Failing {
                error: format!("the cursor: {e}"),
            });
        }
        self.delete(doomed);
        let shared = self.shared;
        // Whoever waits for the end may open the folder again.
        drop(self.lock);
        shared.state.lock().closed = true;
        shared.closed.notify_all();
    }
}

/// Copies the tracked batches that other outputs hold too, before the lock is taken.
fn copies_of_shared(group: &[Pending]) -> BTreeMap<u64, Arc<Vec<Metric>>> {
    // One share is in the group, one pending, one in the window.
    let shared = group
        .iter()
        .filter(|p| Arc::strong_count(&p.batch) > 3 && p.is_tracked());
    shared.map(|p| (p.seq, untracked(&p.batch))).collect()
}

/// Not for secrets: different from segment to segment, and not to be guessed from outside.
fn random() -> u32 {
    std::hash::RandomState::new().build_hasher().finish() as u32
}
