//! Schema numbers in, schemas out: each is asked of the registry once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tokio::runtime::{Builder, Handle, RuntimeFlavor};
use wheatstone_net::TlsConfig;
use wheatstone_net::http::reqwest::Url;
use wheatstone_net::http::{Address, Options, describe, read_text, status_line};
use wheatstone_plugin::{excerpt, prelude::*};

use crate::schema::Schema;

/// For a request, its answer included.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A number whose request failed is not asked for again before this time is over: while a registry is away, messages fail
/// quickly rather than one after the other slowly.
const PAUSE: Duration = Duration::from_secs(1);
/// So many schemas are kept. A registry numbers them itself, so more than this are no schemas.
const MOST: usize = 4096;

/// A registry, and the schemas that it has given.
pub(crate) struct Registry {
    options: Options,
    address: Address,
    user: Option<(String, String)>,
    schemas: HashMap<u32, Arc<Schema>>,
    failed: HashMap<u32, (Instant, String)>,
}

impl Registry {
    /// Checks the address, which may hold a user's name and password, and reads the certificate.
    pub(crate) fn new(address: &str, certificate: &str) -> Result<Registry> {
        let mut url = Url::parse(address).map_err(|e| anyhow!("parsing registry URL failed: {e}"))?;
        let decoded = |text: &str| percent_decoded(text);
        let user = (!url.username().is_empty()).then(|| {
            (
                decoded(url.username()),
                decoded(url.password().unwrap_or_default()),
            )
        });
        // Only a URL without a host refuses to change these.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let tls = TlsConfig {
            tls_ca: certificate.to_owned(),
            ..TlsConfig::default()
        };
        Ok(Registry {
            options: Options::new(TIMEOUT, "", "", &tls)?,
            address: Address::parse(url.as_str())?,
            user,
            schemas: HashMap::new(),
            failed: HashMap::new(),
        })
    }

    /// The schema with this number. Waits for the registry where the number is new.
    pub(crate) fn schema(&mut self, id: u32) -> Result<Arc<Schema>> {
        if let Some(schema) = self.schemas.get(&id) {
            return Ok(schema.clone());
        }
        if let Some((when, why)) = self.failed.get(&id)
            && when.elapsed() < PAUSE
        {
            bail!("{why}");
        }
        match self.fetch(id).and_then(|text| Schema::parse(&text)) {
            Ok(schema) => {
                if self.schemas.len() >= MOST {
                    self.schemas.clear();
                }
                self.failed.remove(&id);
                let schema = Arc::new(schema);
                self.schemas.insert(id, schema.clone());
                Ok(schema)
            }
            Err(error) => {
                if self.failed.len() >= MOST {
                    self.failed.clear();
                }
                self.failed.insert(id, (Instant::now(), format!("{error:#}")));
                Err(error)
            }
        }
    }

    /// Asks for a schema on a thread of its own: a parser does not wait as tasks do, and it is asked seldom.
    fn fetch(&self, id: u32) -> Result<String> {
        let ask = || {
            std::thread::scope(|scope| {
                let asking = scope.spawn(|| {
                    let runtime = Builder::new_current_thread().enable_all().build()?;
                    runtime.block_on(self.ask(id))
                });
                asking
                    .join()
                    .unwrap_or_else(|_| Err(anyhow!("asking the schema registry failed")))
            })
        };
        // The other tasks of this thread go on elsewhere meanwhile.
        match Handle::try_current() {
            Ok(runtime) if runtime.runtime_flavor() == RuntimeFlavor::MultiThread => {
                tokio::task::block_in_place(ask)
            }
            _ => ask(),
        }
    }

    async fn ask(&self, id: u32) -> Result<String> {
        let url = self.address.endpoint(&format!("schemas/ids/{id}"));
        let mut request = self.options.client(&self.address).await?.get(url.clone());
        if let Some((user, password)) = &self.user {
            request = request.basic_auth(user, Some(password));
        }
        let answer = request.send().await.map_err(|e| {
            anyhow!(
                "{}",
                describe(&e, &url, &self.address).replacen("Post ", "Get ", 1)
            )
        })?;
        let status = status_line(&answer);
        let text = read_text(answer)
            .await
            .with_context(|| format!("Get \"{url}\": the answer broke off"))?;
        let json: Json = serde_json::from_str(&text).map_err(|e| {
            anyhow!(
                "malformed response from schema registry: {status}: {e}: {}",
                excerpt(&text)
            )
        })?;
        match json.get("schema") {
            None => bail!(
                "malformed response from schema registry: no 'schema' key: {status}: {}",
                excerpt(&text)
            ),
            Some(Json::String(schema)) => Ok(schema.clone()),
            Some(_) => bail!("malformed response from schema registry: the schema cannot be cast to string"),
        }
    }
}

/// Resolves `%20` in a user's name or password.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) if *byte == b'%' => {
                bytes.push(decoded);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
