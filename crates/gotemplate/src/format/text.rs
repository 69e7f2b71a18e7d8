//! Texts and characters: padding, quoting, hexadecimal.

use std::fmt::Write;

use super::Printer;

/// What stands between `%` and the verb.
#[derive(Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%+v`.
    pub(super) plus_v: bool,
    /// `%#v`.
    pub(super) sharp_v: bool,
}

/// Whether Go prints the character as it is.
pub(crate) fn is_print(c: char) -> bool {
    match c {
        ' '..='~' => true,
        c if c.is_control() || c.is_whitespace() => false,
        c if c.is_ascii() => false,
        // A character that begins no text is judged by itself, without regard to what it combines with.
        c => {
            let mut pair = String::from("a");
            pair.push(c);
            pair.escape_debug().count() == 2
        }
    }
}

/// Go's quoted form.
pub(crate) fn quote(text: &str) -> String {
    quote_with(text, '"', false)
}

pub(super) fn quote_with(text: &str, quote: char, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            c if c == quote || c == '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if is_print(c) && (c.is_ascii() || !ascii) => out.push(c),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            // Writing to a String cannot fail.
            c if c < ' ' || c == '\x7f' => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c if (c as u32) < 0x1_0000 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => {
                let _ = write!(out, "\\U{:08x}", c as u32);
            }
        }
    }
    out.push(quote);
    out
}

impl Printer {
    /// Appends a text in the width asked for.
    pub(super) fn pad(&mut self, text: &str) {
        let missing = self
            .flags
            .width
            .map_or(0, |width| width.saturating_sub(text.chars().count()));
        let filler = if self.flags.zero && !self.flags.minus {
            "0"
        } else {
            " "
        };
        if missing > 0 && !self.flags.minus {
            self.out.push_str(&filler.repeat(missing));
        }
        self.out.push_str(text);
        if missing > 0 && self.flags.minus {
            self.out.push_str(&" ".repeat(missing));
        }
    }

    /// As much of the text as the precision allows.
    fn truncated<'t>(&self, text: &'t str) -> &'t str {
        match self.flags.precision.and_then(|p| text.char_indices().nth(p)) {
            Some((cut, _)) => &text[..cut],
            None => text,
        }
    }

    /// A text under a verb; false where the verb is none for texts.
    pub(super) fn text(&mut self, text: &str, verb: char) -> bool {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text),
            'v' | 's' => {
                let text = self.truncated(text).to_owned();
                self.pad(&text);
            }
            'x' => self.hex(text.as_bytes(), false),
            'X' => self.hex(text.as_bytes(), true),
            'q' => self.quoted(text),
            _ => return false,
        }
        true
    }

    fn quoted(&mut self, text: &str) {
        let text = self.truncated(text);
        let backquoted = self.flags.sharp
            && text
                .chars()
                .all(|c| c == '\t' || (c >= ' ' && c != '`' && c != '\x7f' && c != '\u{feff}'));
        let quoted = if backquoted {
            format!("`{text}`")
        } else {
            quote_with(text, '"', self.flags.plus)
        };
        self.pad(&quoted);
    }

    fn hex(&mut self, bytes: &[u8], upper: bool) {
        let take = self.flags.precision.unwrap_or(bytes.len()).min(bytes.len());
        let prefix = match (self.flags.sharp, upper) {
            (true, true) => "0X",
            (true, false) => "0x",
            _ => "",
        };
        let mut text = String::with_capacity(take * 2 + 2);
        for (i, byte) in bytes[..take].iter().enumerate() {
            if self.flags.space && i > 0 {
                text.push(' ');
            }
            if i == 0 || self.flags.space {
                text.push_str(prefix);
            }
            let _ = if upper {
                write!(text, "{byte:02X}")
            } else {
                write!(text, "{byte:02x}")
            };
        }
        self.pad(&text);
    }

    /// `%c`.
    pub(super) fn character(&mut self, code: u64) {
        let c = u32::try_from(code).ok().and_then(char::from_u32);
        self.pad(c.unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut [0; 4]));
    }

    /// `%q` of an integer.
    pub(super) fn quoted_character(&mut self, code: u64) {
        let c = u32::try_from(code).ok().and_then(char::from_u32);
        let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
        let quoted = quote_with(c.encode_utf8(&mut [0; 4]), '\'', self.flags.plus);
        self.pad(&quoted);
    }

    /// `%U`.
    pub(super) fn unicode(&mut self, code: u64) {
        let digits = self.flags.precision.unwrap_or(4).max(4);
        let mut text = format!("U+{code:0digits$X}");
        if self.flags.sharp
            && let Some(c) = u32::try_from(code)
                .ok()
                .and_then(char::from_u32)
                .filter(|c| is_print(*c))
        {
            let _ = write!(text, " '{c}'");
        }
        let zero = std::mem::take(&mut self.flags.zero);
        self.pad(&text);
        self.flags.zero = zero;
    }
}
