//! Outputs that need no third-party crate.

mod discard;
