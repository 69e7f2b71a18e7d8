//! The options of `data_format = "grok"`.

use wheatstone_plugin::prelude::*;

/// Options of `data_format = "grok"`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GrokConfig {
    /// Patterns for a line; the first one that fits is taken. `%{NAME}` stands for the pattern of that name,
    /// `%{NAME:field}` makes a field of what it finds, `%{NAME:field:modifier}` something else.
    pub grok_patterns: Vec<String>,
    /// Not used; Telegraf knows it.
    pub grok_named_patterns: Vec<String>,
    /// Patterns of one's own: lines of a name, a space and the pattern. Lines that begin with `#` are comments.
    pub grok_custom_patterns: String,
    /// Files with such lines.
    pub grok_custom_pattern_files: Vec<String>,
    /// Whether a payload is taken as one line.
    pub grok_multiline: bool,
    /// Time zone of times that name none, such as `Europe/Berlin` or `Local`; UTC without it.
    pub grok_timezone: String,
    /// `auto` moves the times of lines that were logged in the same instant apart, `disable` leaves them.
    pub grok_unique_timestamp: String,
}

impl Default for GrokConfig {
    fn default() -> GrokConfig {
        GrokConfig {
            grok_patterns: vec!["%{COMBINED_LOG_FORMAT}".to_owned()],
            grok_named_patterns: Vec::new(),
            grok_custom_patterns: String::new(),
            grok_custom_pattern_files: Vec::new(),
            grok_multiline: false,
            grok_timezone: "UTC".to_owned(),
            grok_unique_timestamp: "auto".to_owned(),
        }
    }
}
