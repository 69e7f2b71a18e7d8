//! Metrics on their way into one request: their lines in one buffer, and where each metric's end.

use wheatstone_plugin::Metric;
use wheatstone_plugin::line_protocol::{EncodeError, Encoder};

/// The lines of one request. Reused, it allocates nothing.
#[derive(Debug, Default)]
pub struct Lines {
    plain: Vec<u8>,
    ends: Vec<usize>,
    points: Vec<usize>,
}

impl Lines {
    /// Writes the lines of `metrics[i]` for every `i` of `points`, in that order, without the tags named in `without`, until
    /// the next one would exceed `limit` bytes. Gives how many of `points` it came through; a metric that has no line is
    /// handed to `failed` and counts as one that it came through.
    pub fn write(
        &mut self,
        encoder: &mut Encoder,
        metrics: &[&Metric],
        points: &[usize],
        without: &[&str],
        limit: usize,
        mut failed: impl FnMut(usize, EncodeError),
    ) -> usize {
        self.plain.clear();
        self.ends.clear();
        self.points.clear();
        for (at, &i) in points.iter().enumerate() {
            let before = self.plain.len();
            let metric = metrics[i];
            let result = if without.iter().any(|tag| metric.has_tag(tag)) {
                let mut metric = metric.untracked();
                without.iter().for_each(|tag| drop(metric.remove_tag(tag)));
                encoder.encode(&metric, &mut self.plain)
            } else {
                encoder.encode(metric, &mut self.plain)
            };
            match result {
                Ok(()) if self.plain.len() > limit => {
                    self.plain.truncate(before);
                    return at;
                }
                Ok(()) => {
                    self.ends.push(self.plain.len());
                    self.points.push(i);
                }
                Err(error) => failed(i, error),
            }
        }
        points.len()
    }

    /// The body.
    pub fn plain(&self) -> &[u8] {
        &self.plain
    }
    /// Takes the body out, to be given back with [`put_plain`](Lines::put_plain).
    pub fn take_plain(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.plain)
    }
    /// Gives memory back.
    pub fn put_plain(&mut self, memory: Vec<u8>) {
        self.plain = memory;
    }
    /// The metrics that have a line in the body, as indexes of the batch.
    pub fn points(&self) -> &[usize] {
        &self.points
    }
    /// Each metric's lines, without the last line break.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let lines = starts
            .zip(&self.ends)
            .map(|(start, end)| &self.plain[start..end - 1]);
        self.points.iter().copied().zip(lines)
    }
}
