//! Values in, JSON out, byte for byte as Go's encoding/json writes it: keys sorted, HTML escaped, floats in Go's forms.

use std::io::Write as _;
use std::ops::Deref;

use wheatstone_plugin::prelude::*;

/// Appends a text in quotes. `<`, `>` and `&` are escaped, so that the text is safe inside HTML.
pub(crate) fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0x08 => b"\\b",
            0x0c => b"\\f",
            b'<' => b"\\u003c",
            b'>' => b"\\u003e",
            b'&' => b"\\u0026",
            0..0x20 => {
                out.extend_from_slice(&bytes[copied..at]);
                copied = at + 1;
                let _ = write!(out, "\\u{byte:04x}");
                continue;
            }
            // U+2028 and U+2029 end a line in JavaScript.
            0xe2 => match bytes.get(at..at + 3) {
                Some([_, 0x80, last @ (0xa8 | 0xa9)]) => {
                    out.extend_from_slice(&bytes[copied..at]);
                    copied = at + 3;
                    out.extend_from_slice(if *last == 0xa8 { b"\\u2028" } else { b"\\u2029" });
                    continue;
                }
                _ => continue,
            },
            _ => continue,
        };
        out.extend_from_slice(&bytes[copied..at]);
        out.extend_from_slice(escape);
        copied = at + 1;
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

/// Appends a finite float: the shortest digits that mean it, with an exponent below 1e-6 and from 1e21 on.
pub(crate) fn float(value: f64, out: &mut Vec<u8>) {
    let size = value.abs();
    // Writing to memory cannot fail.
    let _ = if size == 0.0 || (1e-6..1e21).contains(&size) {
        write!(out, "{value}")
    } else {
        let text = format!("{value:e}");
        match text.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => write!(out, "{digits}e+{exponent}"),
            _ => write!(out, "{text}"),
        }
    };
}

/// Appends a field's value, which must not be NaN or infinite.
pub(crate) fn value(value: &Value, out: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    let _ = match value {
        Value::Float(v) => {
            float(*v, out);
            Ok(())
        }
        Value::Int(v) => write!(out, "{v}"),
        Value::Uint(v) => write!(out, "{v}"),
        Value::Bool(v) => write!(out, "{v}"),
        Value::Str(v) => {
            string(v, out);
            Ok(())
        }
    };
}

/// Appends a document. Its numbers are floats, as in Go where nothing says otherwise.
pub(crate) fn document(json: &serde_json::Value, out: &mut Vec<u8>) {
    match json {
        serde_json::Value::Null => out.extend_from_slice(b"null"),
        serde_json::Value::Bool(v) => out.extend_from_slice(if *v { b"true" } else { b"false" }),
        serde_json::Value::Number(n) => float(n.as_f64().unwrap_or_default(), out),
        serde_json::Value::String(v) => string(v, out),
        serde_json::Value::Array(list) => {
            out.push(b'[');
            for (at, item) in list.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                document(item, out);
            }
            out.push(b']');
        }
        serde_json::Value::Object(map) => {
            // Whether the map is sorted by itself hangs on a feature of serde_json that any crate may set.
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| key.as_str());
            object(entries, out, document);
        }
    }
}

/// Appends an object of members in their order, the values by `value`.
pub(crate) fn object<'a, K: Deref<Target = str> + 'a, V>(
    members: impl IntoIterator<Item = (&'a K, V)>,
    out: &mut Vec<u8>,
    mut value: impl FnMut(V, &mut Vec<u8>),
) {
    out.push(b'{');
    for (at, (key, item)) in members.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        string(key, out);
        out.push(b':');
        value(item, out);
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn texts_are_escaped_as_in_go() {
        let text = "<>&\u{2028}\u{2029}\u{1}\u{8}\u{c}\u{7f}é\"\\/\n\r\t€";
        let expected =
            r#""\u003c\u003e\u0026\u2028\u2029\u0001\b\f"#.to_owned() + "\u{7f}é" + r#"\"\\/\n\r\t€""#;
        assert_eq!(written(|out| string(text, out)), expected);
    }

    #[test]
    fn floats_are_written_as_in_go() {
        for (value, text) in [
            (1.0, "1"),
            (-0.0, "-0"),
            (91.5, "91.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1e-6, "0.000001"),
            (9e-7, "9e-7"),
            (-1.5e300, "-1.5e+300"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(written(|out| float(value, out)), text);
        }
    }

    #[test]
    fn documents_are_sorted() {
        let json = serde_json::json!({"b": [1, null, 2.50], "a": {"d": true, "c": "<"}, "n": 12345678901234567890u64});
        let expected = r#"{"a":{"c":"\u003c","d":true},"b":[1,null,2.5],"n":12345678901234567000}"#;
        assert_eq!(written(|out| document(&json, out)), expected);
    }

    proptest! {
        #[test]
        fn what_is_written_is_json_and_means_the_same(text in "\\PC*|[\\x00-\\x20\"<>&]*", number in any::<f64>()) {
            let quoted = written(|out| string(&text, out));
            prop_assert_eq!(serde_json::from_str::<String>(&quoted).expect("JSON"), text);
            if number.is_finite() {
                let digits = written(|out| float(number, out));
                prop_assert_eq!(digits.parse::<f64>().expect("a float").to_bits(), number.to_bits());
            }
        }
    }
}
