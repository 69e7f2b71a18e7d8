//! A batch of metrics on its way: grouped by collection, written in unordered inserts, and accounted for one by one.

use std::collections::HashMap;
use std::time::Duration;

use mongodb::Database;
use mongodb::bson::raw::RawDocumentBuf;
use wheatstone_plugin::anyhow::Error;
use wheatstone_plugin::prelude::{Metric, Rejection, WriteError, anyhow};

use crate::collections::{Collections, NameTemplate};
use crate::document::Layout;
use crate::verdict::{Fate, Verdict, judge, words};

/// The server's limit for one document.
const MAX_DOCUMENT: usize = 16 << 20;
/// One insert stays below what the driver would split, so that after an error it is known which documents it was about.
const MAX_INSERT_BYTES: usize = 32 << 20;
const MAX_INSERT_DOCUMENTS: usize = 10_000;

pub struct Batch {
    groups: Vec<Group>,
    accepted: Vec<usize>,
    rejected: Vec<Rejection>,
}

/// What goes into one collection.
struct Group {
    collection: String,
    /// Index in the batch, and document.
    documents: Vec<(usize, RawDocumentBuf)>,
}

impl Batch {
    /// Makes the documents. Those that cannot be made are rejected here.
    pub fn new(metrics: &[&Metric], layout: &Layout, name: &NameTemplate) -> Batch {
        let mut batch = Batch {
            groups: Vec::new(),
            accepted: Vec::new(),
            rejected: Vec::new(),
        };
        let mut by_name: HashMap<String, usize> = HashMap::new();
        let mut collection = String::new();
        for (index, metric) in metrics.iter().enumerate() {
            let made = name
                .fill(metric, &mut collection)
                .and_then(|()| layout.document(metric));
            let document = match made {
                Ok(document) if document.as_bytes().len() <= MAX_DOCUMENT => document,
                Ok(document) => {
                    let reason = format!("a document of {} bytes is too large", document.as_bytes().len());
                    batch.rejected.push(Rejection { index, reason });
                    continue;
                }
                Err(reason) => {
                    batch.rejected.push(Rejection { index, reason });
                    continue;
                }
            };
            let group = match by_name.get(&collection) {
                Some(group) => *group,
                None => {
                    by_name.insert(collection.clone(), batch.groups.len());
                    batch.groups.push(Group {
                        collection: collection.clone(),
                        documents: Vec::new(),
                    });
                    batch.groups.len() - 1
                }
            };
            batch.groups[group].documents.push((index, document));
        }
        batch
    }

    /// Writes all groups; stops at an error that would meet the others as well. What was settled until then stays settled.
    pub async fn write(
        &mut self,
        database: &Database,
        collections: &mut Collections,
        limit: Duration,
    ) -> Result<(), Error> {
        let mut first_error = Ok(());
        for group in std::mem::take(&mut self.groups) {
            let late = || anyhow!("collection {:?}: no answer within {limit:?}", group.collection);
            match tokio::time::timeout(limit, collections.ensure(database, &group.collection)).await {
                Ok(Ok(())) => {}
                Ok(Err(e)) => match judge(&e) {
                    Verdict::Whole(reason) => {
                        self.reject(
                            &group.documents,
                            &format!("creating collection {:?} failed: {reason}", group.collection),
                        );
                        continue;
                    }
                    _ => {
                        return Err(anyhow!(
                            "creating collection {:?} failed: {}",
                            group.collection,
                            words(&e)
                        ));
                    }
                },
                Err(_) => return Err(late()),
            }
            // Ranges still to be written: a refused one is halved until the document that is to blame stands alone.
            let mut ranges = split(&group.documents);
            while let Some((from, to)) = ranges.pop() {
                let documents = &group.documents[from..to];
                let collection = database.collection::<RawDocumentBuf>(&group.collection);
                let insert = collection
                    .insert_many(documents.iter().map(|(_, d)| d))
                    .ordered(false);
                let error = match tokio::time::timeout(limit, insert).await {
                    Ok(Ok(_)) => {
                        self.accepted.extend(documents.iter().map(|(index, _)| index));
                        continue;
                    }
                    Ok(Err(e)) => e,
                    Err(_) => return Err(late()),
                };
                let what = format!("inserting into collection {:?} failed", group.collection);
                match judge(&error) {
                    Verdict::Single(fates, again) => {
                        let later = self.settle(documents, fates, again.is_some());
                        if let (Some(reason), true) = (again.or(later), first_error.is_ok()) {
                            first_error = Err(anyhow!("{what}: {reason}"));
                        }
                    }
                    Verdict::Whole(reason) if to - from == 1 => self.reject(documents, &reason),
                    Verdict::Whole(_) => {
                        let middle = from.midpoint(to);
                        ranges.push((middle, to));
                        ranges.push((from, middle));
                    }
                    Verdict::Later(reason) => return Err(anyhow!("{what}: {reason}")),
                }
            }
        }
        first_error
    }

    fn reject(&mut self, documents: &[(usize, RawDocumentBuf)], reason: &str) {
        let reject = |(index, _): &(usize, _)| Rejection {
            index: *index,
            reason: reason.to_owned(),
        };
        self.rejected.extend(documents.iter().map(reject));
    }

    /// Takes down what became of single documents. With `again`, only refusals are final. Gives the first reason to try again.
    fn settle(
        &mut self,
        documents: &[(usize, RawDocumentBuf)],
        fates: Vec<(usize, Fate)>,
        again: bool,
    ) -> Option<String> {
        let mut fates: HashMap<usize, Fate> = fates.into_iter().collect();
        let mut later = None;
        for (position, (index, _)) in documents.iter().enumerate() {
            match fates.remove(&position) {
                Some(Fate::Refused(reason)) => self.rejected.push(Rejection {
                    index: *index,
                    reason,
                }),
                Some(Fate::Later(reason)) => _ = later.get_or_insert(reason),
                None | Some(Fate::Stored) if again => {}
                None | Some(Fate::Stored) => self.accepted.push(*index),
            }
        }
        later
    }

    /// What the core is told.
    pub fn finish(mut self, result: Result<(), Error>, all: usize) -> Result<(), WriteError> {
        let error = match (result, self.rejected.first()) {
            (Err(e), _) => e,
            (Ok(()), None) => return Ok(()),
            (Ok(()), Some(first)) => {
                anyhow!(
                    "{} of {all} metrics were refused, the first: {}",
                    self.rejected.len(),
                    first.reason
                )
            }
        };
        self.accepted.sort_unstable();
        self.rejected.sort_unstable_by_key(|r| r.index);
        Err(WriteError::partial(error, self.accepted, self.rejected))
    }
}

/// Ranges of documents that fit into one insert, the last one first.
fn split(documents: &[(usize, RawDocumentBuf)]) -> Vec<(usize, usize)> {
    let mut ranges = Vec::new();
    let (mut from, mut bytes) = (0, 0);
    for (i, (_, document)) in documents.iter().enumerate() {
        let size = document.as_bytes().len();
        if i > from && (bytes + size > MAX_INSERT_BYTES || i - from >= MAX_INSERT_DOCUMENTS) {
            ranges.push((from, i));
            (from, bytes) = (i, 0);
        }
        bytes += size;
    }
    ranges.push((from, documents.len()));
    ranges.reverse();
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MongodbConfig;
    use wheatstone_plugin::prelude::Result;

    fn batch(metrics: &[Metric]) -> Result<Batch> {
        let layout = Layout::new(&MongodbConfig::default())?;
        Ok(Batch::new(
            &metrics.iter().collect::<Vec<_>>(),
            &layout,
            &NameTemplate::parse("")?,
        ))
    }
    fn metric(name: &str, value: u64) -> Metric {
        let mut m = Metric::new(name, 1);
        m.set_field("v", value);
        m
    }

    #[test]
    fn metrics_are_grouped_and_the_impossible_is_rejected_alone() -> Result<()> {
        let batch = batch(&[
            metric("a", 1),
            metric("b", 2),
            metric("a", u64::MAX),
            metric("a$", 3),
            metric("a", 4),
        ])?;
        let groups: Vec<_> = batch
            .groups
            .iter()
            .map(|g| {
                (
                    g.collection.as_str(),
                    g.documents.iter().map(|(i, _)| *i).collect::<Vec<_>>(),
                )
            })
            .collect();
        assert_eq!(groups, [("a", vec![0, 4]), ("b", vec![1])]);
        assert_eq!(batch.rejected.iter().map(|r| r.index).collect::<Vec<_>>(), [2, 3]);
        Ok(())
    }

    #[test]
    fn single_fates_are_taken_down() -> Result<()> {
        let mut batch = batch(&[metric("a", 1), metric("a", 2), metric("a", 3), metric("a", 4)])?;
        let documents = std::mem::take(&mut batch.groups[0].documents);
        let fates = vec![
            (0, Fate::Stored),
            (1, Fate::Refused("no".into())),
            (3, Fate::Later("busy".into())),
        ];
        assert_eq!(batch.settle(&documents, fates, false).as_deref(), Some("busy"));
        let error = batch
            .finish(Err(anyhow!("x")), 4)
            .err()
            .ok_or_else(|| anyhow!("no error"))?;
        assert_eq!(error.accepted, [0, 2]);
        assert_eq!(
            error
                .rejected
                .iter()
                .map(|r| (r.index, r.reason.as_str()))
                .collect::<Vec<_>>(),
            [(1, "no")]
        );
        Ok(())
    }

    #[test]
    fn large_groups_are_split() {
        let documents: Vec<_> = (0..25_000).map(|i| (i, RawDocumentBuf::new())).collect();
        assert_eq!(
            split(&documents),
            [(20_000, 25_000), (10_000, 20_000), (0, 10_000)]
        );
    }
}
