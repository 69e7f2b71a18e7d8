//! JSON text in, the edges of its values out: the lowest floor of the paths, which trusts that the text was checked.

/// What a value is. An object or array is told apart by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    False,
    Number,
    String,
    True,
    Json,
}

/// Behind the quote that ends the string whose text begins at `at`.
pub(super) fn string_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Behind the bracket that closes what opens at `at`, whatever stands there; the end of the text where none does.
pub(super) fn squash_end(bytes: &[u8], at: usize) -> usize {
    let (mut at, mut depth) = (at + 1, 1);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => match string_end(bytes, at) {
                Some(end) => at = end,
                None => return bytes.len(),
            },
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    bytes.len()
}

/// Kind and end of the value that begins at `at`; nothing where none begins.
pub(super) fn value_at(bytes: &[u8], at: usize) -> Option<(Kind, usize)> {
    let until = |ends: fn(&u8) -> bool| {
        let rest = &bytes[at + 1..];
        rest.iter().position(ends).map_or(bytes.len(), |n| at + 1 + n)
    };
    let literal = || until(|b| !b.is_ascii_lowercase());
    let number = || until(|b| *b <= b' ' || matches!(b, b',' | b']' | b'}'));
    Some(match *bytes.get(at)? {
        b'"' => (Kind::String, string_end(bytes, at + 1)?),
        b'{' | b'[' => (Kind::Json, squash_end(bytes, at)),
        b't' => (Kind::True, literal()),
        b'f' => (Kind::False, literal()),
        b'n' if bytes.get(at + 1).is_none_or(|b| *b == b'u') => (Kind::Null, literal()),
        b'+' | b'-' | b'0'..=b'9' | b'i' | b'I' | b'N' | b'n' => (Kind::Number, number()),
        _ => return None,
    })
}

/// The text of a string between its quotes, escapes resolved; what stands behind a wrong escape is cut off.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c| c == '\\' || c < ' ') {
        out.push_str(&rest[..at]);
        let mut escape = rest[at..].chars();
        if escape.next() != Some('\\') {
            return out;
        }
        let c = escape.next();
        rest = escape.as_str();
        out.push(match c {
            Some(c @ ('\\' | '/' | '"')) => c,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let Some(unit) = take_hex(&mut rest) else {
                    return out;
                };
                decode_unit(unit, &mut rest)
            }
            _ => return out,
        });
    }
    out.push_str(rest);
    out
}

fn take_hex(rest: &mut &str) -> Option<u32> {
    let (digits, tail) = rest.split_at_checked(4)?;
    *rest = tail;
    Some(u32::from_str_radix(digits, 16).unwrap_or(0))
}

/// The character of a UTF-16 unit; the second half of a pair is taken from what follows.
fn decode_unit(unit: u32, rest: &mut &str) -> char {
    let mut code = unit;
    if (0xd800..0xe000).contains(&unit)
        && let Some(mut tail) = rest.strip_prefix("\\u")
        && let Some(low) = take_hex(&mut tail)
    {
        *rest = tail;
        if unit < 0xdc00 && (0xdc00..0xe000).contains(&low) {
            code = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Appends a JSON string; `<`, `>` and `&` are escaped, so that the text may stand in HTML.
pub(super) fn push_json_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' | '"' => out.extend(['\\', c]),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_unescaped() {
        for (text, want) in [
            (r#"a\"b\\\/\n"#, "a\"b\\/\n"),
            (r"\u00e9\ud83d\ude00", "é😀"),
            (r"\ud83dx", "\u{fffd}x"),
            (r"a\qb", "a"),
            (r"a\u12", "a"),
            ("a\u{1}b", "a"),
        ] {
            assert_eq!(unescape(text), want, "{text}");
        }
    }

    #[test]
    fn values_end_where_they_end() {
        for (text, kind, end) in [
            (r#""a\"]" "#, Kind::String, 6),
            (r#"{"a":"}"},"#, Kind::Json, 9),
            ("-1.5e3]", Kind::Number, 6),
            ("true,", Kind::True, 4),
            ("null}", Kind::Null, 4),
            ("[1", Kind::Json, 2),
        ] {
            assert_eq!(value_at(text.as_bytes(), 0), Some((kind, end)), "{text}");
        }
        assert_eq!(value_at(b",1", 0), None);
        assert_eq!(value_at(b"\"open", 0), None);
    }

    #[test]
    fn strings_are_escaped() {
        let mut out = String::new();
        push_json_string(&mut out, "a<\"\n\u{1}é");
        assert_eq!(out, r#""a\u003c\"\n\u0001é""#);
    }
}
