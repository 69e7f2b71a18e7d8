//! Which of the plugins that run a new configuration means: what goes on, what is changed, what is new, what goes.

use crate::mark::Mark;

/// What becomes of a plugin of the new configuration. The numbers are places among the old ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The old one goes on as it is.
    Same(usize),
    /// The old one goes on; what the core does around it has changed.
    Adjusted(usize),
    /// It takes the old one's place.
    Changed(usize),
    /// It is new.
    New,
}

/// The fates of all new plugins, and those old ones that are meant by none. `lives(i)` says whether an old one still runs:
/// one that gave up is begun anew.
pub(crate) fn compare(
    old: &[&Mark],
    lives: impl Fn(usize) -> bool,
    new: &[&Mark],
) -> (Vec<Fate>, Vec<usize>) {
    let mut free: Vec<usize> = (0..old.len()).collect();
    let mut fates = vec![Fate::New; new.len()];
    type Fits = fn(&Mark, &Mark) -> bool;
    type Then = fn(usize) -> Fate;
    // What is equal goes on wherever it stands now; only then places count, or removing the first of three would change two.
    let equal: Fits = |old, new| old.is_same_place(new) && old.is_same_plugin(new) && old.is_same_core(new);
    let adjusted: Fits = |old, new| old.is_same_place(new) && old.is_same_plugin(new);
    let changed: Fits = Mark::is_same_place;
    let steps: [(Fits, Then); 3] = [
        (equal, Fate::Same),
        (adjusted, Fate::Adjusted),
        (changed, Fate::Changed),
    ];
    for (fits, fate) in steps {
        for (mark, found) in new.iter().zip(&mut fates).filter(|(_, f)| **f == Fate::New) {
            if let Some(at) = free.iter().position(|&i| fits(old[i], mark)) {
                let i = free.remove(at);
                *found = if lives(i) { fate(i) } else { Fate::Changed(i) };
            }
        }
    }
    (fates, free)
}
