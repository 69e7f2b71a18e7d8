//! What brokers do on bad days, each played by a script: repeats, cuts, refusals, floods, silence.

#![allow(clippy::unwrap_used, clippy::result_large_err)]

mod acknowledgements;
#[path = "../common/mod.rs"]
mod common;
mod connections;
mod handshake;
mod payloads;
mod repeats;
