//! Secrets that come encrypted: base64 of AES in CBC mode.

use aes::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::NoPadding};
use aes::{Aes128, Aes192, Aes256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::Decryptor;
use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;
use wheatstone_plugin::prelude::*;

use crate::AesConfig;

const BLOCK: usize = 16;

/// AES in CBC mode with a key of so many bytes.
pub(crate) struct Decrypter {
    key_length: usize,
    padded: bool,
    config: AesConfig,
}

impl Decrypter {
    /// Reads `AES256/CBC/PKCS#7` and checks the options as far as they are known before a store is asked; none for "none".
    pub(crate) fn new(cipher: &str, config: &AesConfig) -> Result<Option<Decrypter>> {
        let parts: Vec<String> = cipher.split('/').map(str::to_lowercase).collect();
        match parts[0].as_str() {
            "" | "none" => return Ok(None),
            "aes" | "aes128" | "aes192" | "aes256" => {}
            _ => bail!("unknown cipher {cipher:?}"),
        }
        Decrypter::of_aes(cipher, &parts, config)
            .context("init of AES decrypter failed")
            .map(Some)
    }

    fn of_aes(cipher: &str, parts: &[String], config: &AesConfig) -> Result<Decrypter> {
        let (name, mode, padding) = match parts {
            [_] => bail!("please specify cipher mode"),
            [name, mode] => (name.as_str(), mode.as_str(), ""),
            [name, mode, padding] => (name.as_str(), mode.as_str(), padding.as_str()),
            _ => bail!("too many variant elements"),
        };
        let key_length = match name {
            "aes128" => 16,
            "aes192" => 24,
            "aes256" => 32,
            _ => bail!("unsupported AES cipher {name:?}"),
        };
        if mode != "cbc" {
            bail!(
                "unsupported cipher mode {:?}",
                cipher.split('/').nth(1).unwrap_or_default()
            );
        }
        let padded = match padding {
            "" | "none" => false,
            "pkcs#5" | "pkcs#7" => true,
            _ => bail!("unsupported padding {padding:?}"),
        };
        if config.key.is_empty() {
            if config.password.is_empty() {
                bail!("either key or password has to be specified");
            }
            if config.salt.is_empty() || config.iterations == 0 {
                bail!("salt and iterations required for password-based-keys");
            }
            if !matches!(
                config.kdf_algorithm.to_uppercase().as_str(),
                "" | "PBKDF2-HMAC-SHA256"
            ) {
                bail!(
                    "generating key failed: unknown key-derivation function {:?}",
                    config.kdf_algorithm
                );
            }
        } else if config.key.references().next().is_none() {
            key_of(config.key.template(), key_length)?;
        }
        if config.init_vector.is_empty() {
            bail!("'init_vector' has to be specified or derived from password");
        }
        if config.init_vector.references().next().is_none() {
            vector_of(config.init_vector.template())?;
        }
        Ok(Decrypter {
            key_length,
            padded,
            config: config.clone(),
        })
    }

    /// The text behind an encrypted one.
    pub(crate) async fn decrypt(&self, text: &str, cx: &Context) -> Result<String> {
        let mut data = STANDARD
            .decode(text)
            .map_err(|_| anyhow!("base64 decoding failed"))?;
        if data.len() % BLOCK != 0 {
            bail!("invalid data size {}", data.len());
        }
        let key = self.key(cx).await?;
        let vector = vector_of(
            &cx.reveal(&self.config.init_vector)
                .await
                .context("getting initialization-vector failed")?,
        )?;
        let opened = match self.key_length {
            16 => Decryptor::<Aes128>::new_from_slices(&key, &vector).map(|c| run(c, &mut data)),
            24 => Decryptor::<Aes192>::new_from_slices(&key, &vector).map(|c| run(c, &mut data)),
            _ => Decryptor::<Aes256>::new_from_slices(&key, &vector).map(|c| run(c, &mut data)),
        };
        opened.map_err(|_| anyhow!("creating AES cipher failed"))??;
        if self.padded {
            let Some(count) = data.last().map(|n| usize::from(*n)) else {
                bail!("empty value to trim")
            };
            if data.len() < count {
                bail!("length {} shorter than trim value {count}", data.len());
            }
            data.truncate(data.len() - count);
        }
        String::from_utf8(data).map_err(|_| anyhow!("what was decrypted is no UTF-8 text; is the key right?"))
    }

    async fn key(&self, cx: &Context) -> Result<Vec<u8>> {
        if !self.config.key.is_empty() {
            return key_of(
                &cx.reveal(&self.config.key).await.context("getting key failed")?,
                self.key_length,
            );
        }
        let password = cx
            .reveal(&self.config.password)
            .await
            .context("getting password failed")?;
        let salt = cx
            .reveal(&self.config.salt)
            .await
            .context("getting salt failed")?;
        let mut key = vec![0; self.key_length];
        pbkdf2_hmac::<Sha256>(
            password.as_bytes(),
            salt.as_bytes(),
            self.config.iterations,
            &mut key,
        );
        Ok(key)
    }
}

fn run<C: BlockModeDecrypt>(cipher: C, data: &mut [u8]) -> Result<()> {
    cipher
        .decrypt_padded::<NoPadding>(data)
        .map(|_| ())
        .map_err(|_| anyhow!("decryption failed"))
}

fn key_of(text: &str, length: usize) -> Result<Vec<u8>> {
    let key = from_hex(text).context("decoding key failed")?;
    if key.len() != length {
        bail!(
            "key length ({} bit) does not match cipher ({} bit)",
            key.len() * 8,
            length * 8
        );
    }
    Ok(key)
}

fn vector_of(text: &str) -> Result<Vec<u8>> {
    if text.len() != 2 * BLOCK {
        bail!("init vector size must match block size");
    }
    from_hex(text).context("decoding init vector failed")
}

fn from_hex(text: &str) -> Result<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        bail!("this is no hexadecimal text");
    }
    let pairs = (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16));
    Ok(pairs.collect::<Result<_, _>>()?)
}
