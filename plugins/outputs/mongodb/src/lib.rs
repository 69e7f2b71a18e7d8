//! Documents to MongoDB.
