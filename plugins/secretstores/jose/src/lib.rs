//! Secrets in a folder of encrypted files, each a JWE that a password opens, as Telegraf writes and reads them.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod files;
mod jwe;

use wheatstone_plugin::prelude::*;

pub use files::Files;

/// Options of the store.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct JoseConfig {
    /// The store's name: options refer to its secrets as `@{<id>:<secret_key>}`.
    pub id: String,
    /// The folder of the encrypted files; it is made when the first secret is set.
    pub path: String,
    /// The password that opens the files.
    pub password: Secret,
}

/// The store.
pub struct Jose(Files);

impl Plugin for Jose {
    type Config = JoseConfig;
    fn new(config: JoseConfig, cx: &Context) -> Result<Jose> {
        if config.path.is_empty() {
            bail!("path missing");
        }
        Ok(Jose(Files::new(&config.path, config.password, cx)))
    }
}

#[async_trait]
impl SecretStore for Jose {
    async fn get(&self, key: &str) -> Result<String> {
        self.0.get(key).await
    }
    async fn list(&self) -> Result<Vec<String>> {
        self.0.list()
    }
    fn editor(&self) -> Option<&dyn SecretEditor> {
        Some(&self.0)
    }
}

register!(secret_store "jose" = Jose);
