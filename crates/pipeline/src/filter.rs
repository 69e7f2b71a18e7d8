//! Which metrics a plugin sees, and which of their tags and fields: Telegraf's metric filter in its two stages.

use anyhow::{Result, anyhow};
use wheatstone_config::FilterConfig;
use wheatstone_plugin::{Glob, Log, Metric};

use crate::metric_pass::MetricPass;

/// A compiled filter.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    namepass: Option<Glob>,
    namedrop: Option<Glob>,
    tagpass: Vec<(String, Glob)>,
    tagdrop: Vec<(String, Glob)>,
    metricpass: Option<MetricPass>,
    fields: Choice,
    tags: Choice,
    selects: bool,
    modifies: bool,
}

/// Included and not excluded; an empty list is no filter.
#[derive(Debug, Default)]
struct Choice {
    include: Option<Glob>,
    exclude: Option<Glob>,
}

impl Choice {
    fn new(what: &str, include: &[String], exclude: &[String]) -> Result<Choice> {
        Ok(Choice {
            include: glob(&format!("{what}include"), include, "")?,
            exclude: glob(&format!("{what}exclude"), exclude, "")?,
        })
    }
    fn is_open(&self) -> bool {
        self.include.is_none() && self.exclude.is_none()
    }
    fn passes(&self, key: &str) -> bool {
        self.include.as_ref().is_none_or(|g| g.matches(key))
            && !self.exclude.as_ref().is_some_and(|g| g.matches(key))
    }
}

fn glob(what: &str, entries: &[String], separators: &str) -> Result<Option<Glob>> {
    Glob::new(entries, separators).map_err(|e| anyhow!("error compiling {what:?}, {e}"))
}

fn tag_globs(
    what: &str,
    lists: &std::collections::BTreeMap<String, Vec<String>>,
) -> Result<Vec<(String, Glob)>> {
    let mut all = Vec::new();
    for (tag, entries) in lists {
        if let Some(compiled) = glob(what, entries, "")? {
            all.push((tag.clone(), compiled));
        }
    }
    Ok(all)
}

impl Filter {
    /// Compiles a filter; `log` is told of metrics for which `metricpass` cannot be evaluated.
    pub(crate) fn new(config: &FilterConfig, log: &Log) -> Result<Filter> {
        let mut filter = Filter {
            namepass: glob("namepass", &config.namepass, &config.namepass_separator)?,
            namedrop: glob("namedrop", &config.namedrop, &config.namedrop_separator)?,
            tagpass: tag_globs("tagpass", &config.tagpass)?,
            tagdrop: tag_globs("tagdrop", &config.tagdrop)?,
            metricpass: MetricPass::new(config, log)?,
            fields: Choice::new("field", &config.fieldinclude, &config.fieldexclude)?,
            tags: Choice::new("tag", &config.taginclude, &config.tagexclude)?,
            selects: false,
            modifies: false,
        };
        filter.selects = filter.namepass.is_some()
            || filter.namedrop.is_some()
            || !filter.tagpass.is_empty()
            || !filter.tagdrop.is_empty()
            || filter.metricpass.is_some();
        filter.modifies = !filter.fields.is_open() || !filter.tags.is_open();
        Ok(filter)
    }

    /// Whether it lets all metrics pass.
    pub(crate) fn selects(&self) -> bool {
        self.selects
    }
    /// Whether it takes tags or fields away.
    pub(crate) fn modifies(&self) -> bool {
        self.modifies
    }

    /// First stage: the metric as a whole.
    #[inline]
    pub(crate) fn select(&self, metric: &Metric) -> bool {
        if !self.selects {
            return true;
        }
        let name = metric.name().as_str();
        if !self.namepass.as_ref().is_none_or(|g| g.matches(name))
            || self.namedrop.as_ref().is_some_and(|g| g.matches(name))
        {
            return false;
        }
        let any = |list: &[(String, Glob)]| {
            list.iter()
                .any(|(tag, glob)| metric.tag(tag).is_some_and(|value| glob.matches(value)))
        };
        (self.tagpass.is_empty() || any(&self.tagpass))
            && !any(&self.tagdrop)
            && self.metricpass.as_ref().is_none_or(|m| m.passes(metric))
    }

    /// Second stage: fields and tags. False when no field is left.
    #[inline]
    pub(crate) fn modify(&self, metric: &mut Metric) -> bool {
        if self.modifies {
            if !self.fields.is_open() {
                metric.retain_fields(|key, _| self.fields.passes(key));
            }
            if !self.tags.is_open() {
                metric.retain_tags(|key, _| self.tags.passes(key));
            }
        }
        metric.field_count() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric() -> Metric {
        let mut m = Metric::new("cpu", 0);
        m.set_tag("host", "a");
        m.set_tag("core", "1");
        m.set_field("user", 1.0);
        m.set_field("idle", 2.0);
        m
    }
    fn log() -> Log {
        Log::new("inputs.test", None, None)
    }
    fn list(entries: &[&str]) -> Vec<String> {
        entries.iter().map(|s| (*s).to_owned()).collect()
    }

    #[test]
    fn names_must_pass_and_not_be_dropped() {
        let filter = |pass: &[&str], drop: &[&str]| {
            Filter::new(
                &FilterConfig {
                    namepass: list(pass),
                    namedrop: list(drop),
                    ..Default::default()
                },
                &log(),
            )
            .unwrap()
        };
        assert!(filter(&["c*"], &[]).select(&metric()));
        assert!(!filter(&["mem"], &[]).select(&metric()));
        assert!(!filter(&["c*"], &["cpu"]).select(&metric()));
    }

    #[test]
    fn any_tag_is_enough() {
        let tagpass = [
            ("core".to_owned(), list(&["2", "1"])),
            ("none".to_owned(), list(&["*"])),
        ]
        .into();
        assert!(
            Filter::new(
                &FilterConfig {
                    tagpass,
                    ..Default::default()
                },
                &log()
            )
            .unwrap()
            .select(&metric())
        );
        let tagdrop = [("host".to_owned(), list(&["a*"]))].into();
        assert!(
            !Filter::new(
                &FilterConfig {
                    tagdrop,
                    ..Default::default()
                },
                &log()
            )
            .unwrap()
            .select(&metric())
        );
    }

    #[test]
    fn tags_and_fields_are_included_and_not_excluded() {
        let config = FilterConfig {
            fieldinclude: list(&["user", "idle"]),
            fieldexclude: list(&["idle"]),
            tagexclude: list(&["h*"]),
            ..Default::default()
        };
        let filter = Filter::new(&config, &log()).unwrap();
        let mut m = metric();
        assert!(filter.modify(&mut m));
        assert_eq!((m.field_count(), m.tag_count()), (1, 1));
        let none = Filter::new(
            &FilterConfig {
                fieldinclude: list(&["x"]),
                ..Default::default()
            },
            &log(),
        )
        .unwrap();
        assert!(!none.modify(&mut m));
    }

    #[cfg(feature = "metricpass")]
    #[test]
    fn an_expression_decides_and_one_that_fails_lets_pass() {
        let filter = |text: &str| {
            Filter::new(
                &FilterConfig {
                    metricpass: text.into(),
                    ..Default::default()
                },
                &log(),
            )
        };
        for (text, passes) in [
            ("name == 'cpu' && fields.user < 2", true),
            ("tags.host == 'b'", false),
            ("tags.nix == 'b'", true),
        ] {
            assert_eq!(filter(text).unwrap().select(&metric()), passes, "{text}");
        }
        let error = filter("name").unwrap_err();
        assert!(error.is::<wheatstone_plugin::conf::ConfigError>(), "{error}");
    }
}
