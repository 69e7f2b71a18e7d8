//! What a disk buffer finds when it opens: every record is checked, what is damaged is left out, and it always starts.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::cursor::{Cursor, CursorFile};
use super::files;
use super::segment::{BODY, BadHead, Head, Reader, Step};
use super::settled::Open;
use super::state::{Place, Segment, State};
use crate::codec;

/// A file that could not be read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which one. A segment gets the ending `.corrupt` once what is good in it was written.
    pub file: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.reason)
    }
}

/// What was found when a disk buffer was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Batches that wait.
    pub records: usize,
    /// Metrics that wait.
    pub metrics: usize,
    /// Bytes cut off the end of the last segment: a write that was under way when the agent or the machine stopped.
    pub truncated: u64,
    /// Files with damage in them.
    pub problems: Vec<Problem>,
}

pub(crate) struct Recovered {
    pub(crate) state: State,
    pub(crate) cursor: CursorFile,
    pub(crate) next_id: u64,
    pub(crate) report: Recovery,
}

/// Reads the folder. Fails only where it can neither be read nor written.
pub(crate) fn recover(dir: &Path, limit: usize, keep_aside: usize) -> io::Result<Recovered> {
    let mut report = Recovery::default();
    let cursor_path = dir.join("cursor");
    let (cursor_file, cursor, wrong) = CursorFile::open(files::open_or_create(&cursor_path)?)?;
    if let Some(reason) = wrong {
        report.problems.push(Problem {
            file: cursor_path,
            reason: reason.into(),
        });
    }
    let mut state = State::new(limit);
    for &(from, to) in cursor.done.iter().filter(|(from, to)| from <= to) {
        state.done.add(from, to);
    }
    let marks: BTreeMap<_, _> = cursor.marks.iter().map(|(seq, marks)| (*seq, marks)).collect();
    let (ids, aside) = files::list(dir)?;
    let aside_ids = aside
        .iter()
        .filter_map(|p| p.file_stem()?.to_str()?.parse::<u64>().ok());
    let next_id = ids
        .iter()
        .copied()
        .chain(aside_ids)
        .max()
        .unwrap_or(0)
        .saturating_add(1);
    let mut last = 0;
    for (n, id) in ids.iter().enumerate() {
        let path = files::segment_path(dir, *id);
        let scan = Scan {
            state: &mut state,
            report: &mut report,
            cursor: &cursor,
            marks: &marks,
            last: &mut last,
        };
        let reason = match scan.segment(&path, *id, n + 1 == ids.len()) {
            Ok(()) => continue,
            Err(Unreadable::Empty) => {
                let _ = fs::remove_file(&path);
                continue;
            }
            Err(Unreadable::Newer(version)) => {
                format!("version {version} of the format is not known; it is left as it is")
            }
            Err(Unreadable::Damaged(reason)) => {
                let _ = files::set_aside(dir, *id, keep_aside);
                reason
            }
        };
        report.problems.push(Problem { file: path, reason });
    }
    state.next_seq = cursor.above().max(last + 1).max(1);
    // A number that only the cursor knows is gone for good.
    let known = state.watermark();
    state.done.forget_below(known);
    state.doom();
    report.metrics = state.len();
    Ok(Recovered {
        state,
        cursor: cursor_file,
        next_id,
        report,
    })
}

enum Unreadable {
    /// Nothing was ever written to it.
    Empty,
    Newer(u16),
    Damaged(String),
}

impl From<io::Error> for Unreadable {
    fn from(e: io::Error) -> Unreadable {
        Unreadable::Damaged(e.to_string())
    }
}

struct Scan<'a> {
    state: &'a mut State,
    report: &'a mut Recovery,
    cursor: &'a Cursor,
    marks: &'a BTreeMap<u64, &'a Vec<(u32, u32)>>,
    /// The highest number seen.
    last: &'a mut u64,
}

impl Scan<'_> {
    fn segment(mut self, path: &Path, id: u64, newest: bool) -> Result<(), Unreadable> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut head = Vec::new();
        (&mut file).take(BODY).read_to_end(&mut head)?;
        let head = match Head::read(&head) {
            Ok(head) if head.id == id => head,
            Ok(_) => return Err(Unreadable::Damaged("it was renamed".into())),
            Err(BadHead::Newer(version)) => return Err(Unreadable::Newer(version)),
            Err(BadHead::Damaged) if length <= BODY => return Err(Unreadable::Empty),
            Err(BadHead::Damaged) => return Err(Unreadable::Damaged("its head is damaged".into())),
        };
        let mut segment = Segment::new(head);
        segment.sealed = true;
        let mut reader = Reader::new(head, file, length);
        let mut at = BODY;
        loop {
            match reader.step(at, *self.last)? {
                Step::End => break,
                Step::Record {
                    seq,
                    at: body,
                    len,
                    next,
                } => {
                    let count = reader
                        .bytes(body, len)?
                        .map_or(0, |b| codec::count(b).unwrap_or(0));
                    self.record(&mut segment, seq, count, at);
                    at = next;
                }
                Step::Damage { next: Some(next) } => {
                    segment
                        .damage
                        .get_or_insert_with(|| format!("{} bytes at {at} are damaged", next - at));
                    at = next;
                }
                // The end of what was written last may be torn: that is no damage, it was never acknowledged.
                Step::Damage { next: None } if newest => {
                    self.report.truncated = length - at;
                    OpenOptions::new().write(true).open(path)?.set_len(at)?;
                    break;
                }
                Step::Damage { next: None } => {
                    segment
                        .damage
                        .get_or_insert_with(|| format!("damaged from {at} on"));
                    break;
                }
            }
        }
        segment.bytes = at;
        if let Some(reason) = &segment.damage {
            self.report.problems.push(Problem {
                file: path.to_owned(),
                reason: reason.clone(),
            });
        }
        self.state.bytes += segment.bytes;
        self.state.segments.push_back(segment);
        Ok(())
    }

    fn record(&mut self, segment: &mut Segment, seq: u64, count: usize, offset: u64) {
        // A number that was there before: the record was written again after a failed sync.
        if seq <= *self.last || count == 0 {
            return;
        }
        *self.last = seq;
        if segment.last == 0 {
            segment.first = seq;
        }
        segment.last = seq;
        if seq < self.cursor.seq || self.state.done.contains(seq) {
            return;
        }
        let mut left = count;
        if let Some(marks) = self.marks.get(&seq) {
            match Open::with(count, marks) {
                Some(open) => {
                    left = open.left();
                    self.state.open.insert(seq, open);
                }
                None => return self.state.done.add(seq, seq),
            }
        }
        self.state.region.get_or_insert(Place {
            segment: segment.head.id,
            offset,
            seq,
        });
        segment.unread += left;
        self.state.region_metrics += left;
        self.report.records += 1;
    }
}
