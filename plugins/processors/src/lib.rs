//! Metrics changed one after the other.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod by_key;
mod clone;
mod converter;
mod dedup;
mod goregexp;
mod naming;
mod r#override;
mod pivot;
mod regex;
mod rename;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod testing;
