//! The request for the secrets and what is made of its answer.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wheatstone_net::http::{describe, read_text};
use wheatstone_plugin::prelude::*;

use crate::{Http, transform};

impl Http {
    /// All secrets of the store. No error shows what the server sent.
    pub(crate) async fn download(&self) -> Result<BTreeMap<String, String>> {
        let text = self.query().await.context("reading body failed")?;
        let text = match self.config.transformation.clone() {
            expression if expression.is_empty() => text,
            expression => {
                // Apart from the runtime: the expression may be slow, and a panic of the library stays there.
                let transformed =
                    tokio::task::spawn_blocking(move || transform::apply(&expression, &text)).await;
                transformed
                    .map_err(|_| anyhow!("the expression cannot be evaluated"))
                    .and_then(|r| r)
                    .context("transforming data failed")?
            }
        };
        serde_json::from_str(&text).map_err(|e| {
            anyhow!(
                "the secrets are no JSON object of texts (line {} column {}); maybe missing or wrong data transformation",
                e.line(),
                e.column()
            )
        })
    }

    async fn query(&self) -> Result<String> {
        let client = self.options.client(&self.address).await?;
        let mut request = client.get(self.url.clone());
        if let Some(cookies) = self.cookies().await.context("logging in for cookies failed")? {
            request = request.header("Cookie", cookies);
        }
        for (name, value) in &self.config.headers {
            let value = self
                .cx
                .reveal(value)
                .await
                .with_context(|| format!("getting header {name:?} failed"))?;
            request = request.header(name, value);
        }
        if let Some(token) = self.oauth2_token().await? {
            request = request.bearer_auth(token);
        } else if !self.config.token.is_empty() {
            let token = self
                .cx
                .reveal(&self.config.token)
                .await
                .context("getting token failed")?;
            request = request.header("Authorization", format!("Bearer {}", token.trim()));
        } else if !self.config.username.is_empty() && !self.config.password.is_empty() {
            let username = self
                .cx
                .reveal(&self.config.username)
                .await
                .context("getting username failed")?;
            let password = self
                .cx
                .reveal(&self.config.password)
                .await
                .context("getting password failed")?;
            request = request.header(
                "Authorization",
                format!("Basic {}", STANDARD.encode(format!("{username}:{password}"))),
            );
        }
        let answer = request.send().await.map_err(|e| {
            // What is said of a header that cannot be sent might show it.
            let text = if e.is_builder() {
                "invalid header".to_owned()
            } else {
                describe(&e, &self.url, &self.address)
            };
            anyhow!("executing request failed: {}", text.replacen("Post ", "Get ", 1))
        })?;
        let status = answer.status();
        let wanted = match self.config.success_status_codes.as_slice() {
            [] => &[200],
            codes => codes,
        };
        if !wanted.contains(&status.as_u16()) {
            let shown: Vec<String> = wanted.iter().map(u16::to_string).collect();
            bail!(
                "received status code {} ({}), expected any value out of [{}]",
                status.as_u16(),
                status.canonical_reason().unwrap_or_default(),
                shown.join(" ")
            );
        }
        read_text(answer)
            .await
            .map_err(|_| anyhow!("the answer broke off"))
    }
}
