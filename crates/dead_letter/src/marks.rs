//! Which letters were replayed or removed. Segments are only appended to, so this stands in a file of its own: one line for
//! each time that something was marked, with a checksum as the letters have.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files;
use crate::record::checked;

/// Numbers, as sorted ranges with both ends in them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    pub(crate) fn contains(&self, n: u64) -> bool {
        let i = self.0.partition_point(|(_, last)| *last < n);
        self.0.get(i).is_some_and(|(first, _)| *first <= n)
    }
    fn max(&self) -> u64 {
        self.0.last().map_or(0, |(_, last)| *last)
    }
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub(crate) fn insert(&mut self, n: u64) {
        self.insert_range(n, n);
    }
    fn insert_range(&mut self, mut first: u64, mut last: u64) {
        if first > last {
            return;
        }
        // What touches the new range becomes part of it.
        let from = self.0.partition_point(|(_, l)| l.saturating_add(1) < first);
        let to = self.0.partition_point(|(f, _)| *f <= last.saturating_add(1));
        if let (Some((f, _)), Some((_, l))) = (self.0.get(from), self.0[..to].last())
            && from < to
        {
            (first, last) = (first.min(*f), last.max(*l));
        }
        self.0.splice(from..to.max(from), [(first, last)]);
    }
    fn forget_below(&mut self, n: u64) {
        self.0.retain_mut(|(first, last)| {
            *first = (*first).max(n);
            *first <= *last
        });
    }
}

/// Both kinds of marks; a line of the file holds those that it adds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marks {
    #[serde(default, skip_serializing_if = "Ranges::is_empty")]
    pub(crate) replayed: Ranges,
    #[serde(default, skip_serializing_if = "Ranges::is_empty")]
    pub(crate) removed: Ranges,
}

impl Marks {
    fn path(dir: &Path) -> PathBuf {
        dir.join("marks")
    }

    /// All that was marked. A damaged line is left out: its letters count as neither replayed nor removed.
    pub(crate) fn load(dir: &Path) -> io::Result<Marks> {
        let text = match std::fs::read(Marks::path(dir)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Marks::default()),
            text => text?,
        };
        let mut all = Marks::default();
        for line in text.split(|b| *b == b'\n') {
            if let Some(json) = checked(line)
                && let Ok(marks) = serde_json::from_slice::<Marks>(json)
            {
                all.add(&marks);
            }
        }
        Ok(all)
    }

    pub(crate) fn add(&mut self, other: &Marks) {
        for (first, last) in &other.replayed.0 {
            self.replayed.insert_range(*first, *last);
        }
        for (first, last) in &other.removed.0 {
            self.removed.insert_range(*first, *last);
        }
    }

    /// The highest number that was ever marked and is still remembered.
    pub(crate) fn max(&self) -> u64 {
        self.replayed.max().max(self.removed.max())
    }

    /// Adds these marks to the file and syncs it.
    pub(crate) fn append(&self, dir: &Path) -> io::Result<()> {
        let mut file = files::append_or_create(&Marks::path(dir))?;
        // A line that a crash cut off must not take this one along.
        let mut line = vec![b'\n'];
        self.put_line(&mut line)?;
        file.write_all(&line)?;
        file.sync_all()
    }

    /// Writes the file anew with only the marks of letters that are still there.
    pub(crate) fn compact(&mut self, dir: &Path, oldest: u64) -> io::Result<()> {
        let before = self.clone();
        self.replayed.forget_below(oldest);
        self.removed.forget_below(oldest);
        if *self == before {
            return Ok(());
        }
        let mut line = Vec::new();
        self.put_line(&mut line)?;
        files::replace(&Marks::path(dir), &line)
    }

    fn put_line(&self, out: &mut Vec<u8>) -> io::Result<()> {
        let json = serde_json::to_vec(self)?;
        out.extend_from_slice(format!("{:08x} ", crc32fast::hash(&json)).as_bytes());
        out.extend_from_slice(&json);
        out.push(b'\n');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn ranges_are_a_set(ranges in prop::collection::vec((0u64..60, 0u64..8), 0..30), below in 0u64..60) {
            let (mut set, mut plain) = (Ranges::default(), BTreeSet::new());
            for (first, more) in ranges {
                set.insert_range(first, first + more);
                plain.extend(first..=first + more);
            }
            set.forget_below(below);
            plain.retain(|n| *n >= below);
            for n in 0..80 {
                prop_assert_eq!(set.contains(n), plain.contains(&n), "{}", n);
            }
            prop_assert!(set.0.windows(2).all(|w| w[0].1 + 1 < w[1].0), "{:?}", set);
            prop_assert_eq!(set.max(), plain.last().copied().unwrap_or(0));
        }
    }

    #[test]
    fn marks_outlive_a_cut_line_and_forget_what_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let mark = |n| {
            let mut marks = Marks::default();
            marks.replayed.insert(n);
            marks.append(dir.path()).unwrap();
        };
        mark(3);
        let path = dir.path().join("marks");
        let mut text = std::fs::read(&path).unwrap();
        text.extend_from_slice(b"12345678 {\"replayed\":[[1,");
        std::fs::write(&path, text).unwrap();
        mark(9);
        let mut marks = Marks::load(dir.path()).unwrap();
        assert_eq!(
            (
                marks.replayed.contains(3),
                marks.replayed.contains(9),
                marks.max()
            ),
            (true, true, 9)
        );
        marks.compact(dir.path(), 5).unwrap();
        let marks = Marks::load(dir.path()).unwrap();
        assert_eq!(
            (marks.replayed.contains(3), marks.replayed.contains(9)),
            (false, true)
        );
    }
}
