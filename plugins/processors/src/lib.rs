//! Metrics changed one after the other.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod by_key;
mod clone;
mod converter;
mod dedup;
mod naming;
mod r#override;
mod pivot;
mod regex;
mod rename;
mod template;

use wheatstone_goregexp as goregexp;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod testing;
