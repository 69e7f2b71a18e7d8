//! Metrics in; those whose values are new, or have not been sent for a while, out.

use std::collections::HashMap;
use std::time::Instant;

use wheatstone_plugin::line_protocol::{Decoder, Encoder, Engine, Options};
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::{State, state, time};

/// Drops metrics that repeat the field values of their series.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DedupConfig {
    /// How long repetitions are dropped. A metric goes on, however equal, when the time of the last one that went on lies
    /// so far behind the present.
    dedup_interval: Duration,
}

impl Default for DedupConfig {
    fn default() -> DedupConfig {
        DedupConfig {
            dedup_interval: Duration::from_secs(600),
        }
    }
}

struct Dedup {
    interval: Duration,
    /// The last metric that went on, by the hash of its series; hashes that fall together stand side by side.
    sent: HashMap<u64, Vec<Metric>>,
    cleaned: Instant,
    state: State,
    log: Log,
}

impl Plugin for Dedup {
    type Config = DedupConfig;

    fn new(config: DedupConfig, cx: &Context) -> Result<Self> {
        let mut dedup = Dedup {
            interval: config.dedup_interval,
            sent: HashMap::new(),
            cleaned: Instant::now(),
            state: cx.state()?,
            log: cx.log().clone(),
        };
        if let Some(state) = dedup.state.load()? {
            dedup.restore(&state);
        }
        Ok(dedup)
    }
}

impl Processor for Dedup {
    fn process(&mut self, metrics: &mut Vec<Metric>) {
        self.process_at(metrics, time::now());
    }
    fn stop(&mut self) {
        if self.state.is_kept()
            && let Err(e) = self.state.put(&self.kept(time::now()))
        {
            error!(self.log, "{e:#}");
        }
    }
}

impl Dedup {
    fn process_at(&mut self, metrics: &mut Vec<Metric>, now: Timestamp) {
        let interval = self.interval.nanos();
        metrics.retain(|m| {
            let series = self.sent.entry(m.series_hash()).or_default();
            let Some(last) = series.iter_mut().find(|last| last.same_series(m)) else {
                series.push(m.untracked());
                return true;
            };
            if expired(last, now, interval) || differs(m, last) {
                *last = m.untracked();
                return true;
            }
            m.time() == last.time() && complete(m, last)
        });
        if self.cleaned.elapsed() >= *self.interval {
            self.cleaned = Instant::now();
            self.sent.retain(|_, series| {
                series.retain(|last| !expired(last, now, interval));
                !series.is_empty()
            });
        }
    }
}

/// The state, as in Telegraf: the metrics that went on last, in line protocol.
impl Dedup {
    fn kept(&self, now: Timestamp) -> state::Bytes {
        let mut lines = Vec::new();
        let mut encoder = Encoder::new(Options {
            uint_support: true,
            ..Options::default()
        });
        for last in self.sent.values().flatten() {
            // What a line cannot hold whole is left out, and merely sent again.
            let whole = last
                .fields()
                .all(|(_, v)| !matches!(v, Value::Float(x) if !x.is_finite()));
            if whole && !expired(last, now, self.interval.nanos()) {
                let _ = encoder.encode(last, &mut lines);
            }
        }
        state::Bytes(lines)
    }

    fn restore(&mut self, state: &state::Bytes) {
        let mut metrics = Vec::new();
        let read = Decoder::new(Engine::Internal, 1).decode(&state.0, time::now(), &mut metrics);
        if let Err(e) = read {
            // As in Telegraf: what was sent is sent once more.
            warn!(self.log, "The kept state cannot be read: {e}");
            return;
        }
        self.process_at(&mut metrics, time::now());
    }
}

fn expired(last: &Metric, now: Timestamp, interval: i64) -> bool {
    now.saturating_sub(last.time()) >= interval
}

/// Whether a field that both have has another value. A field that only the new one has is no difference, as in Telegraf.
fn differs(m: &Metric, last: &Metric) -> bool {
    m.fields()
        .any(|(key, value)| last.field(key).is_some_and(|known| known != value))
}

/// Fields of one series and time may come in several metrics: adds those that are missing, and says whether there were any.
fn complete(m: &Metric, last: &mut Metric) -> bool {
    let before = last.field_count();
    for (key, value) in m.fields() {
        if !last.has_field(key) {
            last.set_field(key, value.clone());
        }
    }
    last.field_count() > before
}

register!(processor "dedup" = Dedup);

#[cfg(test)]
mod tests;
