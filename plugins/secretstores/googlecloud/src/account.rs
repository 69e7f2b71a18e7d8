//! A service account's file, and the claims that its key signs (RFC 7515, RFC 7523).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value as Json, json};
use wheatstone_net::http::reqwest::Url;
use wheatstone_plugin::Result;
use wheatstone_plugin::anyhow::{Context as _, anyhow, bail};

use crate::der;

/// What a token is asked for with.
pub(crate) struct Account {
    pub url: Url,
    /// Where the file names authorities of its own: their file.
    pub ca: String,
    key: Key,
    key_id: String,
    kind: Kind,
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
}

enum Kind {
    /// Google's public cloud.
    Public { email: String, scopes: String },
    /// Google Distributed Cloud.
    Distributed { identity: String, audience: String },
}

/// The scope where none is given.
const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";

impl Account {
    /// Reads the file. No error shows any of the key.
    pub fn read(text: &str, scopes: &[String], audience: &str) -> Result<Account> {
        let file: Json = serde_json::from_str(text)
            .map_err(|e| anyhow!("it is no JSON (line {} column {})", e.line(), e.column()))?;
        let field = |name: &str| file[name].as_str().filter(|s| !s.is_empty());
        let needed = |name: &str| field(name).with_context(|| format!("it has no {name:?}"));
        let (kind, default_url, key) = match needed("type")? {
            "service_account" => {
                let scopes = if scopes.is_empty() {
                    CLOUD_PLATFORM.to_owned()
                } else {
                    scopes.join(" ")
                };
                let kind = Kind::Public {
                    email: needed("client_email")?.to_owned(),
                    scopes,
                };
                (
                    kind,
                    Some("https://oauth2.googleapis.com/token"),
                    rsa_key(needed("private_key")?)?,
                )
            }
            "gdch_service_account" => {
                match needed("format_version")? {
                    "1" => {}
                    other => bail!("unsupported gdch_service_account format {other:?}"),
                }
                if audience.is_empty() {
                    bail!("'sts_audience' must be set for a gdch_service_account");
                }
                let identity = format!("system:serviceaccount:{}:{}", needed("project")?, needed("name")?);
                let kind = Kind::Distributed {
                    identity,
                    audience: audience.to_owned(),
                };
                (kind, None, ec_key(needed("private_key")?)?)
            }
            other => bail!(
                "credentials of type {other:?} are not supported: use service_account or gdch_service_account"
            ),
        };
        let url = field("token_uri")
            .or(default_url)
            .context("it has no \"token_uri\"")?;
        Ok(Account {
            url: Url::parse(url).map_err(|e| anyhow!("its \"token_uri\" is no URL: {e}"))?,
            ca: field("ca_cert_path").unwrap_or_default().to_owned(),
            key,
            key_id: field("private_key_id").unwrap_or_default().to_owned(),
            kind,
        })
    }

    /// The body of a request for a token, and its content type. `now` is in seconds of Unix time.
    pub fn request(&self, now: u64) -> Result<(String, &'static str)> {
        let mut claims = json!({ "aud": self.url.as_str(), "iat": now, "exp": now + 3600 });
        match &self.kind {
            Kind::Public { email, scopes } => {
                claims["iss"] = email.as_str().into();
                claims["scope"] = scopes.as_str().into();
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
                form.append_pair("assertion", &self.sign(&claims)?);
                Ok((form.finish(), "application/x-www-form-urlencoded"))
            }
            Kind::Distributed { identity, audience } => {
                claims["iss"] = identity.as_str().into();
                claims["sub"] = identity.as_str().into();
                let body = json!({
                    "grant_type": "urn:ietf:params:oauth:token-type:token-exchange",
                    "audience": audience,
                    "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
                    "subject_token": self.sign(&claims)?,
                    "subject_token_type": "urn:k8s:params:oauth:token-type:serviceaccount",
                });
                Ok((body.to_string(), "application/json"))
            }
        }
    }

    fn sign(&self, claims: &Json) -> Result<String> {
        let algorithm = match self.key {
            Key::Rsa(_) => "RS256",
            Key::Ec(_) => "ES256",
        };
        let mut header = json!({ "alg": algorithm, "typ": "JWT" });
        if !self.key_id.is_empty() {
            header["kid"] = self.key_id.as_str().into();
        }
        let encode = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let random = SystemRandom::new();
        let signature = match &self.key {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature)
                    .map(|()| signature)
            }
            Key::Ec(key) => key.sign(&random, signed.as_bytes()).map(|s| s.as_ref().to_vec()),
        };
        let signature = signature.map_err(|_| anyhow!("the private key cannot sign"))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// The label and the bytes of a PEM text.
fn pem(text: &str) -> Result<(&str, Vec<u8>)> {
    let wrong = || anyhow!("its \"private_key\" is no PEM text");
    let (label, rest) = text
        .split_once("-----BEGIN ")
        .and_then(|(_, rest)| rest.split_once("-----"))
        .ok_or_else(wrong)?;
    let (body, _) = rest.split_once("-----END ").ok_or_else(wrong)?;
    let body: String = body.split_whitespace().collect();
    Ok((label, STANDARD.decode(body).map_err(|_| wrong())?))
}

fn rsa_key(text: &str) -> Result<Key> {
    let (label, bytes) = pem(text)?;
    let key = match label {
        "RSA PRIVATE KEY" => RsaKeyPair::from_der(&bytes),
        _ => RsaKeyPair::from_pkcs8(&bytes),
    };
    key.map(|key| Key::Rsa(Box::new(key)))
        .map_err(|e| anyhow!("its \"private_key\" is no RSA key: {e}"))
}

fn ec_key(text: &str) -> Result<Key> {
    let (label, bytes) = pem(text)?;
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let key = match label {
        "EC PRIVATE KEY" => {
            let (private, public) = der::ec_key(&bytes).context("its \"private_key\" is no EC key")?;
            EcdsaKeyPair::from_private_key_and_public_key(algorithm, private, public, &random)
        }
        _ => EcdsaKeyPair::from_pkcs8(algorithm, &bytes, &random),
    };
    key.map(|key| Key::Ec(Box::new(key)))
        .map_err(|e| anyhow!("its \"private_key\" is no key of the curve P-256: {e}"))
}
