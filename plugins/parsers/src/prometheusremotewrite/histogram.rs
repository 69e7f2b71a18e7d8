//! A native histogram: which buckets it has, and where they end.
//!
//! Buckets grow by a factor of 2^(2^-schema) each; those that hold something are told by spans, runs of neighbours with
//! gaps before them. Schema -53 has bounds of its own.

/// Bounds are listed, not computed.
const CUSTOM: i32 = -53;
/// The finest resolution that has a meaning.
const FINEST: i32 = 8;

/// A native histogram with counts as floats.
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    pub(super) reset_hint: u64,
    pub(super) schema: i32,
    pub(super) zero_threshold: f64,
    pub(super) zero_count: f64,
    pub(super) count: f64,
    pub(super) sum: f64,
    pub(super) positive: Side,
    pub(super) negative: Side,
    pub(super) custom_bounds: Vec<f64>,
    pub(super) millis: i64,
}

/// The buckets on one side of zero.
#[derive(Clone, Debug, Default)]
pub(super) struct Side {
    pub(super) spans: Vec<Span>,
    pub(super) counts: Vec<f64>,
}

/// Buckets side by side.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    /// How far from the end of the span before it, or from bucket 0.
    pub(super) offset: i32,
    pub(super) length: u32,
}

impl Side {
    /// The buckets with their indices. Spans that count more buckets than there are end with the last.
    fn indexed(&self) -> impl Iterator<Item = (i64, f64)> {
        let mut next = 0_i64;
        let indices = self.spans.iter().flat_map(move |span| {
            let first = next.saturating_add(i64::from(span.offset));
            next = first.saturating_add(i64::from(span.length));
            first..next
        });
        indices.zip(self.counts.iter().copied())
    }
}

impl Histogram {
    /// Upper bounds with counts, from the lowest bucket to the highest.
    pub(super) fn buckets(&self) -> Vec<(f64, f64)> {
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        for (index, count) in self.negative.indexed() {
            let upper = -self.bound(index - 1);
            // The zero bucket may reach into it.
            let cut = upper < 0.0 && upper > -self.zero_threshold;
            buckets.push((if cut { -self.zero_threshold } else { upper }, count));
        }
        buckets.reverse();
        if self.zero_count > 0.0 {
            buckets.push((self.zero_threshold, self.zero_count));
        }
        buckets.extend(
            self.positive
                .indexed()
                .map(|(index, count)| (self.bound(index), count)),
        );
        buckets
    }

    /// Where a bucket ends, seen from zero.
    fn bound(&self, index: i64) -> f64 {
        if self.schema == CUSTOM {
            return match usize::try_from(index) {
                Ok(index) => self.custom_bounds.get(index).copied().unwrap_or(f64::INFINITY),
                Err(_) => f64::NEG_INFINITY,
            };
        }
        let schema = self.schema.clamp(-9, FINEST);
        // 2^(index * 2^-schema), the whole part of the exponent apart, so that powers of two come out exactly.
        let (whole, fraction) = if schema < 0 {
            (index.saturating_mul(1 << -schema), 0.0)
        } else {
            let parts = 1_i64 << schema;
            (index >> schema, index.rem_euclid(parts) as f64 / parts as f64)
        };
        if whole == 1024 && fraction == 0.0 {
            // The last bucket of regular numbers; the one behind it holds infinity.
            return f64::MAX;
        }
        let whole = whole.clamp(-1100, 1100) as i32;
        // In two steps: the power alone may lie beyond the smallest float while the product does not.
        let half = whole / 2;
        fraction.exp2() * 2_f64.powi(half) * 2_f64.powi(whole - half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(schema: i32) -> Histogram {
        Histogram {
            schema,
            ..Histogram::default()
        }
    }

    #[test]
    fn bounds_grow_by_the_schema() {
        for (schema, index, bound) in [
            (0, 0, 1.0),
            (0, 3, 8.0),
            (0, -1, 0.5),
            (1, 1, std::f64::consts::SQRT_2),
            (2, 3, 1.681_792_830_507_429),
            (3, 1, 1.0905077326652577),
            (-1, 2, 16.0),
            (-4, -1, 1.0 / 65536.0),
            (0, 1024, f64::MAX),
            (0, 1025, f64::INFINITY),
            (-4, 64, f64::MAX),
            (8, 1024 * 256, f64::MAX),
            (0, -1074, 5e-324),
            (0, i64::MIN, 0.0),
            (0, i64::MAX, f64::INFINITY),
        ] {
            assert_eq!(with(schema).bound(index), bound, "{schema} {index}");
        }
    }

    #[test]
    fn buckets_from_the_lowest_to_the_highest() {
        let side = |spans: &[(i32, u32)], counts: &[f64]| Side {
            spans: spans
                .iter()
                .map(|(offset, length)| Span {
                    offset: *offset,
                    length: *length,
                })
                .collect(),
            counts: counts.to_vec(),
        };
        let mut histogram = with(0);
        histogram.zero_threshold = 0.75;
        histogram.zero_count = 2.0;
        histogram.positive = side(&[(0, 2), (0, 0), (1, 1)], &[1.0, 2.0, 3.0]);
        histogram.negative = side(&[(0, 2)], &[4.0, 5.0]);
        assert_eq!(
            histogram.buckets(),
            [
                (-1.0, 5.0),
                (-0.75, 4.0),
                (0.75, 2.0),
                (1.0, 1.0),
                (2.0, 2.0),
                (8.0, 3.0)
            ]
        );
        // Spans and counts that do not fit each other.
        histogram.positive = side(&[(i32::MAX, u32::MAX), (i32::MAX, 1)], &[1.0]);
        assert_eq!(histogram.buckets().len(), 4);
        histogram.positive = side(&[], &[1.0]);
        assert_eq!(histogram.buckets().len(), 3);
    }

    #[test]
    fn bounds_of_ones_own() {
        let mut histogram = with(CUSTOM);
        histogram.custom_bounds = vec![0.1, 5.0];
        histogram.positive = Side {
            spans: vec![Span { offset: 0, length: 3 }],
            counts: vec![1.0, 2.0, 3.0],
        };
        assert_eq!(
            histogram.buckets(),
            [(0.1, 1.0), (5.0, 2.0), (f64::INFINITY, 3.0)]
        );
    }
}
