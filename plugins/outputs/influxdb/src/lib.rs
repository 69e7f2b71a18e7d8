//! Line protocol to InfluxDB 1.x.
