//! The numbers of `internal_mqtt_consumer`; several inputs add to the same ones.

use wheatstone_plugin::stats::{Stat, register};

/// Counters and gauges of this plugin.
#[derive(Clone)]
pub(crate) struct Numbers {
    pub received: Stat,
    pub payload_size: Stat,
    /// Messages that could not be read.
    pub dropped: Stat,
    /// Those of them that were given to the dead letters.
    pub letters: Stat,
    /// Copies that another broker had sent before.
    pub duplicates: Stat,
    /// Connections made after the first.
    pub reconnects: Stat,
    /// Connections that are up.
    pub connections: Stat,
    /// Subscriptions that are silent though they usually are not.
    pub silent: Stat,
    /// Messages that the broker waits for an acknowledgement of.
    pub unacknowledged: Stat,
}

impl Numbers {
    pub fn new() -> Numbers {
        let stat = |field| register("mqtt_consumer", field, &[]);
        Numbers {
            received: stat("messages_received"),
            payload_size: stat("payload_size"),
            dropped: stat("messages_dropped"),
            letters: stat("dead_letters"),
            duplicates: stat("duplicates_dropped"),
            reconnects: stat("reconnects"),
            connections: stat("connections"),
            silent: stat("silent_subscriptions"),
            unacknowledged: stat("unacknowledged"),
        }
    }
}

/// One part of a gauge that several add to; its part goes with it.
pub(crate) struct Gauge {
    stat: Stat,
    part: i64,
}

impl Gauge {
    pub fn new(stat: &Stat) -> Gauge {
        Gauge {
            stat: stat.clone(),
            part: 0,
        }
    }
    #[inline]
    pub fn set(&mut self, n: usize) {
        let n = i64::try_from(n).unwrap_or(i64::MAX);
        if n != self.part {
            self.stat.add(n - self.part);
            self.part = n;
        }
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_gauge_add_up_and_go() {
        let stat = Stat::default();
        let (mut a, mut b) = (Gauge::new(&stat), Gauge::new(&stat));
        a.set(3);
        b.set(4);
        a.set(1);
        assert_eq!(stat.get(), 5);
        drop(b);
        assert_eq!(stat.get(), 1);
    }
}
