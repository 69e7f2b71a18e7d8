//! Secrets in the kernel's keyring of the user, as Telegraf keeps them on Linux; where there is none, in encrypted files.

#![cfg_attr(test, allow(clippy::unwrap_used))]

#[cfg(target_os = "linux")]
mod keyring;
#[cfg(not(target_os = "linux"))]
#[path = "no_keyring.rs"]
mod keyring;

use wheatstone_plugin::prelude::*;
use wheatstone_secretstore_jose::Files;

use keyring::Keyring;

/// Options of the store.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OsConfig {
    /// The store's name: options refer to its secrets as `@{<id>:<secret_key>}`.
    pub id: String,
    /// The keyring's name.
    pub keyring: String,
    /// The collection inside the keyring; only Windows has any.
    pub collection: String,
    /// Ask for a secret anew at each use, as it may change while the agent runs.
    pub dynamic: bool,
    /// The password of the files in `path`.
    pub password: Secret,
    /// A folder of encrypted files that is used where the system has no keyring, as in many containers (not in Telegraf).
    pub path: String,
}
impl Default for OsConfig {
    fn default() -> OsConfig {
        OsConfig {
            id: String::new(),
            keyring: "telegraf".into(),
            collection: String::new(),
            dynamic: false,
            password: Secret::default(),
            path: String::new(),
        }
    }
}

/// The store.
pub struct Os {
    place: Place,
    dynamic: bool,
}

enum Place {
    Keyring(Keyring),
    Files(Files),
}

impl Plugin for Os {
    type Config = OsConfig;
    fn new(config: OsConfig, cx: &Context) -> Result<Os> {
        let name = if config.keyring.is_empty() {
            "telegraf"
        } else {
            &config.keyring
        };
        let place = match Keyring::open(name) {
            Ok(keyring) => Place::Keyring(keyring),
            Err(e) if config.path.is_empty() => {
                return Err(e).context(
                    "opening keyring failed (set 'path' to keep secrets in encrypted files instead)",
                );
            }
            Err(e) => {
                debug!(
                    cx.log(),
                    "opening keyring failed: {e:#}; using the files in {}", config.path
                );
                Place::Files(Files::new(&config.path, config.password, cx))
            }
        };
        Ok(Os {
            place,
            dynamic: config.dynamic,
        })
    }
}

#[async_trait]
impl SecretStore for Os {
    async fn get(&self, key: &str) -> Result<String> {
        match &self.place {
            Place::Keyring(keyring) => keyring.get(key),
            Place::Files(files) => files.get(key).await,
        }
    }
    async fn list(&self) -> Result<Vec<String>> {
        match &self.place {
            Place::Keyring(keyring) => keyring.list(),
            Place::Files(files) => files.list(),
        }
    }
    fn is_dynamic(&self) -> bool {
        self.dynamic
    }
    fn editor(&self) -> Option<&dyn SecretEditor> {
        match &self.place {
            Place::Keyring(keyring) => Some(keyring),
            Place::Files(files) => Some(files),
        }
    }
}

register!(secret_store "os" = Os);
