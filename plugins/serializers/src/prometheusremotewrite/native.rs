//! A metric that holds a native histogram in, the histogram out: the parser `prometheusremotewrite` makes such metrics.

use wheatstone_plugin::prelude::*;

use crate::protobuf::Draft;

/// Bounds are listed, not computed.
const CUSTOM: i32 = -53;

/// A native histogram with counts as floats.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    reset_hint: u64,
    schema: i32,
    zero_threshold: f64,
    zero_count: f64,
    count: f64,
    sum: f64,
    positive: Side,
    negative: Side,
}

/// The buckets on one side of zero.
#[derive(Clone, Debug)]
struct Side {
    /// Offset and length of runs of buckets.
    spans: Vec<(i32, u32)>,
    counts: Vec<f64>,
}

impl Histogram {
    /// The histogram that a metric holds; none where a part is missing, of another type, or does not fit the others.
    pub(super) fn of(metric: &Metric) -> Option<Histogram> {
        if metric.kind() != ValueType::Histogram {
            return None;
        }
        let float = |field| match metric.field(field) {
            Some(Value::Float(v)) => Some(*v),
            _ => None,
        };
        let histogram = Histogram {
            reset_hint: match metric.field("counter_reset_hint") {
                Some(Value::Uint(v)) => *v,
                _ => return None,
            },
            schema: match metric.field("schema") {
                Some(Value::Int(v)) => *v as i32,
                _ => return None,
            },
            zero_threshold: float("zero_threshold")?,
            zero_count: float("zero_count")?,
            count: float("count")?,
            sum: float("sum")?,
            positive: Side::of(metric, "positive"),
            negative: Side::of(metric, "negative"),
        };
        histogram.is_valid().then_some(histogram)
    }

    fn is_valid(&self) -> bool {
        let custom = self.schema == CUSTOM;
        if custom {
            // The bounds do not come with the metric, so only the bucket for all fits.
            let reach: i64 = self
                .positive
                .spans
                .iter()
                .map(|(o, l)| i64::from(*o) + i64::from(*l))
                .sum();
            let plain = self.zero_count == 0.0 && self.zero_threshold == 0.0 && self.negative.is_empty();
            if !plain || reach > 1 {
                return false;
            }
        }
        (custom || (-4..=8).contains(&self.schema))
            && !(self.count < 0.0 || self.zero_count < 0.0)
            && self.positive.is_valid(custom)
            && self.negative.is_valid(custom)
    }

    /// Writes it as a message.
    pub(super) fn write(&self, millis: i64, out: &mut Draft) {
        out.double(2, self.count);
        out.double_or_nothing(3, self.sum);
        out.sint(4, self.schema.into());
        out.double_or_nothing(5, self.zero_threshold);
        out.double(7, self.zero_count);
        self.negative.write(8, 10, out);
        self.positive.write(11, 13, out);
        // The hint is one of four; another has no place in the message.
        out.uint(14, self.reset_hint & 0xff);
        out.uint(15, millis as u64);
    }
}

impl Side {
    fn of(metric: &Metric, name: &str) -> Side {
        let spans = (0..).map_while(|at| {
            let field = |end: &str| metric.field(&format!("{name}_span_{at}_{end}"));
            match (field("offset"), field("length")) {
                (Some(Value::Int(offset)), Some(Value::Uint(length))) => {
                    Some((*offset as i32, *length as u32))
                }
                _ => None,
            }
        });
        let counts = (0..).map_while(|at| match metric.field(&format!("{name}_bucket_{at}")) {
            Some(Value::Float(count)) => Some(*count),
            _ => None,
        });
        Side {
            spans: spans.collect(),
            counts: counts.collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.spans.is_empty() && self.counts.is_empty()
    }

    fn is_valid(&self, custom: bool) -> bool {
        // Only the first span may begin below bucket 0, and with bounds of one's own there is nothing below it.
        let first = usize::from(!custom);
        let forward = self.spans.iter().skip(first).all(|(offset, _)| *offset >= 0);
        let buckets: u64 = self.spans.iter().map(|(_, length)| u64::from(*length)).sum();
        forward && buckets == self.counts.len() as u64 && !self.counts.iter().any(|count| *count < 0.0)
    }

    fn write(&self, spans: u64, counts: u64, out: &mut Draft) {
        for (offset, length) in &self.spans {
            out.message(spans, |span| {
                span.sint(1, i64::from(*offset));
                span.uint(2, u64::from(*length));
            });
        }
        out.doubles(counts, &self.counts);
    }
}
