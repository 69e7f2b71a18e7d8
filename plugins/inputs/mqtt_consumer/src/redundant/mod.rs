//! Copies of one message from several brokers: the first goes on, the others wait for its end and are acknowledged with it.
//!
//! Nothing in MQTT says that two messages are one, so topic and payload say it: of what one broker sent first, every other
//! broker's next message that is the same is the copy. A message that a broker sends twice is two messages, unless it says
//! itself (DUP) that it sends it again after a reconnect. A copy is waited for as long as `redundant_window`, counted from when
//! the other broker could deliver it: a broker that was away brings with it what its session kept.

mod copies;
mod window;

pub(crate) use copies::ack;
pub(crate) use window::{Rest, Sight, Window};

/// So many brokers at most.
pub(crate) const BROKERS: usize = 4;
