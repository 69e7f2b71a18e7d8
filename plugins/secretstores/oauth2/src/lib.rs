//! Tokens by OAuth2's client credentials (RFC 6749, 4.4): asked for at the first use, kept until shortly before they expire, and
//! then renewed. An MQTT broker behind Keycloak takes such a token for a password.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod fetch;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU8;
use std::time::Instant;

use tokio::sync::Mutex;
use wheatstone_net::TlsConfig;
use wheatstone_net::http::{Address, Options, reqwest::Url};
use wheatstone_plugin::prelude::*;

/// Options of the store.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(transform = wheatstone_net::tls::options)]
pub struct OAuth2Config {
    /// The store's name: options refer to its tokens as `@{<id>:<key>}`.
    pub id: String,
    /// Who gives the tokens: "custom" for any server by its token_endpoint (Keycloak too), "auth0" or "AzureAD".
    pub service: String,
    /// The URL of the tokens, for "custom" and "auth0". Keycloak:
    /// https://keycloak.example.com/realms/<realm>/protocol/openid-connect/token
    pub token_endpoint: String,
    /// The tenant, for "AzureAD".
    pub tenant_id: String,
    /// A token that expires sooner than this is renewed before it is used.
    pub token_expiry_margin: Duration,
    /// How long the server may take (not in Telegraf).
    pub timeout: Duration,
    /// The tokens.
    pub token: Vec<TokenConfig>,
}
impl Default for OAuth2Config {
    fn default() -> OAuth2Config {
        OAuth2Config {
            id: String::new(),
            service: "custom".into(),
            token_endpoint: String::new(),
            tenant_id: String::new(),
            token_expiry_margin: Duration::from_secs(1),
            timeout: Duration::from_secs(10),
            token: Vec::new(),
        }
    }
}

/// One token.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TokenConfig {
    /// The key by which options refer to it.
    pub key: String,
    /// The client's name at the server.
    pub client_id: Secret,
    /// The client's secret.
    pub client_secret: Secret,
    /// Scopes to ask for.
    pub scopes: Vec<String>,
    /// Further parameters of the request, such as the audience of Auth0.
    pub parameters: BTreeMap<String, String>,
}

/// The store.
pub struct OAuth2 {
    cx: Context,
    url: Url,
    address: Address,
    options: Options,
    margin: Duration,
    /// How the client shows who it is: found by trying, as in Go, where the service does not say.
    style: AtomicU8,
    tokens: BTreeMap<String, (TokenConfig, Mutex<Option<Token>>)>,
}

struct Token {
    text: String,
    /// None for one that does not expire.
    expires: Option<Instant>,
}

impl Token {
    fn lasts(&self, margin: Duration) -> bool {
        self.expires
            .is_none_or(|at| at.saturating_duration_since(Instant::now()) > margin.0)
    }
}

impl Plugin for OAuth2 {
    type Config = OAuth2Config;

    fn new(config: OAuth2Config, cx: &Context) -> Result<OAuth2> {
        let tls: TlsConfig = cx.config()?;
        let service = config.service.to_lowercase();
        let (endpoint, style) = match service.as_str() {
            "" | "custom" if config.token_endpoint.is_empty() => {
                bail!("'token_endpoint' required for custom service")
            }
            "" | "custom" => (config.token_endpoint, fetch::STYLE_UNKNOWN),
            "auth0" if config.token_endpoint.is_empty() => bail!("'token_endpoint' required for Auth0"),
            "auth0" => (config.token_endpoint, fetch::STYLE_PARAMETERS),
            "azuread" if config.tenant_id.is_empty() => bail!("'tenant_id' required for AzureAD"),
            "azuread" if !config.token_endpoint.is_empty() => {
                bail!("'token_endpoint' cannot be set for service {:?}", config.service)
            }
            "azuread" => (
                format!(
                    "https://login.microsoftonline.com/{}/oauth2/v2.0/token",
                    config.tenant_id
                ),
                fetch::STYLE_UNKNOWN,
            ),
            _ => bail!("service {:?} not supported", config.service),
        };
        if service != "azuread" && !config.tenant_id.is_empty() {
            warn!(
                cx.log(),
                "'tenant_id' set but ignored by service {:?}", config.service
            );
        }

        let mut tokens = BTreeMap::new();
        for token in config.token {
            let key = token.key.clone();
            if key.is_empty() {
                bail!("'key' not specified");
            }
            if token.client_id.is_empty() {
                bail!("'client_id' not specified for key {key:?}");
            }
            if token.client_secret.is_empty() {
                bail!("'client_secret' not specified for key {key:?}");
            }
            if service == "auth0" && token.parameters.get("audience").is_none_or(String::is_empty) {
                bail!("'audience' parameter in key {key:?} missing for service Auth0");
            }
            if tokens.insert(key.clone(), (token, Mutex::new(None))).is_some() {
                bail!("token with key {key:?} already defined");
            }
        }
        Ok(OAuth2 {
            cx: cx.clone(),
            url: Url::parse(&endpoint).map_err(|e| anyhow!("invalid token endpoint: {e}"))?,
            address: Address::parse(&endpoint)?,
            options: Options::new(config.timeout.0, "", "", &tls)?,
            margin: config.token_expiry_margin,
            style: AtomicU8::new(style),
            tokens,
        })
    }
}

#[async_trait]
impl SecretStore for OAuth2 {
    async fn get(&self, key: &str) -> Result<String> {
        let Some((config, kept)) = self.tokens.get(key) else {
            bail!("token {key:?} not found")
        };
        // Held while the server is asked, so that several that need the token ask once.
        let mut kept = kept.lock().await;
        if let Some(token) = kept.as_ref().filter(|t| t.lasts(self.margin)) {
            return Ok(token.text.clone());
        }
        let token = self.fetch(config).await?;
        if !token.lasts(Duration::ZERO) {
            bail!("token invalid");
        }
        debug!(self.cx.log(), "got a new token for {key:?}");
        Ok(kept.insert(token).text.clone())
    }
    async fn list(&self) -> Result<Vec<String>> {
        Ok(self.tokens.keys().cloned().collect())
    }
    fn is_dynamic(&self) -> bool {
        true
    }
}

register!(secret_store "oauth2" = OAuth2);

#[cfg(test)]
mod tests;
