//! Samples in, series out: samples with the same labels in the order of their times.

use std::collections::HashMap;

use wheatstone_plugin::prelude::*;

use super::native::Histogram;
use crate::protobuf::Draft;

/// Names with values.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Labels(pub(super) Vec<(String, String)>);

impl Labels {
    /// The labels of a series: with its name, and what tells a part of a sample from the others. Prometheus wants them sorted.
    pub(super) fn named(&self, name: &str, part: Option<(&'static str, String)>) -> Labels {
        let mut labels = self.0.clone();
        labels.extend(part.map(|(label, value)| (label.to_owned(), value)));
        labels.push(("__name__".to_owned(), name.to_owned()));
        labels.sort_by(|a, b| a.0.cmp(&b.0));
        Labels(labels)
    }
}

/// What a series has; with the milliseconds since 1970.
enum Content {
    Samples(Vec<(f64, i64)>),
    Histograms(Vec<(Histogram, i64)>),
}

/// The series of a batch.
#[derive(Default)]
pub(super) struct SeriesList {
    series: Vec<(Labels, Content)>,
    by_labels: HashMap<Labels, usize>,
}

impl SeriesList {
    pub(super) fn len(&self) -> usize {
        self.series.len()
    }

    /// The series with these labels; one with `first` where there is none yet.
    fn entry(&mut self, labels: Labels, first: impl FnOnce() -> Content) -> (&mut Content, bool) {
        let new = self.series.len();
        let at = *self.by_labels.entry(labels).or_insert_with_key(|labels| {
            self.series.push((labels.clone(), first()));
            new
        });
        (&mut self.series[at].1, at == new)
    }

    /// A sample of 0, unless the series is there.
    pub(super) fn ensure(&mut self, labels: Labels, millis: i64) {
        self.entry(labels, || Content::Samples(vec![(0.0, millis)]));
    }

    /// Adds a sample. Of two at one time the later one stays; one that is older than the last is refused.
    pub(super) fn add_sample(&mut self, labels: Labels, value: f64, millis: i64) -> Result<()> {
        match self.entry(labels, || Content::Samples(vec![(value, millis)])) {
            (_, true) => Ok(()),
            (Content::Samples(samples), _) => append(samples, value, millis),
            _ => bail!("series is already registered as native histogram"),
        }
    }

    /// Adds a histogram, likewise.
    pub(super) fn add_histogram(&mut self, labels: Labels, histogram: Histogram, millis: i64) -> Result<()> {
        match self.entry(labels, || Content::Histograms(Vec::new())) {
            (Content::Histograms(histograms), _) => append(histograms, histogram, millis),
            _ => bail!("series is already registered with samples"),
        }
    }

    /// Writes the series into a request.
    pub(super) fn write(mut self, sort: bool, request: &mut Draft) {
        if sort {
            let key = |(labels, _): &(Labels, Content)| (labels.0.len(), labels.clone());
            self.series.sort_by_cached_key(key);
        }
        for (labels, content) in &self.series {
            request.message(1, |series| {
                for (name, value) in &labels.0 {
                    series.message(1, |label| {
                        label.text(1, name);
                        label.text(2, value);
                    });
                }
                match content {
                    Content::Samples(samples) => samples.iter().for_each(|(value, millis)| {
                        series.message(2, |sample| {
                            sample.double_or_nothing(1, *value);
                            sample.uint(2, *millis as u64);
                        });
                    }),
                    Content::Histograms(histograms) => histograms.iter().for_each(|(histogram, millis)| {
                        series.message(4, |message| histogram.write(*millis, message));
                    }),
                }
            });
        }
    }
}

fn append<T>(list: &mut Vec<(T, i64)>, value: T, millis: i64) -> Result<()> {
    match list.last_mut() {
        Some((_, last)) if millis < *last => bail!("sample is older than the last registered one"),
        Some(last) if millis == last.1 => *last = (value, millis),
        _ => list.push((value, millis)),
    }
    Ok(())
}
