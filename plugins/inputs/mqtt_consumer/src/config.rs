//! The options of the input.

use wheatstone_plugin::prelude::*;

use crate::adapter::AdapterConfig;
use crate::topic::TopicParsing;

/// Which version of MQTT to speak.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Protocol {
    /// 5 where the server speaks it, else 3.1.1, else 3.1.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// Version 5.
    #[serde(rename = "5")]
    V5,
    /// Version 3.1.1.
    #[serde(rename = "3.1.1")]
    V311,
    /// Version 3.1.
    #[serde(rename = "3.1")]
    V31,
}

/// What becomes of messages that the broker had kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Retained {
    /// They are messages like others.
    #[default]
    Store,
    /// They are dropped.
    Drop,
    /// They get a tag.
    Tag,
}

/// Reads metrics from MQTT topics.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(transform = wheatstone_net::tls::options)]
pub struct MqttConsumerConfig {
    /// Addresses of the broker: tcp://, ssl:// (also tls://, mqtts://), ws://, wss:// or unix://. Several are the members of
    /// one cluster: the first that answers is used, and at every reconnect they are tried in order again.
    pub servers: Vec<String>,
    /// Topics to subscribe to, with the wildcards + and #. Shared subscriptions are written "$share/group/topic".
    pub topics: Vec<String>,
    /// The tag that takes the topic's name; it overwrites a tag of that name from the payload. "" for none.
    pub topic_tag: Option<String>,
    /// Quality of service of the subscriptions: 0 at most once, 1 at least once, 2 exactly once.
    pub qos: i64,
    /// How long a connection may take to be set up.
    pub connection_timeout: Duration,
    /// The longest pause between two attempts to reconnect. The first is 1s, each further one twice as long.
    pub max_reconnect_interval: Duration,
    /// A sign of life is sent after so long without traffic; "0s" for never.
    pub keepalive: Duration,
    /// The connection is given up where a sign of life is not answered within this time.
    pub ping_timeout: Duration,
    /// How many messages may be under way to the outputs at once; beyond that nothing is read. Best not below the outputs'
    /// metric_batch_size.
    pub max_undelivered_messages: usize,
    /// Keep the session at the broker while the agent is away, and acknowledge a message only once all outputs have it
    /// (or have it safe on disk). Needs client_id and a qos of 1 or 2.
    pub persistent_session: bool,
    /// The client's name at the broker; a random one where it is empty. No two clients of a broker may share one.
    pub client_id: String,
    /// User name.
    pub username: Secret,
    /// Password, or a token.
    pub password: Secret,
    /// Write what happens on the connection to the log, at the level debug.
    #[schemars(extend("x-deprecated" = "1.37.0;1.45.0;use 'log_level' 'trace' instead"))]
    pub client_trace: bool,
    /// The version of MQTT: "5", "3.1.1", "3.1", or "auto" for the newest that the server speaks (not in Telegraf). With
    /// version 5 a persistent session is quicker, for the broker may send more ahead.
    pub protocol: Protocol,
    /// Messages that the broker had kept and sends at every subscription: "store" them like others, "drop" them, or give
    /// their metrics the tag retained=true with "tag" (not in Telegraf).
    pub retained: Retained,
    /// The longest pause between two reads (not in Telegraf). At a steady rate it gathers messages, which saves most of the
    /// CPU time, here and at the broker; rare messages and full windows never wait. Up to eight times as long where messages
    /// bear their own time and every output gathers metrics for a later write. "0s" for none.
    pub coalesce_reads: Duration,
    /// The largest payload that is read (not in Telegraf). A larger one is a dead letter; where none are kept it is passed over
    /// without being held in memory, counted and told.
    pub max_payload_size: Size,
    /// Read from all `servers` at once, which are then brokers that get the same messages, and drop the copies (not in
    /// Telegraf, where they are alternatives). Up to four.
    pub redundant_servers: bool,
    /// With `redundant_servers`: how long the copy of a message is waited for (not in Telegraf). Of a broker that was away it
    /// counts from its return.
    pub redundant_window: Duration,
    /// A subscription that is silent for so long is not trusted: the connection is made anew (not in Telegraf). Unset: after
    /// three times what is warned of, which is 50 times the usual pause between messages and at least 1m, and once until
    /// messages come again. "0s" for never.
    pub max_silence: Option<Duration>,
    /// Parsers for some of the topics (not in Telegraf). The first one that fits takes the message. What none takes is read by
    /// the plugin's own data_format where one is given, and refused otherwise. Without `topics` above, those of the adapters
    /// are subscribed to.
    pub adapter: Vec<AdapterConfig>,
    /// Rules that make a measurement, tags and fields of a topic's levels. Every rule that fits is applied, in order.
    pub topic_parsing: Vec<TopicParsing>,
}

impl Default for MqttConsumerConfig {
    fn default() -> MqttConsumerConfig {
        MqttConsumerConfig {
            servers: vec!["tcp://127.0.0.1:1883".into()],
            topics: Vec::new(),
            topic_tag: None,
            qos: 0,
            connection_timeout: Duration::from_secs(30),
            max_reconnect_interval: Duration::from_secs(30),
            keepalive: Duration::from_secs(60),
            ping_timeout: Duration::from_secs(10),
            max_undelivered_messages: 1000,
            persistent_session: false,
            client_id: String::new(),
            username: Secret::default(),
            password: Secret::default(),
            client_trace: false,
            protocol: Protocol::Auto,
            retained: Retained::Store,
            coalesce_reads: Duration::from_millis(5),
            max_payload_size: Size(16 << 20),
            redundant_servers: false,
            redundant_window: Duration::from_secs(60),
            max_silence: None,
            adapter: Vec::new(),
            topic_parsing: Vec::new(),
        }
    }
}
