//! The options of `[[outputs.influxdb_v2]]`.

use std::collections::BTreeMap;

use serde::Deserializer;
use wheatstone_plugin::prelude::*;

/// Writes to InfluxDB 2.x.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(transform = wheatstone_net::tls::options)]
pub struct Config {
    /// The servers: http://, https:// or unix:///path/of/socket. Each batch goes to one of them; where that one cannot be reached
    /// the others are tried, in a random order.
    pub urls: Vec<String>,
    /// The address of this machine to connect from; a port in it has no effect.
    pub local_address: String,
    /// The token that may write to the buckets.
    pub token: Secret,
    /// The organization that the buckets belong to.
    pub organization: String,
    /// The bucket to write to. It must exist.
    pub bucket: String,
    /// The tag whose value is the bucket, where a metric has it.
    pub bucket_tag: String,
    /// Do not write that tag.
    pub exclude_bucket_tag: bool,
    /// How long a request may take, its answer included; 0 sets no limit.
    pub timeout: Duration,
    /// Further headers of every request.
    pub http_headers: BTreeMap<String, Secret>,
    /// The proxy for http and https addresses; empty for the one that the environment names (HTTP_PROXY, HTTPS_PROXY, NO_PROXY).
    pub http_proxy: String,
    /// What the agent calls itself; empty for its name and version.
    pub user_agent: String,
    /// How bodies are packed: gzip or identity.
    pub content_encoding: String,
    /// Write unsigned integers as such, rather than as integers, where what is larger than the largest integer becomes that
    /// one.
    pub influx_uint_support: bool,
    /// Write no times: the server sets its own.
    pub influx_omit_timestamp: bool,
    /// HTTP/2: how long the answer to a ping may take before the connection is given up; 0 is 15 seconds.
    pub ping_timeout: Duration,
    /// HTTP/2: after how long a silence a ping is sent; 0 sends none.
    pub read_idle_timeout: Duration,
    /// How many bytes of line protocol, before they are packed, may be sent in a period; 0 or "unlimited" sets no limit. What
    /// exceeds it stays in the buffer. Each of several servers has its own account.
    #[serde(deserialize_with = "rate_limit")]
    pub rate_limit: Size,
    /// The length of that period.
    pub rate_limit_period: Duration,
    /// In how many parts, sent side by side, a batch is written.
    pub concurrent_writes: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            urls: vec!["http://localhost:8086".into()],
            local_address: String::new(),
            token: Secret::default(),
            organization: String::new(),
            bucket: String::new(),
            bucket_tag: String::new(),
            exclude_bucket_tag: false,
            timeout: Duration::from_secs(5),
            http_headers: BTreeMap::new(),
            http_proxy: String::new(),
            user_agent: String::new(),
            content_encoding: "gzip".into(),
            influx_uint_support: false,
            influx_omit_timestamp: false,
            ping_timeout: Duration::ZERO,
            read_idle_timeout: Duration::ZERO,
            rate_limit: Size(0),
            rate_limit_period: Duration::ZERO,
            concurrent_writes: 1,
        }
    }
}

/// Telegraf's own sample says "unlimited", which its reader refuses.
fn rate_limit<'de, D: Deserializer<'de>>(d: D) -> Result<Size, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Limit {
        Bytes(u64),
        Text(String),
    }
    match Limit::deserialize(d)? {
        Limit::Bytes(n) => Ok(Size(n)),
        Limit::Text(text) if text == "unlimited" => Ok(Size(0)),
        Limit::Text(text) => Size::parse(&text).map_err(serde::de::Error::custom),
    }
}

impl Config {
    /// Fills in what an empty option stands for, and checks what needs no other part.
    pub(crate) fn complete(&mut self, cx: &Context) -> Result<()> {
        let defaults = Config::default();
        if self.urls.is_empty() {
            self.urls = defaults.urls;
        }
        if self.user_agent.is_empty() {
            self.user_agent = format!("Wheatstone/{}", cx.agent().version);
        }
        match self.content_encoding.as_str() {
            "" => self.content_encoding = defaults.content_encoding,
            "gzip" | "identity" => {}
            other => bail!("invalid content encoding {other:?}"),
        }
        if self.rate_limit.0 > 0 && self.rate_limit_period == Duration::ZERO {
            bail!("invalid period for rate-limit");
        }
        self.concurrent_writes = self.concurrent_writes.max(1);
        Ok(())
    }
}
