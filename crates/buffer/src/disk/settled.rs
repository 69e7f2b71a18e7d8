//! Which records are settled, and which parts of those that are not.

use std::collections::BTreeMap;

use super::cursor::Marks;

/// Numbers of settled records, kept as runs.
#[derive(Debug, Default)]
pub(crate) struct Done(BTreeMap<u64, u64>);

impl Done {
    pub(crate) fn add(&mut self, mut from: u64, mut to: u64) {
        if let Some((&before, &end)) = self.0.range(..=from).next_back()
            && end.saturating_add(1) >= from
        {
            from = before;
            to = to.max(end);
        }
        while let Some((&next, &end)) = self.0.range(from..=to.saturating_add(1)).next() {
            self.0.remove(&next);
            to = to.max(end);
        }
        self.0.insert(from, to);
    }
    pub(crate) fn contains(&self, seq: u64) -> bool {
        self.0.range(..=seq).next_back().is_some_and(|(_, to)| *to >= seq)
    }
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().map(|(from, to)| (*from, *to))
    }
    /// Forgets the runs that end below `seq`: they are settled by being there.
    pub(crate) fn forget_below(&mut self, seq: u64) {
        while let Some(first) = self.0.first_entry()
            && *first.get() < seq
        {
            first.remove();
        }
    }
}

/// A record of which something was taken, and not all is settled.
#[derive(Debug)]
pub(crate) struct Open {
    len: usize,
    done: usize,
    marks: Marks,
}

impl Open {
    pub(crate) fn new(len: usize) -> Open {
        Open {
            len,
            done: 0,
            marks: Marks::new(),
        }
    }

    /// One that was settled in part before; `None` when nothing is left of it.
    pub(crate) fn with(len: usize, marks: &Marks) -> Option<Open> {
        let mut open = Open::new(len);
        let all = marks
            .iter()
            .any(|(from, to)| open.mark(*from as usize, *to as usize));
        (!all).then_some(open)
    }

    /// Settles a part. True when all is settled.
    pub(crate) fn mark(&mut self, from: usize, to: usize) -> bool {
        let (mut from, mut to) = (from.min(self.len) as u32, to.min(self.len) as u32);
        if from < to {
            let first = self.marks.partition_point(|m| m.1 < from);
            let last = self.marks.partition_point(|m| m.0 <= to);
            for m in &self.marks[first..last] {
                from = from.min(m.0);
                to = to.max(m.1);
            }
            self.marks.splice(first..last, [(from, to)]);
            self.done = self.marks.iter().map(|m| (m.1 - m.0) as usize).sum();
        }
        self.done == self.len
    }

    pub(crate) fn marks(&self) -> &Marks {
        &self.marks
    }
    /// How many are not settled.
    pub(crate) fn left(&self) -> usize {
        self.len - self.done
    }

    /// What is not settled of a record of `len` metrics.
    pub(crate) fn gaps(&self, len: usize) -> Vec<(usize, usize)> {
        let mut gaps = Vec::new();
        let mut at = 0;
        for &(from, to) in &self.marks {
            if at < from as usize {
                gaps.push((at, (from as usize).min(len)));
            }
            at = to as usize;
        }
        if at < len {
            gaps.push((at, len));
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn like_sets(ranges in prop::collection::vec((0..60usize, 0..10usize), 0..20)) {
            let (mut done, mut open) = (Done::default(), Open::new(60));
            let mut set = std::collections::BTreeSet::new();
            for (from, len) in ranges {
                let to = (from + len).min(60);
                prop_assert_eq!(open.mark(from, to), { set.extend(from..to); set.len() == 60 });
                if to > from {
                    done.add(from as u64, to as u64 - 1);
                }
            }
            for n in 0..60 {
                prop_assert_eq!(done.contains(n as u64), set.contains(&n));
                prop_assert_eq!(open.gaps(60).iter().any(|(a, b)| (*a..*b).contains(&n)), !set.contains(&n));
            }
            prop_assert_eq!(open.left(), 60 - set.len());
            let runs: Vec<_> = done.iter().collect();
            prop_assert!(runs.windows(2).all(|w| w[0].1 + 1 < w[1].0), "{:?}", runs);
            done.forget_below(30);
            prop_assert!((30..60).all(|n| done.contains(n) == set.contains(&(n as usize))));
        }
    }
}
