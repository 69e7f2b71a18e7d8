//! What a payload is, by a look at its first bytes: JSON, line protocol, one plain value, or no text at all.

use wheatstone_plugin::prelude::Value;
use wheatstone_plugin::serde_json;

/// What a payload is taken for.
#[derive(Debug, PartialEq)]
pub(super) enum Guess {
    /// It is empty.
    Nothing,
    /// An object or a list.
    Json,
    /// Line protocol.
    Lines,
    /// One value.
    Value(Value),
    /// Bytes that are no text.
    Binary,
}

/// A longer text is no number.
const LONGEST_NUMBER: usize = 40;

/// Tells the formats apart. It looks at no more than the first line, and at no byte twice where it is JSON.
pub(super) fn guess(payload: &[u8]) -> Guess {
    let text = payload.strip_prefix(b"\xef\xbb\xbf").unwrap_or(payload);
    let text = text.trim_ascii();
    let text = trim_nul(text);
    match text.first() {
        None => return Guess::Nothing,
        Some(b'{' | b'[') => return Guess::Json,
        Some(_) => {}
    }
    if is_line(text) {
        return Guess::Lines;
    }
    let Ok(text) = std::str::from_utf8(text) else {
        return Guess::Binary;
    };
    if text
        .bytes()
        .any(|b| b < b' ' && !matches!(b, b'\t' | b'\r' | b'\n'))
    {
        return Guess::Binary;
    }
    match text {
        "null" => return Guess::Nothing,
        "true" | "True" | "TRUE" => return Guess::Value(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Guess::Value(Value::Bool(false)),
        _ => {}
    }
    if let Some(number) = number(text) {
        return Guess::Value(Value::Float(number));
    }
    // A text as JSON writes it.
    if text.starts_with('"')
        && let Ok(inner) = serde_json::from_str::<String>(text)
    {
        return Guess::Value(Value::from(inner));
    }
    Guess::Value(Value::from(text))
}

/// Programs in C send the zero that ends their texts.
fn trim_nul(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|b| *b != 0).map_or(0, |i| i + 1);
    text[..end].trim_ascii()
}

/// A number as people and devices write it; words such as `inf` and `nan` are words.
fn number(text: &str) -> Option<f64> {
    let digits = text.trim_start_matches(['+', '-']);
    if text.len() > LONGEST_NUMBER || !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    text.parse().ok().filter(|n: &f64| n.is_finite())
}

/// Whether the first line that is no comment has the shape `name[,tag=value…] key=…`.
fn is_line(text: &[u8]) -> bool {
    let mut rest = text;
    while rest.first() == Some(&b'#') {
        let Some(end) = rest.iter().position(|b| *b == b'\n') else {
            return false;
        };
        rest = rest[end..].trim_ascii_start();
    }
    let Some(fields) = word(rest).and_then(|n| rest.get(n..)) else {
        return false;
    };
    let fields = fields.trim_ascii_start();
    let key = word(fields).map_or(fields, |n| &fields[..n]);
    key.iter().position(|b| *b == b'=').is_some_and(|at| at > 0)
}

/// How long the text up to the first space is that is not escaped; none where the line ends before.
fn word(text: &[u8]) -> Option<usize> {
    let mut escaped = false;
    for (i, byte) in text.iter().enumerate() {
        match byte {
            b' ' if !escaped && i > 0 => return Some(i),
            b'\n' => return None,
            _ => escaped = *byte == b'\\' && !escaped,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formats_are_told_apart() {
        for line in [
            "m v=1",
            "m,a=b v=1i 17",
            "m\\ x,a=b\\ c v=\"a b\"",
            "# a comment\nm v=1",
            "m v=\"x\ny\"",
            "hello a=5 is it",
        ] {
            assert_eq!(guess(line.as_bytes()), Guess::Lines, "{line}");
        }
        for text in [
            "hello world",
            "code = 5",
            "a=b",
            "# a comment",
            "2024-01-01 10:00",
            "50 %",
            "m =1",
            "inf",
            "nan",
            "-",
        ] {
            assert_eq!(guess(text.as_bytes()), Guess::Value(Value::from(text)), "{text}");
        }
        for (text, number) in [
            ("1", 1.0),
            ("-0.5", -0.5),
            ("+3e2", 300.0),
            (" 7\r\n", 7.0),
            ("8\0", 8.0),
            (".5", 0.5),
        ] {
            assert_eq!(
                guess(text.as_bytes()),
                Guess::Value(Value::Float(number)),
                "{text}"
            );
        }
        assert_eq!(guess(b"\"on\""), Guess::Value(Value::from("on")));
        assert_eq!(guess(b"\"on"), Guess::Value(Value::from("\"on")));
        assert_eq!(guess(b"[]"), Guess::Json);
        assert_eq!(guess(b"\xef\xbb\xbf{}"), Guess::Json);
        assert_eq!(guess(b"null"), Guess::Nothing);
        assert_eq!(guess(b"1e999"), Guess::Value(Value::from("1e999")));
        assert_eq!(guess(b"\x01\x02"), Guess::Binary);
        assert_eq!(guess(b"caf\xe9"), Guess::Binary);
    }

    proptest! {
        #[test]
        fn nothing_panics(payload in proptest::collection::vec(any::<u8>(), 0..64)) {
            guess(&payload);
        }

        #[test]
        fn what_our_encoder_writes_is_line_protocol(name in "[a-z ,=]{1,8}", key in "[a-z ,=]{1,8}", text in ".{0,16}") {
            use wheatstone_plugin::line_protocol::{Encoder, Options};
            let mut metric = wheatstone_plugin::Metric::new(name.as_str(), 7);
            metric.set_field(key.as_str(), text.as_str());
            let mut line = Vec::new();
            if Encoder::new(Options::default()).encode(&metric, &mut line).is_ok() && !line.starts_with(b"#") {
                prop_assert_eq!(guess(&line), Guess::Lines, "{}", String::from_utf8_lossy(&line));
            }
        }
    }
}
