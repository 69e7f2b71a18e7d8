//! A batch dealt out: by bucket, and into parts that are written side by side.

use std::collections::HashMap;

use wheatstone_plugin::Metric;

use crate::Config;

/// Points that go into one request, as indexes of the batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub bucket: String,
    pub points: Vec<usize>,
}

/// Deals `metrics` out. Buckets come in the order of their first points.
pub(crate) fn batches(config: &Config, metrics: &[&Metric]) -> Vec<Batch> {
    let workers = usize::try_from(config.concurrent_writes)
        .unwrap_or(usize::MAX)
        .max(1);
    let size = metrics.len().div_ceil(workers).max(1);
    let mut buckets: Vec<Batch> = Vec::new();
    if config.bucket_tag.is_empty() {
        buckets.push(Batch {
            bucket: config.bucket.clone(),
            points: (0..metrics.len()).collect(),
        });
    } else {
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (i, metric) in metrics.iter().enumerate() {
            let bucket = metric.tag(&config.bucket_tag).unwrap_or(&config.bucket);
            let place = *places.entry(bucket).or_insert_with(|| {
                buckets.push(Batch {
                    bucket: bucket.to_owned(),
                    points: Vec::new(),
                });
                buckets.len() - 1
            });
            buckets[place].points.push(i);
        }
    }
    if buckets.iter().all(|b| b.points.len() <= size) {
        return buckets;
    }
    let part = |bucket: &Batch, points: &[usize]| Batch {
        bucket: bucket.bucket.clone(),
        points: points.to_vec(),
    };
    buckets
        .iter()
        .flat_map(|b| b.points.chunks(size).map(move |points| part(b, points)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dealt(config: &Config, tags: &[Option<&str>]) -> Vec<(String, Vec<usize>)> {
        let metric = |tag: &Option<&str>| {
            let mut m = Metric::new("m", 1);
            tag.iter().for_each(|v| m.set_tag("to", *v));
            m
        };
        let metrics: Vec<Metric> = tags.iter().map(metric).collect();
        let metrics: Vec<&Metric> = metrics.iter().collect();
        batches(config, &metrics)
            .into_iter()
            .map(|b| (b.bucket, b.points))
            .collect()
    }

    #[test]
    fn a_batch_is_cut_into_as_many_parts_as_are_written_at_once() {
        let config = |concurrent_writes| Config {
            bucket: "b".into(),
            concurrent_writes,
            ..Config::default()
        };
        let tags = [None; 5];
        assert_eq!(dealt(&config(1), &tags), [("b".to_owned(), vec![0, 1, 2, 3, 4])]);
        assert_eq!(
            dealt(&config(2), &tags),
            [("b".to_owned(), vec![0, 1, 2]), ("b".to_owned(), vec![3, 4])]
        );
        assert_eq!(dealt(&config(9), &tags).len(), 5);
    }

    #[test]
    fn a_tag_chooses_the_bucket() {
        let config = Config {
            bucket: "rest".into(),
            bucket_tag: "to".into(),
            ..Config::default()
        };
        let expected = [
            ("x".to_owned(), vec![0, 3]),
            ("rest".to_owned(), vec![1]),
            ("y".to_owned(), vec![2]),
        ];
        assert_eq!(dealt(&config, &[Some("x"), None, Some("y"), Some("x")]), expected);
    }
}
