//! Payload formats out.
