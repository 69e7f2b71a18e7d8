//! From the command line's files, folders and URLs to the texts of a configuration.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use wheatstone_config::{Problem, Source, is_url, list_files, read_sources, text_of};
use wheatstone_net::TlsConfig;
use wheatstone_net::http::reqwest::{self, Method, Url};
use wheatstone_net::http::{Address, Options, describe, status_line};
use wheatstone_pipeline::bytes_sum;
use wheatstone_plugin::Level;

use crate::cli::Flags;
use crate::logging::say;
use crate::stores::wait_for;

/// The wait before a URL is asked again.
const AGAIN: Duration = Duration::from_secs(10);

/// A server that says nothing for so long is asked again.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest configuration that is taken from a server.
const LONGEST: usize = 64 << 20;

/// Reads what the flags name, and says which files these are, as Telegraf does. No password of a URL is in their names.
pub(crate) fn read(flags: &Flags) -> Result<Vec<Source>, Vec<Problem>> {
    // Flags that exclude each other are told of before any file is looked for.
    crate::load::options(flags)?;
    let (files, notes) =
        list_files(&flags.config, &flags.config_directory).map_err(|problem| vec![problem])?;
    for note in notes {
        say(note.level, "", &note.message);
    }
    let attempts =
        Attempts::of(flags.config_url_retry_attempts).map_err(|e| vec![Problem::general(e.to_string())])?;
    for file in &files {
        say(Level::Info, "", &format!("Loading config: {}", shown(file)));
    }
    match read_sources(&files, |url| fetch(url, attempts).map_err(|e| format!("{e:#}"))) {
        Ok(mut sources) => {
            sources
                .iter_mut()
                .for_each(|source| source.name = shown(&source.name));
            Ok(sources)
        }
        Err(mut problems) => {
            problems
                .iter_mut()
                .for_each(|problem| problem.file = problem.file.take().map(|file| shown(&file)));
            Err(problems)
        }
    }
}

/// A path, or a URL without the password in it.
pub(crate) fn shown(file: &str) -> String {
    match Url::parse(file) {
        Ok(mut url) if is_url(file) && url.password().is_some() => {
            let _ = url.set_password(Some("xxxxx"));
            url.to_string()
        }
        _ => file.to_owned(),
    }
}

/// How often a URL is tried: without end where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempts(Option<u64>);

impl Attempts {
    /// `--config-url-retry-attempts`: -1 is without end, 0 is the default.
    fn of(flag: i64) -> anyhow::Result<Attempts> {
        match flag {
            -1 => Ok(Attempts(None)),
            0 => Ok(Attempts(Some(3))),
            n => Ok(Attempts(Some(
                u64::try_from(n).map_err(|_| anyhow!("invalid number of attempts: {n}"))?,
            ))),
        }
    }
}

/// The text behind an http(s) URL.
fn fetch(url: &str, attempts: Attempts) -> anyhow::Result<String> {
    let parsed = Url::parse(url).map_err(|e| anyhow!("parse {:?}: {e}", shown(url)))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        bail!("scheme {:?} not supported", parsed.scheme());
    }
    wait_for(async move { repeatedly(attempts, AGAIN, || request(&parsed)).await })
}

/// Tries until something comes, and says each time why not.
async fn repeatedly<F: Future<Output = anyhow::Result<String>>>(
    attempts: Attempts,
    pause: Duration,
    mut request: impl FnMut() -> F,
) -> anyhow::Result<String> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let error = match request().await {
            Ok(text) => return Ok(text),
            Err(error) => error,
        };
        let of = attempts.0.map_or_else(|| "unlimited".into(), |n| n.to_string());
        say(
            Level::Warn,
            "",
            &format!("Error getting HTTP config (attempt {attempt} of {of}): {error:#}"),
        );
        if attempts.0.is_some_and(|n| attempt >= n) {
            return Err(error);
        }
        tokio::time::sleep(pause).await;
    }
}

/// The text behind a URL.
async fn request(url: &Url) -> anyhow::Result<String> {
    text(ask(url, Method::GET).await?).await
}

/// The headers are Telegraf's; a token out of the environment authenticates.
async fn ask(url: &Url, method: Method) -> anyhow::Result<reqwest::Response> {
    let address = Address::parse(url.as_str())?;
    let client = Options::new(PATIENCE, "", "", &TlsConfig::default())?
        .client(&address)
        .await?;
    let mut request = client
        .request(method, url.clone())
        .header("Accept", "application/toml")
        .header("User-Agent", format!("Wheatstone/{}", crate::VERSION));
    let token = |name: &str| std::env::var(name).ok();
    if let Some(token) = token("TELEGRAF_CONTROLLER_TOKEN") {
        request = request.bearer_auth(token);
    } else if let Some(token) = token("INFLUX_TOKEN") {
        request = request.header("Authorization", format!("Token {token}"));
    }
    let answer = request.send().await.map_err(|e| {
        let text = if e.is_builder() {
            "invalid header".to_owned()
        } else {
            describe(&e, url, &address)
        };
        anyhow!(
            "failed to connect to HTTP config server: {}",
            text.replacen("Post ", "Get ", 1)
        )
    })?;
    if answer.status() != reqwest::StatusCode::OK {
        bail!("failed to fetch HTTP config: {}", status_line(&answer));
    }
    Ok(answer)
}

/// What tells one text behind a URL from another: what its server says of it, or else a sum of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// `ETag` and `Last-Modified`.
    Told(Option<String>, Option<String>),
    /// A sum.
    Read(u64),
}

/// Asks for the version of the text behind a URL.
pub(crate) async fn version(url: &str) -> anyhow::Result<Version> {
    let url = Url::parse(url).map_err(|e| anyhow!("parse {:?}: {e}", shown(url)))?;
    // A server that does not know HEAD is asked for the text.
    if let Ok(answer) = ask(&url, Method::HEAD).await {
        let header = |name: &str| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
        let told = (header("etag"), header("last-modified"));
        if told != (None, None) {
            return Ok(Version::Told(told.0, told.1));
        }
    }
    Ok(Version::Read(bytes_sum(request(&url).await?.as_bytes())))
}

async fn text(mut answer: reqwest::Response) -> anyhow::Result<String> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.context("failed to read response body")? {
        if body.len() + chunk.len() > LONGEST {
            bail!("the configuration is longer than {LONGEST} bytes");
        }
        body.extend_from_slice(&chunk);
    }
    text_of(&body).context("provided config is not a TOML file")
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_is_asked_until_the_attempts_are_over() {
        let asked = Cell::new(0);
        let fails_until = |n: i32| {
            asked.set(0);
            let asked = &asked;
            move || async move {
                asked.set(asked.get() + 1);
                if asked.get() >= n {
                    Ok("text".to_owned())
                } else {
                    Err(anyhow!("no"))
                }
            }
        };
        let three = Attempts::of(0).unwrap();
        assert_eq!(repeatedly(three, AGAIN, fails_until(3)).await.unwrap(), "text");
        assert!(repeatedly(three, AGAIN, fails_until(9)).await.is_err());
        assert_eq!(asked.get(), 3);
        let begun = tokio::time::Instant::now();
        let endless = Attempts::of(-1).unwrap();
        assert_eq!(repeatedly(endless, AGAIN, fails_until(7)).await.unwrap(), "text");
        assert_eq!(begun.elapsed(), AGAIN * 6);
        assert_eq!(
            Attempts::of(-2).unwrap_err().to_string(),
            "invalid number of attempts: -2"
        );
    }

    #[test]
    fn only_http_is_fetched_and_no_password_shown() {
        let error = fetch("ftp://h/x", Attempts(Some(1))).unwrap_err().to_string();
        assert_eq!(error, "scheme \"ftp\" not supported");
        assert_eq!(shown("http://u:hunter2@h/x.conf"), "http://u:xxxxx@h/x.conf");
        assert_eq!(shown("/etc/telegraf.conf"), "/etc/telegraf.conf");
    }
}
