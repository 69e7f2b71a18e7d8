//! The text of a template goes in, tokens come out; what stands between the delimiters is read here, trimming included.

use std::borrow::Cow;

use crate::format::quote;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Error,
    Eof,
    Text,
    LeftDelim,
    RightDelim,
    Space,
    Assign,
    Declare,
    Pipe,
    Char,
    LeftParen,
    RightParen,
    Bool,
    CharConstant,
    Number,
    Complex,
    String,
    RawString,
    Field,
    Variable,
    Identifier,
    // From here on keywords.
    Dot,
    Nil,
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
}

const KEYWORDS: [(&str, Kind); 12] = [
    ("nil", Kind::Nil),
    ("block", Kind::Block),
    ("break", Kind::Break),
    ("continue", Kind::Continue),
    ("define", Kind::Define),
    ("else", Kind::Else),
    ("end", Kind::End),
    ("if", Kind::If),
    ("range", Kind::Range),
    ("template", Kind::Template),
    ("with", Kind::With),
    (".", Kind::Dot),
];

#[derive(Clone, Debug)]
pub(crate) struct Token<'t> {
    pub(crate) kind: Kind,
    pub(crate) pos: usize,
    /// The text, or what is wrong.
    pub(crate) val: Cow<'t, str>,
}

impl std::fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            Kind::Eof => f.write_str("EOF"),
            Kind::Error => f.write_str(&self.val),
            kind if KEYWORDS.iter().any(|(_, k)| *k == kind) => write!(f, "<{}>", self.val),
            _ => match self.val.char_indices().nth(10) {
                Some((cut, _)) => write!(f, "{}...", quote(&self.val[..cut])),
                None => f.write_str(&quote(&self.val)),
            },
        }
    }
}

pub(crate) struct Lexer<'t> {
    input: &'t str,
    pos: usize,
    inside: bool,
    parens: usize,
    failed: bool,
}

const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

fn is_space(c: char) -> bool {
    SPACES.contains(&c)
}
fn is_word(c: char) -> bool {
    c == '_' || c.is_alphabetic() || c.is_numeric()
}
/// `- ` behind a left delimiter.
fn trims_left(rest: &str) -> bool {
    let mut chars = rest.chars();
    chars.next() == Some('-') && chars.next().is_some_and(is_space)
}
/// ` -` before a right delimiter.
fn trims_right(rest: &str) -> bool {
    let mut chars = rest.chars();
    chars.next().is_some_and(is_space) && chars.next() == Some('-')
}
/// Length of a right delimiter with its trim marker, and whether it has one.
fn right_delim(rest: &str) -> Option<(usize, bool)> {
    if trims_right(rest) && rest[2..].starts_with("}}") {
        Some((4, true))
    } else if rest.starts_with("}}") {
        Some((2, false))
    } else {
        None
    }
}

impl<'t> Lexer<'t> {
    pub(crate) fn new(input: &'t str) -> Lexer<'t> {
        Lexer {
            input,
            pos: 0,
            inside: false,
            parens: 0,
            failed: false,
        }
    }

    fn rest(&self) -> &'t str {
        &self.input[self.pos..]
    }
    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }
    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += c.len_utf8();
        Some(c)
    }
    fn token(&self, kind: Kind, start: usize) -> Token<'t> {
        Token {
            kind,
            pos: start,
            val: Cow::Borrowed(&self.input[start..self.pos]),
        }
    }
    fn error(&mut self, start: usize, what: impl Into<String>) -> Token<'t> {
        self.failed = true;
        Token {
            kind: Kind::Error,
            pos: start,
            val: Cow::Owned(what.into()),
        }
    }

    /// The next token; after an error or the end there is only the end.
    pub(crate) fn next(&mut self) -> Token<'t> {
        if self.failed {
            self.pos = self.input.len();
            return self.token(Kind::Eof, self.pos);
        }
        if self.inside { self.action() } else { self.text() }
    }

    fn text(&mut self) -> Token<'t> {
        loop {
            let start = self.pos;
            let Some(at) = self.rest().find("{{") else {
                self.pos = self.input.len();
                let kind = if self.pos > start { Kind::Text } else { Kind::Eof };
                return self.token(kind, start);
            };
            let behind = start + at + 2;
            let trimmed = trims_left(&self.input[behind..]);
            let mut text = &self.input[start..start + at];
            if trimmed {
                text = text.trim_end_matches(SPACES);
            }
            if !text.is_empty() {
                // The delimiter is read at the next call; the text before it is then empty or all space.
                self.pos = start + text.len();
                let token = self.token(Kind::Text, start);
                self.pos = start + at;
                return token;
            }
            self.pos = behind + if trimmed { 2 } else { 0 };
            if !self.rest().starts_with("/*") {
                let mut token = self.token(Kind::LeftDelim, start + at);
                token.val = Cow::Borrowed("{{");
                self.inside = true;
                self.parens = 0;
                return token;
            }
            if let Err(what) = self.comment() {
                return self.error(start + at, what);
            }
        }
    }

    fn comment(&mut self) -> Result<(), &'static str> {
        let end = self.rest()[2..].find("*/").ok_or("unclosed comment")?;
        self.pos += end + 4;
        let (len, trimmed) = right_delim(self.rest()).ok_or("comment ends before closing delimiter")?;
        self.leave(len, trimmed);
        Ok(())
    }

    fn leave(&mut self, len: usize, trimmed: bool) {
        self.pos += len;
        if trimmed {
            let rest = self.rest();
            self.pos += rest.len() - rest.trim_start_matches(SPACES).len();
        }
    }

    fn action(&mut self) -> Token<'t> {
        let start = self.pos;
        if let Some((len, trimmed)) = right_delim(self.rest()) {
            if self.parens > 0 {
                return self.error(start, "unclosed left paren");
            }
            let mut token = self.token(Kind::RightDelim, start);
            token.val = Cow::Borrowed("}}");
            self.leave(len, trimmed);
            self.inside = false;
            return token;
        }
        let Some(c) = self.bump() else {
            return self.error(start, "unclosed action");
        };
        match c {
            c if is_space(c) => {
                // A space that belongs to a trim marker is left for it.
                while self.peek().is_some_and(is_space) && right_delim(self.rest()).is_none() {
                    self.bump();
                }
                self.token(Kind::Space, start)
            }
            '=' => self.token(Kind::Assign, start),
            ':' => {
                if self.bump() == Some('=') {
                    self.token(Kind::Declare, start)
                } else {
                    self.error(start, "expected :=")
                }
            }
            '|' => self.token(Kind::Pipe, start),
            '"' => self.quoted('"', start, Kind::String, "unterminated quoted string"),
            '\'' => self.quoted('\'', start, Kind::CharConstant, "unterminated character constant"),
            '`' => match self.rest().find('`') {
                Some(end) => {
                    self.pos += end + 1;
                    self.token(Kind::RawString, start)
                }
                None => self.error(start, "unterminated raw quoted string"),
            },
            '$' => self.name(start, Kind::Variable, Kind::Variable),
            '.' if !self.peek().is_some_and(|c| c.is_ascii_digit()) => {
                self.name(start, Kind::Field, Kind::Dot)
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.pos = start;
                self.number(start)
            }
            c if is_word(c) => {
                while self.peek().is_some_and(is_word) {
                    self.bump();
                }
                if !self.at_terminator() {
                    return self.bad_character(start);
                }
                let word = &self.input[start..self.pos];
                let keyword = KEYWORDS.iter().find(|(name, _)| *name == word);
                let kind = match (keyword, word) {
                    (Some((_, kind)), _) => *kind,
                    (None, "true" | "false") => Kind::Bool,
                    _ => Kind::Identifier,
                };
                self.token(kind, start)
            }
            '(' => {
                self.parens += 1;
                self.token(Kind::LeftParen, start)
            }
            ')' if self.parens == 0 => self.error(start, "unexpected right paren"),
            ')' => {
                self.parens -= 1;
                self.token(Kind::RightParen, start)
            }
            c if c.is_ascii_graphic() => self.token(Kind::Char, start),
            c => self.error(
                start,
                format!("unrecognized character in action: {}", code_point(c)),
            ),
        }
    }

    fn quoted(&mut self, end: char, start: usize, kind: Kind, unterminated: &str) -> Token<'t> {
        loop {
            match self.bump() {
                Some('\\') if self.bump().is_some_and(|c| c != '\n') => {}
                Some('\\' | '\n') | None => return self.error(start, unterminated),
                Some(c) if c == end => return self.token(kind, start),
                Some(_) => {}
            }
        }
    }

    fn name(&mut self, start: usize, kind: Kind, alone: Kind) -> Token<'t> {
        if self.at_terminator() {
            return self.token(alone, start);
        }
        while self.peek().is_some_and(is_word) {
            self.bump();
        }
        if !self.at_terminator() {
            return self.bad_character(start);
        }
        self.token(kind, start)
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(c) => is_space(c) || self.rest().starts_with("}}"),
        }
    }

    fn bad_character(&mut self, start: usize) -> Token<'t> {
        let c = self.peek().unwrap_or(char::REPLACEMENT_CHARACTER);
        self.error(start, format!("bad character {}", code_point(c)))
    }

    fn accept(&mut self, chars: &str) -> bool {
        let found = self.peek().is_some_and(|c| chars.contains(c));
        if found {
            self.bump();
        }
        found
    }
    fn accept_run(&mut self, chars: &str) {
        while self.accept(chars) {}
    }

    fn number(&mut self, start: usize) -> Token<'t> {
        if !self.scan_number() {
            let what = format!("bad number syntax: {}", quote(&self.input[start..self.pos]));
            return self.error(start, what);
        }
        if matches!(self.peek(), Some('+' | '-')) {
            if !self.scan_number() || !self.input[..self.pos].ends_with('i') {
                let what = format!("bad number syntax: {}", quote(&self.input[start..self.pos]));
                return self.error(start, what);
            }
            return self.token(Kind::Complex, start);
        }
        self.token(Kind::Number, start)
    }

    fn scan_number(&mut self) -> bool {
        self.accept("+-");
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        let exponent = match digits.len() {
            11 => "eE",
            23 => "pP",
            _ => "",
        };
        if self.accept(exponent) {
            self.accept("+-");
            self.accept_run("0123456789_");
        }
        self.accept("i");
        if self.peek().is_some_and(is_word) {
            self.bump();
            return false;
        }
        true
    }
}

/// Go's `%#U`.
fn code_point(c: char) -> String {
    if c.is_control() {
        format!("U+{:04X}", c as u32)
    } else {
        format!("U+{:04X} '{c}'", c as u32)
    }
}
