//! Who holds an acknowledgement when: every order in which the input, the writing thread, this output and another output can
//! come, up to a depth. All of them meet under one lock, so that an order of calls is all that threads could add.

use super::segment::{BODY, Head};
use super::state::{Pending, Segment, State};
use super::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    /// A batch that only this output gets.
    Push,
    /// A batch that another output holds too.
    PushShared,
    /// The other output lets go of all that it holds.
    LetGo,
    /// The thread takes what waits.
    Begin,
    Synced,
    SyncFailed,
    Take,
    Settle,
    PutBack,
    DropOldest,
}

const STEPS: [Step; 10] = [
    Step::Push,
    Step::PushShared,
    Step::LetGo,
    Step::Begin,
    Step::Synced,
    Step::SyncFailed,
    Step::Take,
    Step::Settle,
    Step::PutBack,
    Step::DropOldest,
];

struct World {
    state: State,
    ledger: Arc<Ledger>,
    pushed: u64,
    other: Vec<Arc<Vec<Metric>>>,
    group: Option<Vec<Pending>>,
    taken: Option<Taken>,
    /// Messages that are safe on disk, and those that the database has.
    on_disk: BTreeSet<u64>,
    written: BTreeSet<u64>,
    dropped: usize,
    end: u64,
}

impl World {
    fn new() -> World {
        World {
            state: State::new(3),
            ledger: Arc::default(),
            pushed: 0,
            other: vec![],
            group: None,
            taken: None,
            on_disk: BTreeSet::new(),
            written: BTreeSet::new(),
            dropped: 0,
            end: BODY,
        }
    }

    fn can(&self, step: Step) -> bool {
        match step {
            Step::Push | Step::PushShared => self.pushed < 6,
            Step::LetGo => !self.other.is_empty(),
            Step::Begin => self.group.is_none() && !self.state.pending.is_empty(),
            Step::Synced | Step::SyncFailed => self.group.is_some(),
            Step::Take => self.taken.is_none() && self.state.len() > 0,
            Step::Settle | Step::PutBack => self.taken.is_some(),
            Step::DropOldest => {
                self.group.is_none() && self.state.segments.back().is_some_and(|s| s.last > 0)
            }
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Push | Step::PushShared => {
                let batch = tracked(self.pushed..self.pushed + 2, &self.ledger);
                self.pushed += 2;
                if step == Step::PushShared {
                    self.other.push(batch.clone());
                }
                drop(self.state.push(batch, true));
            }
            Step::LetGo => self.other.clear(),
            Step::Begin => {
                if self.state.segments.back().is_none_or(|s| s.sealed) {
                    let id = self.state.next_seq + 100;
                    self.state.segments.push_back(Segment::new(Head { id, salt: 0 }));
                    self.end = BODY;
                }
                self.group = Some(self.state.group());
            }
            Step::Synced => {
                let group = self.group.take().unwrap();
                self.on_disk
                    .extend(group.iter().flat_map(|p| p.batch.iter()).map(token));
                let offsets: Vec<u64> = (0..group.len() as u64).map(|n| self.end + n).collect();
                self.end += group.len() as u64;
                drop(self.state.written(group, &offsets, self.end, BTreeMap::new()));
            }
            Step::SyncFailed => {
                let release = self.state.not_written();
                self.group = None;
                drop(release);
            }
            Step::Take => {
                let mut taken = Taken::default();
                self.state.take(1, &mut taken);
                numbers(&taken);
                self.taken = Some(taken);
            }
            Step::Settle => {
                let taken = self.taken.take().unwrap();
                self.written.extend(taken.metrics().into_iter().map(token));
                drop(self.state.settle(&taken.release()));
            }
            Step::PutBack => self.state.put_back(self.taken.take().unwrap().release()),
            Step::DropOldest => {
                self.state.seal();
                self.state.drop_oldest();
                self.state.doomed.clear();
            }
        }
        self.dropped += self.state.take_dropped();
        for token in self.ledger.delivered() {
            let safe = self.on_disk.contains(&token)
                || self.written.contains(&token)
                || self.written.contains(&(token ^ 1));
            assert!(safe, "message {token} was acknowledged and is nowhere");
        }
    }

    /// Everything comes to its end: all is told, and nothing is gone but what was counted.
    fn finish(mut self) {
        while let Some(step) = [Step::LetGo, Step::PutBack, Step::Synced, Step::Begin]
            .into_iter()
            .find(|s| self.can(*s))
        {
            self.step(step);
        }
        assert_eq!(
            self.ledger.told() as u64,
            self.pushed,
            "an acknowledgement leaked"
        );
        // What went to the region would have to be read: it is counted there.
        let left = self.state.len();
        assert_eq!(self.written.len() + self.dropped + left, self.pushed as usize);
        assert!(self.state.watermark() <= self.state.next_seq);
    }
}

fn token(m: &Metric) -> u64 {
    (m.time() - 1_700_000_000_000_000_000) as u64
}

fn explore(path: &mut Vec<Step>, depth: usize, seen: &mut usize) {
    let mut world = World::new();
    path.iter().for_each(|step| world.step(*step));
    let next: Vec<Step> = STEPS.into_iter().filter(|s| world.can(*s)).collect();
    *seen += 1;
    world.finish();
    if path.len() < depth {
        for step in next {
            path.push(step);
            explore(path, depth, seen);
            path.pop();
        }
    }
}

#[test]
fn in_every_order_nothing_is_acknowledged_too_soon_or_never() {
    let mut seen = 0;
    explore(&mut vec![], 7, &mut seen);
    assert!(seen > 20_000, "{seen}");
}
