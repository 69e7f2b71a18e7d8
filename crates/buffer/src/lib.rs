//! One output's queue of metrics.
