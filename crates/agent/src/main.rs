//! The program: everything is in the library, so that a user's own agent is as short as this.

use std::process::ExitCode;

// Every metric is made in one thread and dropped in another: see docs/decisions/mimalloc.md.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    wheatstone::main()
}
