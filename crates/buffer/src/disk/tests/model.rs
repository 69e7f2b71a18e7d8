//! Random calls, against a plain queue.

use std::collections::VecDeque;

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Op {
    Push(u64),
    Settle(usize),
    PutBack(usize, u32),
    Abandon(usize),
    Flush,
    Reopen,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        6 => (1..12u64).prop_map(Op::Push),
        3 => (1..20usize).prop_map(Op::Settle),
        3 => (1..20usize, any::<u32>()).prop_map(|(n, bits)| Op::PutBack(n, bits)),
        1 => (1..20usize).prop_map(Op::Abandon),
        2 => Just(Op::Flush),
        1 => Just(Op::Reopen),
    ];
    prop::collection::vec(op, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn like_a_plain_queue_over_restarts(ops in ops(), segment_bytes in 100..3000u64, memory_limit in 1..40usize) {
        let dir = tempfile::tempdir().unwrap();
        let options = DiskOptions { segment_bytes, memory_limit, ..small() };
        let ledger = Arc::new(Ledger::default());
        let mut disk = open(dir.path(), options);
        let mut model: VecDeque<u64> = VecDeque::new();
        let mut next = 0;
        for op in ops {
            match op {
                Op::Push(n) => {
                    prop_assert_eq!(disk.push(tracked(next..next + n, &ledger)), 0);
                    model.extend(next..next + n);
                    next += n;
                }
                Op::Settle(n) => {
                    let taken = disk.take(n);
                    let expected: Vec<u64> = model.drain(..n.min(model.len())).collect();
                    prop_assert_eq!(numbers(&taken), expected);
                    disk.settle(taken);
                }
                Op::PutBack(n, bits) => {
                    let taken = disk.take(n);
                    let front: Vec<u64> = model.drain(..n.min(model.len())).collect();
                    prop_assert_eq!(numbers(&taken), front.clone());
                    let done = |i: usize| bits >> (i % 32) & 1 == 1;
                    prop_assert_eq!(disk.put_back(taken, done), 0);
                    let rest: Vec<u64> = front.into_iter().enumerate().filter(|(i, _)| !done(*i)).map(|(_, n)| n).collect();
                    rest.into_iter().rev().for_each(|n| model.push_front(n));
                }
                Op::Abandon(n) => drop(disk.take(n)),
                Op::Flush => flush(&disk),
                Op::Reopen => {
                    close(disk);
                    let (again, found) = Disk::open(dir.path(), options).unwrap();
                    prop_assert_eq!(found.truncated, 0);
                    prop_assert!(found.problems.is_empty());
                    disk = again;
                }
            }
            prop_assert_eq!(disk.len(), model.len());
        }
        prop_assert_eq!(take_all(&disk), Vec::from(model));
        close(disk);
        prop_assert_eq!(ledger.delivered().len() as u64, next);
        prop_assert!(files_in(dir.path(), ".seg").is_empty());
    }

    #[test]
    fn a_bounded_one_counts_what_it_drops(ops in ops(), max_bytes in 600..4000u64, on_full in prop::sample::select(vec![OnFull::DropOldest, OnFull::Block])) {
        let dir = tempfile::tempdir().unwrap();
        let control = Control::default();
        let options = DiskOptions { max_bytes, on_full, ..small() };
        let (disk, _) = Disk::open_on(dir.path(), options, control).unwrap();
        let ledger = Arc::new(Ledger::default());
        let (mut next, mut dropped, mut written) = (0, 0, BTreeSet::new());
        for op in ops {
            match op {
                Op::Push(n) => {
                    dropped += disk.push(tracked(next..next + n, &ledger));
                    next += n;
                }
                Op::Settle(n) => {
                    let taken = disk.take(n);
                    for n in numbers(&taken) {
                        prop_assert!(written.insert(n), "{} came twice", n);
                    }
                    disk.settle(taken);
                }
                Op::PutBack(n, bits) => {
                    let taken = disk.take(n);
                    let done = |i: usize| bits >> (i % 32) & 1 == 1;
                    for (_, n) in numbers(&taken).into_iter().enumerate().filter(|(i, _)| done(*i)) {
                        prop_assert!(written.insert(n), "{} came twice", n);
                    }
                    dropped += disk.put_back(taken, done);
                }
                Op::Abandon(n) => drop(disk.take(n)),
                Op::Flush | Op::Reopen => eventually("an answer", || {
                    let state = disk.shared.state.lock();
                    state.pending.is_empty() || state.failing
                }),
            }
        }
        let mut left = vec![];
        while !disk.is_empty() {
            let taken = disk.take(5);
            left.extend(numbers(&taken));
            disk.settle(taken);
        }
        dropped += disk.push(plain(0..0));
        prop_assert!(left.windows(2).all(|w| w[0] < w[1]));
        prop_assert!(left.iter().all(|n| written.insert(*n)), "something came twice");
        prop_assert_eq!(written.len() + dropped, next as usize);
        ledger.wait(next as usize);
        let refused = next as usize - ledger.delivered().len();
        prop_assert!(refused <= dropped);
        close(disk);
    }
}
