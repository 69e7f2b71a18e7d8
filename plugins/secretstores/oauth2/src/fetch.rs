//! One request for a token and what comes back.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use url::form_urlencoded;
use wheatstone_net::http::{describe, read_text, reqwest, status_line};
use wheatstone_plugin::prelude::*;

use crate::{OAuth2, Token, TokenConfig};

/// Not known yet: the header is tried first, then the parameters.
pub(crate) const STYLE_UNKNOWN: u8 = 0;
/// Name and secret in the header `Authorization`.
const STYLE_HEADER: u8 = 1;
/// Name and secret among the parameters.
pub(crate) const STYLE_PARAMETERS: u8 = 2;

impl OAuth2 {
    /// Asks for a token. No error shows the client's secret, whatever the server answers.
    pub(crate) async fn fetch(&self, config: &TokenConfig) -> Result<Token> {
        let id = self.cx.reveal(&config.client_id).await;
        let id = id.with_context(|| format!("getting client ID for {:?} failed", config.key))?;
        let secret = self.cx.reveal(&config.client_secret).await;
        let secret = secret.with_context(|| format!("getting client secret for {:?} failed", config.key))?;
        match self.style.load(Ordering::Relaxed) {
            STYLE_UNKNOWN => {
                let first = self.ask(config, &id, &secret, STYLE_HEADER).await;
                let (token, style) = match first {
                    Ok(token) => (token, STYLE_HEADER),
                    Err(_) => (
                        self.ask(config, &id, &secret, STYLE_PARAMETERS).await?,
                        STYLE_PARAMETERS,
                    ),
                };
                self.style.store(style, Ordering::Relaxed);
                Ok(token)
            }
            style => self.ask(config, &id, &secret, style).await,
        }
    }

    async fn ask(&self, config: &TokenConfig, id: &str, secret: &str, style: u8) -> Result<Token> {
        let login = (style == STYLE_PARAMETERS).then_some((id, secret));
        // A client of its own for each request: tokens are asked for rarely, and a kept connection would be stale.
        let client = self.options.client(&self.address).await?;
        let mut request = client
            .post(self.url.clone())
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Accept", "application/json")
            .body(form(config, login));
        if style == STYLE_HEADER {
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let login = STANDARD.encode(format!("{}:{}", encode(id), encode(secret)));
            request = request.header("Authorization", format!("Basic {login}"));
        }
        let asked = Instant::now();
        let answer = request
            .send()
            .await
            .map_err(|e| anyhow!("{}", describe(&e, &self.url, &self.address)))?;
        let (ok, status) = (answer.status().is_success(), status_line(&answer));
        let is_form = is_form(&answer);
        let text = read_text(answer)
            .await
            .map_err(|_| anyhow!("oauth2: cannot fetch token: the answer broke off"))?;
        let field = fields(&text, is_form);
        if !ok || field("error").is_some() {
            let what = match field("error") {
                Some(code) => match field("error_description") {
                    Some(why) => format!("oauth2: {code:?} {why:?}"),
                    None => format!("oauth2: {code:?}"),
                },
                None => format!("oauth2: cannot fetch token: {status}"),
            };
            return Err(anyhow!("{}", what.replace(secret, "***")));
        }
        let Some(token) = field("access_token").filter(|t| !t.is_empty()) else {
            bail!("oauth2: server response missing access_token");
        };
        let lifetime = field("expires_in")
            .and_then(|t| t.parse::<f64>().ok())
            .filter(|s| *s > 0.0);
        let expires = lifetime
            .and_then(|s| Duration::try_from_secs_f64(s).ok())
            .and_then(|d| asked.checked_add(d));
        Ok(Token { text: token, expires })
    }
}

/// The request's body.
fn form(config: &TokenConfig, login: Option<(&str, &str)>) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if !config.scopes.is_empty() {
        form.append_pair("scope", &config.scopes.join(" "));
    }
    form.extend_pairs(&config.parameters);
    if let Some((id, secret)) = login {
        form.append_pair("client_id", id)
            .append_pair("client_secret", secret);
    }
    form.finish()
}

fn is_form(answer: &reqwest::Response) -> bool {
    let kind = answer
        .headers()
        .get("Content-Type")
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    kind.starts_with("application/x-www-form-urlencoded") || kind.starts_with("text/plain")
}

/// Looks up fields of an answer: JSON, or a form as old servers send it.
fn fields(text: &str, is_form: bool) -> impl Fn(&str) -> Option<String> {
    let json: Json = if is_form {
        Json::Null
    } else {
        serde_json::from_str(text).unwrap_or_default()
    };
    let form: Vec<(String, String)> = if is_form {
        form_urlencoded::parse(text.as_bytes()).into_owned().collect()
    } else {
        Vec::new()
    };
    move |name: &str| match json.get(name) {
        Some(Json::String(text)) => Some(text.clone()),
        Some(Json::Number(number)) => Some(number.to_string()),
        _ => form
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone()),
    }
}
