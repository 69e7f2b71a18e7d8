//! Metrics changed one after the other.
