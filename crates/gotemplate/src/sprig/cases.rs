//! `SomeHTTPServer20x` into `some_http_server_20x` and `SomeHttpServer20x`: words are found first, then written anew.

use super::words::{lower, upper};

#[derive(Clone, Copy, PartialEq)]
enum Word {
    None,
    Number,
    Upper,
    Letters,
    Connector,
    Punctuation,
    Other,
}

fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || c.is_whitespace()
}
fn is_letter(c: char) -> bool {
    c.is_alphabetic()
}
fn is_punctuation(c: char) -> bool {
    // ASCII's symbols are none for Unicode.
    match c {
        '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~' => false,
        c if c.is_ascii() => c.is_ascii_punctuation(),
        '\u{a1}' | '\u{a7}' | '\u{ab}' | '\u{b6}' | '\u{b7}' | '\u{bb}' | '\u{bf}' => true,
        '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{3001}'..='\u{3003}' => true,
        _ => false,
    }
}

/// Takes the next word off a text: its kind, itself, the rest.
fn next_word(text: &str) -> (Word, &str, &str) {
    let run = |from: usize, belongs: &dyn Fn(char) -> bool| {
        text[from..]
            .find(|c| !belongs(c))
            .map_or(text.len(), |len| from + len)
    };
    let mut chars = text.char_indices();
    let Some((_, first)) = chars.next() else {
        return (Word::None, "", "");
    };
    let after = first.len_utf8();
    let small = |c: char| is_letter(c) && !c.is_uppercase();
    let (kind, end) = if is_connector(first) {
        (Word::Connector, run(after, &is_connector))
    } else if is_punctuation(first) {
        (Word::Punctuation, run(after, &is_punctuation))
    } else if first.is_uppercase() {
        let end = match chars.next() {
            Some((_, second)) if second.is_uppercase() => {
                let end = run(after, &|c| c.is_uppercase());
                // In `HTTPStatus` the `S` belongs to what follows.
                if text[end..].chars().next().is_some_and(is_letter) {
                    text[..end].char_indices().next_back().map_or(end, |(at, _)| at)
                } else {
                    end
                }
            }
            _ => run(after, &small),
        };
        (Word::Upper, end)
    } else if is_letter(first) {
        (Word::Letters, run(after, &small))
    } else if first.is_numeric() {
        (Word::Number, run(after, &|c| c.is_numeric()))
    } else {
        let other = |c: char| !(is_connector(c) || is_letter(c) || c.is_numeric() || is_punctuation(c));
        (Word::Other, run(after, &other))
    };
    (kind, &text[..end], &text[end..])
}

/// All in lower case, with `connector` between the words.
pub(super) fn lower_with(text: &str, connector: char) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let write = |out: &mut String, kind: Word, word: &str| match kind {
        Word::Upper => out.extend(word.chars().map(lower)),
        Word::Connector => out.extend(word.chars().map(|_| connector)),
        _ => out.push_str(word),
    };
    let alone = |kind: Word| matches!(kind, Word::Connector | Word::Punctuation);
    let (mut kind, mut word, mut rest) = next_word(text);
    while !rest.is_empty() {
        if kind != Word::Connector {
            write(&mut out, kind, word);
        }
        let (before, last) = (kind, word);
        (kind, word, rest) = next_word(rest);
        match before {
            Word::Number => {
                while matches!(kind, Word::Letters | Word::Number) {
                    write(&mut out, kind, word);
                    (kind, word, rest) = next_word(rest);
                }
                if kind != Word::None && !alone(kind) {
                    out.push(connector);
                }
            }
            Word::Connector => write(&mut out, before, last),
            Word::Punctuation => {}
            _ if kind != Word::Number => {
                if !alone(kind) {
                    out.push(connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word, rest) = next_word(rest);
                if kind == Word::Letters {
                    // Small letters make the number the begin of a word: `http_2xx`.
                    out.push(connector);
                    write(&mut out, Word::Number, number);
                    while matches!(kind, Word::Letters | Word::Number) {
                        write(&mut out, kind, word);
                        (kind, word, rest) = next_word(rest);
                    }
                    if kind != Word::None && !alone(kind) {
                        out.push(connector);
                    }
                } else {
                    // Otherwise it ends one: `bld4_floor`.
                    write(&mut out, Word::Number, number);
                    if !alone(kind) {
                        out.push(connector);
                    }
                }
            }
        }
    }
    write(&mut out, kind, word);
    out
}

/// Every word with a capital, nothing between them.
pub(super) fn pascal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    let mut current = loop {
        match chars.next() {
            None => return out,
            // Connectors in front stay.
            Some(c) if is_connector(c) => out.push(c),
            Some(c) => break c,
        }
    };
    let mut capitals = current.is_uppercase();
    current = upper(current);
    for c in chars {
        let before = std::mem::replace(&mut current, c);
        if is_connector(current) && is_connector(before) {
            out.push(before);
            continue;
        }
        if is_connector(before) {
            capitals = current.is_uppercase();
            current = upper(current);
            continue;
        }
        if capitals {
            if current.is_uppercase() {
                current = lower(current);
            } else {
                capitals = false;
            }
        }
        out.push(before);
    }
    out.push(current);
    out
}
