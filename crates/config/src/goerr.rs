//! Type errors in the words of Telegraf's reader, which are Go's.

use wheatstone_plugin::conf::{Duration, Node, NodeKind};

/// What a value could not be read as.
pub(crate) fn cannot_unmarshal(node: &Node, go_type: &str) -> String {
    format!("cannot unmarshal TOML {} into {go_type}", node.type_name())
}

/// Why a text is no duration.
pub(crate) fn duration(text: &str) -> String {
    let invalid = format!("time: invalid duration {text:?}");
    let mut rest = text.trim_start_matches(['-', '+']);
    if rest.is_empty() {
        return invalid;
    }
    while !rest.is_empty() {
        let number = rest
            .bytes()
            .take_while(|b| b.is_ascii_digit() || *b == b'.')
            .count();
        if number == 0 || !rest[..number].contains(|c: char| c.is_ascii_digit()) {
            return invalid;
        }
        rest = &rest[number..];
        let unit = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        match &rest[..unit] {
            "" => return format!("time: missing unit in duration {text:?}"),
            "ns" | "us" | "µs" | "μs" | "ms" | "s" | "m" | "h" | "d" => {}
            other => return format!("time: unknown unit {other:?} in duration {text:?}"),
        }
        rest = &rest[unit..];
    }
    invalid
}

/// A duration that may be negative, in nanoseconds: some places say something special about those.
pub(crate) fn read_duration(node: &Node) -> Result<(Duration, bool), String> {
    let text = match &node.kind {
        NodeKind::String(text) => text.trim().to_owned(),
        NodeKind::Integer(n) => n.to_string(),
        NodeKind::Float(n) => n.to_string(),
        NodeKind::Boolean(b) => return Err(duration(&b.to_string())),
        NodeKind::Datetime(text) => return Err(duration(text)),
        NodeKind::Array(_) | NodeKind::Table(_) => return Err(cannot_unmarshal(node, "config.Duration")),
    };
    let (negative, plain) = match text.strip_prefix('-') {
        Some(plain) => (true, plain),
        None => (false, text.as_str()),
    };
    Duration::parse(plain)
        .map(|d| (d, negative && d > Duration::ZERO))
        .map_err(|_| duration(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fail_in_go_words() {
        for (text, error) in [
            ("x", "time: invalid duration \"x\""),
            ("10x", "time: unknown unit \"x\" in duration \"10x\""),
            ("1h5", "time: missing unit in duration \"1h5\""),
            ("true", "time: invalid duration \"true\""),
            (".s", "time: invalid duration \".s\""),
        ] {
            assert_eq!(
                read_duration(&Node::bare(NodeKind::String(text.into()))).unwrap_err(),
                error
            );
        }
        let read = |kind| read_duration(&Node::bare(kind)).unwrap();
        assert_eq!(
            read(NodeKind::String("-1s".into())),
            (Duration::from_secs(1), true)
        );
        assert_eq!(read(NodeKind::Integer(10)), (Duration::from_secs(10), false));
        assert_eq!(read(NodeKind::Float(0.5)), (Duration::from_millis(500), false));
    }
}
