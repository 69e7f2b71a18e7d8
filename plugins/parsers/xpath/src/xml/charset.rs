//! A payload's bytes in, text out, by the encoding that its declaration names.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};
use wheatstone_plugin::prelude::*;

/// How far the end of a declaration is looked for.
const DECLARATION: usize = 1024;

/// The text of a payload.
pub(super) fn decode(payload: &[u8]) -> Result<Cow<'_, str>> {
    let payload = payload.strip_prefix(b"\xef\xbb\xbf").unwrap_or(payload);
    let label = declared(payload).unwrap_or_default();
    if !label.is_empty() && !label.eq_ignore_ascii_case("utf-8") {
        let encoding = Encoding::for_label_no_replacement(label.as_bytes())
            .ok_or_else(|| anyhow!("xml: opening charset {label:?}: unsupported charset: {label:?}"))?;
        if encoding != UTF_8 {
            return Ok(encoding.decode_without_bom_handling(payload).0);
        }
    }
    match std::str::from_utf8(payload) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(error) => {
            let before = payload.get(..error.valid_up_to()).unwrap_or_default();
            let line = 1 + before.iter().filter(|b| **b == b'\n').count();
            bail!("XML syntax error on line {line}: invalid UTF-8")
        }
    }
}

/// The encoding in the declaration; it is written in ASCII.
fn declared(payload: &[u8]) -> Option<String> {
    let head = payload.trim_ascii_start().strip_prefix(b"<?xml")?;
    let head = String::from_utf8_lossy(head.get(..DECLARATION).unwrap_or(head));
    let (declaration, _) = head.split_once("?>")?;
    Some(pseudo_attribute(declaration, "encoding").to_owned())
}

/// `name="value"` in a declaration; nothing where it is not there.
pub(super) fn pseudo_attribute<'a>(declaration: &'a str, name: &str) -> &'a str {
    let mut rest = declaration;
    while let Some(at) = rest.find(name) {
        let begins = rest[..at]
            .chars()
            .next_back()
            .is_none_or(|c| c.is_ascii_whitespace());
        rest = &rest[at + name.len()..];
        if let Some(value) = rest.trim_start().strip_prefix('=').filter(|_| begins) {
            let value = value.trim_start();
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
            return quote
                .and_then(|quote| value[1..].split_once(quote))
                .map_or("", |(value, _)| value);
        }
    }
    ""
}
