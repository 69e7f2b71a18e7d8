//! Inputs that need no third-party crate.

mod file;
mod globpath;
mod internal;
mod mock;
#[cfg(test)]
mod testing;
