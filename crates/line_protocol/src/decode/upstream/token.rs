//! Names, keys and texts: everything that may hold escapes and must be UTF-8.

use wheatstone_metric::{CompactString, Key};

use super::Entries;
use crate::decode::DecodeError;
use crate::decode::error::quote_token;
use crate::decode::input::{Token, unescape};
use crate::scan::find;

/// What a character behind a backslash stands for; nothing where the backslash stays.
pub(super) type Escapes = fn(u8) -> Option<char>;

pub(super) fn in_name(b: u8) -> Option<char> {
    matches!(b, b',' | b' ').then_some(char::from(b))
}

pub(super) fn in_key(b: u8) -> Option<char> {
    matches!(b, b',' | b' ' | b'=').then_some(char::from(b))
}

pub(super) fn in_string(b: u8) -> Option<char> {
    match b {
        b'"' | b'\\' => Some(char::from(b)),
        b'n' => Some('\n'),
        b'r' => Some('\r'),
        b't' => Some('\t'),
        _ => None,
    }
}

impl Entries<'_, '_> {
    /// Everything until one of `stops`, which hold the backslash, or, where `BLANKS`, a space or control character.
    #[inline(always)]
    pub(super) fn token<const BLANKS: bool, const N: usize>(
        &mut self,
        stops: [u8; N],
        escapes: Escapes,
    ) -> Result<Token, DecodeError> {
        let (from, mut escaped) = (self.at, false);
        loop {
            self.at = find::<BLANKS, N>(self.input.bytes, self.at, stops);
            if self.byte() != Some(b'\\') {
                break;
            }
            self.at += 1;
            if self.byte().and_then(escapes).is_some() {
                escaped = true;
                self.at += 1;
            }
        }
        let to = self.at;
        if !BLANKS {
            self.line += self.input.slice(from, to).iter().filter(|&&b| b == b'\n').count();
        }
        let token = Token { from, to, escaped };
        if self.input.text(from, to).is_none() && std::str::from_utf8(self.input.slice(from, to)).is_err() {
            return Err(self.not_utf8(token, escapes));
        }
        Ok(token)
    }

    #[inline(always)]
    pub(super) fn key(&mut self, token: &Token, escapes: Escapes) -> Key {
        match self.input.text(token.from, token.to) {
            Some(text) if !token.escaped => self.memory.keys.get(text),
            _ => self.memory.keys.get(&self.plain(token, escapes)),
        }
    }

    /// The token's text without its escapes.
    #[inline(always)]
    pub(super) fn plain(&self, token: &Token, escapes: Escapes) -> CompactString {
        match self.input.text(token.from, token.to) {
            Some(text) if !token.escaped => CompactString::new(text),
            _ => unescape(&self.input.any_text(token.from, token.to), escapes),
        }
    }

    pub(super) fn quoted(&self, token: &Token, escapes: Escapes) -> String {
        quote_token(self.plain(token, escapes).as_bytes())
    }

    #[cold]
    fn not_utf8(&self, token: Token, escapes: Escapes) -> DecodeError {
        let mut plain = Vec::new();
        let mut bytes = self.input.slice(token.from, token.to).iter().copied().peekable();
        while let Some(b) = bytes.next() {
            match bytes.peek().copied().filter(|_| b == b'\\').and_then(escapes) {
                Some(c) => {
                    bytes.next();
                    plain.push(c as u8);
                }
                None => plain.push(b),
            }
        }
        self.error(
            token.from,
            format!("invalid utf-8 sequence in token {}", quote_token(&plain)),
        )
    }
}
