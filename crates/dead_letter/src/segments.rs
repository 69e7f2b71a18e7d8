//! The segments of the store: one is appended to, the oldest go when there is no room or when they are too old.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::files::{self, Layer, segment_path};
use crate::record;
use crate::store::{Limits, Stats};

/// A file of letters.
struct Segment {
    /// The number of its first letter, and its name.
    first: u64,
    /// Up to where it is good.
    bytes: u64,
}

pub(crate) struct Segments {
    dir: PathBuf,
    /// Oldest first. The last one is appended to, if `file` is there.
    list: VecDeque<Segment>,
    file: Option<File>,
    /// Since when the last one is appended to.
    since: Instant,
}

impl Segments {
    /// Finds what is there, and the number of the next letter. Nothing is changed.
    pub(crate) fn open(dir: PathBuf) -> io::Result<(Segments, u64)> {
        let mut list = VecDeque::new();
        for first in files::segments(&dir)? {
            let bytes = fs::metadata(segment_path(&dir, first))?.len();
            list.push_back(Segment { first, bytes });
        }
        let (mut file, mut next_id) = (None, 1);
        if let Some(last) = list.back() {
            let path = segment_path(&dir, last.first);
            let end = find_end(&path, last.first)?;
            next_id = end.next_id;
            // Behind a line that was cut off no other can stand: another segment is begun then.
            if end.whole {
                file = Some(files::open_append(&path, false)?);
            }
        }
        let since = Instant::now();
        Ok((
            Segments {
                dir,
                list,
                file,
                since,
            },
            next_id,
        ))
    }

    /// Whether there is a segment to append to.
    pub(crate) fn is_open(&self) -> bool {
        self.file.is_some()
    }
    /// How much the segment holds that is appended to.
    pub(crate) fn held(&self) -> u64 {
        self.list.back().map_or(0, |s| s.bytes)
    }
    /// How much all of them hold.
    pub(crate) fn total(&self) -> u64 {
        self.list.iter().map(|s| s.bytes).sum()
    }

    /// Begins another segment, whose first letter has this number.
    pub(crate) fn begin(&mut self, first: u64, sync: bool) -> io::Result<()> {
        let path = segment_path(&self.dir, first);
        let file = files::open_append(&path, true)?;
        if sync && let Err(e) = files::sync_dir(&self.dir) {
            let _ = fs::remove_file(&path);
            return Err(e);
        }
        self.list.push_back(Segment { first, bytes: 0 });
        self.file = Some(file);
        self.since = Instant::now();
        Ok(())
    }

    /// Nothing more is appended to the segment.
    pub(crate) fn end(&mut self) {
        self.file = None;
    }

    /// Appends whole lines. After an error none of them counts, and another segment must be begun.
    pub(crate) fn append(&mut self, lines: &[u8], sync: bool, layer: &mut impl Layer) -> io::Result<()> {
        let (Some(file), Some(segment)) = (&mut self.file, self.list.back_mut()) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let mut result = layer.write(file, lines);
        if sync && result.is_ok() {
            result = layer.sync(file);
        }
        if result.is_ok() {
            segment.bytes += lines.len() as u64;
            return Ok(());
        }
        // What a failed sync leaves is not known, so the file is not used any more; what a failed write leaves must go.
        let cut = file.set_len(segment.bytes);
        self.file = None;
        if cut.is_ok()
            && segment.bytes == 0
            && fs::remove_file(segment_path(&self.dir, segment.first)).is_ok()
        {
            self.list.pop_back();
        }
        result
    }

    /// Deletes the oldest until there is room for so many bytes more. The last one stays.
    pub(crate) fn make_room(&mut self, bytes: u64, max_bytes: u64, stats: &Stats) -> io::Result<()> {
        while self.list.len() > 1 && self.total() + bytes > max_bytes {
            self.delete_oldest(stats)?;
        }
        Ok(())
    }

    /// Deletes what is too much or too old.
    pub(crate) fn tidy(&mut self, limits: &Limits, next_id: u64, stats: &Stats) -> io::Result<()> {
        if let Some(max_age) = limits.max_age {
            // A file is as old as its youngest letter, so it must not be appended to for ever.
            let old =
                self.since.elapsed() > max_age / 8 || self.is_older(self.list.len().wrapping_sub(1), max_age);
            if old && self.held() > 0 {
                self.begin(next_id, limits.sync)?;
            }
            while self.list.len() > 1 && self.is_older(0, max_age) {
                self.delete_oldest(stats)?;
            }
        }
        if self.held() > limits.max_bytes {
            self.begin(next_id, limits.sync)?;
        }
        self.make_room(0, limits.max_bytes, stats)
    }

    fn delete_oldest(&mut self, stats: &Stats) -> io::Result<()> {
        if let [oldest, next, ..] = self.list.make_contiguous() {
            match fs::remove_file(segment_path(&self.dir, oldest.first)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
            if oldest.bytes > 0 {
                stats.deleted.add((next.first - oldest.first) as i64);
            }
            self.list.pop_front();
        }
        Ok(())
    }

    fn is_older(&self, segment: usize, max_age: Duration) -> bool {
        let Some(segment) = self.list.get(segment) else {
            return false;
        };
        let modified = fs::metadata(segment_path(&self.dir, segment.first)).and_then(|m| m.modified());
        let age = modified.map(|at| SystemTime::now().duration_since(at));
        // A file from the future is young: clocks are set back.
        matches!(age, Ok(Ok(age)) if age > max_age)
    }
}

/// No letter's line is shorter.
const SHORTEST: usize = 64;

/// Where a segment that was there before ends.
struct End {
    next_id: u64,
    /// Its last line is whole.
    whole: bool,
}

fn find_end(path: &Path, first: u64) -> io::Result<End> {
    let mut file = BufReader::with_capacity(64 << 10, File::open(path)?);
    let mut end = End {
        next_id: first,
        whole: true,
    };
    let mut line = Vec::new();
    loop {
        line.clear();
        if file.read_until(b'\n', &mut line)? == 0 {
            return Ok(end);
        }
        end.whole = line.pop_if(|b| *b == b'\n').is_some();
        end.next_id = match record::decode(&line) {
            Some((id, _)) => end.next_id.max(id).saturating_add(1),
            // It had a number too, or several where newlines are damaged.
            None => end.next_id.saturating_add(1 + (line.len() / SHORTEST) as u64),
        };
    }
}
