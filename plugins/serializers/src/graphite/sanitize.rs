//! Any text in, one that Graphite can take out.

use std::sync::LazyLock;

use wheatstone_goregexp::Regexp;
use wheatstone_plugin::prelude::*;

/// All but what Telegraf has always allowed.
const ILLEGAL: &str = r"[^a-zA-Z0-9\-:._=\p{L}]";

/// The strict rules.
pub(super) struct Strict {
    illegal: Regexp,
}

impl Strict {
    /// `illegal` is a regular expression in Go's syntax; the usual one where it is empty.
    pub(super) fn new(illegal: &str) -> Result<Strict> {
        let source = if illegal.is_empty() { ILLEGAL } else { illegal };
        let illegal = Regexp::new(source).map_err(|e| anyhow!("invalid regex provided {illegal:?}: {e}"))?;
        Ok(Strict { illegal })
    }

    pub(super) fn apply(&self, text: &str) -> String {
        // What was done before there were rules: some characters become hyphens, some go.
        let mut kept = String::with_capacity(text.len());
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '/' | '@' | '*' => kept.push('-'),
                '\\' => {}
                '.' if rest.peek() == Some(&'.') => {
                    rest.next();
                    kept.push('.');
                }
                c => kept.push(c),
            }
        }
        let mut out = String::with_capacity(kept.len());
        let mut copied = 0;
        for found in self.illegal.matches(&kept) {
            out.push_str(&kept[copied..found.start]);
            out.push('_');
            copied = found.end;
        }
        out + &kept[copied..]
    }
}

/// A tag as Graphite's own rules allow it: more or less what can be printed, and letters.
pub(super) fn compatible_tag(key: &str, value: &str) -> String {
    let allowed = |c: char, illegal: &[char]| {
        let ascii = (' '..='~').contains(&c) && !illegal.contains(&c);
        if ascii || (!c.is_ascii() && is_letter(c)) {
            c
        } else {
            '_'
        }
    };
    let key: String = key
        .chars()
        .map(|c| allowed(c, &['!', ';', '=', '^', '`']))
        .collect();
    let value: String = value.chars().map(|c| allowed(c, &[';'])).collect();
    format!("{key}={}", value.trim_start_matches('~'))
}

/// Whether a character is a letter in the sense of Unicode's category L: letter-like numbers and marks are alphabetic too.
fn is_letter(c: char) -> bool {
    static LETTER: LazyLock<Option<Regexp>> = LazyLock::new(|| Regexp::new(r"^\p{L}$").ok());
    let is = |letter: &Regexp| letter.is_match(c.encode_utf8(&mut [0; 4]));
    c.is_alphabetic() && LETTER.as_ref().is_some_and(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strict(illegal: &str, text: &str) -> String {
        Strict::new(illegal).map_or_else(|e| e.to_string(), |strict| strict.apply(text))
    }

    #[test]
    fn the_strict_rules() {
        assert_eq!(strict("", "a/b@c*d\\e..f...g h%é1-:_="), "a-b-c-de.f..g_h_é1-:_=");
        assert_eq!(strict("[^a-z$]", "a$B"), "a$_");
        assert_eq!(strict(r"[^\w.]", "aé.b c"), "a_.b_c");
        assert_eq!(strict(r"[][&~^]", "a[b]c&d~e^f-g"), "a_b_c_d_e_f-g");
        assert_eq!(strict("[[:digit:]]", "a1"), "a_");
        assert!(strict("(", "x").starts_with("invalid regex provided \"(\": "));
    }

    #[test]
    fn graphites_own_rules() {
        assert_eq!(
            compatible_tag("a;b!c^d`e=f g~é\u{301}", "~~x;y=z!^`é\u{1}"),
            "a_b_c_d_e_f g~é_=x_y=z!^`é_"
        );
    }
}
