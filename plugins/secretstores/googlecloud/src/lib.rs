//! Tokens of Google's clouds: a service account's key signs a request, the server gives a token for an hour, and it is renewed
//! before it expires.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod account;
mod der;
mod fetch;

use std::path::Path;
use std::time::{Duration as Span, Instant};

use tokio::sync::Mutex;
use wheatstone_net::TlsConfig;
use wheatstone_net::http::{Address, Options};
use wheatstone_plugin::prelude::*;

use account::Account;

/// Options of the store.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(transform = wheatstone_net::tls::options)]
pub struct GoogleCloudConfig {
    /// The store's name: options refer to its token as `@{<id>:token}`.
    pub id: String,
    /// The JSON file with the service account's key: of type service_account, or gdch_service_account of Google Distributed
    /// Cloud.
    pub credentials_file: String,
    /// Scopes of the token; without any it is that of the whole cloud platform. Not used by Google Distributed Cloud.
    pub scopes: Vec<String>,
    /// The audience of the token; Google Distributed Cloud needs it.
    pub sts_audience: String,
    /// How long the server may take; 0 sets no limit.
    pub timeout: Duration,
    /// A proxy's URL.
    pub http_proxy_url: String,
    /// Use the proxy that the environment names. Accepted for compatibility: that is done anyway where http_proxy_url is
    /// empty.
    pub use_system_proxy: bool,
    /// The address or interface to connect from.
    pub local_address: String,
    /// How long an idle connection is kept. Accepted for compatibility: each token comes by one request.
    pub idle_conn_timeout: Duration,
    /// How many idle connections are kept. Accepted for compatibility.
    pub max_idle_conn: i64,
    /// How many idle connections are kept per server. Accepted for compatibility.
    pub max_idle_conn_per_host: i64,
    /// How long the server may take until its answer begins. Accepted for compatibility: `timeout` is for all of it.
    pub response_timeout: Duration,
}

/// A token that is near its end is not used any more.
const MARGIN: Span = Span::from_secs(225);

/// The store.
pub struct GoogleCloud {
    cx: Context,
    account: Account,
    address: Address,
    options: Options,
    token: Mutex<Option<Token>>,
}

struct Token {
    text: String,
    /// None for one that does not expire.
    until: Option<Instant>,
}

impl Plugin for GoogleCloud {
    type Config = GoogleCloudConfig;

    fn new(config: GoogleCloudConfig, cx: &Context) -> Result<GoogleCloud> {
        let mut tls: TlsConfig = cx.config()?;
        let path = Path::new(&config.credentials_file);
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot load the credential file {}", path.display()))?;
        let account = Account::read(&text, &config.scopes, &config.sts_audience)
            .with_context(|| format!("the credential file {} cannot be used", path.display()))?;
        if !account.ca.is_empty() && tls.tls_ca.is_empty() {
            tls.tls_ca = account.ca.clone();
        }
        Ok(GoogleCloud {
            cx: cx.clone(),
            address: Address::parse(account.url.as_str())?,
            options: Options::new(
                config.timeout.0,
                &config.http_proxy_url,
                &config.local_address,
                &tls,
            )?,
            account,
            token: Mutex::default(),
        })
    }
}

#[async_trait]
impl SecretStore for GoogleCloud {
    async fn get(&self, key: &str) -> Result<String> {
        if key != "token" {
            bail!("invalid key {key:?}, only 'token' is supported");
        }
        // Held while the server is asked, so that several that need the token ask once.
        let mut kept = self.token.lock().await;
        let lasts = |t: &&Token| {
            t.until
                .is_none_or(|until| until.saturating_duration_since(Instant::now()) > MARGIN)
        };
        if let Some(token) = kept.as_ref().filter(lasts) {
            return Ok(token.text.clone());
        }
        let token = self.fetch().await.context("token retrieval failed")?;
        debug!(self.cx.log(), "got a new token");
        Ok(kept.insert(token).text.clone())
    }
    async fn list(&self) -> Result<Vec<String>> {
        Ok(vec!["token".into()])
    }
    fn is_dynamic(&self) -> bool {
        true
    }
}

register!(secret_store "googlecloud" = GoogleCloud);

#[cfg(test)]
mod tests;
