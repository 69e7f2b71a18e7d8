//! Payload formats in: the parsers that need no crate of their own.
