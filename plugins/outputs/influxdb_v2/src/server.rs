//! One InfluxDB server: where it is, when it may be asked again, and the requests to it.

use std::time::{Duration, Instant};

use wheatstone_net::http::reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
    USER_AGENT,
};
use wheatstone_net::http::reqwest::{Client, Url};
use wheatstone_net::http::{Address, Bytes, describe, encode_query, read_text, status_line};
use wheatstone_net::influx::{field_types, field_types_url};
use wheatstone_plugin::KnownField;
use wheatstone_plugin::prelude::*;

use crate::Config;
use crate::answer::{self, Answer, Raw};
use crate::limit::Limit;

/// A server and what it has said about being asked.
pub(crate) struct Server {
    config: Config,
    cx: Context,
    client: Client,
    address: Address,
    shown: String,
    /// Bytes that may be sent to it.
    pub limit: Limit,
    /// It is not asked before.
    not_before: Option<Instant>,
    /// So many answers in a row were those of a busy server.
    throttled: u32,
}

/// A request that is ready to be sent.
pub(crate) struct Prepared {
    client: Client,
    address: Address,
    url: Url,
    headers: HeaderMap,
    bucket: String,
    throttled: u32,
}

/// The names of the additional headers; an error where one cannot be a header.
pub(crate) fn header_names(config: &Config) -> Result<Vec<HeaderName>> {
    let name = |name: &String| {
        HeaderName::from_bytes(name.as_bytes()).with_context(|| format!("invalid HTTP header {name:?}"))
    };
    config.http_headers.keys().map(name).collect()
}

impl Server {
    pub(crate) fn new(config: &Config, cx: &Context, address: Address, client: Client) -> Result<Server> {
        let mut shown = address.endpoint("/api/v2/write");
        if shown.password().is_some() {
            // The URL has had a password, so it can have another.
            let _ = shown.set_password(Some("xxxxx"));
        }
        Ok(Server {
            limit: Limit::new(config.rate_limit.0, config.rate_limit_period.0),
            config: config.clone(),
            cx: cx.clone(),
            client,
            address,
            shown: shown.to_string(),
            not_before: None,
            throttled: 0,
        })
    }

    /// Its URL, as logs have it.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }
    /// The options.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }
    /// The plugin's log.
    pub(crate) fn log(&self) -> &Log {
        self.cx.log()
    }

    /// How long it must not be asked yet.
    pub(crate) fn wait(&self, now: Instant) -> Option<Duration> {
        self.not_before
            .and_then(|at| at.checked_duration_since(now))
            .filter(|wait| !wait.is_zero())
    }

    /// Takes note of how busy it is.
    pub(crate) fn heard(&mut self, answer: &Answer) {
        match answer {
            Answer::Stored => self.throttled = 0,
            Answer::Throttled(_, wait) => {
                self.throttled = self.throttled.saturating_add(1);
                // Of several answers the latest time counts.
                self.not_before = self.not_before.max(Instant::now().checked_add(*wait));
            }
            _ => {}
        }
    }

    /// The types that the fields of a bucket have: a server that maps buckets to databases tells them.
    pub(crate) async fn field_types(&self, bucket: &str) -> Result<Vec<KnownField>> {
        let url = field_types_url(&self.address, bucket);
        let headers = self.prepare(bucket).await?.headers;
        let mut request = self.client.get(url.clone());
        for (name, value) in &headers {
            if !matches!(*name, CONTENT_ENCODING | CONTENT_TYPE) {
                request = request.header(name, value);
            }
        }
        field_types(request, &url, &self.address).await
    }

    /// Prepares a write to a bucket.
    pub(crate) async fn prepare(&self, bucket: &str) -> Result<Prepared> {
        let mut url = self.address.endpoint("/api/v2/write");
        let own = ["org", "bucket"];
        let mut query: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(key, _)| !own.contains(&key.as_ref()))
            .map(|(k, v)| (k.into(), v.into()))
            .collect();
        query.push(("org".into(), self.config.organization.clone()));
        query.push(("bucket".into(), bucket.to_owned()));
        encode_query(&mut url, query);

        let mut headers = HeaderMap::new();
        if self.config.content_encoding == "gzip" {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_| anyhow!("not a header's value"));
        headers.insert(
            USER_AGENT,
            value(&self.config.user_agent).context("invalid user_agent")?,
        );
        let token = self
            .cx
            .reveal(&self.config.token)
            .await
            .context("getting token failed")?;
        let mut token = value(&format!("Token {token}")).context("invalid token")?;
        token.set_sensitive(true);
        headers.insert(AUTHORIZATION, token);
        for (name, secret) in header_names(&self.config)?
            .into_iter()
            .zip(self.config.http_headers.values())
        {
            let text = self.cx.reveal(secret).await.context("adding headers failed")?;
            let mut value = value(&text).with_context(|| format!("invalid value of HTTP header {name:?}"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(Prepared {
            client: self.client.clone(),
            address: self.address.clone(),
            url,
            headers,
            bucket: bucket.to_owned(),
            throttled: self.throttled,
        })
    }
}

impl Prepared {
    /// Sends a body and reads the answer.
    pub(crate) async fn send(&self, body: Bytes) -> Answer {
        let unreached = |e| Answer::Unreached(describe(&e, &self.url, &self.address));
        let request = self
            .client
            .post(self.url.clone())
            .headers(self.headers.clone())
            .body(body);
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return unreached(error),
        };
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .and_then(|v| v.to_str().ok())
                .map(str::to_owned)
        };
        let mut raw = Raw {
            code: response.status().as_u16(),
            status: status_line(&response),
            retry_after: header(RETRY_AFTER.as_str()),
            influx_error: header("X-Influx-Error"),
            body: String::new(),
        };
        // What the status says holds without the text.
        if let Ok(body) = read_text(response).await {
            raw.body = body;
        }
        answer::read(&raw, &self.bucket, self.throttled)
    }
}
