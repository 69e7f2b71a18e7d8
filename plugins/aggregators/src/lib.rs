//! Few metrics out of many, a period at a time.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod basicstats;
mod r#final;
mod merge;
mod minmax;
mod names;
mod series;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod testing;
