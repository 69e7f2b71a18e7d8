//! Requests to Vault, and the token that they carry: given, or fetched by the AppRole's login.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tokio::sync::Mutex;
use wheatstone_net::TlsConfig;
use wheatstone_net::http::reqwest::{Method, StatusCode};
use wheatstone_net::http::{Address, Options, describe, read_text, status_line};
use wheatstone_plugin::anyhow::{Context as _, anyhow, bail};
use wheatstone_plugin::conf::Secret;
use wheatstone_plugin::{Context, Result};

use crate::{AppRole, VaultConfig};

/// The server, and how to be let in.
pub(crate) struct Client {
    cx: Context,
    address: Address,
    options: Options,
    namespace: Option<String>,
    token: Secret,
    approle: Option<AppRole>,
    login: Mutex<Login>,
}

#[derive(Default)]
struct Login {
    token: Option<Token>,
    /// A wrapped secret can be unwrapped once only.
    unwrapped: Option<String>,
}

struct Token {
    text: String,
    /// When a new one is fetched; none for one that lasts.
    until: Option<Instant>,
}

impl Client {
    pub fn new(config: VaultConfig, tls: TlsConfig, cx: &Context) -> Result<Client> {
        let address = if config.address.contains("://") {
            config.address
        } else {
            format!("https://{}", config.address)
        };
        Ok(Client {
            cx: cx.clone(),
            address: Address::parse(&address).context("error creating Vault client")?,
            options: Options::new(config.timeout.0, "", "", &tls)?,
            namespace: std::env::var("VAULT_NAMESPACE").ok().filter(|n| !n.is_empty()),
            token: config.token,
            approle: config.approle,
            login: Mutex::default(),
        })
    }

    /// One request behind `/v1/`; none where the server has nothing there. A login that has ended is made anew once.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Json>) -> Result<Option<Json>> {
        let token = self.token(false).await?;
        let (status, answer) = self.send(method, path, Some(&token), body).await?;
        let (status, answer) = if status == StatusCode::FORBIDDEN && self.approle.is_some() {
            let token = self.token(true).await?;
            self.send(method, path, Some(&token), body).await?
        } else {
            (status, answer)
        };
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(answer)),
            _ => Err(refused(status, &answer, &[&token])),
        }
    }

    async fn token(&self, anew: bool) -> Result<String> {
        let Some(role) = &self.approle else {
            return self.cx.reveal(&self.token).await.context("getting token failed");
        };
        // Held while the server is asked, so that several secrets cost one login.
        let mut login = self.login.lock().await;
        let lasts = |token: &&Token| !anew && token.until.is_none_or(|until| Instant::now() < until);
        if let Some(token) = login.token.as_ref().filter(lasts) {
            return Ok(token.text.clone());
        }
        let secret = match &login.unwrapped {
            Some(secret) => secret.clone(),
            None => {
                let secret = self
                    .cx
                    .reveal(&role.secret)
                    .await
                    .context("getting secret failed")?;
                if role.response_wrapped {
                    let secret = self
                        .unwrap(&secret)
                        .await
                        .context("unwrapping the secret failed")?;
                    login.unwrapped = Some(secret.clone());
                    secret
                } else {
                    secret
                }
            }
        };
        let token = self
            .log_in(role, &secret)
            .await
            .context("unable to login to AppRole auth method")?;
        Ok(login.token.insert(token).text.clone())
    }

    async fn unwrap(&self, wrapping_token: &str) -> Result<String> {
        let (status, answer) = self
            .send("PUT", "sys/wrapping/unwrap", Some(wrapping_token), None)
            .await?;
        if !status.is_success() {
            return Err(refused(status, &answer, &[wrapping_token]));
        }
        let secret = answer["data"]["secret_id"].as_str();
        secret.map(str::to_owned).context("the answer has no secret_id")
    }

    async fn log_in(&self, role: &AppRole, secret: &str) -> Result<Token> {
        let body = json!({ "role_id": role.role_id, "secret_id": secret });
        let (status, answer) = self.send("PUT", "auth/approle/login", None, Some(&body)).await?;
        if !status.is_success() {
            return Err(refused(status, &answer, &[secret]));
        }
        let text = answer["auth"]["client_token"]
            .as_str()
            .context("no auth info was returned after login")?;
        let lease = Duration::from_secs(answer["auth"]["lease_duration"].as_u64().unwrap_or_default());
        // Well before the lease is over, as Vault's own client renews.
        let until = (!lease.is_zero())
            .then(|| Instant::now().checked_add(lease * 2 / 3))
            .flatten();
        Ok(Token {
            text: text.to_owned(),
            until,
        })
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Json>,
    ) -> Result<(StatusCode, Json)> {
        let url = self.address.endpoint(&format!("v1/{path}"));
        let client = self.options.client(&self.address).await?;
        let mut request = client
            .request(
                Method::from_bytes(method.as_bytes()).map_err(|_| anyhow!("no method"))?,
                url.clone(),
            )
            .header("X-Vault-Request", "true");
        if let Some(namespace) = &self.namespace {
            request = request.header("X-Vault-Namespace", namespace);
        }
        if let Some(token) = token {
            request = request.header("X-Vault-Token", token.trim());
        }
        if let Some(body) = body {
            request = request
                .header("Content-Type", "application/json")
                .body(body.to_string());
        }
        let answer = request.send().await.map_err(|e| {
            // What is said of a header that cannot be sent might show it.
            let text = if e.is_builder() {
                "invalid header".to_owned()
            } else {
                describe(&e, &url, &self.address)
            };
            anyhow!("{}", text.replacen("Post ", &format!("{} ", capital(method)), 1))
        })?;
        let (status, line) = (answer.status(), status_line(&answer));
        let text = read_text(answer)
            .await
            .map_err(|_| anyhow!("the answer broke off"))?;
        if text.trim().is_empty() {
            return Ok((status, Json::Null));
        }
        match serde_json::from_str(&text) {
            Ok(json) => Ok((status, json)),
            Err(_) if !status.is_success() => Ok((status, Json::Null)),
            Err(e) => bail!(
                "{line}: the answer is no JSON (line {} column {})",
                e.line(),
                e.column()
            ),
        }
    }
}

fn capital(method: &str) -> String {
    let mut text = method.to_lowercase();
    text[..1].make_ascii_uppercase();
    text
}

/// What the server says, without what it was shown.
fn refused(status: StatusCode, answer: &Json, secrets: &[&str]) -> wheatstone_plugin::anyhow::Error {
    let said: Vec<&str> = answer["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let mut text = format!("status {}", status.as_u16());
    if !said.is_empty() {
        text = format!("{text}: {}", said.join("; "));
    }
    for secret in secrets.iter().filter(|s| !s.is_empty()) {
        text = text.replace(secret, "***");
    }
    anyhow!("{text}")
}
