//! One output's queue: batches go in at the back, writes take from the front, what was not taken comes back to the front.
//!
//! The queue holds shared batches and ranges into them, so that several outputs keep one copy of a metric. What leaves the
//! queue is dropped, and with it the metric's share in its message; a disk buffer lets the shares go as soon as the metrics
//! are safe on disk.

mod buffer;
pub mod codec;
mod disk;
mod memory;
#[cfg(test)]
mod samples;
mod taken;

pub use buffer::Buffer;
pub use disk::{Closed, Disk, DiskOptions, Notice, OnFull, Problem, Recovery};
pub use memory::Memory;
pub use taken::Taken;
