//! What the core does to a metric's name and tags on behalf of a plugin's common keys.

use std::collections::BTreeMap;

use wheatstone_config::Common;
use wheatstone_plugin::{CompactString, Key, Metric};

/// Name override, prefix and suffix.
#[derive(Debug, Default)]
pub(crate) struct Naming {
    replace: Option<Key>,
    prefix: String,
    suffix: String,
    /// Names seen last with what they become: sources repeat themselves.
    last: Option<(Key, Key)>,
}

impl Naming {
    pub(crate) fn new(common: &Common) -> Naming {
        Naming {
            replace: (!common.name_override.is_empty()).then(|| Key::new(&common.name_override)),
            prefix: common.name_prefix.clone(),
            suffix: common.name_suffix.clone(),
            last: None,
        }
    }
    pub(crate) fn is_none(&self) -> bool {
        self.replace.is_none() && self.prefix.is_empty() && self.suffix.is_empty()
    }
    #[inline]
    pub(crate) fn apply(&mut self, metric: &mut Metric) {
        if self.prefix.is_empty() && self.suffix.is_empty() {
            if let Some(name) = &self.replace {
                metric.set_name(name.clone());
            }
            return;
        }
        let from = self.replace.as_ref().unwrap_or(metric.name());
        let to = match &self.last {
            Some((seen, to)) if seen == from => to.clone(),
            _ => {
                let to = Key::from(format!("{}{from}{}", self.prefix, self.suffix));
                self.last = Some((from.clone(), to.clone()));
                to
            }
        };
        metric.set_name(to);
    }
}

/// Tags that are added where a metric lacks them.
#[derive(Debug, Default)]
pub(crate) struct DefaultTags(Vec<(Key, CompactString)>);

impl DefaultTags {
    pub(crate) fn new(tags: &BTreeMap<String, String>) -> DefaultTags {
        DefaultTags(
            tags.iter()
                .map(|(k, v)| (Key::new(k), CompactString::from(v)))
                .collect(),
        )
    }
    #[inline]
    pub(crate) fn apply(&self, metric: &mut Metric) {
        for (key, value) in &self.0 {
            if !metric.has_tag(key) {
                metric.set_tag(key, value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn override_prefix_and_suffix_combine() {
        let common = Common {
            name_override: "o".into(),
            name_prefix: "p_".into(),
            name_suffix: "_s".into(),
            ..Default::default()
        };
        let mut m = Metric::new("x", 0);
        Naming::new(&common).apply(&mut m);
        assert_eq!(m.name(), "p_o_s");
        let common = Common {
            name_prefix: "p_".into(),
            ..Default::default()
        };
        let mut naming = Naming::new(&common);
        for name in ["a", "a", "b"] {
            let mut m = Metric::new(name, 0);
            naming.apply(&mut m);
            assert_eq!(m.name(), format!("p_{name}").as_str());
        }
    }

    #[test]
    fn a_tag_of_the_metric_wins() {
        let tags =
            DefaultTags::new(&[("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())].into());
        let mut m = Metric::new("x", 0);
        m.set_tag("a", "own");
        tags.apply(&mut m);
        assert_eq!((m.tag("a"), m.tag("b")), (Some("own"), Some("2")));
    }
}
