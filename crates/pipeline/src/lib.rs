//! What joins plugins: inputs push batches through processors and aggregators into the queues of the outputs, and each
//! output writes from its own queue at its own pace.
//!
//! ```text
//! input ─ RunningInput ─┬─ Chain ─┬─ aggregators ─┬─ FanOut ─ queue ─ RunningOutput ─ output
//! input ─ RunningInput ─┘         └─ Chain (2nd) ─┘         └ queue ─ RunningOutput ─ output
//! ```
//! Everything from an input's filter to the queues is plain calls in the input's own task: no channel, no hop. A queue is
//! the only place where metrics wait.

mod aggregate;
mod chain;
mod fan_out;
mod filter;
mod guard;
mod make_metric;
mod metric_pass;
mod queue;
mod run;
mod running_input;
mod running_output;
mod schedule;
mod supervise;
mod topology;

pub use run::{Exit, Mode, run};
pub use topology::{BuildProblem, Cause, Topology, build};
