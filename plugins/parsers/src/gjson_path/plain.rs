//! Paths that are read once, when the configuration is: most are keys alone, with dots between them.

use super::scan::Kind;
use super::walk::{next_member, next_value};
use super::{Found, get};

/// A path made ready.
pub(crate) struct Path {
    text: String,
    /// Where the path is nothing but keys.
    keys: Option<Vec<Box<str>>>,
}

/// What keys lead to, and where the search ended. An array or an escape on the way is for [`get`].
enum Step {
    Hit(Kind, usize, usize),
    Missed(usize),
    Unclear,
}

impl Path {
    pub(crate) fn new(text: &str) -> Path {
        let is_plain = |key: &str| {
            let named = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '/' | '$');
            !key.is_empty() && key.chars().all(named)
        };
        Path {
            keys: text
                .split('.')
                .map(|key| is_plain(key).then(|| key.into()))
                .collect(),
            text: text.to_owned(),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// What the path leads to: the same as [`get`].
    pub(crate) fn get<'a>(&'a self, json: &'a str) -> Found<'a> {
        let step = match (&self.keys, json.find(['{', '['])) {
            (Some(keys), Some(at)) => inside(json, at, keys),
            (Some(_), None) => Step::Missed(0),
            (None, _) => Step::Unclear,
        };
        match step {
            Step::Hit(kind, start, end) => Found {
                index: start,
                ..Found::new(kind, &json[start..end])
            },
            Step::Missed(_) => Found::default(),
            Step::Unclear => get(json, &self.text),
        }
    }
}

/// Looks for the keys in the object that opens at `at`.
fn inside(json: &str, at: usize, keys: &[Box<str>]) -> Step {
    let bytes = json.as_bytes();
    let Some((key, deeper)) = keys.split_first().filter(|_| bytes[at] == b'{') else {
        return Step::Unclear;
    };
    let mut at = at + 1;
    loop {
        let member = match next_member(bytes, at) {
            Ok(member) => member,
            Err(end) => return Step::Missed(end),
        };
        let name = &bytes[member.key.0..member.key.1];
        let fits = name == key.as_bytes();
        if !fits && name.contains(&b'\\') {
            return Step::Unclear;
        }
        at = member.value;
        if let (true, [_, ..], Some(b'{' | b'[')) = (fits, deeper, bytes.get(at)) {
            match inside(json, at, deeper) {
                Step::Missed(end) => at = end,
                hit_or_unclear => return hit_or_unclear,
            }
            continue;
        }
        let Some((kind, start, end)) = next_value(bytes, at) else {
            return Step::Missed(bytes.len());
        };
        if fits && deeper.is_empty() {
            return Step::Hit(kind, start, end);
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn which_paths_are_keys_alone() {
        let plain = ["a", "a.b_c.d-e", "a b.0.$c", "größe/x"];
        assert!(plain.iter().all(|path| Path::new(path).keys.is_some()));
        let others = [
            "", ".", "a.", "..a", "@this", "a.#.b", "a*", "a|b", "a\\.b", "[a]", "{a}", "!1", "a.#(b=1)",
        ];
        assert!(others.iter().all(|path| Path::new(path).keys.is_none()));
    }

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("1".to_owned()),
            Just("null".to_owned()),
            Just("\"a\\\"}b\"".to_owned()),
            Just("true".to_owned()),
        ];
        let key = prop_oneof![
            Just("a"),
            Just("b"),
            Just("c d"),
            Just("0"),
            Just("\\u0061"),
            Just("b\\n")
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            let member = (key.clone(), prop_oneof![Just(":"), Just(" : ")], inner.clone());
            let member = member.prop_map(|(key, colon, value)| format!("\"{key}\"{colon}{value}"));
            prop_oneof![
                3 => prop::collection::vec(member, 0..4).prop_map(|m| format!("{{{}}}", m.join(", "))),
                1 => prop::collection::vec(inner, 0..3).prop_map(|e| format!("[{}]", e.join(","))),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_plain_path_leads_where_every_path_does(
            json in json(),
            keys in prop::collection::vec(prop_oneof![Just("a"), Just("b"), Just("c d"), Just("0")], 1..4),
        ) {
            let path = Path::new(&keys.join("."));
            prop_assert!(path.keys.is_some());
            prop_assert_eq!(path.get(&json), get(&json, path.as_str()), "{} in {}", path.as_str(), json);
        }

        #[test]
        fn and_nothing_panics(json in ".{0,40}", path in "[a-c.@]{0,8}") {
            Path::new(&path).get(&json);
        }
    }
}
