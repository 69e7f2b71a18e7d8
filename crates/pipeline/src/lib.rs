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
mod backlog;
mod build_output;
mod builder;
mod chain;
mod changes;
mod clock;
mod connect;
mod diff;
mod fan_out;
mod filter;
mod guard;
mod intake;
mod live;
mod live_output;
mod make_metric;
mod mark;
mod metric_pass;
mod new_inputs;
mod new_outputs;
mod numbers;
mod polled;
mod printer;
mod queue;
mod reload;
mod relocate;
mod replay;
mod run;
mod running_input;
mod running_output;
mod schedule;
mod seeds;
mod service;
mod supervise;
mod topology;
mod watch;
mod write;

pub use changes::Changes;
pub use mark::{bytes_sum, options_sum};
pub use replay::{Letters, ReplayOptions, Replayed, replay};
pub use run::{Exit, Mode, Reload, run, run_with_reloads};
pub use topology::{BuildProblem, Cause, Topology, build};
