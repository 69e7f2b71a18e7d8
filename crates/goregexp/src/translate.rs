//! Go's pattern syntax in, the same pattern in the syntax of the crate `regex` out.
//!
//! Go's `\d`, `\w`, `\s` and `\b` know ASCII only, its classes have neither set operators nor nested classes, a brace that
//! counts nothing is a brace, `\Q…\E` quotes, and names of groups may begin with a digit or be given twice.

use super::SyntaxError;
use super::class;

/// The pattern with all groups unnamed, and the names of the groups; the first is the whole match, which has none.
pub(super) fn translate(pattern: &str) -> Result<(String, Vec<String>), SyntaxError> {
    let mut t = Translator {
        pattern,
        rest: pattern,
        out: String::with_capacity(pattern.len() + 16),
        names: vec![String::new()],
        flags: String::new(),
        open: 0,
        operand: false,
    };
    t.run()?;
    Ok((t.out, t.names))
}

struct Translator<'a> {
    pattern: &'a str,
    rest: &'a str,
    out: String,
    names: Vec<String>,
    /// Flags that hold from here on. They are written before what they apply to: Go lets `a(?i)*` repeat the `a`.
    flags: String,
    /// How many groups are open.
    open: usize,
    /// Whether there is something that `*` could repeat.
    operand: bool,
}

impl<'a> Translator<'a> {
    fn run(&mut self) -> Result<(), SyntaxError> {
        // The repetition that has just been read: another one on top of it is an error.
        let mut repetition: Option<&'a str> = None;
        while let Some(c) = self.rest.chars().next() {
            let at = self.rest;
            let mut repeats = false;
            if !matches!(c, '*' | '+' | '?' | '{') {
                self.out.push_str(&std::mem::take(&mut self.flags));
            }
            match c {
                '(' => self.open_group()?,
                ')' => {
                    if self.open == 0 {
                        return Err(SyntaxError::new("unexpected )", self.pattern));
                    }
                    self.open -= 1;
                    self.take(1);
                    self.operand = true;
                }
                '|' => {
                    self.take(1);
                    self.operand = false;
                }
                '^' | '$' | '.' => {
                    self.take(1);
                    self.operand = true;
                }
                '[' => {
                    self.rest = class::bracketed(self.rest, &mut self.out)?;
                    self.operand = true;
                }
                '*' | '+' | '?' => {
                    self.repeat(1, repetition)?;
                    repeats = true;
                }
                '{' => match count(self.rest) {
                    Some((len, valid)) => {
                        if !valid {
                            return Err(SyntaxError::new("invalid repeat count", &self.rest[..len]));
                        }
                        self.repeat(len, repetition)?;
                        repeats = true;
                    }
                    None => self.literal(c),
                },
                '\\' => self.escape()?,
                c => self.literal(c),
            }
            repetition = repeats.then_some(at);
        }
        if self.open > 0 {
            return Err(SyntaxError::new("missing closing )", self.pattern));
        }
        Ok(())
    }

    /// Copies `len` bytes that mean the same in both.
    fn take(&mut self, len: usize) {
        let (taken, rest) = self.rest.split_at(len);
        self.out.push_str(taken);
        self.rest = rest;
    }

    fn literal(&mut self, c: char) {
        self.out.push_str(&std::mem::take(&mut self.flags));
        class::push_char(c, &mut self.out);
        self.rest = &self.rest[c.len_utf8()..];
        self.operand = true;
    }

    /// A repetition of `len` bytes, and the `?` that makes it lazy.
    fn repeat(&mut self, len: usize, before: Option<&str>) -> Result<(), SyntaxError> {
        let len = len + usize::from(self.rest[len..].starts_with('?'));
        if let Some(before) = before {
            let both = before.len() - self.rest.len() + len;
            return Err(SyntaxError::new(
                "invalid nested repetition operator",
                &before[..both],
            ));
        }
        if !self.operand {
            return Err(SyntaxError::new(
                "missing argument to repetition operator",
                &self.rest[..len],
            ));
        }
        self.take(len);
        Ok(())
    }

    fn open_group(&mut self) -> Result<(), SyntaxError> {
        let at = self.rest;
        let Some(inner) = at.strip_prefix("(?") else {
            self.names.push(String::new());
            self.begin_group();
            self.take(1);
            return Ok(());
        };
        if let Some(named) = inner.strip_prefix("P<").or_else(|| inner.strip_prefix('<')) {
            let Some((name, rest)) = named.split_once('>') else {
                return Err(SyntaxError::new("invalid named capture", at));
            };
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return Err(SyntaxError::new(
                    "invalid named capture",
                    &at[..at.len() - rest.len()],
                ));
            }
            self.names.push(name.to_owned());
            self.begin_group();
            self.out.push('(');
            self.rest = rest;
            return Ok(());
        }
        self.flags(at, inner)
    }

    fn begin_group(&mut self) {
        self.open += 1;
        self.operand = false;
    }

    /// `(?i)` and `(?i:…`.
    fn flags(&mut self, at: &'a str, inner: &'a str) -> Result<(), SyntaxError> {
        let bad = |len: usize| SyntaxError::new("invalid or unsupported Perl syntax", &at[..len]);
        let (mut on, mut off) = (String::new(), String::new());
        let (mut negative, mut seen) = (false, true);
        for (i, c) in inner.char_indices() {
            let end = at.len() - inner.len() + i + c.len_utf8();
            match c {
                'i' | 'm' | 's' | 'U' => {
                    on.retain(|f| f != c);
                    off.retain(|f| f != c);
                    if negative { &mut off } else { &mut on }.push(c);
                    seen = true;
                }
                '-' if !negative => (negative, seen) = (true, false),
                ':' | ')' if seen => {
                    let minus = if off.is_empty() { "" } else { "-" };
                    if c == ':' {
                        self.begin_group();
                        self.out.push_str(&format!("(?{on}{minus}{off}:"));
                    } else if !(on.is_empty() && off.is_empty()) {
                        self.flags.push_str(&format!("(?{on}{minus}{off})"));
                    }
                    self.rest = &at[end..];
                    return Ok(());
                }
                _ => return Err(bad(end)),
            }
        }
        Err(bad(at.len()))
    }

    fn escape(&mut self) -> Result<(), SyntaxError> {
        let after = &self.rest[1..];
        match after.chars().next() {
            Some('A' | 'z') => self.take(2),
            Some('b') => self.replace(2, "(?-u:\\b)"),
            Some('B') => self.replace(2, "(?-u:\\B)"),
            Some('Q') => {
                let quoted = &after[1..];
                let (text, rest) = quoted.split_once("\\E").unwrap_or((quoted, ""));
                text.chars().for_each(|c| class::push_char(c, &mut self.out));
                // An empty quotation is nothing that could be repeated.
                self.operand |= !text.is_empty();
                self.rest = rest;
                return Ok(());
            }
            _ => self.rest = class::escaped_class(self.rest, &mut self.out, true)?,
        }
        self.operand = true;
        Ok(())
    }

    fn replace(&mut self, len: usize, by: &str) {
        self.out.push_str(by);
        self.rest = &self.rest[len..];
    }
}

/// The length of `{n}`, `{n,}` or `{n,m}`, and whether Go takes the counts. `None`: the brace is a literal one.
fn count(text: &str) -> Option<(usize, bool)> {
    let end = text.find('}')?;
    let (min, max) = match text[1..end].split_once(',') {
        Some((min, "")) => (number(min)?, None),
        Some((min, max)) => (number(min)?, Some(number(max)?)),
        None => (number(&text[1..end])?, None),
    };
    let valid = min <= 1000 && max.is_none_or(|max| min <= max && max <= 1000);
    Some((end + 1, valid))
}

fn number(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    (plain && !leading_zero).then(|| text.parse().unwrap_or(u32::MAX))
}
