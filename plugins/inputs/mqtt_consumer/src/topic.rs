//! `topic_parsing`: from the levels of a topic to a measurement, tags and fields.

use std::collections::BTreeMap;

use wheatstone_plugin::anyhow::{Result, anyhow, bail};
use wheatstone_plugin::prelude::{CompactString, Deserialize, JsonSchema, Key, Metric, Serialize, Value};

/// One rule of `topic_parsing`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TopicParsing {
    /// Which topics the rule is for: `+` stands for any one level, `#`, at most once and anywhere, for any number of
    /// levels. A topic that begins with a slash has an empty first level, which counts.
    pub topic: String,
    /// The level that becomes the measurement: one word at its place, `_` at all others, such as `_/_/measurement`.
    pub measurement: String,
    /// Levels that become tags, by name: `_/site/device`. As many levels as `topic` has, unless that has a `#`.
    pub tags: String,
    /// Levels that become fields, by name. They are strings unless `types` says otherwise.
    pub fields: String,
    /// The type of a field: `int`, `uint` or `float`. A level that does not convert drops the message.
    pub types: BTreeMap<String, String>,
}

/// A level, counted from the front or from the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Front(usize),
    End(usize),
}

impl Place {
    fn of<'a>(self, levels: &[&'a str]) -> Option<&'a str> {
        match self {
            Place::Front(i) => levels.get(i).copied(),
            Place::End(i) => levels.len().checked_sub(i).and_then(|i| levels.get(i)).copied(),
        }
    }
}

/// A rule as it is applied.
#[derive(Debug)]
pub(crate) struct Rule {
    literals: Vec<(String, Place)>,
    any_length: bool,
    least: usize,
    measurement: Option<Place>,
    tags: Vec<(Key, Place)>,
    fields: Vec<(Key, Place, Option<String>)>,
}

/// What a topic does to every metric of its messages.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Edit {
    Name(Key),
    Tag(Key, CompactString),
    Field(Key, Value),
    /// The name of the field, where there is only one.
    OnlyField(Key),
}

impl Edit {
    pub fn apply(&self, metric: &mut Metric) {
        match self {
            Edit::Name(name) => metric.set_name(name.clone()),
            Edit::Tag(key, value) => metric.set_tag(key.clone(), value.clone()),
            Edit::Field(key, value) => metric.set_field(key.clone(), value.clone()),
            Edit::OnlyField(key) if metric.field_count() == 1 => {
                metric.for_each_field_mut(|k, _| *k = key.clone())
            }
            Edit::OnlyField(_) => {}
        }
    }
}

/// The named levels of `tags`, `fields` or `measurement`, and how many levels stand there, `#` not counted. Of a name that
/// stands twice the last place counts.
fn named_levels(pattern: &str) -> (Vec<(&str, Place)>, usize) {
    let levels: Vec<&str> = pattern.split('/').collect();
    let (mut named, mut count, mut after_hash): (Vec<(&str, Place)>, _, _) = (Vec::new(), 0, false);
    for (i, &level) in levels.iter().enumerate() {
        if level == "#" {
            after_hash = true;
            continue;
        }
        count += 1;
        if level != "_" && !level.is_empty() {
            let place = if after_hash {
                Place::End(levels.len() - i)
            } else {
                Place::Front(i)
            };
            named.retain(|(name, _)| *name != level);
            named.push((level, place));
        }
    }
    (named, count)
}

impl Rule {
    /// Compiles a rule; the errors are Telegraf's.
    pub fn new(config: &TopicParsing) -> Result<Rule> {
        let levels: Vec<&str> = config.topic.split('/').collect();
        let (mut literals, mut count, mut any_length): (Vec<(String, Place)>, _, _) = (Vec::new(), 0, false);
        for (i, &level) in levels.iter().enumerate() {
            match level {
                "#" if any_length => bail!("topic can only contain one hash"),
                "#" => any_length = true,
                "+" => count += 1,
                literal => {
                    let place = if any_length {
                        Place::End(levels.len() - i)
                    } else {
                        Place::Front(i)
                    };
                    // Telegraf keeps literals by their text: of one that stands twice it only checks the last place.
                    literals.retain(|(text, _)| text != literal);
                    literals.push((literal.to_owned(), place));
                    count += 1;
                }
            }
        }
        let (measurement, measurement_count) = named_levels(&config.measurement);
        let names = config
            .measurement
            .split('/')
            .filter(|l| !matches!(*l, "" | "_" | "#"))
            .count();
        if names > 1 {
            bail!("measurement can only contain one element");
        }
        let (tags, tags_count) = named_levels(&config.tags);
        let (fields, fields_count) = named_levels(&config.fields);
        if !any_length {
            if measurement_count != count && !measurement.is_empty() {
                bail!("measurement length does not equal topic length");
            }
            if fields_count != count && !config.fields.is_empty() {
                bail!("fields length does not equal topic length");
            }
            if tags_count != count && !config.tags.is_empty() {
                bail!("tags length does not equal topic length");
            }
        }
        Ok(Rule {
            literals,
            any_length,
            least: count.max(measurement_count).max(tags_count).max(fields_count),
            measurement: measurement.first().map(|(_, place)| *place),
            tags: tags
                .into_iter()
                .map(|(name, place)| (Key::new(name), place))
                .collect(),
            fields: fields
                .into_iter()
                .map(|(name, place)| (Key::new(name), place, config.types.get(name).cloned()))
                .collect(),
        })
    }

    /// Appends what the rule makes of a topic: nothing where it is not for it. An error drops the message.
    pub fn edits(&self, topic: &str, out: &mut Vec<Edit>) -> Result<()> {
        let levels: Vec<&str> = topic.split('/').collect();
        let fits = if self.any_length {
            levels.len() >= self.least
        } else {
            levels.len() == self.least
        };
        if !fits
            || self
                .literals
                .iter()
                .any(|(text, place)| place.of(&levels) != Some(text))
        {
            return Ok(());
        }
        if let Some(name) = self.measurement.and_then(|place| place.of(&levels)) {
            out.push(Edit::Name(Key::new(name)));
        }
        for (key, place) in &self.tags {
            if let Some(level) = place.of(&levels) {
                out.push(Edit::Tag(key.clone(), level.into()));
            }
        }
        for (key, place, kind) in &self.fields {
            if let Some(level) = place.of(&levels) {
                out.push(Edit::Field(key.clone(), convert(level, kind.as_deref())?));
            }
        }
        Ok(())
    }
}

/// A level as a field's value; errors read as Go's strconv writes them.
fn convert(level: &str, kind: Option<&str>) -> Result<Value> {
    let Some(kind) = kind else {
        return Ok(Value::from(level));
    };
    let wrong = |function: &str, out_of_range: bool| {
        let why = if out_of_range {
            "value out of range"
        } else {
            "invalid syntax"
        };
        anyhow!(
            "unable to convert field {level:?} to type {kind}: strconv.{function}: parsing {level:?}: {why}"
        )
    };
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    match kind {
        "int" => level
            .parse::<i64>()
            .map(Value::Int)
            .map_err(|e| wrong("ParseInt", matches!(e.kind(), PosOverflow | NegOverflow))),
        // Go takes no sign here, Rust takes a plus.
        "uint" if level.starts_with('+') => Err(wrong("ParseUint", false)),
        "uint" => level
            .parse::<u64>()
            .map(Value::Uint)
            .map_err(|e| wrong("ParseUint", matches!(e.kind(), PosOverflow))),
        "float" => match level.parse::<f64>() {
            Ok(v) if v.is_infinite() && level.bytes().any(|b| b.is_ascii_digit()) => {
                Err(wrong("ParseFloat", true))
            }
            Ok(v) => Ok(Value::Float(v)),
            Err(_) => Err(wrong("ParseFloat", false)),
        },
        other => bail!("converting to the type {other} is not supported: use int, uint, or float"),
    }
}

/// Whether a subscription's filter is well formed: `#` alone and last, `+` alone in its level.
pub(crate) fn valid_filter(filter: &str) -> bool {
    if filter.is_empty() || filter.len() > usize::from(u16::MAX) || filter.contains('\0') {
        return false;
    }
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        let last = levels.peek().is_none();
        if level.contains('#') && (level != "#" || !last) || level.contains('+') && level != "+" {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(
        topic: &str,
        measurement: &str,
        tags: &str,
        fields: &str,
        types: &[(&str, &str)],
    ) -> Result<Rule> {
        Rule::new(&TopicParsing {
            topic: topic.into(),
            measurement: measurement.into(),
            tags: tags.into(),
            fields: fields.into(),
            types: types.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        })
    }

    fn applied(rule: &Rule, topic: &str) -> String {
        let mut edits = Vec::new();
        rule.edits(topic, &mut edits).unwrap();
        let mut m = Metric::new("m", 0);
        edits.iter().for_each(|e| e.apply(&mut m));
        let tags: Vec<_> = m.tags().map(|(k, v)| format!("{k}={v}")).collect();
        let fields: Vec<_> = m
            .fields()
            .map(|(k, v)| format!("{k}={v}:{}", v.type_name()))
            .collect();
        format!("{} {} {}", m.name(), tags.join(","), fields.join(","))
    }

    #[test]
    fn levels_become_name_tags_and_fields() {
        let types = [("n", "int"), ("u", "uint"), ("f", "float")];
        let r = rule(
            "a/+/+/+/+/+",
            "_/name/_/_/_/_",
            "_/_/site/_/_/_",
            "_/_/_/n/u/f",
            &types,
        )
        .unwrap();
        assert_eq!(
            applied(&r, "a/x/y/-1/2/3.5"),
            "x site=y n=-1:integer,u=2:unsigned,f=3.5:float"
        );
        assert_eq!(applied(&r, "b/x/y/-1/2/3.5"), "m  ");
        assert_eq!(applied(&r, "a/x/y/-1/2"), "m  ");
    }

    #[test]
    fn behind_a_hash_levels_count_from_the_end() {
        let r = rule("a/#/z", "#/name", "_/first/#/last", "", &[]).unwrap();
        assert_eq!(applied(&r, "a/b/c/z"), "z first=b,last=z ");
        assert_eq!(applied(&r, "a/b/z"), "z first=b,last=z ");
        assert_eq!(applied(&r, "a/z"), "m  ");
        assert_eq!(applied(&r, "a/b/c"), "m  ");
    }

    #[test]
    fn a_leading_slash_is_a_level() {
        let r = rule("/a/+", "", "//x", "", &[]).unwrap();
        assert_eq!(applied(&r, "/a/1"), "m x=1 ");
        assert_eq!(applied(&r, "a/1"), "m  ");
    }

    #[test]
    fn of_a_repeated_literal_only_the_last_place_is_checked() {
        let r = rule("a/+/a", "", "_/x/_", "", &[]).unwrap();
        assert_eq!(applied(&r, "other/1/a"), "m x=1 ");
        assert_eq!(applied(&r, "a/1/other"), "m  ");
    }

    #[test]
    fn lengths_must_agree_and_a_hash_stands_once() {
        let text = |r: Result<Rule>| r.unwrap_err().to_string();
        assert_eq!(
            text(rule("a/+", "_/_/m", "", "", &[])),
            "measurement length does not equal topic length"
        );
        assert_eq!(
            text(rule("a/+", "", "_/_/m", "", &[])),
            "tags length does not equal topic length"
        );
        assert_eq!(
            text(rule("a/+", "", "", "x", &[])),
            "fields length does not equal topic length"
        );
        assert_eq!(
            text(rule("#/a/#", "", "", "", &[])),
            "topic can only contain one hash"
        );
        assert_eq!(
            text(rule("a/b", "x/x", "", "", &[])),
            "measurement can only contain one element"
        );
    }

    #[test]
    fn a_level_that_does_not_convert_says_so() {
        let wrong = |kind: &str, level: &str| {
            let r = rule("+", "", "", "f", &[("f", kind)]).unwrap();
            r.edits(level, &mut Vec::new()).unwrap_err().to_string()
        };
        assert_eq!(
            wrong("int", "abc"),
            "unable to convert field \"abc\" to type int: strconv.ParseInt: parsing \"abc\": invalid syntax"
        );
        assert_eq!(
            wrong("uint", "99999999999999999999"),
            "unable to convert field \"99999999999999999999\" to type uint: strconv.ParseUint: parsing \"99999999999999999999\": value out of range"
        );
        assert_eq!(
            wrong("bool", "1"),
            "converting to the type bool is not supported: use int, uint, or float"
        );
        assert!(wrong("float", "1e999").ends_with("value out of range"));
    }

    #[test]
    fn places_outside_a_topic_are_no_panic() {
        let r = rule("#/b/#", "", "", "", &[]);
        assert!(r.is_err());
        let r = rule("+", "", "#/x/#", "", &[]).unwrap();
        assert_eq!(applied(&r, "only"), "m  ");
    }

    #[test]
    fn filters_are_checked() {
        for good in ["#", "a/#", "+/a/+", "/", "$share/g/a/#", "a b"] {
            assert!(valid_filter(good), "{good}");
        }
        for bad in ["", "a/#/b", "a#", "a+/b", "#/a"] {
            assert!(!valid_filter(bad), "{bad}");
        }
    }
}
