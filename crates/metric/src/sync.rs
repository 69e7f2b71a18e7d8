//! What `ack` is made of; `tests/ack_orders.rs` puts loom's in its place and tries every order of threads.

pub(crate) use std::sync::Arc;
pub(crate) use std::sync::atomic::{AtomicBool, Ordering};
