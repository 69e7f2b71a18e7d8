//! An expression's text in, its tokens out, one at a time.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Comma,
    Slash,
    SlashSlash,
    At,
    Dot,
    DotDot,
    LeftParen,
    RightParen,
    LeftBracket,
    RightBracket,
    Star,
    Plus,
    Minus,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Bang,
    Dollar,
    Union,
    Name,
    Text,
    Number,
    /// A name with `::`.
    Axis,
    End,
}

/// Reads tokens. What belongs to the last name, text or number stays until the next of its kind.
pub(super) struct Lexer<'a> {
    pub(super) expression: &'a str,
    rest: &'a str,
    pub(super) token: Token,
    pub(super) name: &'a str,
    pub(super) prefix: &'a str,
    pub(super) text: &'a str,
    pub(super) number: f64,
    /// Whether `(` follows the name.
    pub(super) before_paren: bool,
}

impl<'a> Lexer<'a> {
    /// Stands on the first token.
    pub(super) fn new(expression: &'a str) -> Result<Lexer<'a>, String> {
        let mut lexer = Lexer {
            expression,
            rest: expression,
            token: Token::End,
            name: "",
            prefix: "",
            text: "",
            number: 0.0,
            before_paren: false,
        };
        lexer.next()?;
        Ok(lexer)
    }

    fn peek(&self) -> char {
        self.rest.chars().next().unwrap_or('\0')
    }

    fn skip(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Goes on to the next token.
    pub(super) fn next(&mut self) -> Result<(), String> {
        self.skip_space();
        let c = self.peek();
        let single = match c {
            '\0' => {
                self.token = Token::End;
                return Ok(());
            }
            '"' | '\'' => return self.scan_text(c),
            '0'..='9' => return self.scan_number(),
            '.' if self.rest[1..].starts_with(|d: char| d.is_ascii_digit()) => return self.scan_number(),
            ',' => Token::Comma,
            '@' => Token::At,
            '(' => Token::LeftParen,
            ')' => Token::RightParen,
            '|' => Token::Union,
            '*' => Token::Star,
            '[' => Token::LeftBracket,
            ']' => Token::RightBracket,
            '+' => Token::Plus,
            '-' => Token::Minus,
            '=' => Token::Equal,
            '$' => Token::Dollar,
            '<' => Token::Less,
            '>' => Token::Greater,
            '!' => Token::Bang,
            '.' => Token::Dot,
            '/' => Token::Slash,
            '#' => return Err(format!("unknown item: {}", u32::from('#'))),
            c if is_name(c) => return self.scan_name(),
            _ => return Err(format!("{} has an invalid token.", self.expression)),
        };
        self.skip(c);
        let longer = match single {
            Token::Less if self.skip('=') => Token::LessEqual,
            Token::Greater if self.skip('=') => Token::GreaterEqual,
            Token::Bang if self.skip('=') => Token::NotEqual,
            Token::Dot if self.skip('.') => Token::DotDot,
            Token::Slash if self.skip('/') => Token::SlashSlash,
            other => other,
        };
        self.token = longer;
        Ok(())
    }

    fn scan_text(&mut self, end: char) -> Result<(), String> {
        self.skip(end);
        let Some((text, rest)) = self.rest.split_once(end) else {
            return Err("xpath: scanString got unclosed string".to_owned());
        };
        (self.text, self.rest, self.token) = (text, rest, Token::Text);
        Ok(())
    }

    fn scan_number(&mut self) -> Result<(), String> {
        let mut point = false;
        let end = self.rest.find(|c: char| match c {
            '.' => std::mem::replace(&mut point, true),
            c => !c.is_ascii_digit(),
        });
        let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let number = digits.parse();
        self.number = number.map_err(|_| format!("{} has an invalid token.", self.expression))?;
        (self.rest, self.token) = (rest, Token::Number);
        Ok(())
    }

    fn take_name(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !is_name(c));
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        name
    }

    /// A name such as `a` and `a:b`, or an axis such as `child::`.
    fn scan_name(&mut self) -> Result<(), String> {
        let wrong = |lexer: &Lexer<'_>| Err(format!("{} has an invalid qualified name.", lexer.expression));
        self.token = Token::Name;
        self.name = self.take_name();
        self.prefix = "";
        let joined = self.rest.starts_with(':');
        self.skip_space();
        if self.skip(':') {
            if self.skip(':') {
                self.token = Token::Axis;
            } else if !joined {
                return wrong(self);
            } else {
                self.prefix = self.name;
                if self.rest.starts_with('*') {
                    (self.name, self.rest) = self.rest.split_at(1);
                } else if is_name(self.peek()) {
                    self.name = self.take_name();
                } else {
                    return wrong(self);
                }
            }
        }
        self.skip_space();
        self.before_paren = self.rest.starts_with('(');
        Ok(())
    }
}

/// The characters of names in XML 1.0, without the colon.
fn is_name(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '-' | '.' | '\u{b7}'
        | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{37d}' | '\u{37f}'..='\u{1fff}'
        | '\u{200c}'..='\u{200d}' | '\u{203f}'..='\u{2040}' | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}'
        | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}
