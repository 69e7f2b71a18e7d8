//! Telegraf's lists of names and patterns: `["cpu*", "mem"]`.

/// A list of names and glob patterns, compiled once.
///
/// A list without `*`, `?` and `[` is compared plainly. Where an entry has a wildcard, the entries are joined as
/// `{a,b,c}`, so that braces and commas gain a meaning too. Without separators `*` crosses everything; with them `*` and
/// `?` stop at one and `**` does not, and every entry is a pattern.
#[derive(Clone, Debug)]
pub struct Glob(Form);

#[derive(Clone, Debug)]
enum Form {
    Plain(Vec<String>),
    Pattern(Vec<Token>),
}

#[derive(Clone, Debug)]
enum Token {
    Text(String),
    /// `?`: one character, none of these.
    One(Vec<char>),
    /// `*`: any characters, none of these.
    Any(Vec<char>),
    /// `[abc]`, `[a-z]`, negated by `!`.
    Class(bool, Vec<(char, char)>),
    /// `{a,b}`.
    Either(Vec<Vec<Token>>),
}

impl Glob {
    /// Compiles a list; `None` where it is empty, so that "no filter" can be told apart.
    pub fn new(entries: &[String], separators: &str) -> Result<Option<Glob>, String> {
        if entries.is_empty() {
            return Ok(None);
        }
        let wild = |s: &String| s.contains(['*', '?', '[']);
        if separators.is_empty() && !entries.iter().any(wild) {
            return Ok(Some(Glob(Form::Plain(entries.to_vec()))));
        }
        let text = match entries {
            [one] => one.clone(),
            several => format!("{{{}}}", several.join(",")),
        };
        let separators: Vec<char> = separators.chars().collect();
        let mut chars = text.chars().peekable();
        let tokens = parse(&mut chars, &separators, 0).map_err(|e| format!("{e} in pattern {text:?}"))?;
        Ok(Some(Glob(Form::Pattern(tokens))))
    }

    /// Whether a text is on the list.
    #[inline]
    pub fn matches(&self, text: &str) -> bool {
        match &self.0 {
            Form::Plain(list) => list.iter().any(|entry| entry == text),
            Form::Pattern(tokens) => match_tokens(tokens, text, &|rest| rest.is_empty()),
        }
    }

    /// The plain names, where the list has no patterns.
    pub fn plain(&self) -> Option<&[String]> {
        match &self.0 {
            Form::Plain(list) => Some(list),
            Form::Pattern(_) => None,
        }
    }
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn parse(chars: &mut Chars<'_>, separators: &[char], depth: usize) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut text = String::new();
    let flush = |text: &mut String, tokens: &mut Vec<Token>| {
        if !text.is_empty() {
            tokens.push(Token::Text(std::mem::take(text)));
        }
    };
    if depth > 16 {
        return Err("braces nested too deeply".into());
    }
    while let Some(&c) = chars.peek() {
        if depth > 0 && (c == ',' || c == '}') {
            break;
        }
        chars.next();
        match c {
            '\\' => match chars.next() {
                Some(escaped) => text.push(escaped),
                None => return Err("trailing backslash".into()),
            },
            '?' => {
                flush(&mut text, &mut tokens);
                tokens.push(Token::One(separators.to_vec()));
            }
            '*' => {
                flush(&mut text, &mut tokens);
                if chars.next_if_eq(&'*').is_some() {
                    while chars.next_if_eq(&'*').is_some() {}
                    tokens.push(Token::Any(Vec::new()));
                } else {
                    tokens.push(Token::Any(separators.to_vec()));
                }
            }
            '[' => {
                flush(&mut text, &mut tokens);
                tokens.push(class(chars)?);
            }
            '{' => {
                flush(&mut text, &mut tokens);
                let mut branches = Vec::new();
                loop {
                    branches.push(parse(chars, separators, depth + 1)?);
                    match chars.next() {
                        Some(',') => {}
                        Some('}') => break,
                        _ => return Err("unclosed brace".into()),
                    }
                }
                tokens.push(Token::Either(branches));
            }
            other => text.push(other),
        }
    }
    flush(&mut text, &mut tokens);
    Ok(tokens)
}

fn class(chars: &mut Chars<'_>) -> Result<Token, String> {
    let negated = chars.next_if_eq(&'!').is_some();
    let mut ranges = Vec::new();
    loop {
        let low = match chars.next() {
            Some(']') if !ranges.is_empty() => return Ok(Token::Class(negated, ranges)),
            Some('\\') => chars.next(),
            other => other,
        }
        .ok_or("unclosed bracket")?;
        if chars.peek() == Some(&'-') {
            chars.next();
            match chars.next() {
                Some(']') => {
                    ranges.extend([(low, low), ('-', '-')]);
                    return Ok(Token::Class(negated, ranges));
                }
                Some(high) => ranges.push((low, high)),
                None => return Err("unclosed bracket".into()),
            }
        } else {
            ranges.push((low, low));
        }
    }
}

fn match_tokens(tokens: &[Token], text: &str, then: &dyn Fn(&str) -> bool) -> bool {
    let Some((token, rest)) = tokens.split_first() else {
        return then(text);
    };
    match token {
        Token::Text(t) => text
            .strip_prefix(t.as_str())
            .is_some_and(|tail| match_tokens(rest, tail, then)),
        Token::One(barred) => {
            let mut chars = text.chars();
            chars.next().is_some_and(|c| !barred.contains(&c)) && match_tokens(rest, chars.as_str(), then)
        }
        Token::Class(negated, ranges) => {
            let mut chars = text.chars();
            chars
                .next()
                .is_some_and(|c| ranges.iter().any(|(a, b)| (*a..=*b).contains(&c)) != *negated)
                && match_tokens(rest, chars.as_str(), then)
        }
        Token::Any(barred) => {
            if rest.is_empty() && barred.is_empty() {
                // The end of a branch may have more to match behind it, so only the outermost may stop here.
                if then("") {
                    return true;
                }
            }
            let mut tail = text;
            loop {
                if match_tokens(rest, tail, then) {
                    return true;
                }
                let mut chars = tail.chars();
                match chars.next() {
                    Some(c) if !barred.contains(&c) => tail = chars.as_str(),
                    _ => return false,
                }
            }
        }
        Token::Either(branches) => branches
            .iter()
            .any(|branch| match_tokens(branch, text, &|tail| match_tokens(rest, tail, then))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(entries: &[&str], separators: &str, text: &str) -> bool {
        let entries: Vec<String> = entries.iter().map(|s| (*s).to_owned()).collect();
        Glob::new(&entries, separators).unwrap().unwrap().matches(text)
    }

    #[test]
    fn plain_lists_are_compared() {
        assert!(matches(&["cpu", "mem"], "", "mem"));
        assert!(!matches(&["{cpu,mem}"], "", "mem"));
        assert!(!matches(&["cp"], "", "cpu"));
    }

    #[test]
    fn wildcards() {
        for (pattern, yes, no) in [
            ("cpu*", "cpu_total", "a_cpu"),
            ("*_total", "cpu_total", "cpu_total2"),
            ("c?u", "cpu", "cpuu"),
            ("[a-c]x", "bx", "dx"),
            ("[!a-c]x", "dx", "bx"),
            ("{cpu,m*}_x", "mem_x", "disk_x"),
            ("a\\*b*", "a*bc", "axbc"),
        ] {
            assert!(matches(&[pattern], "", yes), "{pattern} {yes}");
            assert!(!matches(&[pattern], "", no), "{pattern} {no}");
        }
        assert!(matches(&["*"], "", ""));
        assert!(matches(&["a", "b*"], "", "a"));
    }

    #[test]
    fn separators_stop_a_star_but_not_two() {
        assert!(matches(&["a.*"], ".", "a.b"));
        assert!(!matches(&["a.*"], ".", "a.b.c"));
        assert!(matches(&["a.**"], ".", "a.b.c"));
        assert!(!matches(&["a?c"], ".", "a.c"));
    }

    #[test]
    fn a_broken_pattern_is_an_error_and_an_empty_list_no_filter() {
        assert!(Glob::new(&["a[".into()], "").is_err());
        assert!(Glob::new(&["*{a".into()], "").is_err());
        assert!(Glob::new(&[], "").unwrap().is_none());
    }
}
