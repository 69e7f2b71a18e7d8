//! Secrets out of HashiCorp Vault's key-value engine: a token or an AppRole opens it, and every secret is read when it is used.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod client;

use serde_json::{Map, Value as Json};
use wheatstone_net::TlsConfig;
use wheatstone_plugin::prelude::*;

use client::Client;

/// Options of the store.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(transform = wheatstone_net::tls::options)]
pub struct VaultConfig {
    /// The store's name: options refer to its secrets as `@{<id>:<secret_key>}`.
    pub id: String,
    /// The server's address; https where it names no scheme.
    pub address: String,
    /// Where the engine is mounted: "secret" of "secret/data/myapp/database".
    pub mount_path: String,
    /// The secret under it: "myapp/database" of "secret/data/myapp/database".
    pub secret_path: String,
    /// The engine: kv-v1 or kv-v2.
    pub engine: String,
    /// A token; or there is an [approle].
    pub token: Secret,
    /// Log in as an AppRole, and again before its token expires.
    pub approle: Option<AppRole>,
    /// How long the server may take (not in Telegraf).
    pub timeout: Duration,
}

impl Default for VaultConfig {
    fn default() -> VaultConfig {
        VaultConfig {
            id: String::new(),
            address: String::new(),
            mount_path: String::new(),
            secret_path: String::new(),
            engine: "kv-v2".into(),
            token: Secret::default(),
            approle: None,
            timeout: Duration::from_secs(60),
        }
    }
}

/// A role of Vault's AppRole method.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AppRole {
    /// The role's ID.
    pub role_id: String,
    /// The secret is a wrapping token, which is unwrapped once.
    pub response_wrapped: bool,
    /// The secret ID.
    pub secret: Secret,
}

/// The store.
pub struct Vault {
    client: Client,
    /// The path behind `/v1/`.
    path: String,
    second_version: bool,
}

impl Plugin for Vault {
    type Config = VaultConfig;

    fn new(config: VaultConfig, cx: &Context) -> Result<Vault> {
        let tls: TlsConfig = cx.config()?;
        let second_version = match config.engine.as_str() {
            "" | "kv-v2" => true,
            "kv-v1" => false,
            other => bail!("unsupported engine: {other}"),
        };
        match (config.token.is_empty(), &config.approle) {
            (true, None) => bail!("authentication method missing: set either `token` or `approle`"),
            (false, Some(_)) => bail!("only one authentication method may be set: `token` or `approle`"),
            _ => {}
        }
        for (name, value) in [
            ("id", &config.id),
            ("address", &config.address),
            ("mount_path", &config.mount_path),
            ("secret_path", &config.secret_path),
        ] {
            if value.is_empty() {
                bail!("{name} missing");
            }
        }
        let (mount, secret) = (
            config.mount_path.trim_matches('/'),
            config.secret_path.trim_matches('/'),
        );
        let path = if second_version {
            format!("{mount}/data/{secret}")
        } else {
            format!("{mount}/{secret}")
        };
        Ok(Vault {
            client: Client::new(config, tls, cx)?,
            path,
            second_version,
        })
    }
}

impl Vault {
    /// Everything at the path; none where nothing is.
    async fn read(&self) -> Result<Option<Map<String, Json>>> {
        let Some(mut answer) = self.client.call("GET", &self.path, None).await? else {
            return Ok(None);
        };
        let mut data = answer["data"].take();
        if self.second_version {
            data = data["data"].take();
        }
        Ok(match data {
            Json::Object(map) => Some(map),
            _ => Some(Map::new()),
        })
    }

    async fn write(&self, data: Map<String, Json>) -> Result<()> {
        let body = if self.second_version {
            serde_json::json!({ "data": data })
        } else {
            Json::Object(data)
        };
        self.client.call("PUT", &self.path, Some(&body)).await.map(|_| ())
    }
}

#[async_trait]
impl SecretStore for Vault {
    /// A key that is not there is an empty secret, as in Telegraf.
    async fn get(&self, key: &str) -> Result<String> {
        let data = self.read().await.context("unable to read secret")?;
        let Some(mut data) = data else {
            bail!("unable to read secret: secret not found: at {}", self.path)
        };
        match data.remove(key) {
            None | Some(Json::Null) => Ok(String::new()),
            Some(Json::String(text)) => Ok(text),
            Some(_) => bail!("the value under {key:?} is no text"),
        }
    }
    async fn list(&self) -> Result<Vec<String>> {
        let data = self.read().await.context("unable to read secret")?;
        Ok(data
            .context("no secret data found")?
            .into_iter()
            .map(|(key, _)| key)
            .collect())
    }
    fn is_dynamic(&self) -> bool {
        true
    }
    fn editor(&self) -> Option<&dyn SecretEditor> {
        Some(self)
    }
}

/// Vault writes a path as a whole, so the other keys are read first.
#[async_trait]
impl SecretEditor for Vault {
    async fn set(&self, key: &str, value: &str) -> Result<()> {
        let mut data = self
            .read()
            .await
            .context("unable to read secret")?
            .unwrap_or_default();
        data.insert(key.to_owned(), value.into());
        self.write(data).await
    }
    async fn remove(&self, key: &str) -> Result<()> {
        let mut data = self
            .read()
            .await
            .context("unable to read secret")?
            .unwrap_or_default();
        if data.remove(key).is_none() {
            bail!("secret {key:?} not found");
        }
        if data.is_empty() {
            // The first engine takes no secret without data.
            return self.client.call("DELETE", &self.path, None).await.map(|_| ());
        }
        self.write(data).await
    }
}

register!(secret_store "vault" = Vault);

#[cfg(test)]
mod tests;
