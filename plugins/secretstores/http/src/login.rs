//! What a server may want before it gives its secrets: a login that it answers with cookies, or a token by OAuth2.

use wheatstone_net::http::reqwest::header::SET_COOKIE;
use wheatstone_net::http::reqwest::{Method, Url};
use wheatstone_net::http::{Address, describe, read_text};
use wheatstone_plugin::prelude::*;

use crate::Http;

impl Http {
    /// The cookies of a login, as the header of the request for the secrets; none where no login is configured.
    pub(crate) async fn cookies(&self) -> Result<Option<String>> {
        let config = &self.config;
        if config.cookie_auth_url.is_empty() {
            return Ok(None);
        }
        let address = Address::parse(&config.cookie_auth_url)?;
        let url =
            Url::parse(&config.cookie_auth_url).map_err(|e| anyhow!("invalid 'cookie_auth_url': {e}"))?;
        let method = match config.cookie_auth_method.as_str() {
            "" => Method::POST,
            name => Method::from_bytes(name.as_bytes())
                .map_err(|_| anyhow!("invalid 'cookie_auth_method' {name:?}"))?,
        };
        let mut request = self.options.client(&address).await?.request(method, url.clone());
        if !config.cookie_auth_body.is_empty() {
            request = request.body(self.cx.reveal(&config.cookie_auth_body).await?);
        }
        if !config.cookie_auth_username.is_empty() {
            let password = self.cx.reveal(&config.cookie_auth_password).await?;
            request = request.basic_auth(&config.cookie_auth_username, Some(password));
        }
        for (name, value) in &config.cookie_auth_headers {
            request = request.header(name, self.cx.reveal(value).await?);
        }
        let answer = request.send().await.map_err(|e| {
            let text = if e.is_builder() {
                "invalid header".to_owned()
            } else {
                describe(&e, &url, &address)
            };
            anyhow!("{text}")
        })?;
        if !answer.status().is_success() {
            let status = answer.status();
            bail!(
                "cookie auth renewal received status code: {} ({})",
                status.as_u16(),
                status.canonical_reason().unwrap_or_default()
            );
        }
        let cookies = answer.headers().get_all(SET_COOKIE).iter();
        let pairs: Vec<&str> = cookies
            .filter_map(|c| c.to_str().ok()?.split(';').next())
            .map(str::trim)
            .collect();
        Ok((!pairs.is_empty()).then(|| pairs.join("; ")))
    }

    /// A token by client credentials; none where they are not configured.
    pub(crate) async fn oauth2_token(&self) -> Result<Option<String>> {
        let config = &self.config;
        if config.client_id.is_empty() || config.client_secret.is_empty() || config.token_url.is_empty() {
            return Ok(None);
        }
        let (id, secret) = (
            self.cx.reveal(&config.client_id).await?,
            self.cx.reveal(&config.client_secret).await?,
        );
        let address = Address::parse(&config.token_url)?;
        let mut url = Url::parse("http://form").map_err(|e| anyhow!("{e}"))?;
        {
            let mut form = url.query_pairs_mut();
            form.append_pair("grant_type", "client_credentials");
            if !config.scopes.is_empty() {
                form.append_pair("scope", &config.scopes.join(" "));
            }
            if !config.audience.is_empty() {
                form.append_pair("audience", &config.audience);
            }
        }
        let body = url.query().unwrap_or_default().to_owned();
        let url = Url::parse(&config.token_url).map_err(|e| anyhow!("invalid 'token_url': {e}"))?;
        let client = self.options.client(&address).await?;
        let request = client
            .post(url.clone())
            .basic_auth(&id, Some(&secret))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Accept", "application/json")
            .body(body);
        let answer = request
            .send()
            .await
            .map_err(|e| anyhow!("{}", describe(&e, &url, &address)))?;
        let status = answer.status();
        if !status.is_success() {
            bail!(
                "oauth2: cannot fetch token: {} {}",
                status.as_u16(),
                status.canonical_reason().unwrap_or_default()
            );
        }
        let text = read_text(answer)
            .await
            .map_err(|_| anyhow!("oauth2: the answer broke off"))?;
        let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        match json["access_token"].as_str().filter(|t| !t.is_empty()) {
            Some(token) => Ok(Some(token.to_owned())),
            None => bail!("oauth2: server response missing access_token"),
        }
    }
}
