//! Patterns with modifiers such as `%{NUMBER:bytes:int}` in, patterns without them out, and what the modifiers say.

use std::collections::{BTreeMap, HashMap};

use regex::Regex;

/// The modifiers of one pattern, by the name of the field.
pub(super) type Modifiers = HashMap<String, String>;

/// Takes the modifiers out of all patterns, after patterns that are only named have been put in with theirs.
pub(super) fn take(patterns: &mut BTreeMap<String, String>) -> Result<HashMap<String, Modifiers>, String> {
    inherit(patterns)?;
    let modified = regex(r#"%\{(?-u:\w)+:((?-u:\w)+):(ts-".+"|t?s?-?(?-u:\w)+)\}"#)?;
    let mut all = HashMap::new();
    for (name, pattern) in patterns {
        let mut modifiers = Modifiers::new();
        let mut plain = pattern.clone();
        let mut has_time = false;
        for found in modified.captures_iter(pattern) {
            let modifier = &found[2];
            if modifier.starts_with("ts") {
                if has_time {
                    return Err(format!(
                        "logparser pattern compile error: Each pattern is allowed only one named timestamp data type. pattern: {plain}"
                    ));
                }
                has_time = true;
            }
            modifiers.insert(found[1].to_owned(), modifier.to_owned());
            plain = plain.replacen(&format!(":{modifier}}}"), "}", 1);
        }
        if !modifiers.is_empty() {
            *pattern = plain;
            all.insert(name.clone(), modifiers);
        }
    }
    Ok(all)
}

/// Puts patterns in the place of `%{NAME}`, two levels deep: then their modifiers count.
fn inherit(patterns: &mut BTreeMap<String, String>) -> Result<(), String> {
    let plain = regex(r"%\{((?-u:\w)+)\}")?;
    let names: Vec<String> = patterns.keys().cloned().collect();
    for name in names.iter().chain(&names) {
        let mut pattern = patterns[name].clone();
        for found in plain.captures_iter(&patterns[name]) {
            if let Some(inner) = patterns.get(&found[1]) {
                pattern = pattern.replacen(&found[0], inner, 1);
            }
        }
        patterns.insert(name.clone(), pattern);
    }
    Ok(())
}

fn regex(source: &str) -> Result<Regex, String> {
    Regex::new(source).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modifiers_are_taken_out_and_inherited() {
        let mut patterns = BTreeMap::from([
            ("A".to_owned(), "%{B} %{INT:n:int}".to_owned()),
            ("B".to_owned(), r#"%{DATA:t:ts-"15:04"} %{WORD:w:tag}"#.to_owned()),
        ]);
        let all = take(&mut patterns).expect("valid modifiers");
        assert_eq!(patterns["A"], "%{DATA:t} %{WORD:w} %{INT:n}");
        assert_eq!(all["A"]["t"], "ts-\"15:04\"");
        assert_eq!((all["A"]["w"].as_str(), all["B"].len()), ("tag", 2));
    }

    #[test]
    fn one_time_is_enough() {
        let mut patterns = BTreeMap::from([("A".to_owned(), "%{X:a:ts-epoch}%{X:b:ts}".to_owned())]);
        let error = take(&mut patterns).err().unwrap_or_default();
        assert!(error.ends_with("data type. pattern: %{X:a}%{X:b:ts}"), "{error}");
    }
}
