//! What tests stand on: real servers as child processes, a proxy that breaks connections, an HTTP server that answers by
//! script, a publisher that knows what the broker took, the agent itself, and single plugins run from a config text.
//!
//! Everything listens on loopback ports that the system chose, keeps its files in a temporary folder, and ends with the
//! value that holds it. All calls block and all waits are bounded, so they serve in plain tests; in an async test the work
//! of the servers goes on beside it, since each has a process or thread of its own.
//!
//! A server whose program is missing is an error that names the package to install; no test passes over it in silence.

mod agent;
mod certs;
mod fault_proxy;
mod http_double;
mod influx;
pub mod plugin;
mod process;
mod programs;
pub mod publish;
pub mod servers;

pub use agent::{Agent, AgentOptions, AgentRun};
pub use certs::Certs;
pub use fault_proxy::{Fault, FaultProxy};
pub use http_double::{Answer, Ending, HttpDouble, Request};
pub use influx::InfluxQuery;
pub use process::{Process, Signal};
pub use programs::free_port;
pub use servers::{Influxd, Mosquitto, NatsMqtt, Redis, SecantusMongo, Server, VictoriaMetrics};

use std::time::{Duration, Instant};

/// Asks `check` until it gives something or `limit` is over; then the error says that `what` did not come.
///
/// The pause between two questions grows from 2 ms to 50 ms: short waits end soon, long ones cost little.
pub fn wait_for<T>(what: &str, limit: Duration, mut check: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let end = Instant::now() + limit;
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(found) = check() {
            return Ok(found);
        }
        if Instant::now() >= end {
            anyhow::bail!("waited {limit:?} in vain for {what}");
        }
        std::thread::sleep(pause);
        pause = (pause * 3 / 2).min(Duration::from_millis(50));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_with_what_was_found_or_says_what_was_missing() {
        let mut asked = 0;
        let found = wait_for("the third question", Duration::from_secs(5), || {
            asked += 1;
            (asked == 3).then_some(asked)
        });
        assert_eq!(found.ok(), Some(3));
        let missed = wait_for::<()>("rain", Duration::from_millis(5), || None);
        assert_eq!(
            missed.map_err(|e| e.to_string()),
            Err("waited 5ms in vain for rain".to_owned())
        );
    }
}
