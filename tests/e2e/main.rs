//! The program from end to end: messages into a real broker, points out of a real database.
//!
//! Each test starts the servers that it needs, on ports and in folders of its own; `cargo xtask test` installs them.
//! `WHEATSTONE_E2E_MESSAGES` says how many messages the large tests publish (20,000 where it is not set).

mod by_chance;
mod command_line;
mod faults;
mod formats;
mod influxdb;
mod mixed_broker;
mod mongodb;
mod one_dead_output;
mod poison;
mod readings;
mod reload;
mod replay;
mod shared_group;
mod shutdown;
mod token;
mod type_guard;
mod v2;
