//! Single characters and classes of them: `[a-z\d]`, `\pL`, `\x{2b}` in, their like in the crate `regex` out.

use super::SyntaxError;

const BAD_ESCAPE: &str = "invalid escape sequence";
const BAD_RANGE: &str = "invalid character class range";

/// Appends a character that stands for itself.
pub(super) fn push_char(c: char, out: &mut String) {
    // By number, a mark has no meaning anywhere.
    if c.is_ascii_punctuation() || c.is_ascii_control() {
        out.push_str(&format!("\\x{{{:x}}}", u32::from(c)));
    } else {
        out.push(c);
    }
}

/// A class in brackets at the start of `text`; gives what is behind it.
pub(super) fn bracketed<'a>(text: &'a str, out: &mut String) -> Result<&'a str, SyntaxError> {
    let mut rest = &text[1..];
    out.push('[');
    if let Some(behind) = rest.strip_prefix('^') {
        out.push('^');
        rest = behind;
    }
    let mut first = true;
    while first || !rest.starts_with(']') {
        first = false;
        if rest.starts_with("[:")
            && let Some(end) = rest.find(":]")
        {
            let (named, behind) = rest.split_at(end + 2);
            if !is_ascii_class(named) {
                return Err(SyntaxError::new(BAD_RANGE, named));
            }
            out.push_str(named);
            rest = behind;
            continue;
        }
        if rest.starts_with('\\')
            && matches!(
                rest.as_bytes().get(1),
                Some(b'd' | b'D' | b's' | b'S' | b'w' | b'W' | b'p' | b'P')
            )
        {
            rest = escaped_class(rest, out, false)?;
            continue;
        }
        let from = rest;
        let (low, behind) = one(rest, text)?;
        rest = behind;
        push_char(low, out);
        if rest.starts_with('-') && !rest.starts_with("-]") && rest.len() > 1 {
            let (high, behind) = one(&rest[1..], text)?;
            rest = behind;
            if high < low {
                return Err(SyntaxError::new(BAD_RANGE, &from[..from.len() - rest.len()]));
            }
            out.push('-');
            push_char(high, out);
        }
    }
    out.push(']');
    Ok(&rest[1..])
}

fn is_ascii_class(named: &str) -> bool {
    let name = named.trim_start_matches("[:").trim_end_matches(":]");
    let name = name.strip_prefix('^').unwrap_or(name);
    const NAMES: [&str; 14] = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
        "upper", "word", "xdigit",
    ];
    NAMES.contains(&name)
}

/// One character of the class that begins at `class`.
fn one<'a>(text: &'a str, class: &str) -> Result<(char, &'a str), SyntaxError> {
    match text.chars().next() {
        None => Err(SyntaxError::new("missing closing ]", class)),
        Some('\\') => escaped_char(text),
        Some(c) => Ok((c, &text[c.len_utf8()..])),
    }
}

/// A class or a character behind a backslash; gives what is behind it. `alone`: it stands outside of brackets.
pub(super) fn escaped_class<'a>(
    text: &'a str,
    out: &mut String,
    alone: bool,
) -> Result<&'a str, SyntaxError> {
    let letter = text[1..].chars().next();
    let (ranges, negated) = match letter {
        Some('d') => ("0-9", false),
        Some('D') => ("0-9", true),
        Some('s') => ("\\t\\n\\x0c\\r ", false),
        Some('S') => ("\\t\\n\\x0c\\r ", true),
        Some('w') => ("0-9A-Za-z_", false),
        Some('W') => ("0-9A-Za-z_", true),
        Some('p' | 'P') => return unicode_class(text, out),
        _ => {
            let (c, rest) = escaped_char(text)?;
            push_char(c, out);
            return Ok(rest);
        }
    };
    if negated {
        out.push_str(&format!("[^{ranges}]"));
    } else if alone {
        out.push_str(&format!("[{ranges}]"));
    } else {
        out.push_str(ranges);
    }
    Ok(&text[2..])
}

/// `\pN`, `\p{Greek}`, `\P{Greek}`, `\p{^Greek}`.
fn unicode_class<'a>(text: &'a str, out: &mut String) -> Result<&'a str, SyntaxError> {
    let mut negated = text.starts_with("\\P");
    let (name, rest) = match text[2..].strip_prefix('{') {
        Some(braced) => braced
            .split_once('}')
            .ok_or_else(|| SyntaxError::new(BAD_RANGE, text))?,
        None => {
            let len = text[2..].chars().next().map_or(0, char::len_utf8);
            text[2..].split_at(len)
        }
    };
    let bare = match name.strip_prefix('^') {
        Some(bare) => {
            negated = !negated;
            bare
        }
        None => name,
    };
    let class = format!("\\{}{{{bare}}}", if negated { 'P' } else { 'p' });
    let known =
        bare.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && regex::Regex::new(&class).is_ok();
    if !known {
        return Err(SyntaxError::new(BAD_RANGE, &text[..text.len() - rest.len()]));
    }
    out.push_str(&class);
    Ok(rest)
}

/// A character behind a backslash.
fn escaped_char(text: &str) -> Result<(char, &str), SyntaxError> {
    let mut chars = text[1..].chars();
    let Some(c) = chars.next() else {
        return Err(SyntaxError::new("trailing backslash at end of expression", ""));
    };
    let rest = chars.as_str();
    let bad = |rest: &str| SyntaxError::new(BAD_ESCAPE, &text[..text.len() - rest.len()]);
    let octal = |rest: &str| rest.starts_with(|c| ('0'..='7').contains(&c));
    match c {
        // A single digit would refer back to a group, which such expressions cannot.
        '0' => Ok(octal_char(&text[1..])),
        '1'..='7' if octal(rest) => Ok(octal_char(&text[1..])),
        'x' => hex_char(rest).map_err(bad),
        'a' => Ok(('\u{7}', rest)),
        'f' => Ok(('\u{c}', rest)),
        'n' => Ok(('\n', rest)),
        'r' => Ok(('\r', rest)),
        't' => Ok(('\t', rest)),
        'v' => Ok(('\u{b}', rest)),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok((c, rest)),
        _ => Err(bad(rest)),
    }
}

/// Up to three octal digits.
fn octal_char(text: &str) -> (char, &str) {
    let len = text
        .bytes()
        .take(3)
        .take_while(|b| (b'0'..=b'7').contains(b))
        .count();
    let (digits, rest) = text.split_at(len);
    let code = digits.bytes().fold(0, |n, b| n * 8 + u32::from(b - b'0'));
    (char::from_u32(code).unwrap_or_default(), rest)
}

/// `7f` or `{10ffff}`; the error is what is left behind the first character that is wrong.
fn hex_char(text: &str) -> Result<(char, &str), &str> {
    let (braced, digits) = match text.strip_prefix('{') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let mut code = 0u32;
    let mut chars = digits.chars();
    for read in 0.. {
        let before = chars.as_str();
        if !braced && read == 2 {
            return char::from_u32(code).map(|c| (c, before)).ok_or(before);
        }
        match chars.next() {
            Some('}') if braced && read > 0 => {
                return char::from_u32(code)
                    .map(|c| (c, chars.as_str()))
                    .ok_or(chars.as_str());
            }
            Some(c) => match c.to_digit(16) {
                Some(digit) if code * 16 + digit <= 0x10_FFFF => code = code * 16 + digit,
                _ => return Err(chars.as_str()),
            },
            None => return Err(""),
        }
    }
    Err("")
}
