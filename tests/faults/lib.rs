//! Runs of the program while something breaks, each drawn from a seed: numbered messages into a real broker, the agent,
//! real databases, and at random moments a fault. In the end every database must hold every message that the publisher was
//! told was taken.
//!
//! A run is the same again for the same seed, but for the moments at which processes get their turns.

mod event;
mod plan;
mod run;
mod sink;
mod stage;
mod tools;

pub use event::{Event, KINDS};
pub use plan::{Broker, Plan, Scene, Sink};
pub use run::{Outcome, run};
pub use tools::Tools;
