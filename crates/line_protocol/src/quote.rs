//! Text as Go's `%q` prints it, which is how Telegraf's errors show the text they are about.

/// Bytes in double quotes, escaped as by Go's `%q`: what is not UTF-8 becomes `\xNN`.
pub fn quote(text: &[u8]) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_escaped(c, '"', &mut quoted);
        }
        for b in chunk.invalid() {
            quoted.push_str(&format!("\\x{b:02x}"));
        }
    }
    quoted.push('"');
    quoted
}

/// One character in single quotes, escaped as by Go's `%q`.
pub fn quote_char(c: char) -> String {
    let mut quoted = String::from("'");
    push_escaped(c, '\'', &mut quoted);
    quoted.push('\'');
    quoted
}

fn push_escaped(c: char, mark: char, to: &mut String) {
    match c {
        '\\' => to.push_str("\\\\"),
        '\x07' => to.push_str("\\a"),
        '\x08' => to.push_str("\\b"),
        '\x0C' => to.push_str("\\f"),
        '\n' => to.push_str("\\n"),
        '\r' => to.push_str("\\r"),
        '\t' => to.push_str("\\t"),
        '\x0B' => to.push_str("\\v"),
        _ if c == mark => to.extend(['\\', mark]),
        ' '..='~' => to.push(c),
        '\0'..='\x7F' => to.push_str(&format!("\\x{:02x}", c as u32)),
        _ if printable(c) => to.push(c),
        '\u{80}'..='\u{FFFF}' => to.push_str(&format!("\\u{:04x}", c as u32)),
        _ => to.push_str(&format!("\\U{:08x}", c as u32)),
    }
}

/// The standard library knows which characters print, but only says so through its own escapes; behind a letter
/// it leaves combining marks as they are, as Go does.
fn printable(c: char) -> bool {
    let mut buffer = [0; 5];
    buffer[0] = b'a';
    let len = 1 + c.encode_utf8(&mut buffer[1..]).len();
    std::str::from_utf8(&buffer[..len]).is_ok_and(|text| text.escape_debug().count() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_as_by_go() {
        assert_eq!(quote(b"a\"b\\c\n\t\x00\x7f"), r#""a\"b\\c\n\t\x00\x7f""#);
        assert_eq!(
            quote("é☺\u{301}\u{a0}\u{200b}\u{10ffff}".as_bytes()),
            "\"é☺\u{301}\\u00a0\\u200b\\U0010ffff\""
        );
        assert_eq!(quote(b"a\xffb"), r#""a\xffb""#);
        assert_eq!(quote(b"it's"), r#""it's""#);
    }

    #[test]
    fn a_character_is_quoted_as_by_go() {
        assert_eq!(quote_char('\n'), r"'\n'");
        assert_eq!(quote_char('\''), r"'\''");
        assert_eq!(quote_char('"'), "'\"'");
        assert_eq!(quote_char('ÿ'), "'ÿ'");
    }
}
