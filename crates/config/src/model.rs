//! What a loaded configuration is: the agent's settings and the plugins with their common keys and their own tables.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wheatstone_dead_letter::DeadLetterConfig;
use wheatstone_plugin::Kind;
use wheatstone_plugin::conf::{Duration, Size, Span, Table};
use wheatstone_type_guard::TypeGuardConfig;

/// Everything that the files say.
#[derive(Debug, Default)]
pub struct Config {
    /// `[agent]`.
    pub agent: AgentConfig,
    /// `[global_tags]`, `host` included unless it is omitted.
    pub global_tags: BTreeMap<String, String>,
    /// Plugins in the order of the files.
    pub plugins: Vec<PluginConfig>,
    /// `[wheatstone]`: what Telegraf lacks.
    pub wheatstone: WheatstoneConfig,
}

/// One plugin as the files have it.
#[derive(Clone, Debug)]
pub struct PluginConfig {
    /// Input, output and so on.
    pub kind: Kind,
    /// Its name, such as `mqtt_consumer`.
    pub name: String,
    /// Keys that every plugin of the kind has.
    pub common: Common,
    /// The plugin's own keys, those of its parser or serializer included.
    pub table: Table,
    /// Where its header stands.
    pub span: Span,
    /// Telegraf's plugin ID: a SHA-256 over kind, name and options, as hex. Folders and states are kept under it.
    pub id: String,
    /// The ID of a processor's second instance, the one behind the aggregators; empty for other kinds.
    pub second_id: String,
    /// How its header stands in the file.
    pub header: Header,
}

/// How a plugin's header stands in its file: what messages tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// It has double brackets.
    pub list: bool,
    /// The line of the first header of the kind in this file: the number that Telegraf names for unknown options.
    pub group_line: usize,
    /// The first header of a table inside this one: options of the plugin itself stand above it.
    pub inner: Option<Span>,
}

/// Keys that plugins have in common. A kind uses those that it has in Telegraf; the rest keep their defaults.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Common {
    /// A name that tells instances of one plugin apart in logs and statistics.
    pub alias: String,
    /// The level of this plugin's log lines: error, warn, info, debug, trace.
    pub log_level: String,
    /// What happens when the plugin cannot start: error (the agent ends), retry, ignore, probe.
    pub startup_error_behavior: String,
    /// Labels that `--select` can ask for.
    pub labels: BTreeMap<String, String>,

    /// Inputs: how often it is gathered, instead of the agent's interval.
    pub interval: Option<Duration>,
    /// Inputs: rounding of its times.
    pub precision: Option<Duration>,
    /// Inputs: which time its metrics get: metric, collection_start, collection_end.
    pub time_source: String,
    /// Inputs: a random wait before each gather.
    pub collection_jitter: Option<Duration>,
    /// Inputs: a fixed shift of the gathers.
    pub collection_offset: Option<Duration>,
    /// Inputs, aggregators: tags for all of its metrics that lack them.
    pub tags: BTreeMap<String, String>,

    /// Replaces the measurement's name.
    pub name_override: String,
    /// Stands before the name.
    pub name_prefix: String,
    /// Stands behind the name.
    pub name_suffix: String,

    /// Outputs: how often it writes, instead of the agent's interval.
    pub flush_interval: Option<Duration>,
    /// Outputs: a random addition to it.
    pub flush_jitter: Option<Duration>,
    /// Outputs: the most metrics of one write.
    pub metric_batch_size: Option<usize>,
    /// Outputs: how many metrics wait at most.
    pub metric_buffer_limit: Option<usize>,
    /// Outputs: memory or disk (not in Telegraf per output).
    pub buffer_strategy: Option<String>,
    /// Outputs: how many bytes a disk buffer may take (not in Telegraf).
    pub buffer_size: Option<Size>,
    /// Outputs: what happens when a disk buffer is full: drop_oldest, or block, which leaves messages with their source
    /// (not in Telegraf).
    pub buffer_full: Option<String>,

    /// Outputs: one type for every field of a measurement (not in Telegraf).
    #[serde(skip)]
    pub type_guard: Option<TypeGuardConfig>,

    /// Processors: their place among the others; ones with equal numbers run in the order of the file.
    pub order: i64,
    /// Aggregators: the length of a period.
    pub period: Option<Duration>,
    /// Aggregators: how long after a period's end metrics are still taken.
    pub delay: Option<Duration>,
    /// Aggregators: how much older than the period's begin a metric may be.
    pub grace: Option<Duration>,
    /// Aggregators: whether the metrics that were aggregated are not sent on.
    pub drop_original: bool,

    /// Which metrics, and which of their tags and fields.
    #[serde(skip)]
    pub filter: FilterConfig,
}

/// The metric filter of a plugin, as written. Old names (pass, drop, fieldpass, fielddrop) are already moved to the new ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FilterConfig {
    /// Only measurements that match.
    pub namepass: Vec<String>,
    /// Characters that a wildcard of namepass does not cross.
    pub namepass_separator: String,
    /// No measurements that match.
    pub namedrop: Vec<String>,
    /// Characters that a wildcard of namedrop does not cross.
    pub namedrop_separator: String,
    /// Only metrics that have one of these tags with a value that matches.
    pub tagpass: BTreeMap<String, Vec<String>>,
    /// No metrics that have one of these tags with a value that matches.
    pub tagdrop: BTreeMap<String, Vec<String>>,
    /// Only fields that match.
    pub fieldinclude: Vec<String>,
    /// No fields that match.
    pub fieldexclude: Vec<String>,
    /// Only tags that match.
    pub taginclude: Vec<String>,
    /// No tags that match.
    pub tagexclude: Vec<String>,
    /// A CEL expression that says whether a metric passes.
    pub metricpass: String,
    /// Where that expression stands.
    #[serde(skip)]
    pub metricpass_span: Option<Span>,
}

/// `[agent]`, with Telegraf's keys and defaults.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AgentConfig {
    /// How often polled inputs are gathered.
    pub interval: Duration,
    /// Align gathers to multiples of the interval.
    pub round_interval: bool,
    /// Rounding of the times of polled inputs; 0 derives it from the interval.
    pub precision: Duration,
    /// A random wait before each gather.
    pub collection_jitter: Duration,
    /// A fixed shift of the gathers.
    pub collection_offset: Duration,
    /// How often outputs write.
    pub flush_interval: Duration,
    /// A random addition to the flush interval.
    pub flush_jitter: Duration,
    /// The most metrics of one write.
    pub metric_batch_size: usize,
    /// How many metrics wait per output at most; the oldest are dropped first.
    pub metric_buffer_limit: usize,
    /// Log debug lines too.
    pub debug: bool,
    /// Log errors only.
    pub quiet: bool,
    /// Form of the log: text or structured.
    pub logformat: String,
    /// Where the log goes: file or stderr (deprecated, use logfile).
    pub logtarget: String,
    /// The log's file; empty for stderr.
    pub logfile: String,
    /// The key of the message in structured logs.
    pub structured_log_message_key: String,
    /// After how long a new log file is begun; 0 for never.
    pub logfile_rotation_interval: Duration,
    /// At which size a new log file is begun; 0 for never.
    pub logfile_rotation_max_size: Size,
    /// How many old log files are kept; -1 for all.
    pub logfile_rotation_max_archives: i64,
    /// The time zone of log lines: a name, or "local"; empty for UTC.
    pub log_with_timezone: String,
    /// The value of the tag `host`; empty for the system's name.
    pub hostname: String,
    /// Set no tag `host`.
    pub omit_hostname: bool,
    /// How SNMP names are found: gosmi or netsnmp.
    pub snmp_translator: String,
    /// Where plugins keep their states over a restart.
    pub statefile: String,
    /// Plugin tags survive the tag filters.
    pub always_include_local_tags: bool,
    /// Global tags survive the tag filters.
    pub always_include_global_tags: bool,
    /// Send what aggregators push straight to the outputs.
    pub skip_processors_after_aggregators: Option<bool>,
    /// Aggregate before the processors.
    pub skip_processors_before_aggregators: Option<bool>,
    /// How often a configuration from a URL is tried again.
    pub config_url_retry_attempts: i64,
    /// Where metrics wait: memory, or disk.
    pub buffer_strategy: String,
    /// The folder of disk buffers.
    pub buffer_directory: String,
    /// Sync disk buffers to the disk before a message is acknowledged.
    pub buffer_disk_sync: bool,
}

impl Default for AgentConfig {
    fn default() -> AgentConfig {
        AgentConfig {
            interval: Duration::from_secs(10),
            round_interval: true,
            precision: Duration::ZERO,
            collection_jitter: Duration::ZERO,
            collection_offset: Duration::ZERO,
            flush_interval: Duration::from_secs(10),
            flush_jitter: Duration::ZERO,
            metric_batch_size: 1000,
            metric_buffer_limit: 10_000,
            debug: false,
            quiet: false,
            logformat: "text".into(),
            logtarget: String::new(),
            logfile: String::new(),
            structured_log_message_key: "msg".into(),
            logfile_rotation_interval: Duration::ZERO,
            logfile_rotation_max_size: Size(0),
            logfile_rotation_max_archives: 5,
            log_with_timezone: String::new(),
            hostname: String::new(),
            omit_hostname: false,
            snmp_translator: "netsnmp".into(),
            statefile: String::new(),
            always_include_local_tags: false,
            always_include_global_tags: false,
            skip_processors_after_aggregators: None,
            skip_processors_before_aggregators: None,
            config_url_retry_attempts: 0,
            buffer_strategy: "memory".into(),
            buffer_directory: String::new(),
            buffer_disk_sync: true,
        }
    }
}

/// `[wheatstone]`: agent-wide options that Telegraf lacks.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WheatstoneConfig {
    /// Threads of the runtime; 0 chooses by the number of cores.
    pub threads: usize,
    /// An output that has not written anything for so long, though it should have, is told about in the log, and again each
    /// time so long has passed; 0 for never.
    pub alarm_after: Duration,
    /// Keeps what was refused for good or could not be read.
    pub dead_letter: Option<DeadLetterConfig>,
    /// One type for every field of a measurement, for all outputs.
    pub type_guard: Option<TypeGuardConfig>,
}

impl Default for WheatstoneConfig {
    fn default() -> WheatstoneConfig {
        WheatstoneConfig {
            threads: 0,
            alarm_after: Duration::from_secs(300),
            dead_letter: None,
            type_guard: None,
        }
    }
}
