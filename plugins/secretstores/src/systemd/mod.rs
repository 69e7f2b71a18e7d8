//! systemd's credentials: files in the folder that a service finds in `CREDENTIALS_DIRECTORY`.

use wheatstone_plugin::prelude::*;

use crate::folder::Folder;

/// Options of the store.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SystemdConfig {
    /// The store's name: options refer to its secrets as `@{<id>:<secret_key>}`.
    pub id: String,
    /// The folder of the credentials; empty for the one that systemd names in CREDENTIALS_DIRECTORY.
    pub path: String,
    /// What the names of the credentials' files begin with, before the key.
    pub prefix: String,
}
impl Default for SystemdConfig {
    fn default() -> SystemdConfig {
        SystemdConfig {
            id: String::new(),
            path: String::new(),
            prefix: "telegraf.".into(),
        }
    }
}

/// The store.
pub struct Systemd(Folder);

impl Plugin for Systemd {
    type Config = SystemdConfig;
    fn new(config: SystemdConfig, cx: &Context) -> Result<Systemd> {
        let given = std::env::var("CREDENTIALS_DIRECTORY").unwrap_or_default();
        if given.is_empty() {
            warn!(
                cx.log(),
                "CREDENTIALS_DIRECTORY environment variable undefined. Make sure credentials are setup correctly!"
            );
            if config.path.is_empty() {
                bail!("'path' required without CREDENTIALS_DIRECTORY");
            }
        }
        let path = if config.path.is_empty() {
            given
        } else {
            config.path
        };
        Ok(Systemd(Folder::open(
            &path,
            &config.prefix,
            "credentials directory",
        )?))
    }
}

#[async_trait]
impl SecretStore for Systemd {
    async fn get(&self, key: &str) -> Result<String> {
        self.0.get(key)
    }
    async fn list(&self) -> Result<Vec<String>> {
        self.0.list()
    }
}

register!(secret_store "systemd" = Systemd);
