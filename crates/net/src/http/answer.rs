//! What comes back from a server, or does not: status lines, texts, and transport errors in Go's words, since people
//! search for those and alert on them.

use std::error::Error as _;

use bytes::BytesMut;
use reqwest::{Error, Response, StatusCode};
use url::Url;
use wheatstone_plugin::os_text;

use super::Address;

/// No server explains itself at greater length.
const LONGEST: usize = 1 << 20;

/// The status with its text: what the server called it, or else Go's name for it.
pub fn status_line(response: &Response) -> String {
    let status = response.status();
    let own = response.extensions().get::<hyper::ext::ReasonPhrase>();
    let text = match own.and_then(|reason| std::str::from_utf8(reason.as_bytes()).ok()) {
        Some(text) => text,
        None => match status {
            StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
            status => status.canonical_reason().unwrap_or_default(),
        },
    };
    format!("{} {text}", status.as_u16()).trim_end().to_owned()
}

/// The answer's body as text, its first MiB.
pub async fn read_text(mut response: Response) -> Result<String, Error> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk[..chunk.len().min(LONGEST - body.len())]);
        if body.len() == LONGEST {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// Why a POST got no answer, such as `Post "http://h:1/write": dial tcp h:1: connect: connection refused`.
pub fn describe(error: &Error, url: &Url, address: &Address) -> String {
    let place = match address.socket() {
        Some(path) => format!("unix {}", path.display()),
        None => {
            let port = url.port_or_known_default().unwrap_or_default();
            format!("tcp {}:{port}", url.host_str().unwrap_or_default())
        }
    };
    let reason = if error.is_timeout() && !error.is_connect() {
        "context deadline exceeded (Client.Timeout exceeded while awaiting headers)".to_owned()
    } else if error.is_connect() {
        match os_error(error) {
            Some(text) => format!("dial {place}: connect: {text}"),
            None => format!("dial {place}: {}", innermost(error)),
        }
    } else {
        os_error(error).unwrap_or_else(|| innermost(error))
    };
    format!("Post \"{}\": {reason}", without_password(url))
}

/// The address as Go's errors show it.
fn without_password(url: &Url) -> Url {
    let mut shown = url.clone();
    if shown.password().is_some() {
        // Refused only where there can be none.
        let _ = shown.set_password(Some("xxxxx"));
    }
    shown
}

/// The system's error in it: `connection refused`.
fn os_error(error: &Error) -> Option<String> {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>()
            && io.raw_os_error().is_some()
        {
            return Some(os_text(io));
        }
        source = inner.source();
    }
    None
}

fn innermost(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = inner.to_string();
        source = inner.source();
    }
    text
}
