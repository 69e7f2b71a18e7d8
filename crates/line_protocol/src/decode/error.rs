//! Where and why a payload was refused, in Telegraf's words.

use std::fmt;

use crate::quote::quote;

/// A longer line is shown only around the place of the error.
const MAX_SHOWN: usize = 1024;
/// Longer tokens are cut in an error, in bytes: a payload may be one token.
const MAX_TOKEN: usize = 256;

/// A token in quotes, cut where it is long.
pub(in crate::decode) fn quote_token(token: &[u8]) -> String {
    match token.get(..MAX_TOKEN) {
        Some(beginning) if token.len() > MAX_TOKEN => quote(beginning) + "...",
        _ => quote(token),
    }
}

/// Why a payload was refused. Its text is Telegraf's: `metric parse error: expected field at 2:11: "cpu value=x"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(Box<Fault>);

/// Boxed, because every step of the parser hands a result back and nearly none an error.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    what: String,
    place: Option<Place>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
    shown: Vec<u8>,
}

impl DecodeError {
    /// An error of which Telegraf does not tell the place.
    pub(super) fn without_place(what: String) -> DecodeError {
        DecodeError(Box::new(Fault { what, place: None }))
    }

    /// An error at byte `at` of the text. `start` is where its line starts, `spot` how far into the line a cut-out
    /// shall reach; the line's number and the column count from one.
    pub(super) fn at(
        what: String,
        (line, column): (usize, usize),
        text: &[u8],
        start: usize,
        spot: Option<usize>,
    ) -> DecodeError {
        let rest = text.get(start..).unwrap_or_default();
        let shown = match rest.iter().position(|&b| b == b'\n') {
            Some(end) => rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]),
            None => rest,
        };
        let mut cut = Vec::new();
        if shown.len() > MAX_SHOWN {
            let spot = spot.unwrap_or(shown.len()).min(shown.len());
            let from = spot.saturating_sub(MAX_SHOWN);
            if spot >= MAX_SHOWN {
                cut.extend_from_slice(b"...");
            }
            cut.extend_from_slice(&shown[from..spot]);
            cut.extend_from_slice(b"<-- here");
        } else {
            cut.extend_from_slice(shown);
        }
        DecodeError(Box::new(Fault {
            what,
            place: Some(Place {
                line,
                column,
                shown: cut,
            }),
        }))
    }

    /// What was expected or wrong, without the place.
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// Line and column of the error, both from one; the column counts bytes.
    pub fn position(&self) -> Option<(usize, usize)> {
        self.0.place.as_ref().map(|place| (place.line, place.column))
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { what, place } = &*self.0;
        match place {
            Some(Place { line, column, shown }) => {
                write!(
                    f,
                    "metric parse error: {what} at {line}:{column}: {}",
                    quote(shown)
                )
            }
            None => f.write_str(what),
        }
    }
}

impl std::error::Error for DecodeError {}
