//! `--select`: which plugins run, by their labels.

use std::collections::BTreeMap;

use wheatstone_plugin::Glob;

/// What the command line selects: one of its groups must fit.
#[derive(Debug, Default)]
pub(crate) struct Selector(Vec<BTreeMap<String, Option<Glob>>>);

impl Selector {
    /// Reads selections of the form `key=value;key2=val*`.
    pub fn new(selections: &[String]) -> Result<Selector, String> {
        let groups = selections
            .iter()
            .filter(|s| !s.is_empty())
            .map(|s| group(s))
            .collect::<Result<_, _>>()?;
        Ok(Selector(groups))
    }
    /// A plugin without labels runs always.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let fits = |(key, pattern): (&String, &Option<Glob>)| {
            labels
                .get(key)
                .is_some_and(|v| pattern.as_ref().is_some_and(|p| p.matches(v)))
        };
        labels.is_empty() || self.0.is_empty() || self.0.iter().any(|group| group.iter().all(fits))
    }
}

fn group(selection: &str) -> Result<BTreeMap<String, Option<Glob>>, String> {
    let mut group = BTreeMap::new();
    for part in selection.split(';') {
        let (key, value) = part
            .split_once('=')
            .ok_or(format!("invalid selector {part:?}: missing equal sign"))?;
        let (key, value) = (key.trim(), value.trim());
        if group.contains_key(key) {
            return Err(format!("duplicate selector key {key:?} within one statement"));
        }
        check(key, value, "*?").map_err(|e| format!("invalid selector {part:?}: {e}"))?;
        let pattern = Glob::new(&[value.to_owned()], "")
            .map_err(|e| format!("compiling filter for selector {part:?} failed: {e}"))?;
        group.insert(key.to_owned(), pattern);
    }
    Ok(group)
}

/// Labels are made of letters, digits, `.`, `_` and `-`; in a selection the value may also hold `more`.
pub(crate) fn check(key: &str, value: &str, more: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if key.is_empty() || !key.chars().all(plain) {
        return Err(format!("invalid key {key:?}"));
    }
    if value.is_empty() || !value.chars().all(|c| plain(c) || more.contains(c)) {
        return Err(format!("invalid value {value:?}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_globs() {
        let labels = |list: &[(&str, &str)]| {
            list.iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect()
        };
        let selector = Selector::new(&["region=eu*;tier=1".into(), "app=x".into()]).unwrap();
        assert!(selector.matches(&labels(&[])));
        assert!(selector.matches(&labels(&[("region", "eu-west"), ("tier", "1")])));
        assert!(!selector.matches(&labels(&[("region", "eu-west"), ("tier", "2")])));
        assert!(!selector.matches(&labels(&[("region", "eu-west")])));
        assert!(selector.matches(&labels(&[("app", "x"), ("region", "us")])));
        assert!(Selector::new(&[]).unwrap().matches(&labels(&[("a", "b")])));
        assert!(
            Selector::new(&[String::new()])
                .unwrap()
                .matches(&labels(&[("a", "b")]))
        );
    }

    #[test]
    fn what_cannot_be_a_selection() {
        for (text, error) in [
            ("a", "invalid selector \"a\": missing equal sign"),
            ("a=1;a=2", "duplicate selector key \"a\" within one statement"),
            ("a b=1", "invalid selector \"a b=1\": invalid key \"a b\""),
            ("a=[x]", "invalid selector \"a=[x]\": invalid value \"[x]\""),
        ] {
            assert_eq!(Selector::new(&[text.into()]).unwrap_err(), error);
        }
    }
}
