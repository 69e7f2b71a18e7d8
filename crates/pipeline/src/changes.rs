//! What a reload did, for the log.

use std::fmt;

use crate::diff::Fate;
use crate::mark::Mark;

/// What has changed, by the names of the plugins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// They are new.
    pub added: Vec<String>,
    /// They were built anew in the place of older ones.
    pub changed: Vec<String>,
    /// They go on; the core does other things around them (filters, tags, intervals, sizes).
    pub adjusted: Vec<String>,
    /// They are gone.
    pub removed: Vec<String>,
    /// How many go on as they were.
    pub unchanged: usize,
}

impl Changes {
    pub(crate) fn note(&mut self, old: &[Mark], new: &[Mark], fates: &[Fate], gone: &[usize]) {
        for (mark, fate) in new.iter().zip(fates) {
            let list = match fate {
                Fate::Same(_) => {
                    self.unchanged += 1;
                    continue;
                }
                Fate::Adjusted(_) => &mut self.adjusted,
                Fate::Changed(_) => &mut self.changed,
                Fate::New => &mut self.added,
            };
            list.push(mark.shown.clone());
        }
        self.removed.extend(gone.iter().map(|i| old[*i].shown.clone()));
    }

    /// Whether everything goes on as it was.
    pub fn is_none(&self) -> bool {
        self.unchanged > 0
            && [&self.added, &self.changed, &self.adjusted, &self.removed]
                .iter()
                .all(|list| list.is_empty())
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = [
            ("added", &self.added),
            ("changed", &self.changed),
            ("adjusted", &self.adjusted),
            ("removed", &self.removed),
        ];
        for (word, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
            write!(f, "{word}: {}; ", names.join(" "))?;
        }
        write!(f, "unchanged: {}", self.unchanged)
    }
}
