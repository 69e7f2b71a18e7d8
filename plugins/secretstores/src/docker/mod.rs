//! Docker's secrets: files that Docker and Kubernetes mount into a container.

use wheatstone_plugin::prelude::*;

use crate::folder::Folder;

/// Options of the store.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DockerConfig {
    /// The store's name: options refer to its secrets as `@{<id>:<secret_key>}`.
    pub id: String,
    /// The folder with one file per secret. Docker Compose mounts secrets nowhere else than the default.
    pub path: String,
    /// Read a secret anew at each use, as its file may change while the agent runs.
    pub dynamic: bool,
}
impl Default for DockerConfig {
    fn default() -> DockerConfig {
        DockerConfig {
            id: String::new(),
            path: "/run/secrets".into(),
            dynamic: false,
        }
    }
}

/// The store.
pub struct Docker {
    folder: Folder,
    dynamic: bool,
}

impl Plugin for Docker {
    type Config = DockerConfig;
    fn new(config: DockerConfig, _: &Context) -> Result<Docker> {
        let path = if config.path.is_empty() {
            DockerConfig::default().path
        } else {
            config.path
        };
        Ok(Docker {
            folder: Folder::open(&path, "", "directory")?,
            dynamic: config.dynamic,
        })
    }
}

#[async_trait]
impl SecretStore for Docker {
    async fn get(&self, key: &str) -> Result<String> {
        self.folder.get(key)
    }
    async fn list(&self) -> Result<Vec<String>> {
        self.folder.list()
    }
    fn is_dynamic(&self) -> bool {
        self.dynamic
    }
}

register!(secret_store "docker" = Docker);
