//! Pieces of XML's text: entities, line ends, names, and the attributes of a tag.

use crate::tree::Document;

/// The text of an entity, `&` and `;` left out, written behind `out`.
pub(super) fn entity(name: &str, out: &mut String) -> Result<(), String> {
    let wrong = || format!("invalid character entity &{name};");
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix('x') {
            Some(hex) if !hex.starts_with('+') => u32::from_str_radix(hex, 16),
            _ if number.starts_with('+') => return Err(wrong()),
            _ => number.parse(),
        };
        match code {
            Ok(code) if code <= u32::from(char::MAX) => {
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                return Ok(());
            }
            _ => return Err(wrong()),
        }
    }
    out.push(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => return Err(wrong()),
    });
    Ok(())
}

/// What is wrong with an `&` that no `;` ends.
pub(super) fn unclosed(rest: &str) -> String {
    let name = rest.strip_prefix('&').unwrap_or(rest);
    let end = name
        .find(|c: char| !is_name(c) && c != '#')
        .unwrap_or(name.len())
        .min(80);
    let end = (0..=end).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
    format!("invalid character entity &{} (no semicolon)", &name[..end])
}

/// Writes a text with its entities resolved and its line ends made one.
pub(super) fn unescape(raw: &str, out: &mut String) -> Result<(), String> {
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('&') {
        newlines(before, out);
        let end = after.find(|c: char| !is_name(c) && c != '#');
        match end {
            Some(end) if after[end..].starts_with(';') => {
                entity(&after[..end], out)?;
                rest = &after[end + 1..];
            }
            _ => return Err(unclosed(after)),
        }
    }
    newlines(rest, out);
    Ok(())
}

/// Writes a text with line ends made one: `\r\n` and `\r` become `\n`.
pub(super) fn newlines(raw: &str, out: &mut String) {
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('\r') {
        out.push_str(before);
        out.push('\n');
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    out.push_str(rest);
}

/// Whether XML allows all characters of a text.
pub(super) fn check_characters(text: &str) -> Result<(), String> {
    let wrong = text
        .chars()
        .find(|c| matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}'));
    match wrong {
        Some(c) => Err(format!("illegal character code U+{:04X}", u32::from(c))),
        None => Ok(()),
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.' | '-') || c >= '\u{80}'
}

/// Whether a text is a name of at most two parts.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || !name.chars().all(is_name) {
        return Err("expected element name after <".to_owned());
    }
    if name.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-')) {
        return Err(format!("invalid XML name: {name}"));
    }
    if name.matches(':').count() > 1 {
        return Err("expected element name after <".to_owned());
    }
    Ok(())
}

/// Reads the attributes of a tag as names and values. The document lends its buffer.
pub(super) fn attributes<'a>(
    tag: &'a str,
    doc: &mut Document,
    found: &mut Vec<(&'a str, String)>,
) -> Result<(), String> {
    const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];
    let mut rest = tag.trim_start_matches(SPACE);
    while !rest.is_empty() {
        if rest.starts_with('/') {
            return Err("expected /> in element".to_owned());
        }
        let end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        check_name(name).map_err(|e| match e.starts_with("invalid") {
            true => e,
            false => "expected attribute name in element".to_owned(),
        })?;
        let after = after.trim_start_matches(SPACE);
        let Some(after) = after.strip_prefix('=') else {
            return Err("attribute name without = in element".to_owned());
        };
        let after = after.trim_start_matches(SPACE);
        let quoted = after.chars().next().filter(|c| matches!(c, '"' | '\''));
        let Some((raw, after)) = quoted.and_then(|quote| after[1..].split_once(quote)) else {
            return Err("unquoted or missing attribute value in element".to_owned());
        };
        if raw.contains('<') {
            return Err("unescaped < inside quoted string".to_owned());
        }
        let from = doc.buffer().len();
        unescape(raw, doc.buffer())?;
        let value = doc.buffer().split_off(from);
        check_characters(&value)?;
        found.push((name, value));
        rest = after.trim_start_matches(SPACE);
    }
    Ok(())
}
