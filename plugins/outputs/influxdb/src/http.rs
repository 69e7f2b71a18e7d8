//! One InfluxDB server over HTTP or a unix socket: writes, and `CREATE DATABASE`.

use std::collections::HashSet;

use serde_json::Value;
use wheatstone_net::gzip::{Gzip, Recycler};
use wheatstone_net::http::reqwest::header::{
    CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT,
};
use wheatstone_net::http::reqwest::{Client, RequestBuilder};
use wheatstone_net::http::{Address, Bytes, describe, encode_query, read_text, status_line};
use wheatstone_net::influx::{Lines, Named, field_types, field_types_url, named_by_text};
use wheatstone_plugin::KnownField;
use wheatstone_plugin::line_protocol::Encoder;
use wheatstone_plugin::prelude::*;
use wheatstone_plugin::stats::Stat;

use crate::answer::{self, Answer};
use crate::routes::{Route, excluded};
use crate::{Config, End, bytes_written, line_options};

/// A server, the connections to it, and the memory that requests are made in.
pub(crate) struct HttpServer {
    config: Config,
    cx: Context,
    address: Address,
    client: Client,
    headers: HeaderMap,
    excluded: Vec<String>,
    /// Databases for which CREATE DATABASE was sent and need not be again.
    created: HashSet<String>,
    encoder: Encoder,
    lines: Lines,
    gzip: Option<Gzip>,
    memory: Recycler,
    bytes_written: Stat,
}

/// The headers of every request, apart from the credentials.
pub(crate) fn headers(config: &Config) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let mut set = |name: &str, value: &str| -> Result<()> {
        let place = HeaderName::from_bytes(name.as_bytes())
            .with_context(|| format!("invalid HTTP header {name:?}"))?;
        let value =
            HeaderValue::from_str(value).with_context(|| format!("invalid value of HTTP header {name:?}"))?;
        headers.insert(place, value);
        Ok(())
    };
    set(CONTENT_TYPE.as_str(), "text/plain; charset=utf-8")?;
    for (name, value) in &config.http_headers {
        set(name, value)?;
    }
    set(USER_AGENT.as_str(), &config.user_agent)?;
    Ok(headers)
}

impl HttpServer {
    pub(crate) fn new(config: &Config, cx: &Context, address: Address, client: Client) -> Result<HttpServer> {
        Ok(HttpServer {
            headers: headers(config)?,
            excluded: excluded(config),
            created: HashSet::new(),
            encoder: Encoder::new(line_options(config, 0)),
            lines: Lines::default(),
            gzip: (config.content_encoding == "gzip").then(Gzip::default),
            memory: Recycler::default(),
            bytes_written: bytes_written(cx),
            config: config.clone(),
            cx: cx.clone(),
            address,
            client,
        })
    }

    /// Writes what is still open, until a request gets no answer that holds.
    pub(crate) async fn write(&mut self, metrics: &[&Metric], routes: &mut [Route], end: &mut End) {
        for route in routes.iter_mut().filter(|r| r.batch.is_open()) {
            if self.config.creates_by_tag() && !self.created.contains(&route.database) {
                self.try_create_database(&route.database).await;
            }
            if !self.write_route(metrics, route, end).await {
                return;
            }
        }
    }

    /// Whether it is worth going on with this server.
    async fn write_route(&mut self, metrics: &[&Metric], route: &mut Route, end: &mut End) -> bool {
        while let Some(points) = route.batch.next() {
            let log = self.cx.log().clone();
            let without: Vec<&str> = self.excluded.iter().map(String::as_str).collect();
            self.lines.write(
                &mut self.encoder,
                metrics,
                &points,
                &without,
                usize::MAX,
                |i, error| {
                    error!(log, "Could not serialize metric: {error}");
                    route.batch.reject(i, error.to_string());
                },
            );
            if self.lines.plain().is_empty() {
                continue;
            }
            match self.post(&route.database, &route.retention_policy, end).await {
                Answer::Stored => route.batch.stored(self.lines.points()),
                Answer::Refused { log: line, text } => {
                    error!(log, "{line}");
                    let named = named_by_text(&text, metrics, &self.lines);
                    route.batch.refused(self.lines.points(), named, &text);
                }
                Answer::TooLarge(text) if self.lines.points().len() > 1 => {
                    debug!(
                        log,
                        "When writing to [{}]: {text}; sending it in halves",
                        self.address.shown()
                    );
                    route.batch.halves(self.lines.points());
                }
                Answer::TooLarge(text) => {
                    error!(log, "Failed to write metric (will be dropped): {text}");
                    route.batch.refused(self.lines.points(), Named::Nothing, &text);
                }
                Answer::NoDatabase(text) => {
                    error!(log, "When writing to [{}]: {text}", self.address.shown());
                    route.batch.put_back(self.lines.points().to_vec());
                    route.lacks_database = true;
                    end.created |= self.recreate(&route.database).await;
                    // The other routes have other databases.
                    return true;
                }
                Answer::Failed(text) => {
                    error!(log, "When writing to [{}]: {text}", self.address.shown());
                    route.batch.put_back(self.lines.points().to_vec());
                    end.failed = true;
                    return false;
                }
            }
        }
        true
    }

    /// Sends the lines.
    async fn post(&mut self, database: &str, retention_policy: &str, end: &mut End) -> Answer {
        let mut url = self.address.endpoint("write");
        let mut query = vec![("db".to_owned(), database.to_owned())];
        if !retention_policy.is_empty() {
            query.push(("rp".to_owned(), retention_policy.to_owned()));
        }
        if !matches!(self.config.write_consistency.as_str(), "" | "one") {
            query.push(("consistency".to_owned(), self.config.write_consistency.clone()));
        }
        encode_query(&mut url, query);

        let sent = self.lines.plain().len();
        let mut request = self.client.post(url.clone()).headers(self.headers.clone());
        let body = match &mut self.gzip {
            Some(gzip) => {
                let mut packed = self.memory.take();
                if let Err(error) = gzip.pack(self.lines.plain(), &mut packed) {
                    return Answer::Failed(format!("failed making write req: {error:#}"));
                }
                request = request.header(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                Bytes::from(packed)
            }
            None => Bytes::from(self.lines.take_plain()),
        };
        let bytes = body.len();
        let result = match self.authorized(request).await {
            Ok(request) => request.body(body.clone()).send().await,
            Err(error) => {
                self.take_back(body);
                return Answer::Failed(format!("failed making write req: {error:#}"));
            }
        };
        self.bytes_written.add(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.take_back(body);

        let unanswered =
            |e| Answer::Failed(format!("failed doing req: {}", describe(&e, &url, &self.address)));
        let response = match result {
            Ok(response) => response,
            Err(error) => return unanswered(error),
        };
        let (code, status) = (response.status().as_u16(), status_line(&response));
        if code == 204 {
            return Answer::Stored;
        }
        if let Some(wait) = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|v| v.to_str().ok()?.parse().ok())
        {
            end.retry_after = Some(std::time::Duration::from_secs(wait));
        }
        match read_text(response).await {
            Ok(body) => answer::read(
                code,
                &status,
                &body,
                sent,
                self.address.shown(),
                self.config.retry_unauthorized,
            ),
            Err(error) => unanswered(error),
        }
    }

    fn take_back(&mut self, body: Bytes) {
        match self.gzip {
            Some(_) => self.memory.give_body(body),
            // The lines are needed to read a refusal; this copies only where the client still holds them.
            None => self.lines.put_plain(Vec::from(body)),
        }
    }

    async fn authorized(&self, request: RequestBuilder) -> Result<RequestBuilder> {
        if self.config.username.is_empty() && self.config.password.is_empty() {
            return Ok(request);
        }
        let name = self
            .cx
            .reveal(&self.config.username)
            .await
            .context("getting username failed")?;
        let password = self
            .cx
            .reveal(&self.config.password)
            .await
            .context("getting password failed")?;
        Ok(request.basic_auth(name, Some(password)))
    }

    /// The types that the fields of a database have.
    pub(crate) async fn field_types(&self, database: &str) -> Result<Vec<KnownField>> {
        let url = field_types_url(&self.address, database);
        let request = self.client.get(url.clone()).headers(self.headers.clone());
        field_types(self.authorized(request).await?, &url, &self.address).await
    }

    /// Makes a database that a write did not find; whether there is one now.
    async fn recreate(&mut self, database: &str) -> bool {
        if self.config.skip_database_creation {
            return false;
        }
        let made = self.create_database(database).await;
        if made.is_err() {
            error!(
                self.cx.log(),
                "When writing to [{}]: database {database:?} not found and failed to recreate",
                self.address.shown()
            );
        }
        made.is_ok()
    }

    /// Makes a database; that it cannot be made is only a warning.
    pub(crate) async fn try_create_database(&mut self, database: &str) {
        if let Err(error) = self.create_database(database).await {
            warn!(
                self.cx.log(),
                "When writing to [{}]: database {database:?} creation failed: {error:#}",
                self.address.shown()
            );
        }
    }

    async fn create_database(&mut self, database: &str) -> Result<()> {
        let name = database
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        let mut form = self.address.endpoint("query");
        encode_query(
            &mut form,
            vec![("q".into(), format!("CREATE DATABASE \"{name}\""))],
        );
        let body = form.query().unwrap_or_default().to_owned();
        form.set_query(None);

        let mut headers = self.headers.clone();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        let request = self
            .authorized(self.client.post(form.clone()).headers(headers))
            .await?;
        let unanswered = |e| anyhow!(describe(&e, &form, &self.address));
        let response = request.body(body).send().await.map_err(unanswered)?;
        let (code, status) = (response.status().as_u16(), status_line(&response));
        let body = read_text(response).await.map_err(unanswered)?;
        let json = match serde_json::from_str::<Value>(&body) {
            Ok(json) => json,
            Err(_) if body.is_empty() => Value::Null,
            Err(_) => bail!(
                "{status}: An error response was received while attempting to create the following database: {database}. Error: {body}"
            ),
        };
        let error = json["results"][0]["error"].as_str().unwrap_or_default();
        if code == 403 || (code == 200 && error.is_empty()) {
            // Whoever may not create one need not ask again.
            self.created.insert(database.to_owned());
        }
        match (code, error) {
            (200, "") => Ok(()),
            (_, "") => bail!("{status}"),
            (_, error) => bail!("{status}: {error}"),
        }
    }
}

impl Config {
    fn creates_by_tag(&self) -> bool {
        let by_tag = !self.database_tag.is_empty() || !self.retention_policy_tag.is_empty();
        by_tag && !self.skip_database_creation
    }
}
