//! The types that a field can have.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wheatstone_metric::Value;

/// A field's type, under the name that InfluxDB gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// A float.
    Float,
    /// A signed integer.
    #[serde(alias = "int")]
    Integer,
    /// An unsigned integer.
    #[serde(alias = "uint")]
    Unsigned,
    /// A truth value.
    #[serde(alias = "bool")]
    Boolean,
    /// A text.
    #[serde(alias = "str")]
    String,
}

impl FieldType {
    /// All of them.
    pub const ALL: [FieldType; 5] = [
        FieldType::Float,
        FieldType::Integer,
        FieldType::Unsigned,
        FieldType::Boolean,
        FieldType::String,
    ];

    /// The type of a value.
    #[inline]
    pub fn of(value: &Value) -> FieldType {
        match value {
            Value::Float(_) => FieldType::Float,
            Value::Int(_) => FieldType::Integer,
            Value::Uint(_) => FieldType::Unsigned,
            Value::Bool(_) => FieldType::Boolean,
            Value::Str(_) => FieldType::String,
        }
    }
    /// Reads the names that `SHOW FIELD KEYS` gives.
    pub fn parse(name: &str) -> Option<FieldType> {
        FieldType::ALL.into_iter().find(|t| t.name() == name)
    }
    /// InfluxDB's name: float, integer, unsigned, boolean, string.
    pub fn name(self) -> &'static str {
        match self {
            FieldType::Float => "float",
            FieldType::Integer => "integer",
            FieldType::Unsigned => "unsigned",
            FieldType::Boolean => "boolean",
            FieldType::String => "string",
        }
    }
    /// What a renamed field ends in.
    pub fn suffix(self) -> &'static str {
        match self {
            FieldType::Float => "_float",
            FieldType::Integer => "_int",
            FieldType::Unsigned => "_uint",
            FieldType::Boolean => "_bool",
            FieldType::String => "_str",
        }
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
