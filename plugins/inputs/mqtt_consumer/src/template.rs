//! An adapter's topic template: from the levels of a topic to a measurement, tags and the name of a field.

use wheatstone_plugin::anyhow::{Result, bail};
use wheatstone_plugin::prelude::Key;

use crate::topic::Edit;

/// What a placeholder stands for.
#[derive(Debug, Clone, PartialEq)]
enum Meaning {
    /// `{_}`
    Skip,
    /// `{measurement}`
    Name,
    /// `{field}`
    Field,
    Tag(Key),
}

/// One level of the template: a text, or a placeholder between two texts.
#[derive(Debug, Clone, PartialEq)]
enum Level {
    Text(String),
    Placeholder {
        before: String,
        after: String,
        meaning: Meaning,
    },
}

/// A template such as `sensors/{site}/{device}/{field}`.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    levels: Vec<Level>,
    /// It ends in `#`: any levels may follow, or none.
    open: bool,
}

impl Template {
    /// Reads a template. The error says what is wrong with it.
    pub fn new(text: &str) -> Result<Template> {
        let mut levels = Vec::new();
        let mut open = false;
        for level in text.split('/') {
            if open {
                bail!("`#` stands at the end only");
            }
            match level {
                "#" => open = true,
                level => levels.push(Level::new(level)?),
            }
        }
        let meanings: Vec<&Meaning> = levels
            .iter()
            .filter_map(|level| match level {
                Level::Placeholder { meaning, .. } if *meaning != Meaning::Skip => Some(meaning),
                _ => None,
            })
            .collect();
        for (i, meaning) in meanings.iter().enumerate() {
            if meanings[..i].contains(meaning) {
                bail!("{} stands there twice", meaning.shown());
            }
        }
        Ok(Template { levels, open })
    }

    /// Whether it names the measurement.
    pub fn names_measurement(&self) -> bool {
        let names =
            |level: &Level| matches!(level, Level::Placeholder { meaning, .. } if *meaning == Meaning::Name);
        self.levels.iter().any(names)
    }

    /// The filter of the topics that fit.
    pub fn filter(&self) -> String {
        let mut parts: Vec<&str> = Vec::new();
        for level in &self.levels {
            parts.push(match level {
                Level::Text(text) => text,
                Level::Placeholder { .. } => "+",
            });
        }
        if self.open {
            parts.push("#");
        }
        parts.join("/")
    }

    /// What the template makes of a topic; nothing where it does not fit. An empty level names nothing.
    pub fn edits(&self, topic: &str) -> Option<Vec<Edit>> {
        let mut edits = Vec::new();
        let mut levels = topic.split('/');
        for level in &self.levels {
            let text = levels.next()?;
            match level {
                Level::Text(own) if own == text => {}
                Level::Text(_) => return None,
                Level::Placeholder {
                    before,
                    after,
                    meaning,
                } => {
                    let value = text.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?;
                    if value.is_empty() {
                        continue;
                    }
                    match meaning {
                        Meaning::Skip => {}
                        Meaning::Name => edits.push(Edit::Name(Key::new(value))),
                        Meaning::Field => edits.push(Edit::OnlyField(Key::new(value))),
                        Meaning::Tag(key) => edits.push(Edit::Tag(key.clone(), value.into())),
                    }
                }
            }
        }
        (self.open || levels.next().is_none()).then_some(edits)
    }
}

impl Level {
    fn new(text: &str) -> Result<Level> {
        if text == "+" {
            return Ok(Level::Placeholder {
                before: String::new(),
                after: String::new(),
                meaning: Meaning::Skip,
            });
        }
        if text.contains(['#', '+']) {
            bail!("{text:?}: `+` and `#` stand alone between slashes");
        }
        let Some((before, rest)) = text.split_once('{') else {
            if text.contains('}') {
                bail!("{text:?}: a brace is not opened");
            }
            return Ok(Level::Text(text.to_owned()));
        };
        let Some((name, after)) = rest.split_once('}') else {
            bail!("{text:?}: a brace is not closed");
        };
        if before.contains('}') || name.contains('{') || after.contains(['{', '}']) {
            bail!("{text:?}: only one placeholder can stand between two slashes");
        }
        let meaning = match name {
            "" => bail!("{text:?}: the placeholder has no name"),
            "_" => Meaning::Skip,
            "measurement" => Meaning::Name,
            "field" => Meaning::Field,
            tag => Meaning::Tag(Key::new(tag)),
        };
        Ok(Level::Placeholder {
            before: before.to_owned(),
            after: after.to_owned(),
            meaning,
        })
    }
}

impl Meaning {
    fn shown(&self) -> String {
        match self {
            Meaning::Skip => "{_}".to_owned(),
            Meaning::Name => "{measurement}".to_owned(),
            Meaning::Field => "{field}".to_owned(),
            Meaning::Tag(key) => format!("{{{key}}}"),
        }
    }
}

/// Whether a topic fits a subscription's filter [MQTT-4.7]. The filter of a shared subscription counts without its group.
pub(crate) fn filter_fits(filter: &str, topic: &str) -> bool {
    let filter = filter
        .strip_prefix("$share/")
        .and_then(|rest| rest.split_once('/'))
        .map_or(filter, |(_, filter)| filter);
    // Wildcards in front do not stand for the broker's own topics.
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut levels = topic.split('/');
    for part in filter.split('/') {
        match (part, levels.next()) {
            ("#", _) => return true,
            ("+", Some(_)) => {}
            (part, Some(level)) if part == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use wheatstone_plugin::prelude::Metric;

    fn applied(template: &str, topic: &str) -> Option<String> {
        let edits = Template::new(template).unwrap().edits(topic)?;
        let mut metric = Metric::new("m", 0);
        metric.set_field("value", 1.0);
        edits.iter().for_each(|e| e.apply(&mut metric));
        let tags: Vec<_> = metric.tags().map(|(k, v)| format!("{k}={v}")).collect();
        let fields: Vec<_> = metric.fields().map(|(k, _)| k.to_string()).collect();
        Some(format!(
            "{} {} {}",
            metric.name(),
            tags.join(","),
            fields.join(",")
        ))
    }

    #[test]
    fn placeholders_become_tags_name_and_field() {
        for (template, topic, expected) in [
            (
                "sensors/{site}/{device}/{field}",
                "sensors/s/d/temp",
                Some("m device=d,site=s temp"),
            ),
            ("sensors/{site}/{device}/{field}", "sensors/s/d", None),
            ("sensors/{site}/{device}/{field}", "sensors/s/d/temp/x", None),
            ("sensors/{site}/{device}/{field}", "other/s/d/temp", None),
            (
                "{measurement}/{_}/+/{unit}/#",
                "climate/a/b/C/x/y",
                Some("climate unit=C value"),
            ),
            ("{measurement}/#", "climate", Some("climate  value")),
            ("a/dev-{id}.json", "a/dev-17.json", Some("m id=17 value")),
            ("a/dev-{id}.json", "a/17.json", None),
            ("a/-{id}-", "a/-", None),
            ("/a/{x}", "/a/1", Some("m x=1 value")),
            ("a/{x}", "a/", Some("m  value")),
        ] {
            assert_eq!(
                applied(template, topic).as_deref(),
                expected,
                "{template} {topic}"
            );
        }
    }

    #[test]
    fn the_field_of_a_payload_with_several_keeps_its_name() {
        let edits = Template::new("{field}").unwrap().edits("temp").unwrap();
        let mut metric = Metric::new("m", 0);
        metric.set_field("a", 1.0);
        metric.set_field("b", 2.0);
        edits.iter().for_each(|e| e.apply(&mut metric));
        assert!(metric.has_field("a") && metric.has_field("b") && metric.field_count() == 2);
    }

    #[test]
    fn what_is_no_template_is_an_error() {
        for (text, expected) in [
            ("a/#/b", "`#` stands at the end only"),
            ("a/x#", "stand alone"),
            ("a/x+", "stand alone"),
            ("{x", "not closed"),
            ("x}", "not opened"),
            ("{}", "no name"),
            ("{a}{b}", "only one placeholder"),
            ("{a{b}}", "only one placeholder"),
            ("{a}/{a}", "{a} stands there twice"),
            ("{field}/{field}", "{field} stands there twice"),
        ] {
            let error = Template::new(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(Template::new("{_}/{_}/+").is_ok());
    }

    #[test]
    fn filters_fit_as_brokers_match_them() {
        for (filter, topic, fits) in [
            ("#", "a/b", true),
            ("#", "$SYS/x", false),
            ("+/x", "$SYS/x", false),
            ("$SYS/#", "$SYS/x", true),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("a/#", "ab", false),
            ("a/+", "a/b", true),
            ("a/+", "a", false),
            ("a/+", "a/b/c", false),
            ("+/+", "/b", true),
            ("a/b", "a/b", true),
            ("a/b", "a/B", false),
            ("$share/g/a/+", "a/b", true),
        ] {
            assert_eq!(filter_fits(filter, topic), fits, "{filter} {topic}");
        }
    }

    proptest! {
        #[test]
        fn a_topic_that_fits_a_template_fits_its_filter(template in "([a-c]|\\{[a-c]\\}|\\+|/|#){0,8}", topic in "[a-c/]{1,8}") {
            if let Ok(template) = Template::new(&template)
                && template.edits(&topic).is_some()
            {
                prop_assert!(filter_fits(&template.filter(), &topic), "{}", template.filter());
            }
        }
    }
}
