//! `[wheatstone.dead_letter]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wheatstone_plugin::conf::{Duration, Size};

/// Where messages that cannot be read and metrics that are refused for good are kept (not in Telegraf).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DeadLetterConfig {
    /// The folder that letters are kept in. It is made where it is missing, readable by its owner only. Two agents must not
    /// share one (not in Telegraf).
    pub directory: String,
    /// How much the folder may take; the oldest letters are deleted first (not in Telegraf).
    pub max_size: Size,
    /// Delete letters that are older; 0 keeps them as long as there is room (not in Telegraf).
    pub max_age: Duration,
    /// Sync a letter to the disk before its message is acknowledged. Without it a letter survives a kill of the agent, not
    /// a crash of the system (not in Telegraf).
    pub sync: bool,
}

impl Default for DeadLetterConfig {
    fn default() -> DeadLetterConfig {
        DeadLetterConfig {
            directory: "/var/lib/wheatstone/dead_letters".into(),
            max_size: Size(100 << 20),
            max_age: Duration::ZERO,
            sync: true,
        }
    }
}
