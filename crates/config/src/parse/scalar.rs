//! Single values: strings, numbers, truth values, times.

use wheatstone_plugin::conf::NodeKind;

use super::{Parsed, Parser, Stop};

impl Parser<'_> {
    pub(super) fn string(&mut self) -> Parsed<String> {
        let rest = &self.text[self.at..];
        for quote in ["'''", "\"\"\""] {
            if rest.starts_with(quote) {
                return self.long_string(quote);
            }
        }
        if rest.starts_with('\'') {
            self.literal_string()
        } else {
            self.basic_string()
        }
    }

    /// `'...'`, taken as it is.
    pub(super) fn literal_string(&mut self) -> Parsed<String> {
        let inner = &self.text[self.at + 1..];
        let len = inner.find(['\'', '\n', '\r']).unwrap_or(inner.len());
        self.at += 1 + len;
        self.mark();
        if self.peek() != Some(b'\'') {
            return Err(Stop("`'` at the end of the string"));
        }
        self.at += 1;
        self.mark();
        Ok(inner[..len].to_owned())
    }

    /// `"..."`, with escapes.
    pub(super) fn basic_string(&mut self) -> Parsed<String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            match self.text[self.at..].chars().next() {
                Some('"') => {
                    self.at += 1;
                    self.mark();
                    return Ok(out);
                }
                Some('\\') => out.push(self.escape()?),
                None | Some('\n' | '\r') => return Err(Stop("`\"` at the end of the string")),
                Some(c) => {
                    self.at += c.len_utf8();
                    self.mark();
                    out.push(c);
                }
            }
        }
    }

    fn escape(&mut self) -> Parsed<char> {
        let rest = &self.text.as_bytes()[self.at + 1..];
        let (c, len) = match rest.first() {
            Some(b'b') => ('\u{8}', 2),
            Some(b't') => ('\t', 2),
            Some(b'n') => ('\n', 2),
            Some(b'f') => ('\u{c}', 2),
            Some(b'r') => ('\r', 2),
            Some(b'"') => ('"', 2),
            Some(b'/') => ('/', 2),
            Some(b'\\') => ('\\', 2),
            Some(u @ (b'u' | b'U')) => {
                let digits = if *u == b'u' { 4 } else { 8 };
                let hex = rest.get(1..1 + digits).and_then(|d| std::str::from_utf8(d).ok());
                let c = hex
                    .filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()))
                    .and_then(|h| u32::from_str_radix(h, 16).ok())
                    .and_then(char::from_u32);
                (
                    c.ok_or(Stop("a character's number behind the backslash"))?,
                    2 + digits,
                )
            }
            _ => {
                return Err(Stop(
                    "an escape such as `\\n`; a backslash is written `\\\\`, or the text in single quotes",
                ));
            }
        };
        self.at += len;
        self.mark();
        Ok(c)
    }

    /// `"""..."""` and `'''...'''`. All line ends at the beginning are dropped, as Telegraf does it.
    fn long_string(&mut self, quote: &'static str) -> Parsed<String> {
        let escapes = quote.starts_with('"');
        self.at += 3;
        let inner = &self.text[self.at..];
        self.at += inner.len() - inner.trim_start_matches(['\r', '\n']).len();
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            if let Some(behind) = rest.strip_prefix(quote) {
                self.at += 3;
                // Up to two quotes may stand before the end.
                let more = behind
                    .bytes()
                    .take(2)
                    .take_while(|b| *b == quote.as_bytes()[0])
                    .count();
                out.push_str(&behind[..more]);
                self.at += more;
                self.mark();
                return Ok(out);
            }
            match rest.chars().next() {
                None => {
                    self.mark();
                    return Err(Stop("three quotes at the end of the string"));
                }
                Some('\\') if escapes => {
                    let line_end = rest[1..].trim_start_matches([' ', '\t']);
                    if line_end.starts_with(['\n', '\r']) {
                        self.at = self.text.len() - rest[1..].trim_start().len();
                    } else {
                        out.push(self.escape()?);
                    }
                }
                Some(c) => {
                    self.at += c.len_utf8();
                    self.mark();
                    out.push(c);
                }
            }
        }
    }

    /// A value without quotes.
    pub(super) fn bare(&mut self) -> Parsed<NodeKind> {
        let rest = &self.text[self.at..];
        let is_atom = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'-' | b'.' | b':');
        let atom = &rest[..rest.bytes().take_while(is_atom).count()];
        // The whole word where it is a value, else as much of its beginning as the old dialect takes.
        for len in [atom.len(), datetime_len(atom), float_len(atom), integer_len(atom)] {
            if let Some(kind) = scalar(&atom[..len]) {
                self.at += len;
                return Ok(kind);
            }
        }
        Err(Stop("a value"))
    }
}

fn scalar(word: &str) -> Option<NodeKind> {
    match word {
        "" => return None,
        "true" => return Some(NodeKind::Boolean(true)),
        "false" => return Some(NodeKind::Boolean(false)),
        "inf" | "+inf" => return Some(NodeKind::Float(f64::INFINITY)),
        "-inf" => return Some(NodeKind::Float(f64::NEG_INFINITY)),
        "nan" | "+nan" | "-nan" => return Some(NodeKind::Float(f64::NAN)),
        _ => {}
    }
    if datetime_len(word) == word.len() {
        return Some(NodeKind::Datetime(word.to_owned()));
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = word
            .strip_prefix(prefix)
            .filter(|d| d.starts_with(|c: char| c.is_ascii_alphanumeric()))
        {
            return i64::from_str_radix(&digits.replace('_', ""), radix)
                .ok()
                .map(NodeKind::Integer);
        }
    }
    if integer_len(word) == word.len() {
        let digits = word.replace('_', "");
        // Beyond 64 bits a number is still one, if not an exact one.
        return digits
            .parse()
            .map(NodeKind::Integer)
            .or_else(|_| digits.parse().map(NodeKind::Float))
            .ok();
    }
    if float_len(word) == word.len() {
        return word.replace('_', "").parse().ok().map(NodeKind::Float);
    }
    None
}

fn digits_len(s: &str) -> usize {
    if !s.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    let len = s.bytes().take_while(|b| b.is_ascii_digit() || *b == b'_').count();
    s[..len].trim_end_matches('_').len()
}

fn integer_len(s: &str) -> usize {
    let sign = usize::from(s.starts_with(['+', '-']));
    let len = if s[sign..].starts_with('0') {
        1
    } else {
        digits_len(&s[sign..])
    };
    if len == 0 { 0 } else { sign + len }
}

fn float_len(s: &str) -> usize {
    let whole = integer_len(s);
    if whole == 0 {
        return 0;
    }
    let mut len = whole;
    if let Some(frac) = s[len..].strip_prefix('.') {
        let digits = digits_len(frac);
        len += if digits > 0 { 1 + digits } else { 0 };
    }
    if let Some(exp) = s[len..].strip_prefix(['e', 'E']) {
        let sign = usize::from(exp.starts_with(['+', '-']));
        let digits = digits_len(&exp[sign..]);
        len += if digits > 0 { 1 + sign + digits } else { 0 };
    }
    if len > whole { len } else { 0 }
}

/// `2026-01-31`, `07:32:00.5`, or both with a `T` and an offset.
fn datetime_len(s: &str) -> usize {
    let date = pattern_len(s, "0000-00-00");
    if date == 0 {
        return time_len(s);
    }
    let Some(rest) = s[date..].strip_prefix(['T', 't']) else {
        return date;
    };
    let time = time_len(rest);
    if time == 0 {
        return date;
    }
    let offset = &rest[time..];
    let zone = if offset.starts_with(['Z', 'z']) {
        1
    } else if offset.starts_with(['+', '-']) && pattern_len(&offset[1..], "00:00") > 0 {
        6
    } else {
        0
    };
    date + 1 + time + zone
}

fn time_len(s: &str) -> usize {
    let len = pattern_len(s, "00:00:00");
    match s.get(len..).and_then(|rest| rest.strip_prefix('.')) {
        Some(frac) if len > 0 => {
            let digits = frac.bytes().take_while(u8::is_ascii_digit).count();
            if digits > 0 { len + 1 + digits } else { len }
        }
        _ => len,
    }
}

/// The pattern's length where the text begins with it; a `0` in it stands for any digit.
fn pattern_len(s: &str, pattern: &str) -> usize {
    let matches = s.len() >= pattern.len()
        && s.bytes()
            .zip(pattern.bytes())
            .all(|(c, p)| if p == b'0' { c.is_ascii_digit() } else { c == p });
    if matches { pattern.len() } else { 0 }
}
