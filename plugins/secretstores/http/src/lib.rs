//! Secrets by HTTP: one request brings all of a store's secrets, a JSONata expression may reshape them, and each may be encrypted.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod config;
mod decrypt;
mod download;
mod login;
mod transform;

use std::collections::BTreeMap;

use tokio::sync::Mutex;
use wheatstone_net::TlsConfig;
use wheatstone_net::http::{Address, Options, reqwest::Url};
use wheatstone_plugin::prelude::*;

pub use config::{AesConfig, HttpConfig};

use decrypt::Decrypter;

/// The store.
pub struct Http {
    config: HttpConfig,
    cx: Context,
    url: Url,
    address: Address,
    options: Options,
    decrypter: Option<Decrypter>,
    /// All secrets, as they came.
    kept: Mutex<Option<BTreeMap<String, String>>>,
}

impl Plugin for Http {
    type Config = HttpConfig;

    fn new(config: HttpConfig, cx: &Context) -> Result<Http> {
        let tls: TlsConfig = cx.config()?;
        transform::check(&config.transformation).context("setting up data transformation failed")?;
        let decrypter = Decrypter::new(&config.cipher, &config.aes).context("creating decryptor failed")?;
        Ok(Http {
            url: Url::parse(&config.url).map_err(|e| anyhow!("invalid 'url': {e}"))?,
            address: Address::parse(&config.url)?,
            options: Options::new(
                config.timeout.0,
                &config.http_proxy_url,
                &config.local_address,
                &tls,
            )?,
            cx: cx.clone(),
            config,
            decrypter,
            kept: Mutex::default(),
        })
    }
}

impl Http {
    async fn with_secrets<T>(&self, use_them: impl FnOnce(&BTreeMap<String, String>) -> T) -> Result<T> {
        let mut kept = self.kept.lock().await;
        if let Some(secrets) = kept.as_ref() {
            return Ok(use_them(secrets));
        }
        let secrets = self.download().await?;
        Ok(use_them(kept.insert(secrets)))
    }
}

#[async_trait]
impl SecretStore for Http {
    async fn get(&self, key: &str) -> Result<String> {
        let found = self.with_secrets(|secrets| secrets.get(key).cloned()).await?;
        let text = found.ok_or_else(|| anyhow!("not found"))?;
        match &self.decrypter {
            Some(decrypter) => decrypter.decrypt(&text, &self.cx).await,
            None => Ok(text),
        }
    }
    async fn list(&self) -> Result<Vec<String>> {
        self.with_secrets(|secrets| secrets.keys().cloned().collect())
            .await
    }
}

register!(secret_store "http" = Http);

#[cfg(test)]
mod tests;
