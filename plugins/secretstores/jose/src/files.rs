//! A folder with one encrypted file per secret.

use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use wheatstone_plugin::prelude::*;

use crate::jwe;

/// The folder and what opens its files.
pub struct Files {
    path: PathBuf,
    password: Secret,
    cx: Context,
}

/// What a file holds, once opened. The other fields that Telegraf writes say nothing here.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    data: String,
}

impl Files {
    /// The files of a folder, which need not be there yet; `~` is the home folder.
    pub fn new(path: &str, password: Secret, cx: &Context) -> Files {
        let path = match (path.strip_prefix('~'), std::env::home_dir()) {
            (Some(rest), Some(home)) => home.join(rest.trim_start_matches('/')),
            _ => PathBuf::from(path),
        };
        Files {
            path,
            password,
            cx: cx.clone(),
        }
    }

    /// A secret.
    pub async fn get(&self, key: &str) -> Result<String> {
        let file = self.file(key)?;
        let token = match std::fs::read_to_string(&file) {
            Ok(token) => token,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                bail!("The specified item could not be found in the keyring")
            }
            Err(e) => return Err(e).with_context(|| format!("reading {} failed", file.display())),
        };
        let password = self.password().await?;
        // Deriving the key takes milliseconds of work on purpose.
        let opened = tokio::task::spawn_blocking(move || jwe::open(token.trim(), &password)).await?;
        let payload = opened.with_context(|| format!("opening {} failed", file.display()))?;
        let item: Item =
            serde_json::from_slice(&payload).map_err(|_| anyhow!("{} holds no secret", file.display()))?;
        let data = STANDARD
            .decode(item.data)
            .map_err(|_| anyhow!("{} holds no secret", file.display()))?;
        String::from_utf8(data).map_err(|_| anyhow!("the secret {key:?} is no UTF-8 text"))
    }

    /// The names of the secrets.
    pub fn list(&self) -> Result<Vec<String>> {
        let Ok(entries) = std::fs::read_dir(&self.path) else {
            return Ok(Vec::new());
        };
        Ok(entries
            .flatten()
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .collect())
    }

    async fn password(&self) -> Result<String> {
        if self.password.is_empty() {
            bail!("no password is set for the secrets in {}", self.path.display());
        }
        self.cx
            .reveal(&self.password)
            .await
            .context("getting password failed")
    }

    fn file(&self, key: &str) -> Result<PathBuf> {
        let mut parts = Path::new(key).components();
        match (parts.next(), parts.next()) {
            (Some(Component::Normal(_)), None) => Ok(self.path.join(key)),
            _ => bail!("invalid key {key:?}"),
        }
    }
}

#[async_trait]
impl SecretEditor for Files {
    async fn set(&self, key: &str, value: &str) -> Result<()> {
        let file = self.file(key)?;
        let password = self.password().await?;
        let item = json!({
            "Key": key,
            "Data": STANDARD.encode(value),
            "Label": "",
            "Description": "",
            "KeychainNotTrustApplication": false,
            "KeychainNotSynchronizable": false,
        });
        let sealed = move || jwe::seal(item.to_string().as_bytes(), &password);
        let token = tokio::task::spawn_blocking(sealed).await??;
        make_folder(&self.path).with_context(|| format!("creating {} failed", self.path.display()))?;
        write_private(&file, token.as_bytes()).with_context(|| format!("writing {} failed", file.display()))
    }

    async fn remove(&self, key: &str) -> Result<()> {
        let file = self.file(key)?;
        std::fs::remove_file(&file).with_context(|| format!("removing {} failed", file.display()))
    }
}

#[cfg(unix)]
fn make_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}
#[cfg(not(unix))]
fn make_folder(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}

fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(content)
}

#[cfg(test)]
mod tests {
    use wheatstone_plugin::{Kind, conf::Table};

    use super::*;

    fn files(path: &Path, password: &str) -> Files {
        let log = Log::new("secretstores.jose", None, None);
        let cx = Context::new(
            Kind::SecretStore,
            "jose",
            "",
            Table::default(),
            log,
            Default::default(),
        );
        Files::new(path.to_str().unwrap(), Secret::new(password), &cx)
    }

    #[tokio::test]
    async fn what_is_set_can_be_read_listed_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("secrets");
        let files = files(&folder, "open sesame");
        assert!(files.list().unwrap().is_empty());
        files.set("mqtt", "hunter2").await.unwrap();
        files.set("mqtt", "hunter3 €").await.unwrap();
        assert_eq!(files.list().unwrap(), ["mqtt"]);
        assert_eq!(files.get("mqtt").await.unwrap(), "hunter3 €");
        let raw = std::fs::read_to_string(folder.join("mqtt")).unwrap();
        assert!(raw.split('.').count() == 5 && !raw.contains("hunter"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(
                std::fs::metadata(folder.join("mqtt"))
                    .unwrap()
                    .permissions()
                    .mode()
                    & 0o777,
                0o600
            );
        }
        files.remove("mqtt").await.unwrap();
        assert!(files.get("mqtt").await.is_err() && files.remove("mqtt").await.is_err());
        for key in ["../x", "", "a/b", "/x"] {
            assert!(files.set(key, "x").await.is_err(), "{key:?}");
        }
    }

    #[tokio::test]
    async fn a_wrong_password_opens_nothing_and_is_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        files(dir.path(), "right").set("k", "hunter2").await.unwrap();
        let error = format!("{:?}", files(dir.path(), "wrongpass").get("k").await.unwrap_err());
        assert!(
            !error.contains("hunter2") && !error.contains("wrongpass"),
            "{error}"
        );
        assert!(files(dir.path(), "").get("k").await.is_err());
    }
}
