//! The agent: a command line over the pipeline, and the list of the plugins that are linked in.
//!
//! A user's own agent is a crate with a `main` of two lines:
//!
//! ```no_run
//! // use my_plugin as _;
//! fn main() -> std::process::ExitCode {
//!     wheatstone::main()
//! }
//! ```

mod check;
mod cli;
#[cfg(feature = "demo")]
mod demo;
mod letters;
mod list;
mod load;
mod logging;
mod plugins;
mod run;
mod sample;
mod secrets;
mod stores;

use std::process::ExitCode;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    cli::main(std::env::args_os().collect())
}

/// The version, as it is printed and sent.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
