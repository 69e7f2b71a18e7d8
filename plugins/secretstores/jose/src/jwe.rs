//! JWE in its compact form (RFC 7516) with a key from a password: PBES2 (RFC 7518, 4.8) wraps a key with AES, and AES-GCM
//! encrypts with that.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes128Gcm, Aes256Gcm, Nonce};
use aes_kw::{KwAes128, KwAes192, KwAes256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pbkdf2::pbkdf2_hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;
use sha2::{Sha256, Sha384, Sha512};
use wheatstone_plugin::prelude::*;

/// What Telegraf's library writes.
const ALGORITHM: &str = "PBES2-HS256+A128KW";
const ENCRYPTION: &str = "A256GCM";
const ROUNDS: u32 = 8192;
/// A file must not be able to keep a core busy for minutes.
const MOST_ROUNDS: u32 = 10_000_000;
const NONCE: usize = 12;

#[derive(Deserialize)]
struct Header {
    alg: String,
    enc: String,
    p2c: u32,
    p2s: String,
}

/// Encrypts a payload.
pub(crate) fn seal(payload: &[u8], password: &str) -> Result<String> {
    let random = SystemRandom::new();
    let (mut salt, mut key, mut nonce) = ([0; 12], [0; 32], [0; NONCE]);
    for bytes in [&mut salt[..], &mut key, &mut nonce] {
        random
            .fill(bytes)
            .map_err(|_| anyhow!("the system has no random numbers"))?;
    }
    let now = wheatstone_plugin::time::now();
    let created =
        wheatstone_gotime::format("2006-01-02 15:04:05.999999999 -0700 MST", now, "UTC").unwrap_or_default();
    let header = json!({
        "alg": ALGORITHM, "created": created, "enc": ENCRYPTION, "p2c": ROUNDS, "p2s": URL_SAFE_NO_PAD.encode(salt),
    });
    let header = URL_SAFE_NO_PAD.encode(header.to_string());

    let mut buffer = [0; 40];
    let wrapping = wrapping_key(ALGORITHM, password, &salt, ROUNDS)?;
    let wrapped = wrap(&wrapping, &key, &mut buffer)?;
    let cipher = Aes256Gcm::new(&key.into());
    let sealed = cipher
        .encrypt(
            &Nonce::from(nonce),
            Payload {
                msg: payload,
                aad: header.as_bytes(),
            },
        )
        .map_err(|_| anyhow!("encryption failed"))?;
    let (text, tag) = sealed.split_at(sealed.len() - 16);
    let parts = [wrapped, &nonce, text, tag].map(|part| URL_SAFE_NO_PAD.encode(part));
    Ok(format!("{header}.{}", parts.join(".")))
}

/// Decrypts what [`seal`] or Telegraf wrote.
pub(crate) fn open(token: &str, password: &str) -> Result<Vec<u8>> {
    let broken = || anyhow!("this is no encrypted secret");
    let parts: Vec<&str> = token.split('.').collect();
    let [header_text, wrapped, nonce, text, tag] = parts.as_slice() else {
        return Err(broken());
    };
    let decode = |part: &str| {
        URL_SAFE_NO_PAD
            .decode(part.trim_end_matches('='))
            .map_err(|_| broken())
    };
    let header: Header = serde_json::from_slice(&decode(header_text)?).map_err(|_| broken())?;
    if header.p2c == 0 || header.p2c > MOST_ROUNDS {
        bail!("unsupported number of rounds {}", header.p2c);
    }

    let wrapping = wrapping_key(&header.alg, password, &decode(&header.p2s)?, header.p2c)?;
    let mut buffer = [0; 64];
    let key = unwrap(&wrapping, &decode(wrapped)?, &mut buffer)?;
    let nonce: [u8; NONCE] = decode(nonce)?.try_into().map_err(|_| broken())?;
    let mut sealed = decode(text)?;
    sealed.extend(decode(tag)?);
    let payload = Payload {
        msg: &sealed,
        aad: header_text.as_bytes(),
    };
    let opened = match header.enc.as_str() {
        "A128GCM" => Aes128Gcm::new_from_slice(key)
            .map_err(|_| broken())?
            .decrypt(&Nonce::from(nonce), payload),
        "A256GCM" => Aes256Gcm::new_from_slice(key)
            .map_err(|_| broken())?
            .decrypt(&Nonce::from(nonce), payload),
        other => bail!("unsupported encryption {other:?}"),
    };
    opened.map_err(|_| anyhow!("the password is wrong, or the file is damaged"))
}

/// The key that wraps the key, from the password.
fn wrapping_key(algorithm: &str, password: &str, salt: &[u8], rounds: u32) -> Result<Vec<u8>> {
    let salt = [algorithm.as_bytes(), &[0], salt].concat();
    let password = password.as_bytes();
    let mut key = vec![0; 32];
    match algorithm {
        "PBES2-HS256+A128KW" => {
            key.truncate(16);
            pbkdf2_hmac::<Sha256>(password, &salt, rounds, &mut key);
        }
        "PBES2-HS384+A192KW" => {
            key.truncate(24);
            pbkdf2_hmac::<Sha384>(password, &salt, rounds, &mut key);
        }
        "PBES2-HS512+A256KW" => pbkdf2_hmac::<Sha512>(password, &salt, rounds, &mut key),
        other => bail!("unsupported algorithm {other:?}"),
    }
    Ok(key)
}

fn wrap<'b>(with: &[u8], key: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8]> {
    let cipher =
        KwAes128::new_from_slice(with).map_err(|_| anyhow!("the wrapping key has no fitting length"))?;
    cipher
        .wrap_key(key, buffer)
        .map_err(|_| anyhow!("the key cannot be wrapped"))
}

fn unwrap<'b>(with: &[u8], wrapped: &[u8], buffer: &'b mut [u8]) -> Result<&'b [u8]> {
    let unwrapped = match with.len() {
        16 => KwAes128::new_from_slice(with)
            .ok()
            .and_then(|c| c.unwrap_key(wrapped, buffer).ok()),
        24 => KwAes192::new_from_slice(with)
            .ok()
            .and_then(|c| c.unwrap_key(wrapped, buffer).ok()),
        _ => KwAes256::new_from_slice(with)
            .ok()
            .and_then(|c| c.unwrap_key(wrapped, buffer).ok()),
    };
    unwrapped.ok_or_else(|| anyhow!("the password is wrong, or the file is damaged"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_text_opens_with_its_password_alone() {
        let token = seal(b"payload", "right").unwrap();
        assert_eq!(open(&token, "right").unwrap(), b"payload");
        assert!(open(&token, "wrong").is_err());
        assert_ne!(token, seal(b"payload", "right").unwrap());
    }

    /// What Telegraf's keyring library wrote under the password "open sesame".
    const FROM_TELEGRAF: [&str; 5] = [
        "eyJhbGciOiJQQkVTMi1IUzI1NitBMTI4S1ciLCJjcmVhdGVkIjoiMjAyNi0xMS0yMSAxMzozMTozOS45NzI5Nzc2MDQgKzAwMDAgVVRDIG09KzAuMDAxNTgxOTI1IiwiZW5jIjoiQTI1NkdDTSIsInAyYyI6ODE5MiwicDJzIjoibmhyNE5jZ2VqVmdpYzRUUyJ9",
        "9e2CCMTYg4GcHc7aTl0FA1GfPaMukAeHN0p5ou5jNgVwDx3XOp8TQw",
        "omOItCeWYVfRIxkJ",
        "A2I1E-sx-ka8EEO0r8fPWu3HLcX7RgxclzsMFcN5WQuCrMPMfnf-0y7pcMGDUgCN2LliB11bTq8XqvMXr1CiaP9qPYH1MutElh8JLPmzYdWJAusnRuLLGOmnNJE6xpFrWXDoRpPmLHAcY8Ll3OWtqGKnhhydbkRuVHCCtRtOOfhjVP5_GHzIAZ_CeRE",
        "RoDACMBNV5IRftiyx3SLtQ",
    ];

    #[test]
    fn files_of_telegraf_are_opened() {
        let payload = open(&FROM_TELEGRAF.join("."), "open sesame").unwrap();
        let item: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(
            (item["Key"].as_str(), item["Data"].as_str()),
            (Some("go"), Some("aHVudGVyMiBmcm9tIEdv"))
        );
    }

    #[test]
    fn broken_tokens_are_refused() {
        let token = seal(b"payload", "right").unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        for i in 0..5 {
            let mut other = parts.clone();
            other[i] = "AAAA";
            assert!(open(&other.join("."), "right").is_err(), "{i}");
        }
        for text in ["", "a.b", "....", "a.b.c.d.e.f"] {
            assert!(open(text, "right").is_err());
        }
        let greedy = URL_SAFE_NO_PAD
            .encode(r#"{"alg":"PBES2-HS256+A128KW","enc":"A256GCM","p2c":4000000000,"p2s":"AAAA"}"#);
        let error = open(&format!("{greedy}.A.A.A.A"), "right")
            .unwrap_err()
            .to_string();
        assert_eq!(error, "unsupported number of rounds 4000000000");
    }
}
