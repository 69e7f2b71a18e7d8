//! Metrics to InfluxDB line protocol and back.
