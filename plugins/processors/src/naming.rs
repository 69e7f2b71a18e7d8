//! A metric in, the same with another name and more tags out: what `override` and `clone` have in common.

use std::collections::BTreeMap;

use wheatstone_plugin::{CompactString, Key, Metric};

use crate::by_key::ByKey;

/// A change of name and tags.
pub(crate) struct Naming {
    name: Option<Key>,
    prefix: String,
    suffix: String,
    affixed: ByKey<Key>,
    tags: Vec<(Key, CompactString)>,
}

impl Naming {
    /// Empty texts change nothing.
    pub(crate) fn new(name: &str, prefix: &str, suffix: &str, tags: &BTreeMap<String, String>) -> Naming {
        Naming {
            name: (!name.is_empty()).then(|| Key::new(name)),
            prefix: prefix.to_owned(),
            suffix: suffix.to_owned(),
            affixed: ByKey::default(),
            tags: tags
                .iter()
                .map(|(k, v)| (Key::new(k), CompactString::from(v)))
                .collect(),
        }
    }

    /// Replaces the name, puts the prefix before and the suffix behind it, and sets the tags over those that are there.
    pub(crate) fn apply(&mut self, metric: &mut Metric) {
        if let Some(name) = &self.name {
            metric.set_name(name);
        }
        if !self.prefix.is_empty() || !self.suffix.is_empty() {
            let (prefix, suffix) = (&self.prefix, &self.suffix);
            let affixed = self
                .affixed
                .get(metric.name(), |name| Key::from(format!("{prefix}{name}{suffix}")));
            metric.set_name(affixed);
        }
        for (key, value) in &self.tags {
            metric.set_tag(key, value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_prefix_and_suffix_combine() {
        let mut naming = Naming::new("o", "p_", "_s", &BTreeMap::new());
        let mut m = Metric::new("x", 0);
        naming.apply(&mut m);
        assert_eq!(m.name(), "p_o_s");
        let mut naming = Naming::new("", "", "_s", &BTreeMap::new());
        for name in ["a", "b", "a"] {
            let mut m = Metric::new(name, 0);
            naming.apply(&mut m);
            assert_eq!(m.name(), format!("{name}_s").as_str());
        }
    }

    #[test]
    fn tags_win_over_those_of_the_metric() {
        let tags = [
            ("a".to_owned(), "new".to_owned()),
            ("b".to_owned(), "2".to_owned()),
        ]
        .into();
        let mut m = Metric::new("x", 0);
        m.set_tag("a", "old");
        Naming::new("", "", "", &tags).apply(&mut m);
        assert_eq!(
            (m.tag("a"), m.tag("b"), m.name().as_str()),
            (Some("new"), Some("2"), "x")
        );
    }
}
