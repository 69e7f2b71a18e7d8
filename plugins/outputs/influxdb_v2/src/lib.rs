//! Line protocol to InfluxDB 2.x.
