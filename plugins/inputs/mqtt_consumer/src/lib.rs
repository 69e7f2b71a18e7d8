//! Metrics from MQTT topics.
