//! A batch of metrics to bytes; a metric that the format cannot hold never takes the others along.

use wheatstone_plugin::prelude::*;

pub struct Encoder {
    serializer: Box<dyn Serializer>,
    batched: bool,
}

impl Encoder {
    /// Writes metrics one after the other, or with `batched` in the format's form for many.
    pub fn new(serializer: Box<dyn Serializer>, batched: bool) -> Encoder {
        Encoder { serializer, batched }
    }

    /// Appends the batch to `out`. Gives what was left out, sorted by index.
    pub fn encode(&mut self, metrics: &[&Metric], out: &mut Vec<u8>) -> Vec<Rejection> {
        if self.batched {
            return self.encode_batch(metrics, out);
        }
        let mut rejected = Vec::new();
        for (index, metric) in metrics.iter().enumerate() {
            let before = out.len();
            if let Err(e) = self.serializer.serialize(metric, out) {
                out.truncate(before);
                rejected.push(Rejection {
                    index,
                    reason: format!("{e:#}"),
                });
            }
        }
        rejected
    }

    fn encode_batch(&mut self, metrics: &[&Metric], out: &mut Vec<u8>) -> Vec<Rejection> {
        let before = out.len();
        if self.serializer.serialize_batch(metrics, out).is_ok() {
            return Vec::new();
        }
        // Seldom: find those that cannot be written on their own, and write the rest.
        let mut rejected = Vec::new();
        let mut good = Vec::with_capacity(metrics.len());
        for (index, metric) in metrics.iter().enumerate() {
            out.truncate(before);
            match self.serializer.serialize_batch(&[metric], out) {
                Ok(()) => good.push(*metric),
                Err(e) => rejected.push(Rejection {
                    index,
                    reason: format!("{e:#}"),
                }),
            }
        }
        out.truncate(before);
        if good.is_empty() {
            return rejected;
        }
        match self.serializer.serialize_batch(&good, out) {
            Ok(()) => rejected,
            Err(e) => {
                out.truncate(before);
                let reason = format!("{e:#}");
                (0..metrics.len())
                    .map(|index| Rejection {
                        index,
                        reason: reason.clone(),
                    })
                    .collect()
            }
        }
    }
}
