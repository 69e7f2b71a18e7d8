//! What an output or a start says when it fails, so that the core knows what to do.

use std::borrow::Cow;
use std::{fmt, io};

/// A failed start.
#[derive(Debug)]
pub struct StartError {
    /// What went wrong.
    pub error: anyhow::Error,
    /// It may pass by itself (nobody listens yet): `startup_error_behavior` applies. Otherwise the agent ends.
    pub retry: bool,
}

impl StartError {
    /// One that may pass: a refused connection, a name that does not resolve.
    pub fn retry(error: impl Into<anyhow::Error>) -> StartError {
        StartError {
            error: error.into(),
            retry: true,
        }
    }
}
impl<E: Into<anyhow::Error>> From<E> for StartError {
    fn from(error: E) -> StartError {
        let error: anyhow::Error = error.into();
        match error.downcast::<Passing>() {
            Ok(Passing(error)) => StartError { error, retry: true },
            Err(error) => StartError { error, retry: false },
        }
    }
}

/// Carries a [`StartError`] that may pass through an `anyhow::Error`, for [`ServiceInput::run`](crate::ServiceInput::run).
#[derive(Debug)]
struct Passing(anyhow::Error);
impl fmt::Display for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl std::error::Error for Passing {}

impl StartError {
    /// The same as an `anyhow::Error`, to be returned by a service input before it is ready.
    pub fn into_error(self) -> anyhow::Error {
        if self.retry {
            anyhow::Error::new(Passing(self.error))
        } else {
            self.error
        }
    }
}

/// How many bytes of a payload an error shows at most.
pub const EXCERPT: usize = 80;

/// What an error shows of a text that came from outside: its first [`EXCERPT`] bytes, and `…` where more followed.
pub fn excerpt(text: &str) -> Cow<'_, str> {
    match beginning(text, EXCERPT) {
        Some(beginning) => format!("{beginning}…").into(),
        None => text.into(),
    }
}

/// The text of an error for the log or a dead letter. One that quotes a whole payload is cut: such a line is for people.
pub fn cut(text: String) -> String {
    const MOST: usize = 2000;
    match beginning(&text, MOST) {
        Some(beginning) => format!("{beginning}... ({} bytes)", text.len()),
        None => text,
    }
}

/// The system's words for an error, as Telegraf prints them: `permission denied`.
pub fn os_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// What of a longer text fits into so many bytes, never ending within a letter.
fn beginning(text: &str, most: usize) -> Option<&str> {
    if text.len() <= most {
        return None;
    }
    (0..=most).rev().find_map(|end| text.get(..end))
}

/// Why a payload was not parsed, where the parser knows the place; others return any error.
#[derive(Debug, Clone)]
pub struct ParseError {
    /// What is wrong.
    pub message: String,
    /// The first byte of the payload that cannot be right.
    pub offset: usize,
}

impl ParseError {
    /// The place that an error of a parser names.
    pub fn offset(error: &anyhow::Error) -> Option<usize> {
        error
            .chain()
            .find_map(|e| e.downcast_ref::<ParseError>())
            .map(|e| e.offset)
    }
}
impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
impl std::error::Error for ParseError {}

/// One metric that was refused for good.
#[derive(Debug, Clone)]
pub struct Rejection {
    /// Its index in the batch.
    pub index: usize,
    /// What the server or format said.
    pub reason: String,
}

/// Why a write did not take all metrics. Whatever it does not name as accepted or rejected is written again later.
#[derive(Debug)]
pub struct WriteError {
    /// What went wrong.
    pub error: anyhow::Error,
    /// Indexes of metrics that are safe at the other end.
    pub accepted: Vec<usize>,
    /// Metrics refused for good: they leave the buffer, for the dead letters where there are some.
    pub rejected: Vec<Rejection>,
    /// Not before so long: what a server's Retry-After says.
    pub retry_after: Option<std::time::Duration>,
}

impl WriteError {
    /// Nothing was taken; try all again at the next flush.
    pub fn retry(error: impl Into<anyhow::Error>) -> WriteError {
        WriteError {
            error: error.into(),
            accepted: Vec::new(),
            rejected: Vec::new(),
            retry_after: None,
        }
    }
    /// The same, not before `after`.
    pub fn retry_after(error: impl Into<anyhow::Error>, after: std::time::Duration) -> WriteError {
        WriteError {
            retry_after: Some(after),
            ..WriteError::retry(error)
        }
    }
    /// Some were taken, some refused for good; the rest stays.
    pub fn partial(
        error: impl Into<anyhow::Error>,
        accepted: Vec<usize>,
        rejected: Vec<Rejection>,
    ) -> WriteError {
        WriteError {
            accepted,
            rejected,
            ..WriteError::retry(error)
        }
    }
}
impl<E: Into<anyhow::Error>> From<E> for WriteError {
    fn from(error: E) -> WriteError {
        WriteError::retry(error)
    }
}
impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::{cut, excerpt, os_text};

    #[test]
    fn only_long_texts_are_cut_and_never_within_a_letter() {
        assert_eq!(cut("short".to_owned()), "short");
        let short = cut("é".repeat(1500));
        assert!(short.ends_with("... (3000 bytes)"), "{short}");
        assert_eq!(short.chars().filter(|c| *c == 'é').count(), 1000);
        assert_eq!(excerpt(&"é".repeat(40)), "é".repeat(40));
        assert_eq!(
            excerpt(&format!("a{}", "é".repeat(40))),
            format!("a{}…", "é".repeat(39))
        );
    }

    #[test]
    fn a_system_error_is_told_in_telegrafs_words() {
        for (error, text) in [
            (std::io::Error::from_raw_os_error(13), "permission denied"),
            (std::io::Error::other("Stream ended"), "stream ended"),
            (std::io::Error::other(""), ""),
        ] {
            assert_eq!(os_text(&error), text);
        }
    }
}
