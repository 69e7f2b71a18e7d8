//! `[wheatstone.type_guard]`, or the table `type_guard` of an output.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FieldType;

/// One type for every field of a measurement: the first that was seen, over restarts too (not in Telegraf). The presence of
/// the table turns it on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TypeGuardConfig {
    /// What happens to a value of another type: "coerce" turns it into the field's type where nothing is lost by it, "rename"
    /// puts it into a field of its own (value_str, value_int, …), "reject" sends the metric to the dead letters (not in
    /// Telegraf).
    pub action: Action,
    /// What happens to a value that cannot be turned into the field's type, such as "n/a" for a number: "rename" or "reject"
    /// (not in Telegraf).
    pub fallback: Fallback,
    /// A field whose first value is an integer becomes a float: a device that sends 21 now may send 21.5 later (not in
    /// Telegraf).
    pub integers_as_float: bool,
    /// Types that are known beforehand, by measurement and field; they stand above what was learned (not in Telegraf).
    pub types: BTreeMap<String, BTreeMap<String, FieldType>>,
    /// How many fields are remembered, of all measurements together (not in Telegraf).
    pub max_fields: usize,
    /// What happens to fields past that number, and to names of more than 1,024 bytes: "pass" lets them through unguarded,
    /// "reject" sends the metric to the dead letters (not in Telegraf).
    pub past_limit: PastLimit,
    /// The folder of the file that keeps the types over restarts. Where it is empty they are forgotten (not in Telegraf).
    pub directory: String,
}

impl Default for TypeGuardConfig {
    fn default() -> TypeGuardConfig {
        TypeGuardConfig {
            action: Action::default(),
            fallback: Fallback::default(),
            integers_as_float: false,
            types: BTreeMap::new(),
            max_fields: 100_000,
            past_limit: PastLimit::default(),
            directory: "/var/lib/wheatstone/type_guard".into(),
        }
    }
}

/// What happens to a value of another type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is turned into the field's type where nothing is lost by it.
    #[default]
    Coerce,
    /// It gets a field of its own.
    Rename,
    /// Its metric is refused.
    Reject,
}

/// What happens to a value that cannot be turned into the field's type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Fallback {
    /// It gets a field of its own.
    #[default]
    Rename,
    /// Its metric is refused.
    Reject,
}

/// What happens to fields for which there is no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PastLimit {
    /// They pass unguarded.
    #[default]
    Pass,
    /// Their metric is refused.
    Reject,
}
