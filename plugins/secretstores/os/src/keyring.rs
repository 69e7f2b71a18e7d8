//! The kernel's keyring of the user. Telegraf makes a keyring of its own inside it; where that is there, its keys are used and
//! new ones go there too. Otherwise keys lie in the user's keyring itself, as `<keyring>:<key>`.

use linux_keyutils::{Key, KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission};
use wheatstone_plugin::prelude::*;

/// More keys than this a keyring need not list.
const MOST_KEYS: usize = 4096;

/// Where the keys of one name lie.
pub(crate) struct Keyring {
    name: String,
}

impl Keyring {
    /// An error where the kernel has no keyrings or forbids them, as containers often do.
    pub(crate) fn open(name: &str) -> Result<Keyring> {
        user_ring()?
            .get_links(MOST_KEYS)
            .map_err(|e| anyhow!("accessing \"user\" keyring failed: {e}"))?;
        Ok(Keyring {
            name: name.to_owned(),
        })
    }

    pub(crate) fn get(&self, key: &str) -> Result<String> {
        let found = self.find(key)?.ok_or_else(not_found)?;
        let content = found
            .read_to_vec()
            .map_err(|e| anyhow!("reading {key:?} failed: {e}"))?;
        String::from_utf8(content).map_err(|_| anyhow!("the secret {key:?} is no UTF-8 text"))
    }

    pub(crate) fn list(&self) -> Result<Vec<String>> {
        let (ring, prefix) = self.place()?;
        let keys = descriptions(&ring)?;
        Ok(keys
            .into_iter()
            .filter_map(|(_, name)| name.strip_prefix(&prefix).map(str::to_owned))
            .collect())
    }

    /// The keyring, and what its keys' names begin with.
    fn place(&self) -> Result<(KeyRing, String)> {
        let user = user_ring()?;
        let links = user
            .get_links(MOST_KEYS)
            .map_err(|e| anyhow!("reading keyring failed: {e}"))?;
        let own = links
            .iter()
            .filter_map(|link| link.as_ring())
            .find(|ring| ring.metadata().is_ok_and(|m| m.get_description() == self.name));
        Ok(match own {
            Some(ring) => (ring, String::new()),
            None => (user, format!("{}:", self.name)),
        })
    }

    fn find(&self, key: &str) -> Result<Option<Key>> {
        let (ring, prefix) = self.place()?;
        let name = format!("{prefix}{key}");
        Ok(descriptions(&ring)?
            .into_iter()
            .find(|(_, found)| *found == name)
            .map(|(key, _)| key))
    }
}

#[async_trait]
impl SecretEditor for Keyring {
    async fn set(&self, key: &str, value: &str) -> Result<()> {
        let (ring, prefix) = self.place()?;
        // Only who possesses a key may change its permissions, and only the session's keyring gives possession.
        let session = KeyRing::from_special_id(KeyRingIdentifier::Session, false)
            .map_err(|e| anyhow!("accessing \"session\" keyring failed: {e}"))?;
        let new = session
            .add_key(format!("{prefix}{key}").as_str(), value)
            .map_err(|e| anyhow!("adding key to session failed: {e}"))?;
        let all = KeyPermissionsBuilder::builder()
            .posessor(Permission::ALL)
            .user(Permission::ALL)
            .build();
        new.set_perms(all)
            .map_err(|e| anyhow!("setting permission failed: {e}"))?;
        ring.link_key(new)
            .map_err(|e| anyhow!("linking key to keyring failed: {e}"))?;
        session
            .unlink_key(new)
            .map_err(|e| anyhow!("unlinking key from session failed: {e}"))
    }

    async fn remove(&self, key: &str) -> Result<()> {
        let found = self.find(key)?.ok_or_else(not_found)?;
        let (ring, _) = self.place()?;
        ring.unlink_key(found)
            .map_err(|e| anyhow!("removing {key:?} failed: {e}"))
    }
}

fn user_ring() -> Result<KeyRing> {
    KeyRing::from_special_id(KeyRingIdentifier::User, false)
        .map_err(|e: KeyError| anyhow!("accessing \"user\" keyring failed: {e}"))
}

fn descriptions(ring: &KeyRing) -> Result<Vec<(Key, String)>> {
    let links = ring
        .get_links(MOST_KEYS)
        .map_err(|e| anyhow!("reading keyring failed: {e}"))?;
    let named = |key: Key| Some((key, key.metadata().ok()?.get_description().to_owned()));
    Ok(links
        .iter()
        .filter_map(|link| link.as_key())
        .filter_map(named)
        .collect())
}

fn not_found() -> wheatstone_plugin::anyhow::Error {
    anyhow!("The specified item could not be found in the keyring")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_set_can_be_read_listed_and_removed() {
        // Containers often have no keyring: there is nothing to test then.
        let Ok(keyring) = Keyring::open(&format!("wheatstone-test-{}", std::process::id())) else {
            return;
        };
        if keyring.set("mqtt", "hunter2").await.is_err() {
            return;
        }
        keyring.set("mqtt", "hunter3").await.unwrap();
        assert_eq!(keyring.get("mqtt").unwrap(), "hunter3");
        assert_eq!(keyring.list().unwrap(), ["mqtt"]);
        keyring.remove("mqtt").await.unwrap();
        assert!(keyring.get("mqtt").is_err() && keyring.remove("mqtt").await.is_err());
    }
}
