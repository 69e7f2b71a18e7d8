//! A regular expression in Go's syntax in, a compiled one out, with the names of its groups.
//!
//! The two syntaxes are nearly one. Here names may come twice, `\w`, `\d`, `\s` and `\b` are ASCII's, braces that count
//! nothing and brackets within brackets stand for themselves.

use regex::{Regex, RegexBuilder};

/// A compiled expression; the names are those of its groups, in their order, the whole match being the first.
pub(super) struct GoRegex {
    pub(super) regex: Regex,
    pub(super) names: Vec<Option<String>>,
}

/// Compiles an expression. The error is worded as Go's.
pub(super) fn compile(source: &str) -> Result<GoRegex, String> {
    let mut translator = Translator {
        rest: source,
        out: String::with_capacity(source.len() + 32),
        names: vec![None],
    };
    translator
        .run()
        .map_err(|what| format!("error parsing regexp: {what}"))?;
    let regex = RegexBuilder::new(&translator.out)
        .size_limit(64 << 20)
        .octal(true)
        .build()
        .map_err(|error| format!("error parsing regexp: {}", reason(&error.to_string(), source)))?;
    Ok(GoRegex {
        regex,
        names: translator.names,
    })
}

/// What is wrong, as Go says it where its words are known.
fn reason(error: &str, source: &str) -> String {
    let last = error.lines().last().unwrap_or_default();
    match last.trim_start_matches("error: ") {
        "unclosed group" => format!("missing closing ): `{source}`"),
        "unopened group" => format!("unexpected ): `{source}`"),
        "repetition operator missing expression" => {
            let begins = |at: usize| at == 0 || source[..at].ends_with(['(', '|', ':']);
            let lone = source.match_indices(['*', '+', '?', '{']).find(|(at, _)| {
                begins(*at) && !(source[..*at].ends_with('(') && source[*at..].starts_with('?'))
            });
            let operator = match lone {
                Some((at, "{")) => source[at..].split_inclusive('}').next().unwrap_or_default(),
                Some((_, operator)) => operator,
                None => source,
            };
            format!("missing argument to repetition operator: `{operator}`")
        }
        other => format!("{other}: `{source}`"),
    }
}

struct Translator<'a> {
    rest: &'a str,
    out: String,
    names: Vec<Option<String>>,
}

impl Translator<'_> {
    fn take(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn run(&mut self) -> Result<(), String> {
        while let Some(c) = self.take() {
            match c {
                '\\' => self.escape(false),
                '[' => self.class(),
                '(' => self.group()?,
                '{' if !counts(self.rest) => self.out.push_str("\\{"),
                c => self.out.push(c),
            }
        }
        Ok(())
    }

    fn escape(&mut self, in_class: bool) {
        let Some(c) = self.take() else {
            return self.out.push('\\');
        };
        match (c, in_class) {
            ('w', false) => self.out.push_str("[0-9A-Za-z_]"),
            ('w', true) => self.out.push_str("0-9A-Za-z_"),
            ('W', _) => self.out.push_str("[^0-9A-Za-z_]"),
            ('d', false) => self.out.push_str("[0-9]"),
            ('d', true) => self.out.push_str("0-9"),
            ('D', _) => self.out.push_str("[^0-9]"),
            ('s', false) => self.out.push_str("[\\t\\n\\f\\r ]"),
            ('s', true) => self.out.push_str("\\t\\n\\f\\r "),
            ('S', _) => self.out.push_str("[^\\t\\n\\f\\r ]"),
            ('b', false) => self.out.push_str("(?-u:\\b)"),
            ('B', false) => self.out.push_str("(?-u:\\B)"),
            ('<' | '>', _) => self.out.push(c),
            ('Q', false) => {
                let (literal, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
                self.rest = rest;
                self.out.push_str(&regex::escape(literal));
            }
            (c, _) => self.out.extend(['\\', c]),
        }
    }

    fn class(&mut self) {
        self.out.push('[');
        for first in ["^", "]"] {
            if let Some(rest) = self.rest.strip_prefix(first) {
                self.rest = rest;
                self.out.push_str(if first == "]" { "\\]" } else { first });
            }
        }
        while let Some(c) = self.take() {
            match c {
                ']' => return self.out.push(']'),
                '\\' => self.escape(true),
                '[' => match self.rest.starts_with(':').then(|| self.rest.find(":]")).flatten() {
                    Some(end) => {
                        let (name, rest) = self.rest.split_at(end + 2);
                        self.out.push('[');
                        self.out.push_str(name);
                        self.rest = rest;
                    }
                    None => self.out.push_str("\\["),
                },
                '&' | '~' => self.out.extend(['\\', c]),
                c => self.out.push(c),
            }
        }
    }

    fn group(&mut self) -> Result<(), String> {
        let Some(special) = self.rest.strip_prefix('?') else {
            self.names.push(None);
            self.out.push('(');
            return Ok(());
        };
        let named = special.strip_prefix("P<").or_else(|| special.strip_prefix('<'));
        if let Some(named) = named {
            let word =
                |name: &str| !name.is_empty() && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
            let Some((name, rest)) = named.split_once('>').filter(|(name, _)| word(name)) else {
                let end = named.find('>').map_or(named.len(), |at| at + 1);
                let open = &special[..special.len() - named.len()];
                return Err(format!("invalid named capture: `(?{open}{}`", &named[..end]));
            };
            self.names.push(Some(name.to_owned()));
            self.rest = rest;
            self.out.push('(');
            return Ok(());
        }
        if let Some(c) = special.chars().next().filter(|c| !"imsU-:".contains(*c)) {
            return Err(format!("invalid or unsupported Perl syntax: `(?{c}`"));
        }
        self.out.push('(');
        Ok(())
    }
}

/// Whether what stands behind a brace counts repetitions.
fn counts(rest: &str) -> bool {
    let Some((inner, _)) = rest.split_once('}') else {
        return false;
    };
    let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    !least.is_empty() && digits(least) && digits(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures(source: &str, text: &str) -> Option<Vec<String>> {
        let go = compile(source).expect(source);
        let found = go.regex.captures(text)?;
        let text = |i| found.get(i).map_or("", |m| m.as_str()).to_owned();
        Some((0..go.names.len()).map(text).collect())
    }

    #[test]
    fn the_syntax_of_go() {
        for (source, text, fits) in [
            (r"^\w+$", "é", false),
            (r"^\W$", "é", true),
            (r"^\d$", "٣", false),
            (r"^[\d\s-]+$", "1 -", true),
            ("^a{,2}$", "a{,2}", true),
            ("^a{1,2}$", "aa", true),
            ("^%{x}$", "%{x}", true),
            ("^[[a]$", "[", true),
            ("^[[:alpha:]&&]+$", "a&", true),
            ("^[]a]$", "]", true),
            (r"^\<a\>$", "<a>", true),
            (r"^\Qa.b\E.$", "a.bc", true),
            (r"\bx\b", "é x", true),
            ("(?i)^A$", "a", true),
            (r"^\x41$", "A", true),
        ] {
            assert_eq!(captures(source, text).is_some(), fits, "{source} {text}");
        }
    }

    #[test]
    fn names_may_come_twice() {
        let go = compile("(?P<n>a)(b)|(?<n>c)").expect("valid");
        let names: Vec<_> = go.names.iter().map(Option::as_deref).collect();
        assert_eq!(names, [None, Some("n"), None, Some("n")]);
        assert_eq!(
            captures("(?P<n>a)|(?<n>c)", "c"),
            Some(vec!["c".into(), String::new(), "c".into()])
        );
    }

    #[test]
    fn what_go_refuses() {
        let message = |source| compile(source).err().unwrap_or_default();
        assert_eq!(
            message("a(?!b)"),
            "error parsing regexp: invalid or unsupported Perl syntax: `(?!`"
        );
        assert_eq!(
            message("(?<=b)c>"),
            "error parsing regexp: invalid named capture: `(?<=b)c>`"
        );
        for (source, what) in [
            ("a)", "unexpected ): `a)`"),
            ("(a", "missing closing ): `(a`"),
            ("(?:a)|*b", "missing argument to repetition operator: `*`"),
            ("{2}a", "missing argument to repetition operator: `{2}`"),
        ] {
            assert_eq!(message(source), format!("error parsing regexp: {what}"));
        }
    }
}
