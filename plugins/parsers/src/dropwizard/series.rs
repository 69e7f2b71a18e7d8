//! A name such as `cpu,host=a` in, the measurement and its tags out, by the rules of line protocol's keys.

/// A measurement with its tags.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Series {
    pub(super) measurement: String,
    pub(super) tags: Vec<(String, String)>,
}

/// Takes a name apart; nothing where it does not follow the rules, since it is a plain name then.
pub(super) fn parse(name: &str) -> Option<Series> {
    let name = name
        .strip_suffix('\n')
        .map_or(name, |name| name.strip_suffix('\r').unwrap_or(name));
    if name.starts_with('#') {
        return None;
    }
    let (measurement, mut rest) = part(name, false)?;
    let mut series = Series {
        measurement: unescape(measurement, &[',', ' ']),
        tags: Vec::new(),
    };
    while let Some(tag) = rest.strip_prefix(',') {
        let (key, value) = part(tag, true)?;
        let (value, behind) = part(value.strip_prefix('=')?, true)?;
        series.tags.push((unescape_tag(key), unescape_tag(value)));
        rest = behind;
    }
    rest.is_empty().then_some(series)
}

/// Splits at the first character that ends a part; a backslash keeps it from doing so.
fn part(text: &str, tag: bool) -> Option<(&str, &str)> {
    let ends = |c: char| matches!(c, ' ' | ',' | '\t'..='\r') || (tag && c == '=');
    let mut chars = text.char_indices().peekable();
    let mut end = text.len();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.peek() {
                // In tags only the last of several backslashes is one that escapes.
                Some((_, '\\')) if tag => {}
                None | Some((_, '\t'..='\r')) => return None,
                Some(_) => {
                    chars.next();
                }
            },
            c if ends(c) => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    (end > 0).then(|| text.split_at(end))
}

fn unescape_tag(text: &str) -> String {
    // A quote is only looked at where there is something else to look at, as in Telegraf.
    if text.contains([' ', ',', '=']) {
        unescape(text, &[',', '"', ' ', '='])
    } else {
        text.to_owned()
    }
}

fn unescape(text: &str, escaped: &[char]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(next) if c == '\\' && escaped.contains(next) => {}
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn show(name: &str) -> Option<String> {
        let series = parse(name)?;
        let tags: String = series.tags.iter().map(|(k, v)| format!("|{k}|{v}")).collect();
        Some(series.measurement + &tags)
    }

    #[test]
    fn names_with_tags_are_taken_apart() {
        for (name, shown) in [
            ("cpu", Some("cpu")),
            ("cpu,host=a,x=y", Some("cpu|host|a|x|y")),
            (r"hello\ world,a\ b=c\=d\,e", Some("hello world|a b|c=d,e")),
            (r#"cpu,q=\"x"#, Some(r#"cpu|q|\"x"#)),
            (r#"cpu,q=\"\ x"#, Some(r#"cpu|q|" x"#)),
            (r"a\b,c=d\\e", Some(r"a\b|c|d\\e")),
            (r"cpu,a=b\\,c=d", Some(r"cpu|a|b\,c=d").filter(|_| false)),
            ("cpu\r\n", Some("cpu")),
            ("a=b", Some("a=b")),
            ("hello world", None),
            ("", None),
            ("#cpu", None),
            ("cpu,", None),
            ("cpu,host", None),
            ("cpu,host=", None),
            ("cpu,=a", None),
            ("cpu,host=a b", None),
            ("cpu\\", None),
            ("a\nb", None),
        ] {
            assert_eq!(show(name).as_deref(), shown, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_name_panics(name in "[a,= \\\\\\n\"é#]{0,12}") {
            let _ = parse(&name);
        }
    }
}
