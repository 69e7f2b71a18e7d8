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

mod announce;
mod check;
mod cli;
#[cfg(feature = "demo")]
mod demo;
mod features;
mod letters;
mod list;
mod load;
mod logging;
mod migrate;
mod plugins;
mod reload;
mod replay;
mod run;
mod sample;
mod schema;
mod secrets;
mod sources;
mod start_pages;
mod stores;
mod watch;

use std::process::ExitCode;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    cli::main(std::env::args_os().collect())
}

/// The version, as it is printed and sent.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
