//! Hides what may be a secret in a line of a file before it is shown.

use crate::suggest::distance;

/// Words of which an option's name is made where its value is a secret.
const WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "token",
    "secret",
    "credential",
    "apikey",
    "authorization",
    "salt",
];

/// The line with a star for each character of values that may be secrets, so that marks still stand under their places.
/// References to secret stores stay: they are no secrets.
pub(crate) fn mask(line: &str) -> String {
    let mut out: Vec<char> = line.chars().collect();
    let mut quote = None;
    let mut i = 0;
    while i < out.len() {
        let c = out[i];
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) if c == '\\' && quote == Some('"') => i += 1,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if c == '#' => break,
            None if c == '=' => {
                let end = value_end(&out, i + 1);
                let key = key_before(&out, i);
                if is_secret(&key) || (key == "key" && is_long_hex(&out[i + 1..end])) {
                    hide(&mut out[i + 1..end]);
                    i = end;
                    continue;
                }
            }
            _ => {}
        }
        i += 1;
    }
    hide_logins(&mut out);
    out.into_iter().collect()
}

/// What [`mask`] hides of a line, piece by piece; single letters say nothing.
pub(crate) fn hidden(line: &str) -> Vec<String> {
    let masked = mask(line);
    let mut pieces = vec![String::new()];
    for (was, is) in line.chars().zip(masked.chars()) {
        match pieces.last_mut() {
            Some(piece) if was != is => piece.push(was),
            Some(piece) if !piece.is_empty() => pieces.push(String::new()),
            _ => {}
        }
    }
    pieces.retain(|piece| piece.chars().count() > 2);
    pieces
}

/// The last part of the key that stands before an equals sign.
fn key_before(line: &[char], equals: usize) -> String {
    let text: String = line[..equals].iter().collect();
    let key = text.trim_end().trim_end_matches(['"', '\'']);
    let start = key
        .rfind([' ', '\t', '.', ',', '{', '[', '"', '\''])
        .map_or(0, |at| at + 1);
    key[start..].to_lowercase()
}

/// Where a value ends: at a comma, a bracket or a comment outside of quotes, or with the line.
fn value_end(line: &[char], from: usize) -> usize {
    let mut quote = None;
    let mut i = from;
    while i < line.len() {
        match (quote, line[i]) {
            (Some('"'), '\\') => i += 1,
            (Some(q), c) if c == q => quote = None,
            (None, c @ ('"' | '\'')) => quote = Some(c),
            (None, ',' | '}' | '#') => return i,
            _ => {}
        }
        i += 1;
    }
    line.len()
}

fn is_secret(key: &str) -> bool {
    let joined: String = key.chars().filter(|c| c.is_alphanumeric()).collect();
    let parts = key.split(|c: char| !c.is_alphanumeric()).chain([joined.as_str()]);
    // A slip of the pen in the name hides nothing less.
    parts.filter(|p| !p.is_empty()).any(|part| {
        WORDS.iter().any(|word| {
            part.contains(word) || (word.len() > 4 && distance(part, word, 2) <= (word.len() / 4).min(2))
        })
    })
}

/// Whether a value may be the key of a cipher; `key` alone is the name of many harmless options.
fn is_long_hex(value: &[char]) -> bool {
    value.iter().filter(|c| c.is_ascii_hexdigit()).count() >= 32
}

fn hide(value: &mut [char]) {
    let text: String = value.iter().collect();
    let plain = text.trim().trim_matches(['"', '\'']);
    // A variable is no secret, unless it has a default that is one.
    if plain.starts_with("@{") || (plain.starts_with("${") && !plain.contains(['-', '+'])) {
        return;
    }
    for c in value
        .iter_mut()
        .filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'' | '[' | ']'))
    {
        *c = '*';
    }
}

/// `scheme://user:password@host`.
fn hide_logins(line: &mut [char]) {
    let mut i = 0;
    while i + 3 <= line.len() {
        if line[i..i + 3] == [':', '/', '/'] {
            let rest = &line[i + 3..];
            let end = rest
                .iter()
                .position(|c| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '?'))
                .unwrap_or(rest.len());
            let at = rest[..end].iter().rposition(|c| *c == '@');
            let colon = rest[..end].iter().position(|c| *c == ':');
            if let (Some(colon), Some(at)) = (colon, at)
                && colon < at
            {
                line[i + 3 + colon + 1..i + 3 + at].fill('*');
            }
        }
        i += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secret_options_are_hidden() {
        for (line, shown) in [
            ("  password = \"hunter2\" # why", "  password = \"*******\" # why"),
            ("  pasword = 'hunter2'", "  pasword = '*******'"),
            ("tls_key_pwd = \"a\\\"b\" x", "tls_key_pwd = \"**\"*\" *"),
            ("  client_secret=\"x\"", "  client_secret=\"*\""),
            ("token = hunter2", "token = *******"),
            ("key = \"mqtt\"", "key = \"mqtt\""),
            (
                "key = \"00112233445566778899aabbccddeeff\"",
                "key = \"********************************\"",
            ),
            ("api_key = \"k\"", "api_key = \"*\""),
            (
                "headers = { Authorization = \"Bearer x\", X-Id = \"5\" }",
                "headers = { Authorization = \"****** *\", X-Id = \"5\" }",
            ),
            (
                "urls = [\"mongodb://u:hunter2@h:1/db\"]",
                "urls = [\"mongodb://u:*******@h:1/db\"]",
            ),
            ("password = \"@{store:key}\"", "password = \"@{store:key}\""),
            ("password = \"${NAME:?say it}\"", "password = \"${NAME:?say it}\""),
            ("password = \"${NAME:-x}\"", "password = \"**********\""),
        ] {
            assert_eq!(mask(line), shown, "{line}");
            assert_eq!(mask(line).chars().count(), line.chars().count());
        }
    }

    #[test]
    fn what_is_hidden_is_known_piece_by_piece() {
        assert_eq!(hidden("token = \"Bearer hunter2\""), ["Bearer", "hunter2"]);
        assert!(hidden("qos = 2").is_empty());
    }

    #[test]
    fn other_lines_stay() {
        for line in [
            "[[inputs.mqtt_consumer]]",
            "  topics = [\"a/b\", \"token\"]",
            "  servers = [\"tcp://127.0.0.1:1883\"]",
            "  name = \"a = password\"",
            "# password = \"x\"",
            "é = ''",
        ] {
            assert_eq!(mask(line), line);
        }
    }
}
