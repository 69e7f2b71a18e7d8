//! The options.

use wheatstone_plugin::prelude::*;

/// Options of `data_format = "avro"`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AvroConfig {
    /// Name of the metrics where neither the message nor the other options nor the schema name them.
    pub metric_name: String,
    /// How messages are encoded: `binary` or `json`.
    pub avro_format: String,
    /// Address of the schema registry; it may hold a user's name and password. Messages then begin with the number of their
    /// schema, as Confluent's do. Either this or `avro_schema` must be set.
    pub avro_schema_registry: String,
    /// File of PEM certificates of the authorities to trust with the registry, in place of the system's.
    pub avro_schema_registry_cert: String,
    /// The schema of all messages, as JSON.
    pub avro_schema: String,
    /// Name of the metrics; without it that of the schema, with its namespace.
    pub avro_measurement: String,
    /// Field of the record that holds the name of the metric.
    pub avro_measurement_field: String,
    /// Fields of the record that become tags.
    pub avro_tags: Vec<String>,
    /// Fields of the record that become fields; without it all that are no tags.
    pub avro_fields: Vec<String>,
    /// Field of the record that holds the time; without it the metrics bear the time of their arrival.
    pub avro_timestamp: String,
    /// What that time counts: `unix` (seconds), `unix_ms`, `unix_us` or `unix_ns`.
    pub avro_timestamp_format: String,
    /// What joins names where a value has parts: elements of arrays, members of maps and records.
    pub avro_field_separator: String,
    /// What the name of a field says of a union: `flatten` adds the name of the type, `nullable` and `any` nothing.
    pub avro_union_mode: String,
}

impl Default for AvroConfig {
    fn default() -> AvroConfig {
        AvroConfig {
            metric_name: String::new(),
            avro_format: "binary".to_owned(),
            avro_schema_registry: String::new(),
            avro_schema_registry_cert: String::new(),
            avro_schema: String::new(),
            avro_measurement: String::new(),
            avro_measurement_field: String::new(),
            avro_tags: Vec::new(),
            avro_fields: Vec::new(),
            avro_timestamp: String::new(),
            avro_timestamp_format: "unix".to_owned(),
            avro_field_separator: String::new(),
            avro_union_mode: "flatten".to_owned(),
        }
    }
}
