//! A batch on its way to its end: which points go into the next request, which are stored, which are refused.

use wheatstone_plugin::Rejection;

use super::Named;

/// So many requests may one batch need. What is not settled then stays in the output's buffer and is written again: every
/// round settles something, so that a batch of bad points cannot hold the output for ever.
const REQUESTS: usize = 64;

/// Keeps the books of one batch. It sends nothing itself: ask for the [`next`](Settling::next) request's points, send
/// them, and say what became of them.
#[derive(Debug, Default)]
pub struct Settling {
    /// Points that wait, the next request's last.
    waiting: Vec<Vec<usize>>,
    requests: usize,
    /// Points that are stored.
    pub accepted: Vec<usize>,
    /// Points that are refused for good.
    pub rejected: Vec<Rejection>,
}

impl Settling {
    /// A batch whose requests begin with these points each.
    pub fn new(mut requests: Vec<Vec<usize>>) -> Settling {
        requests.reverse();
        Settling {
            requests: requests.len() + REQUESTS,
            waiting: requests,
            ..Settling::default()
        }
    }

    /// The next request's points; `None` where nothing waits, or where the batch has had its share of requests.
    #[expect(clippy::should_implement_trait, reason = "the books change between two calls")]
    pub fn next(&mut self) -> Option<Vec<usize>> {
        if self.requests == 0 {
            return None;
        }
        let points = loop {
            let points = self.waiting.pop()?;
            if !points.is_empty() {
                break points;
            }
        };
        self.requests -= 1;
        Some(points)
    }

    /// Whether some points are neither stored nor refused.
    pub fn is_open(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// These points are stored.
    pub fn stored(&mut self, points: &[usize]) {
        self.accepted.extend_from_slice(points);
    }

    /// A request with these points came to nothing, they wait again.
    pub fn put_back(&mut self, points: Vec<usize>) {
        self.requests += 1;
        self.waiting.push(points);
    }

    /// One point is refused.
    pub fn reject(&mut self, index: usize, reason: impl Into<String>) {
        self.rejected.push(Rejection {
            index,
            reason: reason.into(),
        });
    }

    /// All that wait are refused.
    pub fn reject_open(&mut self, reason: &str) {
        for index in std::mem::take(&mut self.waiting).into_iter().flatten() {
            self.reject(index, reason);
        }
    }

    /// A request with these points was refused for `reason`.
    pub fn refused(&mut self, points: &[usize], named: Named, reason: &str) {
        // What is named comes in the order of the batch.
        let without = |bad: &[usize]| -> Vec<usize> {
            points
                .iter()
                .copied()
                .filter(|i| bad.binary_search(i).is_err())
                .collect()
        };
        match named {
            Named::Exactly(bad) => {
                self.stored(&without(&bad));
                bad.iter().for_each(|&i| self.reject(i, reason));
            }
            Named::These(bad) => {
                self.waiting.push(without(&bad));
                bad.iter().for_each(|&i| self.reject(i, reason));
            }
            Named::Among(bad) if points.len() > 1 => {
                self.waiting.push(without(&bad));
                self.halves(&bad);
            }
            Named::Nothing | Named::Among(_) => points.iter().for_each(|&i| self.reject(i, reason)),
        }
    }

    /// A request with these points, two at least, is to be sent in halves.
    pub fn halves(&mut self, points: &[usize]) {
        let (first, second) = points.split_at(points.len() / 2);
        self.waiting.push(second.to_vec());
        self.waiting.push(first.to_vec());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indexes(rejected: &[Rejection]) -> Vec<usize> {
        let mut all: Vec<usize> = rejected.iter().map(|r| r.index).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn a_clean_batch_takes_one_request() {
        let mut batch = Settling::new(vec![vec![0, 1, 2]]);
        let points = batch.next().unwrap();
        batch.stored(&points);
        assert!(batch.next().is_none() && !batch.is_open() && batch.rejected.is_empty());
        assert_eq!(batch.accepted, [0, 1, 2]);
    }

    #[test]
    fn the_others_are_sent_again_where_it_is_not_known_that_they_are_stored() {
        let mut batch = Settling::new(vec![vec![0, 1, 2]]);
        let points = batch.next().unwrap();
        batch.refused(&points, Named::These(vec![1]), "bad");
        let rest = batch.next().unwrap();
        assert_eq!(rest, [0, 2]);
        batch.refused(&rest, Named::Exactly(vec![2]), "bad too");
        assert!(batch.next().is_none() && !batch.is_open());
        assert_eq!(
            (batch.accepted.as_slice(), indexes(&batch.rejected)),
            (&[0][..], vec![1, 2])
        );
    }

    #[test]
    fn suspects_are_halved_until_the_bad_one_is_alone() {
        let bad = 5;
        let mut batch = Settling::new(vec![(0..8).collect()]);
        let mut requests = 0;
        while let Some(points) = batch.next() {
            requests += 1;
            if points.contains(&bad) {
                batch.refused(&points, Named::Among(points.clone()), "bad");
            } else {
                batch.stored(&points);
            }
        }
        batch.accepted.sort_unstable();
        assert_eq!(
            (batch.accepted.as_slice(), indexes(&batch.rejected)),
            (&[0, 1, 2, 3, 4, 6, 7][..], vec![5])
        );
        assert_eq!(requests, 7);
    }

    #[test]
    fn a_refusal_that_names_nothing_holds_for_all() {
        let mut batch = Settling::new(vec![vec![0, 1], vec![2]]);
        let points = batch.next().unwrap();
        batch.refused(&points, Named::Nothing, "no");
        assert_eq!(batch.next().unwrap(), [2]);
        assert_eq!(indexes(&batch.rejected), [0, 1]);
    }

    #[test]
    fn a_batch_of_nothing_but_bad_points_ends() {
        let mut batch = Settling::new(vec![(0..5000).collect()]);
        let mut requests = 0;
        while let Some(points) = batch.next() {
            requests += 1;
            batch.refused(&points, Named::These(vec![points[0]]), "bad");
        }
        assert_eq!((requests, batch.rejected.len()), (REQUESTS + 1, REQUESTS + 1));
    }
}
