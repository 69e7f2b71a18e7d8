//! The options that all formats share.

use std::collections::BTreeMap;

use wheatstone_plugin::prelude::*;

/// Options of `data_format = "xml"`, `"xpath_json"`, `"xpath_msgpack"`, `"xpath_cbor"` and `"xpath_protobuf"`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct XpathConfig {
    /// Files with the definition of the messages (`xpath_protobuf` only).
    pub xpath_protobuf_files: Vec<String>,
    /// One such file; use `xpath_protobuf_files`.
    #[schemars(extend("x-deprecated" = "1.32.0;1.40.0;use 'xpath_protobuf_files' instead"))]
    pub xpath_protobuf_file: String,
    /// Name of the message that a payload is, with its package (`xpath_protobuf` only).
    pub xpath_protobuf_type: String,
    /// Folders in which these files and what they import are looked for; without it the working folder.
    pub xpath_protobuf_import_paths: Vec<String>,
    /// How many bytes at the beginning of each payload are left out, such as the 5 of gRPC (`xpath_protobuf` only).
    pub xpath_protobuf_skip_bytes: i64,
    /// Whether each payload is logged as XML, at the level debug: a help to write queries.
    pub xpath_print_document: bool,
    /// Whether a payload may have no node that `metric_selection` selects. Without it that refuses the payload.
    pub xpath_allow_empty_selection: bool,
    /// Whether values that a query selects keep their types. Without it they are texts, unless the query converts them.
    /// XML has texts only.
    pub xpath_native_types: bool,
    /// Whether it is logged at the level debug how far a query leads that selects nothing; the level trace always does so.
    #[schemars(extend("x-deprecated" = "1.35.0;1.40.0;use 'log_level' 'trace' instead"))]
    pub xpath_trace: bool,
    /// What to take out of a payload; each table gives metrics of its own.
    pub xpath: Vec<Section>,
}

/// One reading of the payload. All queries are XPath expressions.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Section {
    /// Query for the name of the metrics; a constant is written in quotes of its own: `"'weather'"`. Without it they bear
    /// the name of the input.
    pub metric_name: String,
    /// Query for the nodes that become metrics, one each; `/` without it. Other queries start at such a node, or at the
    /// top of the payload where they begin with `/`.
    pub metric_selection: String,
    /// Query for the time; that of arrival without it.
    pub timestamp: String,
    /// How the time is written: `unix`, `unix_ms`, `unix_us`, `unix_ns`, the name of a Go layout such as `RFC3339`, or a
    /// Go layout such as `2006-01-02T15:04:05Z`. Without it `unix`.
    pub timestamp_format: String,
    /// Time zone of times that name none, such as `Europe/Berlin` or `Local`; UTC without it.
    pub timezone: String,
    /// Tags as names and queries.
    pub tags: BTreeMap<String, String>,
    /// Fields as names and queries. What `number()` and `boolean()` convert becomes a float or a boolean.
    pub fields: BTreeMap<String, String>,
    /// Integer fields as names and queries.
    pub fields_int: BTreeMap<String, String>,
    /// Names and patterns of fields whose bytes are written in hexadecimal; needs `xpath_native_types`.
    pub fields_bytes_as_hex: Vec<String>,
    /// The same for base64.
    pub fields_bytes_as_base64: Vec<String>,
    /// Query for nodes that become fields, one each.
    pub field_selection: String,
    /// Query for the name of each such field; `name()` without it.
    pub field_name: String,
    /// Query for the value of each such field; `.` without it.
    pub field_value: String,
    /// Whether the names of the nodes above, up to the selected one, are put in front of the field's name.
    pub field_name_expansion: bool,
    /// Query for nodes that become tags, one each.
    pub tag_selection: String,
    /// Query for the name of each such tag; `name()` without it.
    pub tag_name: String,
    /// Query for the value of each such tag; `.` without it.
    pub tag_value: String,
    /// Whether the names of the nodes above, up to the selected one, are put in front of the tag's name.
    pub tag_name_expansion: bool,
    /// A key that Telegraf reads by accident, without a meaning.
    #[schemars(skip)]
    #[serde(skip_serializing)]
    pub location: Option<BTreeMap<String, String>>,
}
