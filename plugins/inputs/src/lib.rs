//! Inputs that need no third-party crate.
