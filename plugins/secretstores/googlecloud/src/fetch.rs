//! One request for a token and what comes back.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value as Json;
use wheatstone_net::http::{describe, read_text, status_line};
use wheatstone_plugin::Result;
use wheatstone_plugin::anyhow::{Context as _, anyhow, bail};

use crate::{GoogleCloud, Token};

impl GoogleCloud {
    /// Asks for a token. No error shows it, nor what the key signed.
    pub(crate) async fn fetch(&self) -> Result<Token> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let (body, kind) = self.account.request(now)?;
        let client = self.options.client(&self.address).await?;
        let asked = Instant::now();
        let request = client
            .post(self.account.url.clone())
            .header("Content-Type", kind)
            .body(body);
        let answer = request
            .send()
            .await
            .map_err(|e| anyhow!("{}", describe(&e, &self.account.url, &self.address)))?;
        let (status, line) = (answer.status(), status_line(&answer));
        let text = read_text(answer)
            .await
            .map_err(|_| anyhow!("the answer broke off"))?;
        let json: Json = serde_json::from_str(&text).unwrap_or_default();
        let field = |name: &str| json[name].as_str();
        if !status.is_success() {
            match (field("error"), field("error_description")) {
                (Some(error), Some(why)) => bail!("status {line}: {error:?} {why:?}"),
                (Some(error), None) => bail!("status {line}: {error:?}"),
                _ => bail!("status {line}"),
            }
        }
        let token = field("access_token")
            .filter(|t| !t.is_empty())
            .context("the answer has no access_token")?;
        let lifetime = json["expires_in"]
            .as_u64()
            .filter(|s| *s > 0)
            .map(Duration::from_secs);
        Ok(Token {
            text: token.to_owned(),
            until: lifetime.and_then(|lifetime| asked.checked_add(lifetime)),
        })
    }
}
