//! The escapes of line protocol: text that needs none is only copied.

use crate::scan::{find, has_none};

/// Appends a measurement's name: commas and spaces get a backslash, line breaks and tabs become two characters.
#[inline]
pub(crate) fn push_name(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    if has_none([b','], bytes) {
        out.extend_from_slice(bytes);
    } else {
        push_escaped(bytes, false, out);
    }
}

/// Appends a tag's key or value or a field's key: as a name, and an equals sign gets a backslash too.
#[inline]
pub(crate) fn push_key(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    if has_none([b',', b'='], bytes) {
        out.extend_from_slice(bytes);
    } else {
        push_escaped(bytes, true, out);
    }
}

#[cold]
fn push_escaped(bytes: &[u8], equals: bool, out: &mut Vec<u8>) {
    for &b in bytes {
        match b {
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\x0C' => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b',' | b' ' => out.extend_from_slice(&[b'\\', b]),
            b'=' if equals => out.extend_from_slice(b"\\="),
            _ => out.push(b),
        }
    }
}

/// Appends a string field's value with its quotes. Line breaks stay as they are.
#[inline]
pub(crate) fn push_string(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.push(b'"');
    let mut from = 0;
    loop {
        let to = find::<false, 2>(bytes, from, [b'"', b'\\']);
        out.extend_from_slice(&bytes[from..to]);
        match bytes.get(to) {
            Some(&b) => out.extend_from_slice(&[b'\\', b]),
            None => break,
        }
        from = to + 1;
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(push: fn(&str, &mut Vec<u8>), text: &str) -> String {
        let mut out = Vec::new();
        push(text, &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn names_keep_their_equals_signs() {
        assert_eq!(written(push_name, "a=b c,d\\e"), "a=b\\ c\\,d\\e");
        assert_eq!(
            written(push_name, "a\tb\nc\rd\x0Ce\x0Bf"),
            "a\\tb\\nc\\rd\\fe\x0Bf"
        );
    }

    #[test]
    fn keys_escape_them() {
        assert_eq!(written(push_key, "a=b c,d\"e"), "a\\=b\\ c\\,d\"e");
        assert_eq!(written(push_key, "grün"), "grün");
    }

    #[test]
    fn strings_escape_quotes_and_backslashes_only() {
        assert_eq!(written(push_string, ""), "\"\"");
        assert_eq!(
            written(push_string, "a \"b\" \\ c,=\n\t"),
            "\"a \\\"b\\\" \\\\ c,=\n\t\""
        );
    }
}
