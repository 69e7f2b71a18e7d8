//! Lines of text to metrics: a payload in, all of its metrics out, or the first error and none.

mod error;
mod input;
mod internal;
mod number;
mod upstream;

pub use error::DecodeError;
use wheatstone_metric::Metric;

use input::{Input, Memory};

#[cfg(test)]
mod tests;

/// Which of Telegraf's two parsers is followed. They differ in what they accept at the edges and in their errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// Telegraf's default: tabs separate too, and in a string field a backslash must escape something.
    #[default]
    Internal,
    /// That of InfluxDB's own library: only spaces separate, invalid UTF-8 is an error, `\n` in a string field is a
    /// line break.
    Upstream,
}

/// Reads payloads of line protocol. It remembers the keys that it has seen, so keep one per stream.
pub struct Decoder {
    engine: Engine,
    precision: i64,
    memory: Memory,
}

impl Decoder {
    /// A decoder for timestamps that count units of `precision_ns` nanoseconds: 1, 1_000, 1_000_000 or 1_000_000_000.
    pub fn new(engine: Engine, precision_ns: i64) -> Decoder {
        Decoder {
            engine,
            precision: precision_ns.max(1),
            memory: Memory::default(),
        }
    }

    /// Appends the payload's metrics to `out`. A line without a timestamp gets `now`, in nanoseconds, cut down to the
    /// precision. One bad line refuses the payload: after an error `out` is as it was before.
    ///
    /// The internal engine takes bytes that are not UTF-8 and replaces them by U+FFFD where they stand in a metric.
    pub fn decode(&mut self, payload: &[u8], now: i64, out: &mut Vec<Metric>) -> Result<(), DecodeError> {
        let before = out.len();
        let now = now.saturating_sub(now.rem_euclid(self.precision));
        let input = Input::new(payload);
        match self.engine {
            Engine::Internal => internal::decode(&input, &mut self.memory, self.precision, now, out),
            Engine::Upstream => upstream::decode(&input, &mut self.memory, self.precision, now, out),
        }
        .inspect_err(|_| out.truncate(before))
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder")
            .field("engine", &self.engine)
            .field("precision", &self.precision)
            .finish()
    }
}
