//! Systems whose keyring is not spoken to: their secrets are kept in files.

use wheatstone_plugin::prelude::*;

/// There is none.
pub(crate) enum Keyring {}

impl Keyring {
    pub(crate) fn open(_: &str) -> Result<Keyring> {
        bail!("the keyring of this system is not supported");
    }
    pub(crate) fn get(&self, _: &str) -> Result<String> {
        match *self {}
    }
    pub(crate) fn list(&self) -> Result<Vec<String>> {
        match *self {}
    }
}

#[async_trait]
impl SecretEditor for Keyring {
    async fn set(&self, _: &str, _: &str) -> Result<()> {
        match *self {}
    }
    async fn remove(&self, _: &str) -> Result<()> {
        match *self {}
    }
}
