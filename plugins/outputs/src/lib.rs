//! Outputs that need no third-party crate.
