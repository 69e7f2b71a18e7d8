//! The options of `data_format = "json_v2"`.

use std::collections::BTreeMap;

use wheatstone_plugin::prelude::*;

/// Options of `data_format = "json_v2"`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct JsonV2Config {
    /// What to take out of a payload; each table gives metrics of its own.
    pub json_v2: Vec<Section>,
}

/// One reading of the payload.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Section {
    /// Name of the metrics; without it they bear the name of the input.
    pub measurement_name: String,
    /// GJSON path to a value that is the name of the metrics.
    pub measurement_name_path: String,
    /// GJSON path to the time of the metrics; it needs `timestamp_format`.
    pub timestamp_path: String,
    /// How that time is written: `unix`, `unix_ms`, `unix_us`, `unix_ns`, the name of a Go layout such as `RFC3339`, or a
    /// Go layout such as `2006-01-02T15:04:05Z07:00`.
    pub timestamp_format: String,
    /// Time zone of times that name none, such as `Europe/Berlin` or `Local`; UTC without it.
    pub timestamp_timezone: String,
    /// Values that become fields.
    pub field: Vec<DataSet>,
    /// Values that become tags.
    pub tag: Vec<DataSet>,
    /// Objects whose members become fields and tags.
    pub object: Vec<ObjectConfig>,
}

/// A path to a value, or to an array of which each element makes a metric.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DataSet {
    /// GJSON path to the value.
    pub path: String,
    /// Type of the field: `int`, `uint`, `float`, `string` or `bool`; without it that of the JSON value. With `string`
    /// objects and arrays are taken as text. Tags are always text.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name of the field or tag; without it the last word of the path.
    pub rename: String,
    /// Whether the path may lead nowhere. Without it that refuses the payload.
    pub optional: bool,
}

/// An object, or an array of objects, that is taken as a whole.
///
/// Members of inner objects are named with the keys above them, joined with `_`; the options below use that name.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ObjectConfig {
    /// GJSON path to the object.
    pub path: String,
    /// Whether the path may lead nowhere. Without it that refuses the payload.
    pub optional: bool,
    /// Key that holds the time of each object; it needs `timestamp_format`.
    pub timestamp_key: String,
    /// How that time is written.
    pub timestamp_format: String,
    /// Time zone of times that name none; UTC without it.
    pub timestamp_timezone: String,
    /// Other names for keys.
    pub renames: BTreeMap<String, String>,
    /// Types of keys: `int`, `uint`, `float`, `string` or `bool`.
    pub fields: BTreeMap<String, String>,
    /// Keys that become tags.
    pub tags: Vec<String>,
    /// Keys to take, besides those in `tags`; all without it.
    pub included_keys: Vec<String>,
    /// Keys to leave out.
    pub excluded_keys: Vec<String>,
    /// Whether members of inner objects are named with their own key only.
    pub disable_prepend_keys: bool,
    /// Paths within the object to values that become fields; with these or `tag` nothing else is taken.
    pub field: Vec<DataSet>,
    /// Paths within the object to values that become tags.
    pub tag: Vec<DataSet>,
}
