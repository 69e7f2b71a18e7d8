//! The options of `[[outputs.influxdb]]`.

use std::collections::BTreeMap;

use wheatstone_plugin::prelude::*;

/// Writes to InfluxDB 1.x.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(transform = wheatstone_net::tls::options)]
pub struct Config {
    /// The servers: http://, https://, udp:// (or udp4://, udp6://) or unix:///path/of/socket. Each batch goes to one of them; where
    /// that fails the others are tried, in a random order.
    pub urls: Vec<String>,
    /// The address of this machine to connect from, with or without a port; the port counts for UDP only.
    pub local_address: String,
    /// The database to write to. UDP: the server's configuration says which.
    pub database: String,
    /// The tag whose value is the database, where a metric has it. HTTP only.
    pub database_tag: String,
    /// Do not write that tag.
    pub exclude_database_tag: bool,
    /// Do not create databases: neither at start, nor for new values of database_tag, nor when the server lacks one. Useful
    /// where the user may not, or where the server is not InfluxDB itself.
    pub skip_database_creation: bool,
    /// The retention policy to write to; empty for the database's default. It must exist. HTTP only.
    pub retention_policy: String,
    /// The tag whose value is the retention policy, where a metric has it. HTTP only.
    pub retention_policy_tag: String,
    /// Do not write that tag.
    pub exclude_retention_policy_tag: bool,
    /// How many nodes of a cluster must have a point before it counts as written: any, one, quorum or all. HTTP only.
    pub write_consistency: String,
    /// How long a request may take, its answer included. HTTP only.
    pub timeout: Duration,
    /// The user's name.
    pub username: Secret,
    /// The user's password.
    pub password: Secret,
    /// What the agent calls itself; empty for its name and version.
    pub user_agent: String,
    /// The largest datagram for UDP. Every line is a datagram of its own; a metric that does not fit is split by fields.
    pub udp_payload: Size,
    /// The proxy for http and https addresses; empty for the one that the environment names (HTTP_PROXY, HTTPS_PROXY, NO_PROXY).
    pub http_proxy: String,
    /// Further headers of every request.
    pub http_headers: BTreeMap<String, String>,
    /// How bodies are packed: gzip or identity.
    pub content_encoding: String,
    /// Write unsigned integers as such. InfluxDB 1.x must be built for it; without, they are written as integers, and what
    /// is larger than the largest integer as that one.
    pub influx_uint_support: bool,
    /// Write no times: the server sets its own.
    pub influx_omit_timestamp: bool,
    /// Keep metrics and try again where the server answers 401 or 403, until the credentials are right. Telegraf drops them,
    /// and so does this agent unless it is set (not in Telegraf).
    pub retry_unauthorized: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            urls: vec!["http://localhost:8086".into()],
            local_address: String::new(),
            database: "telegraf".into(),
            database_tag: String::new(),
            exclude_database_tag: false,
            skip_database_creation: false,
            retention_policy: String::new(),
            retention_policy_tag: String::new(),
            exclude_retention_policy_tag: false,
            write_consistency: String::new(),
            timeout: Duration::from_secs(5),
            username: Secret::default(),
            password: Secret::default(),
            user_agent: String::new(),
            udp_payload: Size(512),
            http_proxy: String::new(),
            http_headers: BTreeMap::new(),
            content_encoding: "gzip".into(),
            influx_uint_support: false,
            influx_omit_timestamp: false,
            retry_unauthorized: false,
        }
    }
}

impl Config {
    /// Fills in what an empty option stands for.
    pub(crate) fn complete(&mut self, cx: &Context) {
        let defaults = Config::default();
        if self.urls.is_empty() {
            self.urls = defaults.urls;
        }
        if self.database.is_empty() {
            self.database = defaults.database;
        }
        if self.timeout == Duration::ZERO {
            self.timeout = defaults.timeout;
        }
        if self.udp_payload.0 == 0 {
            self.udp_payload = defaults.udp_payload;
        }
        if self.user_agent.is_empty() {
            self.user_agent = format!("Wheatstone/{}", cx.agent().version);
        }
        match self.content_encoding.as_str() {
            "" => self.content_encoding = defaults.content_encoding,
            "gzip" | "identity" => {}
            other => warn!(
                cx.log(),
                "Unknown content_encoding {other:?}: bodies are not packed"
            ),
        }
    }
}
