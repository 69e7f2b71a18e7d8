//! Bytes to files and stdout.
